"""Containers that do what no container should, beside well-behaved ones: each is judged rightly, or is ``untested``.

They flood, forge, hide, multiply and stop themselves. One `check` runs all of them, some at once; counted are wrong
verdicts, its peak of memory, and escapes in what it prints.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import docker

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

BASE: Final = "local:musl-node24"
_GRACE_S: Final = 3
_JOBS: Final = 6
_LONG_S: Final = 600

_LEAVES: Final = "process.on('SIGTERM', () => setTimeout(process.exit, 100, 0)); setInterval(() => {}, 1000);"
_DEAF: Final = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000);"

_FLOOD: Final = "const line = 'x'.repeat(99) + '\\n'; setInterval(() => process.stdout.write(line.repeat(5000)), 5);"
_LONG_LINES: Final = "setInterval(() => process.stdout.write('y'.repeat(10_000_000) + '\\n'), 100);"
_ESCAPES: Final = (
    "process.title = '\\x1b[2Japp\\u202e';"
    "setInterval(() => console.log('\\x1b]0;title\\x07\\x1b[31m\\x1b[2J\\u202egpj.exe\\u2066\\r\\x9b1m'), 20);"
)
_FORGED: Final = "setInterval(() => console.log('Received signal: SIGTERM pid=1 ppid=0 t=1\\nShutdown complete'), 20);"
_LOOP: Final = "const turn = () => { for (let n = 0; n < 1e6; n++); setImmediate(turn); }; turn();"
_ORPHANS: Final = (
    "const { spawn } = require('child_process');"
    "for (let n = 0; n < 8; n++) spawn('/bin/sh', ['-c', '(sleep 1000 &) &'], { detached: true }).unref();"
)
_FORKS: Final = "bomb() { bomb | bomb & }; bomb; while :; do sleep 1; done"
_EATS: Final = "while :; do node -e 'const all = []; for (;;) all.push(Buffer.alloc(8 << 20, 1))' 2>/dev/null; done &"
_SLOW: Final = "process.on('SIGTERM', () => setTimeout(process.exit, {ms}, 0)); setInterval(() => {{}}, 1000);"
_BLOCKED: Final = (
    "process.on('SIGTERM', () => { const end = Date.now() + 1500; while (Date.now() < end); process.exit(0); });"
    "setInterval(() => {}, 1000);"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Hostile:
    """A container: what it runs, with which options of ``check``, and which verdicts of a stop are right."""

    name: str
    does: str
    command: Sequence[str]
    right: frozenset[str]
    options: Mapping[str, Any] = field(default_factory=dict)


def _node(name: str, does: str, script: str, right: str, **options: Any) -> Hostile:
    return Hostile(
        name=name, does=does, command=("node", "-e", script), right=frozenset(right.split()), options=options
    )


def _sh(name: str, does: str, script: str, right: str, *words: str, **options: Any) -> Hostile:
    command = (*words, "/bin/sh", "-c", script)
    return Hostile(name=name, does=does, command=command, right=frozenset(right.split()), options=options)


CONTAINERS: Final = (
    _node("flood", "floods its log, and leaves on SIGTERM", _FLOOD + _LEAVES, "graceful"),
    _node("flood-deaf", "the same, and never leaves", _FLOOD + _DEAF, "forced"),
    _node("long-lines", "writes lines of 10 MB, and leaves on SIGTERM", _LONG_LINES + _LEAVES, "graceful"),
    _node("escapes", "escapes and bidirectional characters in log and name; leaves", _ESCAPES + _LEAVES, "graceful"),
    _node("forged", "writes receipts of a signal it never takes", _FORGED + _DEAF, "forced"),
    _sh("forks", "a fork bomb under a shell that waits", _FORKS, "forced", **{"pids-limit": 64}),
    _sh("eats", "children that eat all memory, again and again", f"{_EATS} wait", "forced", memory="96m"),
    _node(
        "eats-itself",
        "eats all memory itself",
        "const all = []; for (;;) all.push(Buffer.alloc(8 << 20, 1));",
        "",  # nothing can be asked of it
        memory="96m",
    ),
    _sh("stopped", "stops itself under a shell", f'node -e "{_LEAVES}" & kill -STOP $!; wait', "forced"),
    _sh("stopped-init", "stops itself under an init", "kill -STOP $$; exit 0", "forced", "tini", "--"),
    _node("named", "an app that calls itself tini, and is deaf", "process.title = 'tini';" + _DEAF, "forced"),
    _node("named-runc", "one that calls itself runc, and leaves", "process.title = 'runc';" + _LEAVES, "graceful"),
    _node("orphans", "starts and leaves behind eight processes, and leaves", _ORPHANS + _LEAVES, "graceful"),
    _node("restless", "never rests, and leaves on SIGTERM", _LOOP + _LEAVES, "graceful"),
    _node("slow", "takes 2 s of 3 s to leave", _SLOW.format(ms=2000), "graceful"),
    _node("too-slow", "takes 6 s of 3 s to leave", _SLOW.format(ms=6000), "forced"),
    _node("blocked", "a handler that computes for 1.5 s, then leaves", _BLOCKED, "graceful"),
    *(
        # It ends by itself, and of the signal it knows nothing: that is no graceful stop.
        _sh(f"ends-{ms}", "ends by itself after 0.3 to 1.5 s, deaf", f"usleep {ms}000; exit 0", "forced abrupt")
        for ms in (300, 500, 700, 900, 1100, 1300, 1500)
    ),
    *(_node(f"good-{n}", "a neighbour that leaves on SIGTERM", _LEAVES, "graceful") for n in range(3)),
    _sh("bad", "a neighbour behind a shell", f'node -e "{_LEAVES}"; true', "forced"),
)
_OPEN: Final = ("untested", "unstable")


def measure(
    folder: Path, url: str, trace: str, containers: Sequence[Hostile] = CONTAINERS, enter: Sequence[str] = ()
) -> int:
    """Print a table of what becomes of each, and return how many things are wrong.

    The engine at the ``url`` has the base; ``enter`` stands before the command that is run.
    """
    with _tagged(url, containers):
        rows, said, peak_mb, took_s = _checked(folder, url, trace, containers, enter)
    how = "with the kernel's record" if trace == "auto" else "without it"
    print(f"\n{len(containers)} containers, {_JOBS} at once, {how}: {took_s:.0f} s, peak of memory {peak_mb} MB\n")
    print("| container | right | verdict |\n|---|---|---|")
    bad = int("\x1b" in said or "\u202e" in said)
    found: dict[tuple[str, str], list[str]] = {}
    for one in containers:
        row = rows.get(f"hostile/{one.name}", {})
        verdict = row.get("verdict", "missing")
        wrong = verdict not in one.right and verdict not in _OPEN
        right = " or ".join(sorted(one.right)) or "–"
        found.setdefault((one.does, right), []).append(f"{verdict} (wrong)" if wrong else verdict)
        if wrong or verdict in _OPEN:
            print(f"  {one.name}: {row.get('reason')}", file=sys.stderr)
        bad += wrong
    for (does, right), verdicts in found.items():
        counted = ", ".join(f"{number} × {word}" for word, number in Counter(verdicts).items())
        print(f"| {does} | {right} | {counted if len(verdicts) > 1 else verdicts[0]} |")
    return bad


@contextmanager
def _tagged(url: str, containers: Sequence[Hostile]) -> Iterator[None]:
    """Let the base have a name for each container."""
    with closing(docker.APIClient(base_url=url, version="auto")) as api:
        for one in containers:
            api.tag(f"signal-harness/base:{BASE.removeprefix('local:')}", f"hostile/{one.name}")
        try:
            yield
        finally:
            for one in containers:
                api.remove_image(f"hostile/{one.name}")


def _checked(
    folder: Path, url: str, trace: str, containers: Sequence[Hostile], enter: Sequence[str]
) -> tuple[dict[str, Any], str, int, float]:
    """The rows by subject, all that is printed, the peak of memory in MB, and the seconds it took."""
    config, results = folder / "signal-harness.toml", folder / "hostile.json"
    config.write_text(_config(containers), encoding="utf-8")
    words = (
        "check",
        "--config",
        str(config),
        "--trace",
        trace,
        "--jobs",
        str(_JOBS),
        "--no-try",
        "--json",
        str(results),
    )
    measured = [sys.executable, "-c", _MEASURED, sys.executable, "-m", "harness", *words]
    environment = {**os.environ, "DOCKER_HOST": url}
    done = subprocess.run(
        [*enter, *measured], env=environment, capture_output=True, text=True, check=False, timeout=_LONG_S
    )
    document = json.loads(results.read_text(encoding="utf-8"))
    peak_mb = int(done.stdout.rpartition("peak=")[2])
    rows = {row["subject"]: row for row in document["results"]}
    return rows, done.stdout + done.stderr, peak_mb, float(document["duration_s"])


_MEASURED: Final = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:])
print(f"peak={resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10}")
"""


def _config(containers: Sequence[Hostile]) -> str:
    lines = ["[check]", f"stop-timeout = {_GRACE_S}"]
    for one in containers:
        lines += ["", "[[subject]]", f'image = "hostile/{one.name}"', f"command = {json.dumps(list(one.command))}"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in one.options.items()]
    return "\n".join(lines) + "\n"
