"""The pytest plugin: one test per cell of a catalogue, under the marker ``signals``.

A ``catalogue.toml`` that pytest meets in the folders it is given becomes a test for each base × variant × signal. All
selected cells run concurrently ahead of their tests, in one session of the harness, so that ``pytest -m signals`` takes
as long as ``signal-harness run``. A worker of pytest-xdist runs each cell as its test comes. Tests of one's own start
containers with the fixture ``signal_container``.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from markupsafe import escape

from harness.core.baseline import BASELINES
from harness.core.catalogue import FILE_NAME
from harness.core.errors import HarnessError, UsageError
from harness.core.question import Probe

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from harness.core.baseline import Recording
    from harness.core.cause import Cause
    from harness.core.document import Document, Row
    from harness.core.subject import Cell
    from harness.core.verdict import Verdict
    from harness.session import Selection, Session
    from harness.testing import SignalContainer

MARK = "signals"
_OURS = "[[variant]]"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options, named as those of the command."""
    group = parser.getgroup("signals", "signals in containers (pytest -m signals)")
    repeatable = partial(group.addoption, action="append", default=[])
    repeatable("--signal-base", metavar="REF", help="base image to test on; repeatable")
    repeatable("--signal-variant", metavar="GLOB", help="only variants that match; repeatable")
    repeatable("--signal", metavar="SIG", help="signal to send: HUP, 15, … or all; repeatable")
    group.addoption("--signal-jobs", type=int, metavar="N", help="cells to run at once")
    group.addoption("--signal-repeat", type=int, metavar="N", help="run each cell N times")
    repeatable(
        "--signal-probe",
        choices=[probe.value for probe in Probe],
        help="what to test; repeatable (default: signal, and stop if the catalogue has an [app.stop] table)",
    )
    repeatable("--signal-base-file", type=Path, metavar="F", help="file with one base per line; repeatable")
    group.addoption(
        "--signal-baseline",
        type=Path,
        metavar="F",
        help="baseline, results file, or folder of baselines to compare with (default: baselines/ in the rootdir)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and get ready to share one run between all tests."""
    config.addinivalue_line("markers", f"{MARK}: what a signal does in a container; one test per cell")
    config.stash[_SHARED] = _Shared(config)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take a catalogue of ours for a collection of tests, if tests of signals are asked for at all."""
    if file_path.name != FILE_NAME or _OURS not in file_path.read_text(encoding="utf-8", errors="replace"):
        return None
    return _CatalogueFile.from_parent(parent, path=file_path)


def pytest_collection_finish(session: pytest.Session) -> None:
    """End the run where the cells could not even be listed: an absent engine is a failure, never a skip."""
    if (error := session.config.stash[_SHARED].refusal) is not None:
        remedy = f"\n{error.remedy}" if error.remedy else ""
        pytest.exit(f"signal-harness: {error.message}{remedy}", returncode=error.exit_code)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Clear up, however the tests ended."""
    config.stash[_SHARED].close()


def pytest_runtestloop(session: pytest.Session) -> None:
    """Start all selected cells ahead of their tests."""
    session.config.stash[_SHARED].start(item for item in session.items if isinstance(item, SignalItem))


@pytest.fixture
def signal_container() -> Iterator[Callable[..., SignalContainer]]:
    """Start containers that can be sent signals: ``signal_container("my/app")``, with what `SignalContainer` takes.

    Each is ready as it is returned, and removed as the test ends.
    """
    from harness.testing import SignalContainer

    with ExitStack() as stack:
        yield lambda image, **options: stack.enter_context(SignalContainer(image, **options))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Put the evidence of a cell into the report of pytest-html, where that is there: roll call and drawing."""
    report = yield
    if report.when == "call" and isinstance(item, SignalItem) and item.config.pluginmanager.hasplugin("html"):
        extras = import_module("pytest_html.extras")
        vars(report)["extras"] = [*getattr(report, "extras", ()), *map(extras.html, item.pictures())]
    return report


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Show the evidence where `SignalContainer` has counted another number of deliveries than is asserted."""
    testing = sys.modules.get("harness.testing")
    counted = [side for side in (left, right) if testing is not None and isinstance(side, testing.Deliveries)]
    return [f"{left} {op} {right}", *counted[0].evidence] if counted else None


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail where a baseline holds cells that the catalogue has no more: what is not tested is no success."""
    if session.config.stash[_SHARED].missing and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """List what was recorded without being asserted or run, so that nobody takes it for a proof."""
    from harness.report.style import counted

    shared = config.stash[_SHARED]
    missing, unasserted = shared.missing, shared.unasserted
    gone = "in the baseline, and neither in the catalogue nor on its bases:"
    free = "left to the base by the catalogue, and not covered by a baseline (--signal-baseline):"
    for title, what, cells in (("recorded, not run", gone, missing), ("recorded, not asserted", free, unasserted)):
        if cells:
            terminalreporter.section(f"signals {title}")
            for line in (f"{counted(len(cells), 'cell')}, {what}", *(f"  {cell}" for cell in cells)):
                terminalreporter.write_line(line)


class _Shared:
    """The one run of the harness behind all tests of a catalogue."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._session: Session | None = None
        self._futures: dict[str, Future[Row]] = {}
        self._pairs: dict[str, Recording] = {}
        self.recorded: dict[str, Verdict] = {}
        self.unasserted: list[str] = []
        self.missing: list[str] = []
        self.refusal: HarnessError | None = None

    def cells(self, catalogue: Path) -> tuple[Cell, ...]:
        """The cells of a catalogue; finds engine and bases on the first call."""
        if self._session is None:
            self._session, self._catalogue = self._open(catalogue), catalogue
        elif catalogue != self._catalogue:
            raise UsageError(f"{catalogue}: one catalogue at a time, and {self._catalogue} is tested already")
        return self._session.cells

    def start(self, items: Iterable[SignalItem]) -> None:
        """Start all cells at once; a worker of pytest-xdist gets to know only later which of them are its own."""
        wanted = [item.cell for item in items]
        if wanted and not self._config.option.collectonly and not hasattr(self._config, "workerinput"):
            self._run(wanted)

    def row(self, cell: Cell) -> Row:
        """The result of a cell, waiting for it."""
        if cell.id not in self._futures:
            self._run([cell])
        return self._futures[cell.id].result()

    def document(self, row: Row) -> Document | None:
        """A results document with one row in it."""
        return self._session.document([row]) if self._session else None

    def _run(self, cells: Sequence[Cell]) -> None:
        if self._session is not None:
            self._futures |= dict(zip([cell.id for cell in cells], self._session.run(cells), strict=True))

    def cause(self, row: Row) -> Cause | None:
        """Why a cell is likely not what was recorded of it."""
        from harness.core.baseline import narrowed, recordings
        from harness.core.comparison import compare

        old = self._pairs.get(row.base or "")
        if self._session is None or old is None:
            return None
        (new,) = recordings(self._session.document([row]))
        differences = compare(narrowed(old, new.findings), new).differences
        return next((difference.cause for difference in differences), None)

    def close(self) -> None:
        if self._session is not None:
            self._session.__exit__(None, None, None)
            self._session = None

    def _open(self, catalogue: Path) -> Session:
        from harness.core.baseline import counterparts, verdicts
        from harness.files import listed, read_recordings
        from harness.session import Hooks, Selection, Session, select_signals

        option = self._config.option
        folder = self._config.rootpath / BASELINES
        recordings = read_recordings(option.signal_baseline or (folder if any(folder.glob("*.json")) else None))
        selection = Selection(
            bases=listed(option.signal_base, option.signal_base_file),
            variants=tuple(option.signal_variant),
            signals=select_signals(option.signal),
            probes=tuple(Probe(name) for name in dict.fromkeys(option.signal_probe)) or None,
            jobs=option.signal_jobs,
            repeat=option.signal_repeat,
            catalogue=catalogue,
        )
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        hooks = Hooks(note=terminal.write_line) if terminal is not None else Hooks()
        session = Session(selection, hooks).__enter__()
        self._pairs = counterparts(recordings, session.base_facts)
        self.recorded = verdicts(self._pairs)
        self.missing = self._not_run(session, selection, recordings)
        return session

    def _not_run(self, session: Session, selection: Selection, recordings: Sequence[Recording]) -> list[str]:
        """The recorded cells that the options choose, and that the catalogue does not have on its bases."""
        from harness.core.baseline import narrowed, relevant, selected, verdicts

        option = self._config.option
        run = {cell.id for cell in session.cells}
        asked = {cell.question.name for cell in session.cells} if option.signal or option.signal_probe else None
        known = relevant(recordings, selection.bases, session.base_facts)
        chosen = {
            base: narrowed(old, selected(old, globs=selection.variants, asked=asked)) for base, old in known.items()
        }
        return [cell for cell in verdicts(chosen) if cell not in run]


_SHARED: pytest.StashKey[_Shared] = pytest.StashKey()


class _CatalogueFile(pytest.File):
    """A catalogue as a collection of tests."""

    def collect(self) -> Iterator[pytest.Item]:
        """One test per cell; nothing is asked of an engine if the selection has no room for them."""
        if not _wanted(self.config):
            return
        try:
            cells = self.config.stash[_SHARED].cells(self.path)
        except HarnessError as error:
            self.config.stash[_SHARED].refusal = error
            return
        for cell in cells:
            yield SignalItem.from_parent(self, name=cell.id, cell=cell)


def _wanted(config: pytest.Config) -> bool:
    """Whether the mark expression can select tests of signals; the engine is not touched otherwise."""
    expression = config.option.markexpr
    if not expression:
        return True
    from _pytest.mark.expression import Expression

    def is_ours(name: str, /, **_: str | int | bool | None) -> bool:
        return name == MARK

    return Expression.compile(expression).evaluate(is_ours)


class SignalItem(pytest.Item):
    """The test of one cell."""

    def __init__(self, *, cell: Cell, **rest: Any) -> None:
        super().__init__(**rest)
        self.cell = cell
        self._row: Row | None = None
        self.add_marker(MARK)

    def runtest(self) -> None:
        """Wait for the cell's result and compare it with what is expected."""
        from harness.core.judge import as_expected
        from harness.report.rows import story

        shared = self.config.stash[_SHARED]
        row = self._row = shared.row(self.cell)
        recorded = shared.recorded.get(self.cell.id)
        self.user_properties.append(("verdict", row.verdict.value))
        self.user_properties.append(("reason", row.reason))
        met = as_expected(row.expected, row.verdict, recorded)
        if met is False or not row.tested:
            raise Unexpected(story(row, recorded, shared.cause(row)))
        if met is None:
            shared.unasserted.append(f"{self.cell.id}: {row.verdict}")

    def pictures(self) -> Iterator[str]:
        """What a report in HTML shows of the cell: its roll call, and the way of the signal where that was recorded."""
        from harness.report import roll_call_table, sequence_svg
        from harness.report.style import printable

        document = self.config.stash[_SHARED].document(self._row) if self._row else None
        if self._row is None or document is None:
            return
        if calls := self._row.evidence.roll_call:
            yield f"<pre>{escape(printable(chr(10).join(roll_call_table.roll_call_lines(calls))))}</pre>"
        if self._row.evidence.path is not None:
            yield sequence_svg.render(self._row, document.subjects[self._row.subject])

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show the evidence in place of a traceback."""
        if isinstance(excinfo.value, Unexpected):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Name the test in reports."""
        return self.path, None, self.cell.id


class Unexpected(AssertionError):
    """A cell whose verdict is not as expected, or that could not be tested; its text holds the evidence."""
