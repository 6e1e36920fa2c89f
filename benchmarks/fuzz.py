"""Does any text, however broken, make a parser fail in another way than by saying what is wrong, or take long?

Real files of this repository are changed at random: pieces are cut out, doubled, exchanged with pieces of others, bytes
are flipped, and words put in that mean something. A parser has to give a value, or an error of ours.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import sys
import tarfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any, Final

from msgspec import structs

from harness.catalogues import load_catalogue
from harness.core import journal
from harness.core.baseline import recordings
from harness.core.catalogue import parse_catalogue
from harness.core.config import parse_config
from harness.core.dockerfile import parse
from harness.core.dockerignore import Ignoring
from harness.core.errors import HarnessError
from harness.core.http_answer import HttpAnswer
from harness.core.ignoring import comments
from harness.core.shell import commands
from harness.core.signals import known_signal
from harness.core.trace import parse_line
from harness.engine.archives import load_archive
from harness.engine.endpoint import described
from harness.engine.ssh import parts_of
from harness.report import baseline
from harness.report.decoding import read_baseline, read_document, read_recordings
from harness.report.formats import Format, render
from tests.support.everything import EVERYTHING
from tests.support.reports import SWALLOWED, report, result

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT: Final = Path(__file__).parents[1]
LONGEST_S: Final = 1.0
"""How long one input may take: a thousand times what these take, but bounded on a busy machine, too."""

_MOST: Final = 20_000
_WORDS: Final = (
    *(b"\x00", b"\xff", b"\r\n", b"\n", b"\\", b'"', b"'", b"$", b"${", b"<<EOF\n", b"# escape=`\n", b"!", b"**", b"["),
    *(b"{", b"}", b"null", b"-1", b"1e999", b"9" * 40, b"\xe2\x80\xae", b"\x1b[2J", b"]]", b"sig=", b"pid=99999999999"),
    *(b"SIGRTMIN+99", b"HTTP/1.1 200 OK\r\n", b"Content-Length: ", b"(" * 60, b"((a+)+)+$", b"=" * 60, b"../" * 20),
)
_VALUES: Final = (
    *(
        "null",
        "true",
        "-1",
        "1000000000000000000000000000000",
        "0.5",
        '""',
        '"x"',
        '"SIGTERM"',
        '"\\ud800"',
        '"\\u001b[2J"',
    ),
    *("[]", "[[]]", "{}", '{"": {}}'),
)
"""As JSON, so that each is put in as a value of its own."""

_TRACE: Final = b"""\
            runc-22401   [001] .....  6961.222709: signal_generate: sig=15 errno=0 code=0 comm=sh pid=22342 grp=1 res=1
       npm start-22486   [000] d..1.  6961.227144: signal_deliver: sig=15 errno=0 code=0 sa_handler=1 sa_flags=4000000
            node-22486   [000] .....  6961.227150: task_newtask: pid=22524 comm=node clone_flags=1200000 oom_score_adj=0
            node-22524   [000] .....  6961.227155: task_rename: pid=22524 oldcomm=node newcomm=sh oom_score_adj=0
              sh-22524   [000] .....  6961.227160: sched_process_exit: comm=sh pid=22524 prio=120 group_dead=true
CPU:1 [LOST 12 EVENTS]
"""
_LOG: Final = b"""\
Listening on port 3000 pid=7 ppid=1
Received signal: SIGTERM pid=7 ppid=1 t=1700000000000
Shutdown complete
"""
_ANSWER: Final = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
_SHELL: Final = b"cd /srv && exec node server.js --port 3000 | tee /log; trap 'kill -TERM $PID' TERM; (a || b) &\n"


@dataclass(frozen=True, slots=True)
class Parser:
    """What is fuzzed: a name, what reads bytes, and files that it can read; ``values``: values of JSON change, too."""

    name: str
    read: Callable[[bytes], object]
    seeds: tuple[bytes, ...]
    values: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one parser: how many inputs it took and refused, the longest time, and what else it did."""

    name: str
    taken: int
    refused: int
    longest_s: float
    failures: tuple[tuple[str, bytes], ...]


class _Chance(random.Random):
    """What is the same again for the same seed."""


class _Engine:
    """An engine that has every image: of an archive, the head alone is read."""

    def inspect_image(self, _: str) -> dict[str, Any]:
        return {"Id": "sha256:0"}


