"""The pytest plugin: one test per cell of a catalogue, and per subject of a config, under the marker ``signals``.

A ``catalogue.toml`` that pytest meets in the folders it is given becomes a test for each base × variant × signal, a
``signal-harness.toml`` or ``pyproject.toml`` one for each subject × question. Tests of signals that follow each other
run side by side, those of a catalogue in one session of the harness, so that ``pytest -m signals`` takes as long as
``signal-harness run``. A worker of pytest-xdist runs each as its test comes, and a catalogue's next one meanwhile.
While tests of others run, nothing of ours is under way, unless it is theirs.
Tests of one's own start containers with the fixture ``signal_container``.
"""

from __future__ import annotations

import datetime as dt
import shlex
import sys
from abc import abstractmethod
from concurrent.futures import wait
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from markupsafe import escape

from harness.core.baseline import BASELINES
from harness.core.catalogue import FILE_NAME
from harness.core.config import FILE_NAME as CONFIG
from harness.core.config import PYPROJECT, TABLE
from harness.core.errors import HarnessError, UsageError
from harness.core.question import Probe
from harness.pytest_workers import Told, is_worker, mark_unasserted, refuse, told_of

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from concurrent.futures import Future

    from harness.cli.subjects import Subject
    from harness.core.baseline import Recording
    from harness.core.cause import Cause
    from harness.core.document import Document, Row
    from harness.core.question import Question
    from harness.core.subject import Cell
    from harness.core.verdict import Verdict
    from harness.session import Hooks, Selection, Session
    from harness.subject_run import SubjectRun
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
    group.addoption("--signal-jobs", type=int, metavar="N", help="cells or subjects to run at once")
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
    config.addinivalue_line(
        "markers", f"{MARK}: what a signal does in a container; one test per cell, or subject and question"
    )
    told = Told(config)
    config.pluginmanager.register(told, "signal-harness-told")
    config.stash[_SHARED] = _Shared(config, told)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take a catalogue of ours, or a config, for a collection of tests."""
    if file_path.name in (CONFIG, PYPROJECT):
        ours = _counts(file_path) and _wanted(parent.config)
        return _ConfigFile.from_parent(parent, path=file_path) if ours else None
    if file_path.name != FILE_NAME or _OURS not in file_path.read_text(encoding="utf-8", errors="replace"):
        return None
    return _CatalogueFile.from_parent(parent, path=file_path)


def pytest_collection_finish(session: pytest.Session) -> None:
    """End the run where the cells could not even be listed."""
    if (error := session.config.stash[_SHARED].refusal) is not None:
        refuse(told_of(error), error.exit_code)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Clear up, however the tests ended, and after workers that died."""
    shared = config.stash[_SHARED]
    shared.close()
    shared.told.sweep()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Run what the tests from this one on ask for side by side, as far as no test of others comes in between.

    Such a test may freeze the clock of this process or replace what it calls, and would do so to cells under way.
    A worker gets to know only here that the next test is its own, whatever other workers do.
    """
    shared = item.config.stash[_SHARED]
    if not isinstance(item, SignalItem):
        shared.settle()
    elif is_worker(item.config):
        shared.ahead([each.cell for each in (item, nextitem) if isinstance(each, CellItem)])
    else:
        shared.start(item, item.session.items)


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
    """Put into the report of a test what is to be told of it, and the evidence, where pytest-html is there."""
    report = yield
    if report.when == "call" and isinstance(item, SignalItem):
        if item.unasserted:
            mark_unasserted(report, item.unasserted)
        if item.config.pluginmanager.hasplugin("html"):
            extras = import_module("pytest_html.extras")
            vars(report)["extras"] = [*getattr(report, "extras", ()), *map(extras.html, item.pictures())]
    return report


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Show the evidence where `SignalContainer` has counted another number of deliveries than is asserted."""
    testing = sys.modules.get("harness.testing")
    counted = [side for side in (left, right) if testing is not None and isinstance(side, testing.Deliveries)]
    return [f"{left} {op} {right}", *counted[0].evidence] if counted else None


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Clear up, and fail where a baseline holds cells that are in the catalogue no more: they are not tested."""
    shared = session.config.stash[_SHARED]
    shared.close()
    shared.told.hand_on(shared.refusal)
    if shared.told.missing and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Tell what was noted, and what was recorded without being asserted or run, so that nobody takes it for a proof."""
    from harness.report.style import counted

    told = config.stash[_SHARED].told
    if notes := told.notes:
        terminalreporter.section("signals noted")
        for line in notes:
            terminalreporter.write_line(line)
    gone = "in the baseline, and neither in the catalogue nor on its bases:"
    free = "left to the base by the catalogue, and not covered by a baseline (--signal-baseline):"
    for title, what, cells in (
        ("recorded, not run", gone, told.missing),
        ("recorded, not asserted", free, told.unasserted),
    ):
        if cells:
            terminalreporter.section(f"signals {title}")
            for line in (f"{counted(len(cells), 'cell')}, {what}", *(f"  {cell}" for cell in cells)):
                terminalreporter.write_line(line)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Found:
    """What a test has found: a document with the one row, and what is recorded and to be told of it."""

    document: Document
    recorded: Verdict | None = None
    cause: Cause | None = None
    told: tuple[str, ...] = ()

    @property
    def row(self) -> Row:
        """The row."""
        return self.document.results[0]


