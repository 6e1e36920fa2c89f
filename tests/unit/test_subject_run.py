"""Subjects of a config put to the test side by side, or each as it is asked, on checks that follow a script."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Barrier, Event
from typing import TYPE_CHECKING

import pytest

from harness import subject_run
from harness.checking import Check
from harness.cli.subjects import Subject
from harness.core.errors import BaseUnavailable
from harness.core.ignoring import Ignore
from harness.core.policy import Limits
from harness.core.question import Probe, Question
from harness.core.rules import Rule
from harness.core.signals import Signal
from harness.core.subject import App, Cell, Given
from harness.core.subject import Subject as Run
from harness.session import Hooks
from harness.subject_run import SubjectRun
from tests.support.evidence import changed
from tests.support.reports import FORCED, FORWARDED, GRACEFUL, report, result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.core.document import Document, Row

STOP = Question(probe=Probe.STOP)
TERM = Question(signal=Signal(15))
BOTH = (Probe.STOP, Probe.SIGNAL)


@dataclass
class Script:
    """What checks do and have done: with a barrier, none is done before all run; with a gate, none before it opens."""

    barrier: Barrier | None = None
    gate: Event | None = None
    opened: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    jobs: list[int | None] = field(default_factory=list)


class Scripted:
    """A check of one image: ``/bad`` is forced, ``/gone`` cannot be had, all else is as it should be."""

    script = Script()

    def __init__(self, check: Check, _: Hooks) -> None:
        (self.image,) = check.images
        self.script.jobs.append(check.jobs)
        tested = Run(name=self.image, title=self.image, image=Given(reference=self.image), app=App())
        self.cells = tuple(Cell(engine="e", subject=tested, question=question) for question in check.questions)
        self.ignores: tuple[Ignore, ...] = ()

    def __enter__(self) -> Scripted:
        if self.image == "/gone":
            raise BaseUnavailable("there is no such image")
        self.script.opened.append(self.image)
        return self

    def __exit__(self, *_: object) -> None:
        self.script.closed.append(self.image)
        if self.script.gate is not None:
            self.script.gate.set()

    def run(self, cells: Sequence[Cell]) -> list[Future[Row]]:
        if self.script.barrier is not None:
            self.script.barrier.wait(timeout=30)
        if self.script.gate is not None:
            self.script.gate.wait(timeout=30)
        return [self._future(cell.question) for cell in cells]

    def document(self, rows: Sequence[Row]) -> Document:
        return changed(report(*rows), bases={})

    def _future(self, question: Question) -> Future[Row]:
        self.script.asked.append((self.image, question.name))
        stopped = FORCED if self.image == "/bad" else GRACEFUL
        evidence, probe = (stopped, Probe.STOP) if question == STOP else (FORWARDED, Probe.SIGNAL)
        future: Future[Row] = Future()
        future.set_result(changed(result(self.image, evidence, probe=probe), base=None))
        return future


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Script:
    made = Script()
    monkeypatch.setattr(Scripted, "script", made)
    monkeypatch.setattr(subject_run, "Checking", Scripted)
    return made


NO_LIMITS = Limits()


def subject(name: str, *ignores: Ignore, limits: Limits = NO_LIMITS) -> Subject:
    check = Check(images=(f"/{name}",), signals=(Signal(15),), probes=BOTH)
    return Subject(name=name, typed=f"./{name}", check=check, limits=limits, ignores=ignores)


def leaving(names: str, until: dt.date | None = None) -> Ignore:
    place = "the config, ignore 1"
    return Ignore(rule=Rule.NOT_FORWARDED, subject=names, reason="it may", place=place, until=until)


def test_all_that_is_started_runs_side_by_side(script: Script) -> None:
    script.barrier = Barrier(3)
    run = SubjectRun(6, Hooks())
    subjects = [subject(name) for name in ("a", "b", "c")]
    run.start({one.name: (one, [STOP, TERM]) for one in subjects})
    for one in subjects:
        for question in (STOP, TERM):
            (row,) = run.answer(one.name, one, question).document.results
            assert (row.subject, row.question, row.verdict.good) == (one.name, question, True)
    run.close()
    assert sorted(script.opened) == sorted(script.closed) == ["/a", "/b", "/c"]
    assert script.jobs == [2, 2, 2]


def test_what_was_not_started_is_run_as_it_is_asked_and_nothing_else(script: Script) -> None:
    run = SubjectRun(None, Hooks())
    run.answer("a", subject("a"), TERM)
    assert (script.asked, script.opened, script.closed) == ([("/a", "SIGTERM")], ["/a"], ["/a"])


def test_what_is_left_be_says_so_by_any_name(script: Script) -> None:
    run = SubjectRun(None, Hooks())
    for names in ("bad", "./bad", "/bad"):
        (row,) = run.answer("bad", subject("bad", leaving(names)), STOP).document.results
        assert row.ignored is not None
        assert row.ignored.reason == "it may"
    (row,) = run.answer("bad", subject("bad", leaving("other")), STOP).document.results
    assert row.ignored is None
    assert script.asked == [("/bad", "stop")] * 4


def test_what_is_left_be_no_more_is_told(script: Script) -> None:
    answer = SubjectRun(None, Hooks()).answer("bad", subject("bad", leaving("bad", dt.date(2020, 1, 1))), STOP)
    assert answer.document.results[0].ignored is None
    assert answer.told == ("the config, ignore 1: SH002 of bad is ignored no more, since 2020-01-01: it may",)
    assert script.closed == ["/bad"]


def test_a_stop_may_take_so_long(script: Script) -> None:
    run = SubjectRun(None, Hooks())
    slow, fast = (run.answer("a", subject("a", limits=Limits(max_stop_s=most)), STOP) for most in (0.01, 60))
    assert slow.document.results[0].rule is Rule.SLOW_STOP
    assert fast.document.results[0].rule is None
    assert script.closed == ["/a", "/a"]


def test_one_that_cannot_be_had_is_nothing_to_the_others(script: Script) -> None:
    run = SubjectRun(2, Hooks())
    run.start({name: (subject(name), [STOP]) for name in ("gone", "a")})
    assert run.answer("a", subject("a"), STOP).document.results[0].verdict.good
    with pytest.raises(BaseUnavailable, match="no such image"):
        run.answer("gone", subject("gone"), STOP)
    assert script.closed == ["/a"]


def test_what_is_under_way_is_closed_once(script: Script) -> None:
    script.gate, script.barrier = Event(), Barrier(2)
    run = SubjectRun(1, Hooks())
    run.start({name: (subject(name), [STOP]) for name in ("a", "never begun")})
    script.barrier.wait(timeout=30)
    run.close()
    assert (script.opened, script.closed) == (["/a"], ["/a"])