def parsers() -> tuple[Parser, ...]:
    """All parsers of what people, engines, kernels and containers write."""
    app = load_catalogue(None)[1].app
    dockerfiles = tuple(path.read_bytes() for path in sorted(ROOT.glob("dockerfiles/*.Dockerfile")))
    recorded = tuple(path.read_bytes() for path in sorted(ROOT.glob("baselines/*.json")))
    results = tuple(render(Format.JSON, one).encode() for one in (EVERYTHING, report(result("v", SWALLOWED))))
    configs = tuple(path.read_bytes() for path in sorted(ROOT.glob("tests/**/signal-harness.toml")))
    catalogues = tuple(path.read_bytes() for path in sorted(ROOT.glob("**/catalogue.toml")))
    return (
        Parser("catalogue", lambda data: parse_catalogue(_text(data), place="x", has_file=lambda _: True), catalogues),
        Parser("config", lambda data: parse_config(_text(data), place="x", formats=("json",)), configs),
        Parser("Dockerfile", lambda data: _dockerfile(_text(data)), dockerfiles),
        Parser(
            ".dockerignore", lambda data: _ignored(_text(data)), (b"*\n!a/**/b\n**/*.log\n", b"# x\n[a-c]?\n/d/\n!e\n")
        ),
        Parser("shell", lambda data: [one.argv for one in commands(_text(data))], (_SHELL,)),
        Parser("kernel's record", lambda data: [parse_line(line) for line in _text(data).splitlines()], (_TRACE,)),
        Parser("log", lambda data: _log(app, _text(data)), (_LOG,)),
        Parser("HTTP answer", _answer, (_ANSWER,)),
        Parser("results", lambda data: read_document(data, place="x"), results, values=True),
        Parser("recordings", lambda data: read_recordings(data, place="x"), (*recorded, *results), values=True),
        Parser("baseline", lambda data: read_baseline(data, place="x"), (*recorded, *_written()), values=True),
        Parser("journal", lambda data: journal.read(data, place="x"), (_journal(),), values=True),
        Parser("archive's head", _archive, (_saved(),)),
        Parser(
            "docker's context", described, (b'{"Endpoints": {"docker": {"Host": "tcp://h:1", "SkipTLSVerify": true}}}',)
        ),
        Parser("ssh address", lambda data: parts_of(f"ssh://{_text(data)}"), (b"me@host:22/run/docker.sock", b"[::1]")),
    )


def _text(data: bytes) -> str:
    return data.decode(errors="surrogateescape")


def _dockerfile(text: str) -> object:
    read = parse(text, {"BASE": "x"})
    told = [
        (one.keyword, one.flags, one.value, one.heredocs, one.form, one.argv, one.command) for one in read.instructions
    ]
    return told, [dict(stage.starting) for stage in read.stages], read.images, comments(text, place="x", subject="x")


def _ignored(text: str) -> object:
    ignoring = Ignoring(text)
    return [ignoring.leaves_out(path) for path in ("a", "a/b", "x.log", "a/b/c/" * 20 + "d", "a" * 200)]


def _log(app: Any, text: str) -> object:
    patterns = (app.ready.pattern, app.receipts.pattern, app.done.pattern)
    found = [match.groupdict() for line in text.split("\n") for one in patterns if (match := one.search(line))]
    return [known_signal(each["signal"]) for each in found if each.get("signal")]


def _answer(data: bytes) -> object:
    answer = HttpAnswer()
    for at in range(0, len(data), 7):
        answer.feed(data[at : at + 7])
    answer.end()
    return answer.status, answer.whole, answer.broken


def _archive(data: bytes) -> object:
    with NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        engine: Any = _Engine()
        return load_archive(engine, file.name)


def _saved() -> bytes:
    saved = io.BytesIO()
    with tarfile.open(fileobj=saved, mode="w") as tar:
        for name, content in {
            f"{'0' * 64}.json": b"{}",
            "manifest.json": json.dumps([{"Config": f"{'0' * 64}.json", "RepoTags": ["a:1"], "Layers": []}]).encode(),
        }.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return saved.getvalue()


def _journal() -> bytes:
    """One of a run in as many parts as it has subjects."""
    lines: list[bytes] = []
    for name, facts in EVERYTHING.subjects.items():
        head = journal.Head(
            document=structs.replace(EVERYTHING, results=(), subjects={name: facts}),
            cells=tuple(row.id for row in EVERYTHING.results),
            facts={journal.image_of("b"): "sha256:b", journal.option("--repeat"): None},
        )
        rows = (row for row in EVERYTHING.results if row.subject == name)
        lines += [journal.line(head), *(journal.line(journal.Kept(after_s=1.0, row=row)) for row in rows)]
    return b"".join(lines)


