"""A bisection as it goes: rounds, bases that cannot be had, and what it tells; each session follows a script."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from threading import Barrier, Event, Lock
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness import bisect
from harness.bisect import Bisection
from harness.checking import Check
from harness.core.errors import Abandoned, BaseUnavailable, EngineUnavailable, UsageError
from harness.core.question import Probe
from harness.core.search import Change, Tried, search
from harness.core.signals import Signal
from harness.core.verdict import Verdict
from harness.report.progress import Progress
from harness.session import Selection
from tests.support.evidence import changed
from tests.support.reports import FACTS, FORWARDED, GRACEFUL, KILLED, SWALLOWED, UNTESTED, report, result

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.core.document import Document, Row
    from harness.core.errors import HarnessError
    from harness.core.evidence import Evidence, Untested
    from harness.core.search import Found
    from harness.session import Hooks

TERM = Signal(15)
ONE = Selection(variants=("npm-start",), signals=(TERM,), probes=(Probe.SIGNAL,), jobs=1, bases=("not this one",))
ANSWERS: dict[str, Evidence | Untested] = {"f": FORWARDED, "s": SWALLOWED, "k": KILLED, "u": UNTESTED}


@dataclass
class Engine:
    """What every base has for an answer (evidence, or how it fails), and all that was asked of any."""

    answers: dict[str, Evidence | Untested | HarnessError]
    selections: list[Selection] = field(default_factory=list)
    open: int = 0
    most: int = 0
    entering: Barrier | None = None
    lock: Lock = field(default_factory=Lock)

    @property
    def asked(self) -> list[str]:
        return [selection.bases[0] for selection in self.selections]

    def session(self, selection: Selection, hooks: Hooks) -> ScriptedSession:
        return ScriptedSession(self, selection, hooks)


class ScriptedSession:
    """Stands in for a session: one cell on one base. A context manager, as the real one is."""

    def __init__(self, engine: Engine, selection: Selection, hooks: Hooks) -> None:
        self.engine, self.selection, self.hooks = engine, selection, hooks
        (self.base,) = selection.bases

    def __enter__(self) -> ScriptedSession:
        with self.engine.lock:
            self.engine.selections.append(self.selection)
            self.engine.open += 1
            self.engine.most = max(self.engine.most, self.engine.open)
        if self.engine.entering:
            self.engine.entering.wait(timeout=60)
        self.hooks.note(f"pulling {self.base}")
        return self

    def __exit__(self, *_: object) -> None:
        with self.engine.lock:
            self.engine.open -= 1

    def abandon(self) -> None:
        """Its answer is there at once."""

    def run(self) -> Sequence[Future[Row]]:
        future: Future[Row] = Future()
        answer = self.engine.answers[self.base]
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(result(self.selection.variants[0], answer, base=self.base))
        return [future]

    def document(self, rows: Iterable[Row]) -> Document:
        return report(*rows, facts=changed(FACTS, reference=self.base))


@dataclass
class Told:
    """All that a bisection tells as it goes."""

    notes: list[str] = field(default_factory=list)
    steps: list[tuple[int, int, str]] = field(default_factory=list)

    def tell(self, done: int, total: int, now: str) -> None:
        self.steps.append((done, total, now))


def line(answers: str) -> dict[str, Evidence | Untested | HarnessError]:
    """Bases in order, b0 and up, with an answer each; ``-`` is one that cannot be had."""
    return {
        f"b{place}": BaseUnavailable(f"b{place} cannot be pulled") if letter == "-" else ANSWERS[letter]
        for place, letter in enumerate(answers)
    }


def run(
    monkeypatch: pytest.MonkeyPatch,
    engine: Engine,
    *,
    gap: int | None = 1,
    jobs: int = 1,
    one: Selection = ONE,
    told: Told | None = None,
) -> Found:
    monkeypatch.setattr(bisect, "Session", engine.session)
    told = told or Told()
    references = [*engine.answers]
    with Bisection(one, references, jobs=jobs, note=told.notes.append, tell=told.tell) as bisection:
        found = bisection.run(search(len(references), gap))
    assert engine.open == 0
    return found


def places(found: Found) -> list[tuple[int, int]]:
    return [(change.before, change.after) for change in found.changes]


def test_what_is_found_is_told_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(line("ffsss"))
    found = run(monkeypatch, engine, gap=4)
    assert found.cell == "npm-start/SIGTERM"
    assert found.references == ("b0", "b1", "b2", "b3", "b4")
    assert found.gap == 4
    assert found.changes == (Change(before=1, after=2),)
    assert {place: tried.verdict for place, tried in found.tried.items()} == {
        0: Verdict.FORWARDED,
        1: Verdict.FORWARDED,
        2: Verdict.SWALLOWED,
        4: Verdict.SWALLOWED,
    }
    assert not found.untested


def test_each_base_is_a_session_of_its_own_that_runs_as_it_was_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(line("fs"))
    run(monkeypatch, engine)
    assert engine.selections == [changed(ONE, bases=("b0",)), changed(ONE, bases=("b1",))]


def test_a_round_is_asked_at_once_and_the_next_one_needs_its_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    # The barrier opens when two sessions are there at once; none would come through it alone.
    engine = Engine(line("fs"), entering=Barrier(2))
    run(monkeypatch, engine, jobs=2)
    assert engine.most == 2
    engine = Engine(line("fffffffs"))
    run(monkeypatch, engine, gap=8, jobs=4)
    assert [*engine.asked[2:]] == ["b3", "b5", "b6"]
    assert {*engine.asked[:2]} == {"b0", "b7"}


def test_no_more_bases_are_under_way_than_there_are_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(line("f" * 30))
    run(monkeypatch, engine, jobs=1)
    assert engine.most == 1
    assert len(engine.asked) == 30


@pytest.mark.parametrize(
    ("answers", "gap", "asked", "changes"),
    [
        ("f", None, ["b0"], []),
        ("ff", None, ["b0", "b1"], []),
        ("fs", None, ["b0", "b1"], [(0, 1)]),
        ("fsf", 1, ["b0", "b2", "b1"], [(0, 1), (1, 2)]),
        ("fsf", 2, ["b0", "b2"], []),
        ("fssf", 2, ["b0", "b3", "b1", "b2"], [(0, 1), (2, 3)]),
        ("ffffffffs", 8, ["b0", "b8", "b4", "b6", "b7"], [(7, 8)]),
    ],
)
def test_the_gap_decides_how_many_bases_are_tried(
    answers: str, gap: int | None, asked: list[str], changes: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(line(answers))
    found = run(monkeypatch, engine, gap=gap)
    assert engine.asked == asked
    assert places(found) == changes


def test_a_base_that_cannot_be_had_is_no_end_of_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(line("ff-ss"))
    found = run(monkeypatch, engine)
    assert found.tried[2] == Tried(document=None, refusal="b2 cannot be pulled")
    assert places(found) == [(1, 2), (2, 3)]
    assert found.untested


def test_a_base_that_could_not_be_tested_is_closed_in_on_from_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(line("fffuussss"))
    found = run(monkeypatch, engine, gap=9)
    assert places(found) == [(2, 3), (4, 5)]
    assert found.untested
    assert found.tried[3].verdict is Verdict.UNTESTED
    assert found.tried[3].document is not None


def test_where_no_base_can_be_had_no_change_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    found = run(monkeypatch, Engine(line("----")))
    assert places(found) == []
    assert found.untested
    assert [tried.refusal for _, tried in sorted(found.tried.items())] == [f"b{n} cannot be pulled" for n in range(4)]


def test_a_session_that_cannot_begin_on_a_base_is_no_end_either(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(line("fs"))

    def refusing(selection: Selection, hooks: Hooks) -> ScriptedSession:
        if selection.bases == ("b1",):
            raise BaseUnavailable("b1 has no node on its PATH", remedy="Choose a base with Node.")
        return engine.session(selection, hooks)

    monkeypatch.setattr(bisect, "Session", refusing)
    with Bisection(ONE, ["b0", "b1"], jobs=2, note=lambda _: None, tell=lambda *_: None) as bisection:
        found = bisection.run(search(2))
    assert found.tried[1] == Tried(document=None, refusal="b1 has no node on its PATH")


@pytest.mark.parametrize("fault", [EngineUnavailable("the engine went away"), UsageError("'x' is no image reference")])
def test_any_other_fault_ends_the_search_and_clears_up(fault: HarnessError, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine({**line("f" * 20), "b19": fault})
    with pytest.raises(type(fault), match=str(fault)):
        run(monkeypatch, engine, jobs=2)
    assert engine.open == 0
    assert {*engine.asked} == {"b0", "b19"}


def test_one_that_is_being_opened_as_the_search_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cell could go on for as long as an engine may wait for a stop."""
    leaving, opening = Event(), Event()
    begun: list[str] = []

    class Pool(ThreadPoolExecutor):
        def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
            leaving.set()
            super().shutdown(wait=wait, cancel_futures=cancel_futures)

    class Slow(ScriptedSession):
        def __enter__(self) -> ScriptedSession:
            if self.base == "b1":
                opening.set()
                assert leaving.wait(timeout=60)
            return super().__enter__()

        def run(self) -> Sequence[Future[Row]]:
            assert opening.wait(timeout=60)
            begun.append(self.base)
            return super().run()

    engine = Engine({"b0": EngineUnavailable("the engine went away"), "b1": FORWARDED})
    monkeypatch.setattr(bisect, "ThreadPoolExecutor", Pool)
    monkeypatch.setattr(bisect, "Session", partial(Slow, engine))
    with (
        pytest.raises(EngineUnavailable),
        Bisection(ONE, ["b0", "b1"], jobs=2, note=lambda _: None, tell=lambda *_: None) as bisection,
    ):
        bisection.run(search(2))
    assert (begun, engine.open) == (["b0"], 0)


