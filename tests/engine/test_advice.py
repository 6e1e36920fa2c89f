"""Advice that is followed to the letter helps, and the commands that are given repeat what was seen.

By itself this leaves out, on one base, what the catalogue expects to be the same on the other; ``make advice``
(SIGNAL_HARNESS_ADVICE=all) does all of both.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from harness.core.question import Probe
from harness.core.verdict import Expected, Verdict
from harness.session import Selection, Session
from tests.support.followed import Change, changes, edited, rewrite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from harness.core.document import Row
    from harness.core.subject import Cell

pytestmark = pytest.mark.engine

ROOT: Final = Path(__file__).parents[2]
MUSL: Final = "local:musl-node24"
BASES: Final = (MUSL, "local:debian12-node24")
ALL: Final = os.environ.get("SIGNAL_HARNESS_ADVICE") == "all"
JOBS: Final = 6
TRIES: Final = 3
PASTED_S: Final = 120
# They start the same as others of the catalogue do, instruction by instruction.
AGAIN: Final = {"naive", "pinned", "pid-1"}
HEAD: Final = """
schema = 1
context = "app"
[launch]
extra_hosts = { "registry.npmjs.org" = "127.0.0.1" }
[app]
only-logs = true
ready = 'Listening on port \\d+ pid=(?P<pid>\\d+) ppid=(?P<ppid>\\d+)'
received = 'Received signal: (?P<signal>SIG[A-Z0-9+-]+)'
done = 'Shutdown complete'
[app.stop]
environment = { SHUTDOWN_AFTER_MS = "0" }
port = 3000
path = "/hold"
[app.exit-code]
environment = { EXIT_AFTER_MS = "300", EXIT_CODE = "{code}" }
"""
# An app without handlers has no words for signals: it says what the handlers that it is given are called for.
WORDS: Final = """
const heard = new Set();
process.on('newListener', (name) => {
  if (!String(name).startsWith('SIG') || heard.has(name)) return;
  heard.add(name);
  process.on(name, () => console.log(`Received signal: ${name}`));
});
process.on('exit', () => console.log('Shutdown complete'));
"""


@pytest.fixture(scope="module")
def rows() -> tuple[Row, ...]:
    """The cells that are not always good, run as they are, and some that are."""
    selection = Selection(bases=BASES, probes=tuple(Probe))
    with Session(selection) as session:
        wanted = [cell for cell in session.cells if cell.subject.name not in AGAIN and interesting(cell)]
        return tuple(future.result() for future in session.run(wanted))


def interesting(cell: Cell) -> bool:
    expected = cell.subject.expect.of(cell.question)
    if cell.subject.base == MUSL and not ALL:
        return expected is Expected.DEPENDS
    return cell.subject.name == "tini" or expected is not Expected.ALWAYS


def bad(rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if not row.verdict.good and row.tested]


class Followed:
    """A catalogue in which the advice on some cells has been followed, and which of its cells those became."""

    def __init__(self, folder: Path, rows: Sequence[Row]) -> None:
        self._folder = folder
        self._names: dict[str, str] = {}
        self.cells: dict[tuple[str, str, str], Row] = {}
        shutil.copytree(ROOT / "sample_app", folder / "app", ignore=shutil.ignore_patterns("node_modules"))
        with (folder / "app" / "no-handlers.js").open("a", encoding="utf-8") as app:
            app.write(WORDS)
        self._toml = [HEAD]
        for row in rows:
            ways = changes(row.advice)
            assert ways, f"{row.id}: {row.verdict}, and nothing to follow: {row.advice}"
            for change in ways:
                name = self._variant(row, change)
                self.cells[str(row.base), name, row.question.name] = row
        (folder / "catalogue.toml").write_text("\n".join(self._toml), encoding="utf-8")

    def _variant(self, row: Row, change: Change) -> str:
        """The variant in which a change of a row has been made; new if there is none that starts the same yet."""
        assert change.options in ([], ["--init"])
        dockerfile = ROOT / "dockerfiles" / f"{row.subject}.Dockerfile"
        text = edited(dockerfile.read_text(encoding="utf-8"), change.dockerfile)
        init = bool(change.options) or row.subject in ("npm-start-init", "init-shell-form")
        key = json.dumps([instructions(text), init, sorted(change.scripts)])
        self._in_app(change)
        if key not in self._names:
            name = self._names[key] = f"{row.subject}-{len(self._names)}"
            (self._folder / f"{name}.Dockerfile").write_text(text, encoding="utf-8")
            self._toml.append(
                f'[[variant]]\nname = "{name}"\ntitle = "{name}"\ndockerfile = "{name}.Dockerfile"\n'
                f"init = {str(init).lower()}\n"
                'expect = { forwards = "always" }'
            )
        return self._names[key]

    def _in_app(self, change: Change) -> None:
        for script, (line,) in change.scripts.items():
            file = self._folder / "app" / Path(script).relative_to("/usr/src/app")
            if line not in file.read_text(encoding="utf-8").splitlines():
                rewrite(file, line)
        app = self._folder / "app" / "no-handlers.js"
        for line in change.app:
            if line not in app.read_text(encoding="utf-8").splitlines():
                with app.open("a", encoding="utf-8") as file:
                    file.write(f"{line}\n")


def instructions(dockerfile: str) -> list[str]:
    """The lines of a Dockerfile that do something."""
    return [line for line in dockerfile.splitlines() if line and not line.startswith("#")]


def test_advice_on_every_bad_cell_helps(rows: tuple[Row, ...], tmp_path: Path) -> None:
    followed = Followed(tmp_path, bad(rows))
    selection = Selection(bases=BASES, probes=tuple(Probe), catalogue=tmp_path)
    with Session(selection) as session:
        wanted = [
            cell
            for cell in session.cells
            if (str(cell.subject.base), cell.subject.name, cell.question.name) in followed.cells
        ]
        assert len(wanted) == len(followed.cells)
        after = [future.result() for future in session.run(wanted)]
    still = {
        row.id: (row.verdict.value, row.reason, followed.cells[str(row.base), row.subject, row.question.name].advice)
        for row in after
        if not row.verdict.good
    }
    assert still == {}


def test_the_commands_repeat_what_was_seen(rows: tuple[Row, ...]) -> None:
    tested = [row for row in rows if row.tested and row.verdict is not Verdict.UNSTABLE]
    # Of those that were sent a signal twice, one in whose log that shows: two may merge in the kernel.
    one_of_each = {(row.probe, row.verdict): row for row in sorted(tested, key=lambda row: row.deliveries or 0)}
    assert len({probe for probe, _ in one_of_each}) == len(Probe)
    with ThreadPoolExecutor(JOBS) as pool:
        seen = dict(zip(one_of_each, pool.map(repeats, one_of_each.values()), strict=True))
    assert {f"{probe}: {verdict}": text for (probe, verdict), text in seen.items() if text is not None} == {}


def repeats(row: Row) -> str | None:
    """What is seen by hand if that is not what the row says, even after some tries where luck decides."""
    text = ""
    for number in range(TRIES if row.verdict is Verdict.DUPLICATED else 1):
        name = f"try-{os.getpid()}-{row.probe}-{row.verdict}-{number}"
        commands = "\n".join(row.evidence.reproduce).replace(f"try-{row.subject}", name)
        done = subprocess.run(
            ["sh"], input=f"{commands}\n", capture_output=True, text=True, check=False, timeout=PASTED_S
        )
        text = f"{row.id}\n{done.stdout}\n{done.stderr}"
        seen = Output(text, row.signal)
        merges = row.verdict is Verdict.DUPLICATED and number == TRIES - 1 and seen.times == 1
        if SHOWS[row.verdict](seen) or merges:
            return None
    return text


class Output:
    """What the commands showed, of the signal that a row is about."""

    def __init__(self, text: str, signal: str | None) -> None:
        received = re.findall(r"Received signal: (SIG\w+)", text)
        code = re.search(r"exited (\d+)$", text, re.MULTILINE)
        # The terminal's echo of a key may stand before them.
        self.times = received.count(str(signal))
        # A terminal that is attached to tells its size.
        self.others = len([name for name in received if name not in (signal, "SIGWINCH")])
        self.running = re.search(r"running 0$", text, re.MULTILINE) is not None
        self.code = int(code[1]) if code else None
        self.done = "Shutdown complete" in text
        self.answered = "answered" in text.splitlines()
        self.zombie = re.search(r"^\d+ \(sleep\) Z", text, re.MULTILINE) is not None


KILL: Final = 137
SHOWS: Final[Mapping[Verdict, Callable[[Output], bool]]] = {
    Verdict.FORWARDED: lambda seen: seen.times == 1 and seen.running,
    Verdict.DUPLICATED: lambda seen: seen.times > 1,
    Verdict.CUT_SHORT: lambda seen: seen.code is not None and not seen.done,
    Verdict.TRANSLATED: lambda seen: seen.times == 0 and seen.others > 0,
    Verdict.SWALLOWED: lambda seen: seen.times == 0 and seen.running,
    Verdict.KILLED: lambda seen: seen.times == 0 and seen.code is not None,
    Verdict.GRACEFUL: lambda seen: seen.done and seen.answered and seen.code == 0,
    Verdict.ABRUPT: lambda seen: not seen.done and seen.code not in (None, KILL),
    Verdict.FORCED: lambda seen: seen.code == KILL,
    Verdict.KEPT: lambda seen: seen.code == 42,
    Verdict.LOST: lambda seen: seen.running or seen.code not in (None, 42),
    Verdict.REAPED: lambda seen: not seen.zombie,
    Verdict.ZOMBIE: lambda seen: seen.zombie,
}