def _written() -> tuple[bytes, ...]:
    return tuple(baseline.write(one).encode() for one in recordings(report(result("v", SWALLOWED))))


def changed(seeds: Sequence[bytes], chance: _Chance) -> bytes:
    """A file that is one of these, or parts of several, with one to six changes."""
    data = chance.choice(seeds)
    if len(data) > _MOST:
        start = chance.choice([0, chance.randrange(len(data))])
        data = data[start : start + _MOST]
    for _ in range(chance.randint(1, 6)):
        at, end = sorted(chance.randint(0, len(data)) for _ in range(2))
        end = min(end, at + chance.choice([1, 8, 64, 4096]))
        other = chance.choice(seeds)
        from_ = chance.randint(0, len(other))
        piece = chance.choice(
            [
                b"",
                2 * data[at:end],
                other[from_ : from_ + chance.choice([1, 16, 256])],
                bytes(byte ^ 1 << chance.randrange(8) for byte in data[at : at + 1]),
                chance.choice(_WORDS),
                chance.choice(_WORDS) + data[at:end],
            ]
        )
        data = data[:at] + piece + data[end:]
    return data


def exchanged(seeds: Sequence[bytes], chance: _Chance) -> bytes:
    """A file of JSON, or lines of it, in which one to three values are gone, or have become others."""
    lines = [json.loads(line) for line in _whole(chance.choice(seeds))]
    for _ in range(chance.randint(1, 3)):
        at: Any = lines
        while True:
            key = chance.choice(list(at) if isinstance(at, dict) else range(len(at)))
            if not at[key] or not isinstance(at[key], dict | list) or chance.random() < 0.1:
                break
            at = at[key]
        if chance.random() < 0.2 and at is not lines:
            del at[key]
        else:
            at[key] = json.loads(chance.choice(_VALUES))
    return b"\n".join(json.dumps(line).encode() for line in lines) + b"\n"


def _whole(data: bytes) -> list[bytes]:
    """The lines of a journal; a file of one value otherwise."""
    lines = data.splitlines()
    return lines if lines[0].endswith(b"}") else [data]


def fuzzed(parser: Parser, inputs: int, seed: int) -> Found:
    """Give a parser so many inputs, which another run with this seed gives it as well."""
    chance = _Chance(f"{parser.name} {seed}")
    counts: Counter[str] = Counter()
    failures: list[tuple[str, bytes]] = []
    longest = 0.0
    with ThreadPoolExecutor(max_workers=1) as pool:  # a future has whatever was raised, of any kind
        for number in range(inputs):
            change = exchanged if parser.values and number % 2 else changed
            data = change(parser.seeds, chance) if number >= len(parser.seeds) else parser.seeds[number]
            began = time.process_time()
            error = pool.submit(parser.read, data).exception()
            took = time.process_time() - began
            counts["refused" if isinstance(error, HarnessError) else "failed" if error else "taken"] += 1
            longest = max(longest, took)
            if error and not isinstance(error, HarnessError):
                failures.append((f"{type(error).__name__}: {error}", data))
            elif took > LONGEST_S:
                failures.append((f"it took {took:.1f} s", data))
    return Found(parser.name, counts["taken"], counts["refused"], longest, tuple(failures))


def main(arguments: Sequence[str] | None = None) -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--inputs", type=int, default=5_000, help="for each parser")
    reader.add_argument("--seed", type=int, default=1)
    chosen = reader.parse_args(arguments)
    print(f"{'parser':<16}{'inputs':>8}{'taken':>8}{'refused':>9}{'longest':>11}{'failures':>10}", flush=True)
    found = []
    for parser in parsers():
        one = fuzzed(parser, chosen.inputs, chosen.seed)
        found.append(one)
        longest = f"{one.longest_s * 1000:.1f} ms"
        print(
            f"{one.name:<16}{chosen.inputs:>8,}{one.taken:>8,}{one.refused:>9,}{longest:>11}{len(one.failures):>10}",
            flush=True,
        )
    failures = [(one.name, *failure) for one in found for failure in one.failures]
    print(f"{chosen.inputs * len(found):,} inputs, {len(failures)} failures")
    for name, why, data in failures[:10]:
        print(f"{name}: {why}: {data[:200]!r}")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