def test_those_under_way_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without that the search would wait for the answer of the second base for ever."""
    under_way = Event()

    class Endless(ScriptedSession):
        def run(self) -> Sequence[Future[Row]]:
            if self.base == "b1":
                self.answer: Future[Row] = Future()
                under_way.set()
                return [self.answer]
            assert under_way.wait(timeout=60)
            return super().run()

        def abandon(self) -> None:
            self.answer.set_exception(Abandoned("given up"))

    engine = Engine({"b0": EngineUnavailable("the engine went away"), "b1": FORWARDED})
    monkeypatch.setattr(bisect, "Session", partial(Endless, engine))
    with (
        pytest.raises(EngineUnavailable),
        Bisection(ONE, ["b0", "b1"], jobs=2, note=lambda _: None, tell=lambda *_: None) as bisection,
    ):
        bisection.run(search(2))
    assert engine.open == 0


def test_no_further_round_is_begun_where_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = line("f" * 40)
    engine = Engine({**answers, "b9": EngineUnavailable("the engine went away")})
    with pytest.raises(EngineUnavailable):
        run(monkeypatch, engine, jobs=1)
    assert "b9" in engine.asked
    assert len(engine.asked) < 40


def test_what_is_done_and_what_is_begun_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    told = Told()
    run(monkeypatch, Engine(line("ffs")), told=told)
    assert told.notes == ["pulling b0", "pulling b2", "pulling b1"]
    assert [step for step in told.steps if not step[2]] == [(1, 2, ""), (2, 2, ""), (3, 3, "")]
    assert [now for _, _, now in told.steps if now] == ["b0", "b2", "b1"]
    assert all(done <= total for done, total, _ in told.steps)


@pytest.mark.parametrize(
    ("one", "cell"),
    [
        (ONE, "npm-start/SIGTERM"),
        (changed(ONE, probes=None), "npm-start/SIGTERM"),
        (changed(ONE, probes=(Probe.STOP,)), "npm-start/stop"),
        (changed(ONE, probes=(Probe.EXIT_CODE,), variants=("pid-1",)), "pid-1/exit-code"),
    ],
)
def test_the_cell_is_named_by_variant_and_question(one: Selection, cell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(monkeypatch, Engine({"b0": GRACEFUL}), one=one).cell == cell


class ScriptedCheck(ScriptedSession):
    """Stands in for a check of one image."""

    def __init__(self, engine: Engine, check: Check, hooks: Hooks) -> None:
        super().__init__(engine, changed(ONE, bases=check.images), hooks)

    def run(self) -> Sequence[Future[Row]]:
        (future,) = super().run()
        if not future.exception():
            row = changed(future.result(), subject=self.base, base=None)
            future = Future()
            future.set_result(row)
        return [future]

    def document(self, rows: Iterable[Row]) -> Document:
        (row,) = rows
        made = report(changed(row, subject="npm-start"))
        return changed(made, results=(row,), subjects={self.base: made.subjects["npm-start"]})


CHECK = Check(images=(), probes=(Probe.STOP,), tries=False)


def run_as_is(
    monkeypatch: pytest.MonkeyPatch, engine: Engine, *, check: Check = CHECK, gap: int | None = None
) -> Found:
    def checking(asked: Check, hooks: Hooks) -> ScriptedCheck:
        assert changed(asked, images=()) == check
        return ScriptedCheck(engine, asked, hooks)

    monkeypatch.setattr(bisect, "Checking", checking)
    references = [*engine.answers]
    with Bisection(check, references, jobs=1, note=lambda _: None, tell=lambda *_: None) as bisection:
        found = bisection.run(search(len(references), gap))
    assert engine.open == 0
    return found


@pytest.mark.parametrize(
    ("answers", "gap", "asked", "changes"),
    [
        ("ffsss", 5, ["b0", "b4", "b2", "b1"], [(1, 2)]),
        ("ff-ss", 1, ["b0", "b4", "b2", "b1", "b3"], [(1, 2), (2, 3)]),
        ("-fss", 1, ["b0", "b3", "b1", "b2"], [(0, 1), (1, 2)]),
        ("ffff", 4, ["b0", "b3"], []),
    ],
)
def test_images_as_they_are_are_searched_as_bases_are(
    answers: str, gap: int, asked: list[str], changes: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(line(answers))
    found = run_as_is(monkeypatch, engine, gap=gap)
    assert engine.asked == asked
    assert places(found) == changes
    assert (found.cell, found.as_is, found.untested) == ("stop", True, "-" in answers)
    rows = [tried.row for tried in found.tried.values() if tried.row]
    assert {(row.base, row.subject in engine.answers) for row in rows} == {(None, True)}


def test_the_question_of_images_as_they_are_may_be_a_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    check = Check(images=(), signals=(TERM,), tries=False)
    assert run_as_is(monkeypatch, Engine(line("fs")), check=check).cell == "SIGTERM"


def test_a_fault_ends_the_search_of_images_as_they_are_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="exposes no port"):
        run_as_is(monkeypatch, Engine({**line("ff"), "b1": UsageError("b1 exposes no port")}))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    answers=st.text(st.sampled_from("fsku-"), min_size=1, max_size=40),
    gap=st.none() | st.integers(1, 9),
    jobs=st.integers(1, 4),
)
def test_any_line_of_bases_is_searched_to_its_end(
    answers: str, gap: int | None, jobs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Engine(line(answers))
    found = run(monkeypatch, engine, gap=gap, jobs=jobs)
    alike = answers.replace("-", "u")
    assert len(engine.asked) == len({*engine.asked}) == len(found.tried)
    assert not search(len(answers), gap).next({place: tried.verdict for place, tried in found.tried.items()})
    for before, after in places(found):
        assert after == before + 1
        assert alike[before] != alike[after]
    assert found.untested is any(alike[place] == "u" for place in found.tried)


def test_progress_off_a_terminal_names_each_base_once_it_is_begun(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(what="bases") as progress:
        progress.tell(0, 2, "node:22 [bold]")
        progress.tell(1, 2, "")
        progress.tell(1, 2, "node:24")
    assert capsys.readouterr().err == "node:22 [bold]\nnode:24\n"