class _Shared:
    """The one run of the harness behind all tests of a catalogue, and that of the subjects of configs."""

    def __init__(self, config: pytest.Config, told: Told) -> None:
        self._config = config
        self.told = told
        self._session: Session | None = None
        self._subjects: SubjectRun | None = None
        self._futures: dict[str, Future[Row]] = {}
        self._under_way: list[Future[Row]] = []
        self._started: set[pytest.Item] = set()
        self._pairs: dict[str, Recording] = {}
        self.recorded: dict[str, Verdict] = {}
        self.refusal: HarnessError | None = None

    def cells(self, catalogue: Path) -> tuple[Cell, ...]:
        """The cells of a catalogue; finds engine and bases on the first call."""
        if self._session is None:
            self._session, self._catalogue = self._open(catalogue), catalogue
        elif catalogue != self._catalogue:
            raise UsageError(f"{catalogue}: one catalogue at a time, and {self._catalogue} is tested already")
        return self._session.cells

    @property
    def subjects(self) -> SubjectRun:
        """What checks the subjects of configs."""
        if self._subjects is None:
            from harness.subject_run import SubjectRun

            self._subjects = SubjectRun(self._config.option.signal_jobs, self._hooks())
        return self._subjects

    def start(self, first: SignalItem, items: Sequence[pytest.Item]) -> None:
        """Start one of the tests and those of signals that come right after it, unless it was started with others."""
        if first in self._started:
            return
        at = items.index(first)
        together = [*takewhile(lambda item: isinstance(item, SignalItem), items[at:])]
        self._started.update(together)
        self.ahead([item.cell for item in together if isinstance(item, CellItem)])
        wanted: dict[str, tuple[Subject, list[Question]]] = {}
        for item in together:
            if isinstance(item, SubjectItem):
                wanted.setdefault(item.key, (item.subject, []))[1].append(item.question)
        if wanted:
            self.subjects.start(wanted)

    def settle(self) -> None:
        """Wait for what is under way: a test that was skipped has not."""
        wait(self._under_way)
        self._under_way.clear()
        if self._subjects is not None:
            self._subjects.settle()

    def ahead(self, cells: Sequence[Cell]) -> None:
        """Start those of some cells that are not started yet."""
        if cells := [cell for cell in cells if cell.id not in self._futures]:
            self._run(cells)

    def find(self, cell: Cell) -> _Found:
        """The result of a cell, waiting for it."""
        from harness.core.policy import held_against

        self.ahead([cell])
        row = self._futures[cell.id].result()
        if self._session is None:
            raise UsageError("the tests have ended")
        document, told = held_against(self._session.document([row]), self._policy)
        return _Found(document=document, recorded=self.recorded.get(cell.id), cause=self._cause(row), told=tuple(told))

    def _run(self, cells: Sequence[Cell]) -> None:
        if self._session is not None:
            self._under_way += (futures := self._session.run(cells))
            self._futures |= dict(zip([cell.id for cell in cells], futures, strict=True))

    def _cause(self, row: Row) -> Cause | None:
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
        if self._subjects is not None:
            self._subjects.close()
            self._subjects = None
        if self._session is not None:
            self._session.__exit__(None, None, None)
            self._session = None

    def _open(self, catalogue: Path) -> Session:
        from harness.configs import read_config
        from harness.core.baseline import counterparts, of_engine, verdicts
        from harness.core.policy import Policy
        from harness.files import listed, read_recordings
        from harness.session import Selection, Session, select_signals

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
        found = read_config(None)
        session = Session(selection, self._hooks()).__enter__()
        ignores = (*(found.config.ignores if found else ()), *session.ignores)
        self._policy = Policy(ignores=ignores, today=dt.datetime.now().astimezone().date())
        recordings = of_engine(recordings, session.engine_facts)
        self._pairs = counterparts(recordings, session.base_facts)
        self.recorded = verdicts(self._pairs)
        self.told.miss(self._not_run(session, selection, recordings))
        return session

    def _hooks(self) -> Hooks:
        from harness.session import Hooks

        return Hooks(note=self.told.note)

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
            yield CellItem.from_parent(self, name=cell.id, cell=cell)


