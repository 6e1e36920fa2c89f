"""Many cells on a scripted engine: faults stay with their cells, and what is done stays done."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import structs

from harness.core.errors import BaseUnavailable, Disturbed, EngineFault, EngineUnavailable, UsageError
from harness.core.evidence import SignalEvidence
from harness.core.question import Probe, Question
from harness.core.signals import Signal
from harness.core.subject import (
    App,
    Built,
    Cell,
    ExitSetting,
    Expectation,
    LaunchOptions,
    LogPattern,
    StopSetting,
    Subject,
)
from harness.core.trace import Fate, Sent
from harness.core.verdict import Expected, Verdict
from harness.run.asking import signal_of
from harness.run.plan import cells as plan_cells
from harness.run.plan import questions
from harness.run.probes.exit_code import ExitEvidence
from harness.run.probes.reap import ReapEvidence
from harness.run.probes.stop import StopEvidence
from harness.run.protocol import Launch
from harness.run.runner import DOUBTFUL_REPEATS, Prepared, Runner, Schedule
from tests.support.evidence import changed
from tests.support.facts import start_command
from tests.support.scripted import Executed, Happening, Script, ScriptedEngine, process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from harness.core.errors import HarnessError
    from harness.core.facts import StartCommand
    from harness.core.result import Result
    from tests.support.scripted import ScriptedContainer

APP = App(
    ready=LogPattern(pattern=re.compile(r"^up pid=(?P<pid>\d+)")),
    receipts=LogPattern(pattern=re.compile(r"^got (?P<signal>SIG\w+)")),
)
START = (
    Happening(after_s=0.1, output=b"up pid=1\n", tree=(process(1, "node", catches=("TERM", "HUP", "INT", "QUIT")),)),
)
FORWARDS = Script(at_start=START, at_signal=(Happening(after_s=0.01, output=b"got SIGTERM\n"),))
SWALLOWS = Script(at_start=START, at_tell=(Happening(output=b"got SIGTERM\n"),))
FAULTY = Script(at_start=START, kill_fault=EngineFault("the engine says: no"))
GONE = Script(at_start=START, kill_fault=EngineUnavailable("the engine does not answer"))
START_COMMAND = start_command(entrypoint=("docker-entrypoint.sh",), command=("npm", "start"), stop_signal="SIGQUIT")
TERM = Signal(15)


def subject(name: str, *, base: str = "base", app: App = APP, **keys: Any) -> Subject:
    return Subject(name=name, title=name, image=Built(base=base, dockerfile=f"{name}.Dockerfile"), app=app, **keys)


def cells(
    *subjects: Subject, signals: Sequence[Signal] = (TERM,), probes: Sequence[Probe] = (Probe.SIGNAL,)
) -> tuple[Cell, ...]:
    return plan_cells("engine", subjects, questions(signals, probes))


def by_image(**scripts: Script) -> ScriptedEngine:
    return ScriptedEngine(lambda launch: scripts[launch.image])


def in_turn(scripts: Iterable[Script]) -> ScriptedEngine:
    turns = iter(scripts)
    return ScriptedEngine(lambda launch: SWALLOWS if launch.control else next(turns))


def prepares(
    image_of: Callable[[Subject], str] = lambda subject: subject.name,
    start_of: Callable[[str], StartCommand] = lambda _: START_COMMAND,
) -> Callable[[Cell], Prepared]:
    """What makes cells ready, as a session does it."""

    def prepare(cell: Cell) -> Prepared:
        image = image_of(cell.subject)
        return Prepared(cell=cell, image=image, configured=start_of(image))

    return prepare


def run(
    engine: ScriptedEngine,
    wanted: Iterable[Cell],
    *,
    jobs: int = 1,
    repeat: int | None = 1,
    image_of: Callable[[Subject], str] = lambda subject: subject.name,
    start_of: Callable[[str], StartCommand] = lambda _: START_COMMAND,
    receive: Callable[[Result], Result] = lambda result: result,
) -> list[Result]:
    schedule = Schedule(prepare=prepares(image_of, start_of), jobs=jobs, repeat=repeat)
    with Runner(engine, schedule, receive) as runner:
        return [future.result() for future in runner.submit(tuple(wanted))]


def one(engine: ScriptedEngine, **how: Any) -> Result:
    """The result of the only cell."""
    (result,) = run(engine, cells(subject("a")), **how)
    return result


def verdicts(results: Iterable[Result]) -> list[tuple[str, Verdict]]:
    return [(result.cell.subject.name, result.verdict) for result in results]


class Meeting(ScriptedEngine):
    """Signals are sent, or whatever else is done to them, once there are so many containers."""

    def __init__(self, script_of: Callable[[Launch], Script], *, together: int, what: str = "kill") -> None:
        super().__init__(script_of)
        self._all = threading.Barrier(together)
        self._what = what

    @contextmanager
    def launch(self, launch: Launch) -> Iterator[ScriptedContainer]:
        with super().launch(launch) as container:
            do = getattr(container, self._what)

            def meet(*given: Signal) -> int | None:
                self._all.wait(timeout=5)
                return do(*given)

            vars(container)[self._what] = meet
            yield container


def test_who_has_come_to_rest_lets_others_start() -> None:
    engine = Meeting(lambda _: FORWARDS, together=3)
    schedule = Schedule(prepare=prepares(), jobs=3, starts=1, repeat=1)
    with Runner(engine, schedule, lambda result: result) as runner:
        futures = runner.submit(cells(*map(subject, "abc")))
        assert [future.result().verdict for future in futures] == [Verdict.FORWARDED] * 3


def test_cells_are_every_base_variant_and_signal_base_by_base() -> None:
    subjects = [subject(name, base=base) for base in ("local:x", "y/z:1") for name in "ab"]
    planned = cells(*subjects, signals=[TERM, Signal(1)])
    assert [cell.id for cell in planned] == [
        *("x/a/SIGTERM", "x/a/SIGHUP", "x/b/SIGTERM", "x/b/SIGHUP"),
        *("y_z:1/a/SIGTERM", "y_z:1/a/SIGHUP", "y_z:1/b/SIGTERM", "y_z:1/b/SIGHUP"),
    ]


def test_probes_come_in_their_order_and_only_signal_asks_once_per_signal() -> None:
    subjects = [subject(name, base="x") for name in "ab"]
    planned = cells(*subjects, signals=[TERM, Signal(1)], probes=[Probe.STOP, Probe.SIGNAL, Probe.TTY])
    assert [cell.id for cell in planned] == [
        *("x/a/stop", "x/a/SIGTERM", "x/a/SIGHUP", "x/a/tty"),
        *("x/b/stop", "x/b/SIGTERM", "x/b/SIGHUP", "x/b/tty"),
    ]
    assert [cell.question.probe for cell in planned[:4]] == [Probe.STOP, Probe.SIGNAL, Probe.SIGNAL, Probe.TTY]


def test_other_probes_ask_for_no_signal() -> None:
    planned = cells(subject("a"), probes=[Probe.REAP, Probe.EXIT_CODE])
    assert [cell.question.signal for cell in planned] == [None, None]


@pytest.mark.parametrize("jobs", [1, 4])
def test_results_come_in_the_order_of_the_cells(jobs: int) -> None:
    engine = by_image(a=FORWARDS, b=SWALLOWS, c=FORWARDS)
    results = run(engine, cells(subject("a"), subject("b"), subject("c")), jobs=jobs)
    assert verdicts(results) == [("a", Verdict.FORWARDED), ("b", Verdict.SWALLOWED), ("c", Verdict.FORWARDED)]
    assert engine.present == set()


def test_a_variants_options_reach_the_engine() -> None:
    engine = by_image(a=FORWARDS)
    options = LaunchOptions(init=True, entrypoint=("tini", "--"), command=("node",), memory="1g", user="node")
    run(engine, cells(subject("a", launch=options)))
    assert engine.launches == [Launch(image="a", options=options)]


def test_an_expectation_of_the_signal_is_in_the_result() -> None:
    expect = Expectation(forwards=Expected.NEVER, signals={TERM: Expected.ALWAYS})
    (result,) = run(by_image(a=FORWARDS), cells(subject("a", expect=expect)))
    assert result.expected is Expected.ALWAYS


def test_a_signal_nothing_is_expected_of_depends() -> None:
    expect = Expectation(signals={Signal(1): Expected.ALWAYS})
    (result,) = run(by_image(a=FORWARDS), cells(subject("a", expect=expect)))
    assert result.expected is Expected.DEPENDS


def test_a_tested_cell_tells_how_to_repeat_it_by_hand() -> None:
    (result,) = run(by_image(a=FORWARDS), cells(subject("a", launch=LaunchOptions(init=True))))
    assert result.reproduce[0].startswith("docker run -d --name try-a ")
    assert result.reproduce[0].endswith(" --init a")
    assert "docker kill --signal=SIGTERM try-a" in result.reproduce


def test_an_engine_that_goes_away_half_way_keeps_what_is_done() -> None:
    engine = by_image(a=FORWARDS, b=GONE, c=FORWARDS, d=FORWARDS)
    results = run(engine, cells(subject("a"), subject("b"), subject("c"), subject("d")))
    assert verdicts(results) == [
        ("a", Verdict.FORWARDED),
        ("b", Verdict.UNTESTED),
        ("c", Verdict.UNTESTED),
        ("d", Verdict.UNTESTED),
    ]
    assert {result.judgement.reason for result in results[1:]} == {"the engine went away: the engine does not answer"}
    assert [launch.image for launch in engine.launches] == ["a", "b"]
    assert engine.present == set()


def in_turn_on_a_live_engine(*scripts: Script) -> ScriptedEngine:
    turns = iter(scripts)
    return ScriptedEngine(lambda launch: SWALLOWS if launch.control else next(turns), alive=True)


MISSED = changed(FORWARDS, disturbs="events of the engine were lost")
BROKEN = changed(FORWARDS, kill_fault=EngineUnavailable("the connection broke"))


@pytest.mark.parametrize("hit", [MISSED, BROKEN])
@pytest.mark.parametrize("times", [1, 2])
def test_a_run_that_a_fault_hit_is_made_again_in_a_fresh_container(hit: Script, times: int) -> None:
    engine = in_turn_on_a_live_engine(*[hit] * times, FORWARDS)
    result = one(engine)
    assert (result.verdict, len(result.runs)) == (Verdict.FORWARDED, 1)
    assert len(engine.containers) == times + 1
    assert all(len(container.killed) <= 1 for container in engine.containers)


@pytest.mark.parametrize(("hit", "why"), [(MISSED, "events of the engine were lost"), (BROKEN, "the connection broke")])
def test_a_run_that_faults_hit_each_time_is_untested_with_the_reason_and_no_other_is(hit: Script, why: str) -> None:
    engine = in_turn_on_a_live_engine(*[hit] * 3, FORWARDS)
    results = run(engine, cells(subject("a"), subject("b")))
    assert verdicts(results) == [("a", Verdict.UNTESTED), ("b", Verdict.FORWARDED)]
    assert results[0].judgement.reason == why
    assert len(engine.containers) == 4


def test_what_the_engine_refuses_is_not_made_again() -> None:
    engine = in_turn_on_a_live_engine(FAULTY)
    assert one(engine).judgement.reason == "the engine says: no"


def test_a_signal_that_the_engine_says_it_sent_and_did_not_is_no_finding() -> None:
    lies = changed(SWALLOWS, told=False)
    result = one(in_turn_on_a_live_engine(*[lies] * 3))
    assert result.verdict is Verdict.UNTESTED
    assert result.judgement.reason == "the engine took the request to send SIGTERM, and nothing shows that it sent it"
    assert one(in_turn_on_a_live_engine(lies, SWALLOWS)).verdict is Verdict.SWALLOWED


def test_an_image_that_a_fault_kept_from_being_had_makes_no_other_cell_untested() -> None:
    def image_of(subject: Subject) -> str:
        if subject.name == "a":
            raise EngineUnavailable("the connection broke")
        return subject.name

    results = run(in_turn_on_a_live_engine(FORWARDS), cells(subject("a"), subject("b")), image_of=image_of)
    assert verdicts(results) == [("a", Verdict.UNTESTED), ("b", Verdict.FORWARDED)]
    assert results[0].judgement.reason == "the connection broke"


def test_an_engine_that_is_gone_at_launch() -> None:
    def gone(_: Launch) -> Script:
        raise EngineUnavailable("the engine does not answer")

    engine = ScriptedEngine(gone)
    assert verdicts(run(engine, cells(subject("a"), subject("b")))) == [
        ("a", Verdict.UNTESTED),
        ("b", Verdict.UNTESTED),
    ]
    assert len(engine.launches) == 1


def test_a_fault_of_one_cell_stays_with_it() -> None:
    results = run(by_image(a=FAULTY, b=FORWARDS), cells(subject("a"), subject("b")))
    assert verdicts(results) == [("a", Verdict.UNTESTED), ("b", Verdict.FORWARDED)]
    assert results[0].judgement.reason == "the engine says: no"
    assert results[0].reproduce == ()


def test_an_image_that_cannot_be_had_makes_its_cells_untested_and_no_others() -> None:
    def image_of(subject: Subject) -> str:
        if subject.name == "b":
            raise BaseUnavailable("it does not build: exit code 1")
        return subject.name

    engine = by_image(a=FORWARDS, c=FORWARDS)
    planned = cells(subject("a"), subject("b"), subject("c"), signals=[Signal(1), TERM])
    results = run(engine, planned, image_of=image_of)
    assert [(result.cell.subject.name, result.judgement.reason) for result in results if not result.evidence] == [
        ("b", "it does not build: exit code 1"),
        ("b", "it does not build: exit code 1"),
    ]
    assert len(engine.launches) == 4


def test_repeats_that_agree() -> None:
    engine = by_image(a=FORWARDS)
    (result,) = run(engine, cells(subject("a")), repeat=3)
    assert result.verdict is Verdict.FORWARDED
    assert len(result.runs) == len(engine.launches) == 3


def test_workers_without_a_cell_help_with_repeats() -> None:
    engine = Meeting(lambda _: FORWARDS, together=3)
    (result,) = run(engine, cells(subject("a")), repeat=3, jobs=3)
    assert (result.verdict, len(result.runs)) == (Verdict.FORWARDED, 3)


def test_workers_without_a_cell_help_with_what_takes_several_containers() -> None:
    def exits(launch: Launch) -> Script:
        code = int(launch.options.environment["CODE"])
        return Script(at_start=(*START, Happening(after_s=0.3, output=b"done\n", exit_code=code)))

    app = changed(
        APP, done=LogPattern(pattern=re.compile("^done")), exit_code=ExitSetting(environment={"CODE": "{code}"})
    )
    engine = Meeting(exits, together=3, what="start")
    (result,) = run(engine, cells(subject("a", app=app), probes=[Probe.EXIT_CODE]), jobs=3)
    assert result.verdict is Verdict.KEPT


def test_repeats_that_disagree_are_unstable() -> None:
    (result,) = run(in_turn([FORWARDS, SWALLOWS, FORWARDS]), cells(subject("a")), repeat=3)
    assert result.verdict is Verdict.UNSTABLE
    assert result.judgement.reason.startswith("3 runs disagree: forwarded 2×, swallowed 1×; for instance, PID 1 is ")
    assert result.shown is result.runs[1]


def test_a_repeat_that_cannot_be_tested_leaves_the_others_their_word() -> None:
    (result,) = run(in_turn([FORWARDS, FAULTY]), cells(subject("a")), repeat=3)
    assert [run.judgement.verdict for run in result.runs] == [Verdict.FORWARDED, Verdict.UNTESTED]
    assert result.verdict is Verdict.FORWARDED


NPM = (
    process(1, "dumb-init npm start", catches=("TERM",)),
    process(7, "npm start", parent=1, catches=("TERM",)),
    process(8, "node", parent=7, catches=("TERM",)),
)
DOUBTFUL = Script(
    at_start=(Happening(after_s=0.1, output=b"up pid=8\n", tree=NPM),),
    at_signal=(Happening(after_s=0.01, output=b"got SIGTERM\n"),),
)
TWICE = changed(DOUBTFUL, at_signal=DOUBTFUL.at_signal * 2)
WHY = (
    "`dumb-init npm start` and `npm start` may each have sent SIGTERM to the app, "
    "and two signals that are pending together are delivered as one; only the kernel's record can tell"
)


def test_a_doubtful_cell_is_repeated_and_proves_nothing_if_all_runs_agree() -> None:
    engine = ScriptedEngine(lambda _: DOUBTFUL)
    result = one(engine, repeat=None)
    assert len(result.runs) == len(engine.launches) == DOUBTFUL_REPEATS
    assert {run.judgement.verdict for run in result.runs} == {Verdict.FORWARDED}
    assert result.verdict is Verdict.UNTESTED
    assert result.judgement.reason == f"{DOUBTFUL_REPEATS} runs look forwarded, but {WHY}"
    assert result.start is not None
    assert result.reproduce


def test_a_doubtful_cell_whose_runs_disagree_is_unstable() -> None:
    result = one(in_turn([*[DOUBTFUL] * 6, TWICE, *[DOUBTFUL] * 3]), repeat=None)
    assert result.verdict is Verdict.UNSTABLE
    assert result.judgement.reason.startswith("10 runs disagree: forwarded 9×, duplicated 1×; for instance, ")
    assert result.shown is result.runs[6]


def test_doubtful_runs_that_all_show_it_are_believed() -> None:
    result = one(ScriptedEngine(lambda _: TWICE), repeat=None)
    assert (result.verdict, len(result.runs)) == (Verdict.DUPLICATED, DOUBTFUL_REPEATS)


def test_with_the_kernels_record_one_run_is_enough() -> None:
    by_npm = Sent(
        time_s=2, sender="npm", sender_pid=1007, number=15, target="node", target_pid=1008, fate=Fate.DELIVERED
    )
    by_runc = changed(by_npm, sender="runc", sender_pid=5, target_pid=1001, from_outside=True)
    happening = changed(DOUBTFUL.at_signal[0], trace=(by_runc, by_npm))
    engine = ScriptedEngine(lambda _: changed(DOUBTFUL, traced=True, at_signal=(happening,)))
    result = one(engine, repeat=None)
    assert (result.verdict, len(engine.launches)) == (Verdict.FORWARDED, 1)


@pytest.mark.parametrize(("repeat", "reason"), [(1, "one run looks"), (3, "3 runs look")])
def test_a_number_of_repeats_that_was_asked_for_stays_so(repeat: int, reason: str) -> None:
    engine = ScriptedEngine(lambda _: DOUBTFUL)
    result = one(engine, repeat=repeat)
    assert len(engine.launches) == repeat
    assert result.judgement.reason == f"{reason} forwarded, but {WHY}"


def test_what_leaves_no_doubt_runs_once() -> None:
    engine = by_image(a=FORWARDS)
    assert (one(engine, repeat=None).verdict, len(engine.launches)) == (Verdict.FORWARDED, 1)


def test_a_fault_ends_the_repeats() -> None:
    result = one(in_turn([DOUBTFUL, DOUBTFUL, FAULTY]), repeat=None)
    assert [run.judgement.verdict for run in result.runs] == [*[Verdict.FORWARDED] * 2, Verdict.UNTESTED]
    assert result.judgement.reason.startswith("2 runs look forwarded, but ")


STOPPABLE = changed(
    APP,
    done=LogPattern(pattern=re.compile("^bye")),
    stop=StopSetting(),
    exit_code=ExitSetting(environment={"CODE": "{code}"}),
)
LEAVES = Script(
    at_start=START,
    stop_signal=3,
    at_stop=(Happening(after_s=0.01, output=b"got SIGTERM\nbye\n", exit_code=0),),
)


def of_probe(engine: ScriptedEngine, probe: Probe, *, of: Subject | None = None, **how: Any) -> Result:
    (result,) = run(engine, cells(of or subject("a", app=STOPPABLE), probes=[probe]), **how)
    return result


@pytest.mark.parametrize(("stop_signal", "sent"), [("SIGQUIT", 3), ("3", 3), (None, 15), ("SIGRTMIN+3", 37)])
def test_a_stop_is_with_the_images_own_signal(stop_signal: str | None, sent: int) -> None:
    result = of_probe(by_image(a=LEAVES), Probe.STOP, start_of=lambda _: start_command(stop_signal=stop_signal))
    assert isinstance(result.evidence, StopEvidence)
    assert result.evidence.signalled.sent == Signal(sent)


@pytest.mark.parametrize("stop_signal", ["SIGKILL", "SIGNAL"])
def test_a_stop_signal_that_nothing_can_catch_is_untested(stop_signal: str) -> None:
    result = of_probe(by_image(a=LEAVES), Probe.STOP, start_of=lambda _: start_command(stop_signal=stop_signal))
    assert result.verdict is Verdict.UNTESTED
    assert stop_signal in result.judgement.reason


@pytest.mark.parametrize(
    ("probe", "stop_signal", "number"),
    [
        (Probe.STOP, "SIGQUIT", 3),
        (Probe.STOP, "3", 3),
        (Probe.STOP, "RTMIN+3", 37),
        (Probe.STOP, None, 15),
        (Probe.STOP, "", 15),
    ],
)
def test_a_cell_without_a_signal_is_about_the_one_that_a_stop_sends(
    probe: Probe, stop_signal: str | None, number: int
) -> None:
    assert signal_of(Question(probe=probe), start_command(stop_signal=stop_signal)) == Signal(number)


@pytest.mark.parametrize("stop_signal", ["SIGKILL", "SIGNAL"])
def test_a_stop_signal_that_there_is_no_handler_for_is_told(stop_signal: str) -> None:
    with pytest.raises(UsageError, match=stop_signal):
        signal_of(Question(probe=Probe.STOP), start_command(stop_signal=stop_signal))


def test_a_signal_that_is_asked_for_goes_before_the_images_own() -> None:
    assert signal_of(Question(signal=Signal(1)), start_command(stop_signal="SIGQUIT")) == Signal(1)


def test_a_stop_signal_of_the_subject_goes_before_the_images_own() -> None:
    cell = Cell(
        engine="engine",
        subject=subject("a", launch=LaunchOptions(stop_signal="SIGINT")),
        question=Question(probe=Probe.STOP),
    )
    prepared = Prepared(cell=cell, image="a", configured=start_command(stop_signal="SIGQUIT"))
    assert prepared.start.stop_signal == "SIGINT"


def test_each_probe_gives_its_own_evidence() -> None:
    orphan = process(20, "sleep 3600", parent=1)
    pid1 = process(1, "node", catches=("TERM", "HUP"))
    reaping = changed(
        LEAVES,
        executed=(
            Executed(output="20\n", then=(Happening(tree=(pid1, orphan)),)),
            Executed(then=(Happening(tree=(pid1,)),)),
        ),
    )

    def leaving(launch: Launch) -> Script:
        end = Happening(after_s=0.3, output=b"bye\n", exit_code=int(launch.options.environment["CODE"]))
        return Script(at_start=(*START, end))

    kinds = {
        Probe.STOP: (StopEvidence, Verdict.GRACEFUL, by_image(a=LEAVES)),
        Probe.REAP: (ReapEvidence, Verdict.REAPED, by_image(a=reaping)),
        Probe.EXIT_CODE: (ExitEvidence, Verdict.KEPT, ScriptedEngine(leaving)),
        Probe.TTY: (SignalEvidence, Verdict.FORWARDED, by_image(a=changed(FORWARDS, at_key=KEY))),
    }
    for probe, (kind, verdict, engine) in kinds.items():
        result = of_probe(engine, probe)
        assert isinstance(result.evidence, kind), probe
        assert (result.verdict, result.cell.question.name) == (verdict, probe.value)


KEY = (Happening(after_s=0.01, output=b"^Cgot SIGINT\r\n"),)


def test_an_expectation_of_a_probe_is_in_the_result() -> None:
    expect = Expectation(forwards=Expected.ALWAYS, probes={Probe.STOP: Expected.NEVER})
    assert (
        of_probe(by_image(a=LEAVES), Probe.STOP, of=subject("a", app=STOPPABLE, expect=expect)).expected
        is Expected.NEVER
    )
    keyed = by_image(a=changed(FORWARDS, at_key=KEY))
    assert of_probe(keyed, Probe.TTY, of=subject("a", app=STOPPABLE, expect=expect)).expected is Expected.DEPENDS


@pytest.mark.parametrize(
    ("options", "start"),
    [
        ({}, START_COMMAND),
        ({"command": ("node",)}, structs.replace(START_COMMAND, command=("node",))),
        ({"entrypoint": ("tini",)}, structs.replace(START_COMMAND, entrypoint=("tini",), command=())),
        (
            {"entrypoint": ("tini",), "command": ("node",)},
            structs.replace(START_COMMAND, entrypoint=("tini",), command=("node",)),
        ),
    ],
)
def test_what_is_started_is_the_images_own_but_for_the_variants_options(
    options: dict[str, Any], start: StartCommand
) -> None:
    (result,) = run(by_image(a=FORWARDS), cells(subject("a", launch=LaunchOptions(**options))))
    assert result.start == start


def test_what_was_never_tested_has_no_start() -> None:
    assert one(by_image(a=FAULTY)).start is None


def test_an_engine_that_goes_away_as_it_is_asked_for_the_start_takes_no_cell_for_tested() -> None:
    def start_of(_: str) -> StartCommand:
        raise EngineUnavailable("the engine does not answer")

    result = one(by_image(a=FORWARDS), start_of=start_of)
    assert (result.verdict, result.start) == (Verdict.UNTESTED, None)
    assert result.judgement.reason == "the engine went away: the engine does not answer"


def test_a_stop_is_not_repeated() -> None:
    stopping = changed(DOUBTFUL, at_stop=(Happening(after_s=0.01, output=b"got SIGTERM\nbye\n", exit_code=0),))
    result = of_probe(ScriptedEngine(lambda _: stopping), Probe.STOP, start_of=lambda _: start_command(), repeat=None)
    assert (result.verdict, len(result.runs)) == (Verdict.GRACEFUL, 1)


@pytest.mark.parametrize("jobs", [1, 4])
def test_each_cell_is_told_once_as_it_ends(jobs: int) -> None:
    heard: list[Result] = []
    subjects = [subject(f"v{n}") for n in range(20)]
    engine = ScriptedEngine(lambda _: FORWARDS)

    def receive(result: Result) -> Result:
        heard.append(result)
        return result

    results = run(engine, cells(*subjects), jobs=jobs, receive=receive)
    assert len(heard) == 20
    assert {id(result) for result in heard} == {id(result) for result in results}


@pytest.mark.parametrize("fault", [EngineUnavailable("the engine does not answer"), Disturbed("it was cut short")])
def test_a_cell_whose_image_an_absent_engine_did_not_give_is_made_ready_again(fault: HarnessError) -> None:
    faults = [fault, fault]

    def image_of(subject: Subject) -> str:
        if faults:
            raise faults.pop()
        return subject.name

    result = one(ScriptedEngine(lambda _: FORWARDS, alive=True), image_of=image_of)
    assert (result.verdict, faults) == (Verdict.FORWARDED, [])


def test_an_image_that_never_comes_is_not_asked_for_for_ever() -> None:
    asked: list[str] = []

    def image_of(subject: Subject) -> str:
        asked.append(subject.name)
        raise EngineUnavailable("the engine does not answer")

    result = one(ScriptedEngine(lambda _: FORWARDS, alive=True), image_of=image_of)
    assert (result.verdict, result.judgement.reason) == (Verdict.UNTESTED, "the engine does not answer")
    assert len(asked) == 3
    gone = one(by_image(a=FORWARDS), image_of=image_of)
    assert gone.judgement.reason == "the engine went away: the engine does not answer"
    assert len(asked) == 4


def test_leaving_drops_what_waits() -> None:
    def interrupt(_: Result) -> None:
        raise KeyboardInterrupt

    schedule = Schedule(prepare=prepares(image_of=lambda _: "a"), jobs=1)
    engine = by_image(a=FORWARDS)
    with Runner(engine, schedule, interrupt) as runner:
        futures = runner.submit(cells(*(subject(f"v{n}") for n in range(50))))
        with pytest.raises(KeyboardInterrupt):
            futures[0].result()
    assert engine.present == set()
    assert all(future.done() for future in futures)
