"""Several signals to one container: only for as long as each is proven to have left it as it was."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final, NoReturn

import pytest

from harness.core.errors import EngineFault
from harness.core.evidence import SignalEvidence
from harness.core.process import Wait
from harness.core.question import Probe
from harness.core.signals import Signal
from harness.core.subject import App, Built, LogPattern, StopSetting, Subject
from harness.core.verdict import Verdict
from harness.run.plan import cells, questions
from harness.run.runner import Prepared, Runner, Schedule
from tests.support.evidence import changed
from tests.support.facts import start_command
from tests.support.scripted import Happening, Script, ScriptedEngine, process

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.core.result import Result
    from harness.core.subject import Cell

SIGNALS: Final = tuple(map(Signal, (1, 2, 15)))
CAUGHT: Final = ("HUP", "INT", "TERM")
INIT: Final = process(1, "npm start", catches=CAUGHT)
NODE: Final = process(7, "node app.js", parent=1, catches=CAUGHT)
APP: Final = App(
    ready=LogPattern(pattern=re.compile(r"^up pid=(?P<pid>\d+)")),
    receipts=LogPattern(pattern=re.compile(r"^got (?P<signal>SIG\w+)")),
    stop=StopSetting(),
    only_logs=True,
)
UP: Final = (Happening(output=b"up pid=7\n", tree=(INIT, NODE)),)
LOGS: Final = (Happening(after_s=0.01, output=b"got SIGNAL\n"),)
SLEEPS: Final = Wait(length_ns=60_000_000_000, until_ns=61_000_000_000)


def script(*at_signal: Happening, at_start: tuple[Happening, ...] = UP, traced: bool = True, marks: int = 2) -> Script:
    return Script(at_start=at_start, at_signal=at_signal, traced=traced, records=traced, marks=marks)


def asked(
    engine: ScriptedEngine,
    *,
    names: str = "a",
    signals: Sequence[Signal] = SIGNALS,
    probes: Sequence[Probe] = (Probe.SIGNAL,),
    shares: bool = True,
    repeat: int | None = None,
    receive: Callable[[Result], None] = lambda _: None,
) -> list[Result]:
    subjects = [Subject(name=name, title=name, image=Built(base="b", dockerfile=name), app=APP) for name in names]

    def prepare(cell: Cell) -> Prepared:
        return Prepared(cell=cell, image=cell.subject.name, configured=start_command())

    def received(result: Result) -> Result:
        receive(result)
        return result

    schedule = Schedule(prepare=prepare, jobs=1, repeat=repeat, shares=shares)
    with Runner(engine, schedule, received) as runner:
        found = [future.result() for future in runner.submit(cells("engine", subjects, questions(signals, probes)))]
    assert engine.present == set()
    return found


def sent(engine: ScriptedEngine) -> list[list[int]]:
    """The signals that each container was sent."""
    return [[signal.number for signal in container.killed] for container in engine.containers]


def earlier(result: Result) -> list[int]:
    assert isinstance(result.shown.evidence, SignalEvidence)
    return [signal.number for signal in result.shown.evidence.earlier]


@pytest.mark.parametrize("at_signal", [(), LOGS], ids=["silent", "receipts"])
def test_one_container_is_sent_all_and_each_evidence_has_its_own(at_signal: tuple[Happening, ...]) -> None:
    engine = ScriptedEngine(lambda _: script(*at_signal))
    found = asked(engine)
    assert sent(engine) == [[1, 2, 15]]
    assert list(map(earlier, found)) == [[], [1], [1, 2]]
    for result in found:
        assert result.verdict is Verdict.SWALLOWED
        evidence = result.shown.evidence
        assert isinstance(evidence, SignalEvidence)
        assert [event.signal for event in evidence.seen.events] == [evidence.sent.number]
        assert [line.text for line in evidence.seen.logs] == ["up pid=7", *["got SIGNAL" for _ in at_signal]]
        assert len(evidence.receipts or ()) == len(at_signal)


CHANGES: Final = {
    "a line that is no receipt": Happening(output=b"bye\n"),
    "half a line": Happening(output=b"got SI"),
    "another process": Happening(tree=(INIT, NODE, process(9, "sleep 9", parent=7))),
    "a process less": Happening(tree=(INIT,)),
    "another program": Happening(tree=(INIT, changed(NODE, argv=("node", "other.js")))),
    "another parent": Happening(tree=(INIT, changed(NODE, ppid=1))),
    "another group": Happening(tree=(INIT, changed(NODE, pgid=1007))),
    "a handler less": Happening(tree=(changed(INIT, caught=0), NODE)),
    "ignored from now on": Happening(tree=(INIT, changed(NODE, ignored=1))),
    "blocked from now on": Happening(tree=(INIT, changed(NODE, blocked=1 << 40))),
    "on its way, and blocked": Happening(tree=(INIT, changed(NODE, blocked=1, pending=1))),
    "another thread": Happening(tree=(INIT, changed(NODE, threads=frozenset({1008})))),
    "dead": Happening(tree=(INIT, changed(NODE, state="Z"))),
    "stopped": Happening(tree=(changed(INIT, state="T"), NODE)),
    "a timeout of the parent's": Happening(tree=(changed(INIT, waits=(SLEEPS,)), NODE)),
    "timeouts that do not show": Happening(tree=(changed(INIT, waits=None), NODE)),
    "runs that are not counted": Happening(tree=(changed(INIT, activity=None), changed(NODE, activity=None))),
    "running on": Happening(busy=True),
    "an end": Happening(exit_code=0),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_a_signal_changed_is_sent_no_other(change: Happening) -> None:
    engine = ScriptedEngine(lambda _: script(change))
    found = asked(engine)
    assert sent(engine) == [[1], [2], [15]]
    assert list(map(earlier, found)) == [[], [], []]


def test_a_timeout_of_the_apps_own_is_its_runtimes() -> None:
    engine = ScriptedEngine(lambda _: script(Happening(tree=(INIT, changed(NODE, waits=(SLEEPS,))))))
    asked(engine)
    assert sent(engine) == [[1, 2, 15]]


@pytest.mark.parametrize("how", [{"traced": False}, {"marks": 0}], ids=["no record", "no marks"])
def test_where_nothing_proves_it_each_is_fresh(how: dict[str, int]) -> None:
    engine = ScriptedEngine(lambda launch: script(traced=bool(how.get("traced", True)), marks=how.get("marks", 2)))
    assert len(asked(engine)) == 3
    assert [one for one in sent(engine) if one] == [[1], [2], [15]]


def test_what_could_not_be_judged_proves_nothing() -> None:
    """The record does not show that the engine sent anything."""
    engine = ScriptedEngine(lambda _: Script(at_start=UP, traced=True))
    found = asked(engine)
    assert {result.verdict for result in found} == {Verdict.UNTESTED}
    assert sent(engine) == [[1], [2], [15]]


def test_what_cannot_be_looked_at_any_more_is_not_sent_more_and_its_verdict_stays() -> None:
    engine = ScriptedEngine(lambda _: script())
    found = asked(engine, receive=lambda _: vars(engine.containers[-1]).update(tree=gone))
    assert {result.verdict for result in found} == {Verdict.SWALLOWED}
    assert sent(engine) == [[1], [2], [15]]


def gone() -> NoReturn:
    raise EngineFault("the engine says: no such container")


def test_a_loop_is_not_sent_more() -> None:
    """A shell that sleeps each second may act on a signal at any of its ticks."""
    ticks = Wait(length_ns=1_000_000_000, until_ns=2_000_000_000)
    loop = process(1, "sh loop.sh", catches=CAUGHT)
    start = (Happening(output=b"up pid=7\n", tree=(changed(loop, waits=(ticks,)), NODE)),)
    engine = ScriptedEngine(lambda _: script(at_start=start))
    asked(engine)
    assert sent(engine) == [[1], [2], [15]]


@pytest.mark.parametrize(
    "happens",
    [
        lambda container: container.inbox.write(b"late\n"),
        lambda container: container.inbox.write(b"la"),
        lambda container: container._apply(CHANGES["a handler less"]),
        lambda container: container._apply(CHANGES["an end"]),
    ],
    ids=["a line", "half a line", "a handler less", "an end"],
)
def test_what_happens_in_between_ends_it(happens: Callable[[object], None]) -> None:
    engine = ScriptedEngine(lambda _: script())
    asked(engine, receive=lambda _: happens(engine.containers[-1]))
    assert sent(engine) == [[1], [2], [15]]


def test_a_fault_ends_it_and_the_next_is_fresh() -> None:
    scripts = iter([Script(at_start=UP, kill_fault=EngineFault("the engine says: no")), script()])
    engine = ScriptedEngine(lambda _: next(scripts))
    found = asked(engine)
    assert [result.verdict is Verdict.UNTESTED for result in found] == [True, False, False]
    assert sent(engine) == [[], [2, 15]]


def test_what_runs_more_than_once_does_so_in_fresh_ones() -> None:
    engine = ScriptedEngine(lambda _: script())
    asked(engine, repeat=2)
    assert sent(engine) == [[1], [1], [2], [2], [15], [15]]


def test_it_is_not_done_unless_it_is_wanted() -> None:
    engine = ScriptedEngine(lambda _: script())
    asked(engine, shares=False)
    assert sent(engine) == [[1], [2], [15]]


def test_other_probes_have_their_own_containers_and_subjects_too() -> None:
    engine = ScriptedEngine(lambda _: script())
    asked(engine, names="abc", probes=(Probe.SIGNAL, Probe.STOP))
    assert Counter(map(tuple, sent(engine))) == {(1, 2, 15): 3, (): 3}


def test_none_stands_ready_for_nobody() -> None:
    engine = ScriptedEngine(lambda _: script())
    present: list[int] = []
    asked(engine, names="ab", receive=lambda _: present.append(len(engine.present)))
    assert present == [1, 1, 0, 1, 1, 0]