class _ConfigFile(pytest.File):
    """A config as a collection of tests."""

    def collect(self) -> Iterator[pytest.Item]:
        """One test per subject and question; no engine is asked yet."""
        from harness.cli.subjects import subjects_of

        try:
            subjects = subjects_of(self.path)
        except HarnessError as error:
            raise self.CollectError(told_of(error)) from error
        for subject in subjects:
            for question in subject.check.questions:
                name = f"{subject.name}/{question.name}"
                yield SubjectItem.from_parent(self, name=name, subject=subject, question=question)


def _counts(file: Path) -> bool:
    """Whether a file may be a config of ours: in one folder, that of a pyproject.toml comes second."""
    if file.name == CONFIG:
        return True
    return not file.with_name(CONFIG).is_file() and TABLE in file.read_text(encoding="utf-8", errors="replace")


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
    """The test of one thing that was asked of one container."""

    def __init__(self, **rest: Any) -> None:
        super().__init__(**rest)
        self._found: _Found | None = None
        self.unasserted = ""
        self.add_marker(MARK)

    @abstractmethod
    def find(self) -> _Found:
        """What came out of it, waiting for that."""

    def what_helps(self) -> str:
        """A last line for what is not as it should be; there may be none."""
        return ""

    def runtest(self) -> None:
        """Wait for the result and compare it with what is expected; what is left be is expected to fail."""
        from harness.report.rows import met, rule_of, story, why_ignored

        found = self._found = self.find()
        row = found.row
        self.user_properties.append(("verdict", row.verdict.value))
        self.user_properties.append(("reason", row.reason))
        if row.ignored is not None and row.tested:
            pytest.xfail(f"{rule_of(row)} is ignored: {why_ignored(row.ignored)}")
        as_expected = met(row, found.recorded)
        if as_expected is False or not row.tested or row.ignored is not None:  # with --runxfail, nothing is left be
            lines = (story(row, found.recorded, found.cause), *found.told, self.what_helps())
            raise Unexpected("\n".join(line for line in lines if line))
        if as_expected is None:
            self.unasserted = f"{self.name}: {row.verdict}"

    def pictures(self) -> Iterator[str]:
        """What a report in HTML shows of it: its roll call, and the way of the signal where that was recorded."""
        from harness.report import roll_call_table, sequence_svg
        from harness.report.style import printable

        if self._found is None:
            return
        row = self._found.row
        if calls := row.evidence.roll_call:
            yield f"<pre>{escape(printable(chr(10).join(roll_call_table.roll_call_lines(calls))))}</pre>"
        if row.evidence.path is not None:
            yield sequence_svg.render(row, self._found.document.subjects[row.subject])

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """Show the evidence, or what to do, in place of a traceback."""
        if isinstance(excinfo.value, Unexpected):
            return str(excinfo.value)
        if isinstance(excinfo.value, HarnessError):
            return told_of(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Name the test in reports; of one that is skipped by a mark, pytest wants a line."""
        return self.path, 0, self.name


class CellItem(SignalItem):
    """The test of one cell of a catalogue."""

    def __init__(self, *, cell: Cell, **rest: Any) -> None:
        super().__init__(**rest)
        self.cell = cell

    def find(self) -> _Found:
        """The result of the cell."""
        return self.config.stash[_SHARED].find(self.cell)


class SubjectItem(SignalItem):
    """The test of one question about one subject of a config."""

    def __init__(self, *, subject: Subject, question: Question, **rest: Any) -> None:
        super().__init__(**rest)
        self.subject = subject
        self.question = question

    @property
    def key(self) -> str:
        """What tells the subject from those of other configs."""
        return f"{self.path}::{self.subject.typed}"

    def find(self) -> _Found:
        """The answer about the subject."""
        answer = self.config.stash[_SHARED].subjects.answer(self.key, self.subject, self.question)
        return _Found(document=answer.document, told=answer.told)

    def what_helps(self) -> str:
        """The command that tries what may help."""
        from harness.report.rows import one_line

        words = shlex.join(["signal-harness", "check", "--config", str(self.path), self.subject.typed])
        return one_line(f"to see what helps: {words}")


class Unexpected(AssertionError):
    """A cell whose verdict is not as expected, or that could not be tested; its text holds the evidence."""
