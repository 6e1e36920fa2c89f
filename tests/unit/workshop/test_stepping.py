"""Containers in front of an observer: what is done to them is announced, held until it may proceed, or given up."""

from __future__ import annotations

import inspect
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.core.catalogue import Catalogue, Variant
from harness.core.describe import describe_row
from harness.core.errors import Abandoned, EngineFault, EngineUnavailable
from harness.core.question import Probe, Question
from harness.core.signals import Signal
from harness.core.subject import App, Cell, InFlight, StopSetting
from harness.core.verdict import Verdict
from harness.run.asking import Asking
from harness.run.probes import module_of
from harness.run.protocol import Launch
from harness.run.runner import Prepared, Runner, Schedule
from harness.run.turns import Turns
from harness.workshop import stepping
from harness.workshop.stepping import Observer, SteppedEngine
from tests.contract import test_engine_contract as contract
from tests.support.facts import start_command
from tests.support.scripted import (
    Executed,
    Happening,
    Plain,
    Script,
    ScriptedContainer,
    ScriptedEngine,
    ScriptedInbox,
    process,
)
from tests.support.seeing import APP, DONE, IMAGE, INT, NODE_1, PATIENCE, RECEIVED, TERM, up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.core.document import Row
    from harness.core.process import Tree
    from harness.run.protocol import Container, Engine
    from harness.workshop.stepping import Action, SteppedContainer

GIVEN_UP = "given up before it could tell anything"
FORWARDS = Script(at_start=up(NODE_1, app=1), at_signal=(Happening(after_s=0.01, output=RECEIVED),), plain=(Plain(),))
SERVES = Launch(image="image", publish=3000)
TERMINAL = Launch(image="image", tty=True)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held is looked at more often than people need."""
    monkeypatch.setattr(stepping, "_LOOK_S", 0.005)


class CheckedInbox(ScriptedInbox):
    """A scripted inbox that gets no further once it is given up, as `harness.run.inbox.Inbox` does."""

    def pause(self, seconds: float) -> None:
        super().pause(seconds)
        self.check()


class CheckedEngine(ScriptedEngine):
    """A scripted engine with such inboxes."""

    @contextmanager
    def launch(self, launch: Launch) -> Iterator[ScriptedContainer]:
        with super().launch(launch) as container:
            container.clock = CheckedInbox(tty=launch.tty)
            container.inbox = container.clock
            yield container


class Watching:
    """An observer that writes down what happens; every action may be done at once, unless it says otherwise."""

    def __init__(self, *, holds: bool = False) -> None:
        self.notes: list[str] = []
        self.gates: list[threading.Event] = []
        self.samples: list[Tree] = []
        self.on_sample: Callable[[], None] = lambda: None
        self.on_created: Callable[[], None] = lambda: None
        self.on_does: Callable[[], object] = lambda: None
        self._holds = holds

    def created(self, launch: Launch, container: Container) -> None:
        self.notes.append(f"created {container.name} of {launch.image}")
        self.on_created()

    def seen(self, tree: Tree) -> None:
        self.samples.append(tree)
        self.on_sample()

    def waits(self, action: Action) -> threading.Event:
        self.notes.append(f"waits {action.command}")
        self.gates.append(threading.Event())
        if not self._holds:
            self.gates[-1].set()
        return self.gates[-1]

    def does(self, action: Action) -> None:
        self.notes.append(f"does {action.command}")
        self.on_does()

    def open_all(self) -> None:
        for gate in self.gates:
            gate.set()


def started(container: SteppedContainer) -> SteppedContainer:
    """A container whose app is up."""
    container.start()
    container.inbox.pause(1)
    return container


def scripted(script: Script, **more: object) -> ScriptedEngine:
    return CheckedEngine(lambda _: replace(script, **more))


def test_a_container_is_shown_before_it_is_started() -> None:
    engine, observer = scripted(FORWARDS), Watching()
    with SteppedEngine(engine, observer).launch(IMAGE) as container:
        assert observer.notes == ["created scripted-1 of image"]
        assert (container.name, container.inbox) == ("scripted-1", engine.containers[0].inbox)
        assert container.tree() == ()
    assert observer.notes == ["created scripted-1 of image"]


def test_each_sample_of_the_tree_is_shown() -> None:
    observer = Watching()
    with SteppedEngine(scripted(FORWARDS), observer).launch(IMAGE) as container:
        started(container)
        assert [container.tree(), container.tree()] == observer.samples
        assert observer.samples == [(NODE_1,), (NODE_1,)]


def test_an_action_is_held_until_its_gate_is_set_and_meanwhile_the_container_goes_on() -> None:
    engine, observer = scripted(FORWARDS), Watching(holds=True)

    def look() -> None:
        assert engine.containers[0].killed == []
        assert observer.notes[-1] == "waits docker kill --signal=SIGTERM scripted-1"
        if len(observer.samples) == 2:
            observer.gates[0].set()

    with SteppedEngine(engine, observer).launch(IMAGE) as container:
        started(container)
        observer.on_sample = look
        sent_ns = container.kill(TERM)
        assert len(observer.samples) == 2
        assert engine.containers[0].killed == [TERM]
        assert sent_ns <= container.inbox.now_ns()
        assert observer.notes[1:] == [
            "waits docker kill --signal=SIGTERM scripted-1",
            "does docker kill --signal=SIGTERM scripted-1",
        ]


def test_an_action_is_announced_before_it_is_done() -> None:
    engine, order = scripted(FORWARDS), []

    class Ordering(Watching):
        def does(self, action: Action) -> None:
            order.append((action.command, list(engine.containers[0].killed)))

    with SteppedEngine(engine, Ordering()).launch(IMAGE) as container:
        started(container).kill(TERM)
    assert order == [("docker kill --signal=SIGTERM scripted-1", [])]


ACTIONS: dict[str, tuple[Launch, Callable[[SteppedContainer], object], str]] = {
    "kill": (IMAGE, lambda container: container.kill(Signal(1)), "docker kill --signal=SIGHUP scripted-1"),
    "kill by a real-time signal": (
        IMAGE,
        lambda container: container.kill(Signal(37)),
        "docker kill --signal=SIGRTMIN+3 scripted-1",
    ),
    "stop": (IMAGE, lambda container: container.stop(10), "docker stop -t 10 scripted-1"),
    "type": (TERMINAL, lambda container: container.type(b"\x03"), "docker attach scripted-1"),
    "execute": (
        IMAGE,
        lambda container: container.execute(("/bin/sh", "-c", "kill -KILL 20")),
        "docker exec scripted-1 /bin/sh -c 'kill -KILL 20'",
    ),
    "request": (
        SERVES,
        lambda container: container.request("/hold"),
        "curl -T - -X POST http://$(docker port scripted-1 3000)/hold &",
    ),
    "requests": (
        SERVES,
        lambda container: container.requests("/slow", 2),
        "curl http://$(docker port scripted-1 3000)/slow &   # 2×",
    ),
}


@pytest.mark.parametrize(("launch", "do", "command"), ACTIONS.values(), ids=ACTIONS)
def test_an_action_is_announced_as_the_command_that_does_the_same(
    launch: Launch, do: Callable[[SteppedContainer], object], command: str
) -> None:
    observer = Watching()
    with SteppedEngine(scripted(FORWARDS, executed=(Executed(),)), observer).launch(launch) as container:
        do(started(container))
    assert observer.notes[1:] == [f"waits {command}", f"does {command}"]


@pytest.mark.parametrize(("launch", "do", "command"), ACTIONS.values(), ids=ACTIONS)
def test_an_action_that_is_given_up_is_not_done(
    launch: Launch, do: Callable[[SteppedContainer], object], command: str
) -> None:
    engine, observer = scripted(FORWARDS, executed=(Executed(),)), Watching(holds=True)
    stepped = SteppedEngine(engine, observer)
    observer.on_sample = stepped.abandon
    with stepped.launch(launch) as container, pytest.raises(Abandoned, match=GIVEN_UP):
        do(started(container))
    assert observer.notes[1:] == [f"waits {command}"]
    (only,) = engine.containers
    assert (only.killed, only.typed, only.commands, only.asked, only.inbox.events) == ([], [], [], [], ())


def test_an_action_that_is_given_up_as_its_gate_opens_is_not_done() -> None:
    engine, observer = scripted(FORWARDS), Watching()
    stepped = SteppedEngine(engine, observer)
    with stepped.launch(IMAGE) as container:
        started(container)
        stepped.abandon()
        with pytest.raises(Abandoned):
            container.kill(TERM)
    assert engine.containers[0].killed == []


def test_what_is_only_looked_at_is_not_announced() -> None:
    observer = Watching(holds=True)
    ends = scripted(FORWARDS, at_signal=(Happening(exit_code=3),))
    with SteppedEngine(ends, observer).launch(IMAGE) as container:
        started(container)
        assert container.write_marker() == 2
        assert container.trace() is None
        ends.containers[0].kill(TERM)
        container.inbox.pause(1)
        container.inbox.pause(1)
        assert container.exit_code() == 3
    assert observer.notes == ["created scripted-1 of image"]


def test_the_kernels_record_is_the_containers_own() -> None:
    with SteppedEngine(scripted(FORWARDS, traced=True), Observer()).launch(IMAGE) as container:
        assert container.trace() == ()


def test_a_stop_is_held_where_nothing_is_in_flight() -> None:
    observer = Watching(holds=True)
    observer.on_sample = observer.open_all
    with SteppedEngine(scripted(FORWARDS), observer).launch(SERVES) as container:
        started(container).stop(3)
    assert observer.notes[1:] == ["waits docker stop -t 3 scripted-1", "does docker stop -t 3 scripted-1"]


def test_a_stop_is_not_held_while_a_request_is_in_flight() -> None:
    engine, observer = scripted(FORWARDS), Watching(holds=True)
    observer.on_sample = observer.open_all
    with SteppedEngine(engine, observer).launch(SERVES) as container:
        started(container).request("/hold")
        samples = len(observer.samples)
        container.stop(3)
        assert len(observer.samples) == samples
        assert [event.action for event in container.inbox.events] == ["kill"]
    request = "curl -T - -X POST http://$(docker port scripted-1 3000)/hold &"
    assert observer.notes[1:] == [f"waits {request}", f"does {request}", "does docker stop -t 3 scripted-1"]


def test_requests_are_counted_container_by_container() -> None:
    observer = Watching()
    stepped = SteppedEngine(scripted(FORWARDS), observer)
    with stepped.launch(SERVES) as one, stepped.launch(SERVES) as other:
        started(one).request("/hold")
        started(other).stop(3)
    assert observer.notes[-2:] == ["waits docker stop -t 3 scripted-2", "does docker stop -t 3 scripted-2"]


def test_the_null_observer_holds_nothing() -> None:
    engine, observer = scripted(FORWARDS, executed=(Executed(output="x"),)), Observer()
    with SteppedEngine(engine, observer).launch(SERVES) as container:
        started(container)
        assert container.execute(("true",)) == (0, "x")
        container.request("/hold").close()
        container.kill(TERM)
        container.stop(3)
    assert engine.containers[0].killed == [TERM]


def see(engine: Engine, probe: Probe = Probe.SIGNAL, app: App = APP) -> object:
    return module_of(probe).ask(
        Asking(
            engine=engine,
            turns=Turns(1),
            launch=IMAGE,
            app=app,
            patience=PATIENCE,
            question=Question(probe=probe, signal=TERM),
            start=start_command(),
        )
    )


def test_a_run_is_the_same_in_front_of_an_observer() -> None:
    observer = Watching()
    assert see(SteppedEngine(scripted(FORWARDS), observer)) == see(scripted(FORWARDS))
    assert observer.samples


def test_a_container_is_gone_after_a_failure_in_its_context() -> None:
    engine = scripted(FORWARDS)
    stepped = SteppedEngine(engine, Observer())

    def fail() -> None:
        with stepped.launch(IMAGE):
            raise RuntimeError("in the body")

    with pytest.raises(RuntimeError, match="in the body"):
        fail()
    assert engine.present == set()


def test_a_container_is_gone_if_the_observer_fails() -> None:
    def fail() -> None:
        raise RuntimeError("in the observer")

    engine, observer = scripted(FORWARDS), Watching()
    observer.on_created = fail
    with pytest.raises(RuntimeError, match="in the observer"), SteppedEngine(engine, observer).launch(IMAGE):
        pass
    assert engine.present == set()


def test_a_run_that_is_given_up_while_it_waits_gets_no_further_and_its_container_is_gone() -> None:
    engine, observer = scripted(Script(at_start=(Happening(tree=(NODE_1,)),))), Watching()
    stepped = SteppedEngine(engine, observer)
    # Its app never gets ready.
    observer.on_created = lambda: engine.containers[0].clock.later(5, stepped.abandon)
    with pytest.raises(Abandoned, match=GIVEN_UP):
        see(stepped)
    assert engine.present == set()
    assert engine.containers[0].clock.now_ns() < PATIENCE.ready_s * 1e9
    assert engine.containers[0].killed == []


def test_a_run_that_is_given_up_after_the_signal_gets_no_further_either() -> None:
    engine, observer = scripted(FORWARDS), Watching()
    stepped = SteppedEngine(engine, observer)
    observer.on_sample = lambda: stepped.abandon() if engine.containers[0].killed else None
    with pytest.raises(Abandoned):
        see(stepped)
    assert (engine.containers[0].killed, engine.present) == ([TERM], set())


def test_a_request_in_flight_is_given_up_with_its_run() -> None:
    engine, observer = scripted(FORWARDS), Watching()
    stepped = SteppedEngine(engine, observer)
    observer.on_sample = lambda: stepped.abandon() if engine.containers[0].asked else None
    with pytest.raises(Abandoned):
        see(stepped, Probe.STOP)
    (request,) = engine.containers[0].held
    assert (request.closed, engine.present) == (True, set())


def test_plain_requests_are_given_up_with_their_run() -> None:
    """Not yet read by the app, so that the run waits for that."""
    engine, observer = scripted(FORWARDS, plain=(Plain(taken=False),)), Watching()
    stepped = SteppedEngine(engine, observer)
    observer.on_does = lambda: engine.containers[0].clock.later(0.1, stepped.abandon)
    app = replace(APP, stop=StopSetting(in_flight=InFlight(path="/", port=3000)))
    with pytest.raises(Abandoned):
        see(stepped, Probe.STOP, app)
    (requests,) = engine.containers[0].plain
    assert (requests.closed, engine.present) == (True, set())
    assert engine.containers[0].inbox.events == ()


def test_what_is_launched_after_all_was_given_up_gets_nowhere() -> None:
    engine, observer = scripted(FORWARDS), Watching()
    stepped = SteppedEngine(engine, observer)
    stepped.abandon()
    with pytest.raises(Abandoned):
        see(stepped)
    assert observer.notes == []
    assert engine.launches == []


def test_all_that_is_under_way_is_given_up_together_and_what_is_over_is_left_alone() -> None:
    engine = scripted(FORWARDS)
    stepped = SteppedEngine(engine, Observer())
    with ExitStack() as stack:
        with stepped.launch(IMAGE) as over:
            pass
        containers = [stack.enter_context(stepped.launch(IMAGE)) for _ in range(3)]
        stepped.abandon()
        stepped.abandon()
        over.inbox.check()
        for container in containers:
            with pytest.raises(Abandoned):
                container.inbox.check()
    assert engine.present == set()


def cell(name: str, probe: Probe = Probe.SIGNAL) -> Cell:
    variant = Variant(name=name, title=name, dockerfile=f"{name}.Dockerfile")
    subject = Catalogue(context=".", app=APP, variants=(variant,)).subject(variant, "base")
    question = Question(probe=probe, signal=TERM if probe is Probe.SIGNAL else None)
    return Cell(engine="docker", subject=subject, question=question)


def run(engine: Engine, *cells: Cell) -> list[Row]:
    def prepare(cell: Cell) -> Prepared:
        return Prepared(cell=cell, image=cell.subject.name, configured=start_command())

    with Runner(engine, Schedule(prepare=prepare, jobs=1), describe_row) as runner:
        return [future.result() for future in runner.submit(cells)]


def test_a_cell_whose_run_is_given_up_is_untested_and_those_after_it_too() -> None:
    engine, observer = scripted(FORWARDS), Watching(holds=True)
    stepped = SteppedEngine(engine, observer)
    observer.on_sample = lambda: stepped.abandon() if observer.gates else None
    rows = run(stepped, cell("a"), cell("b"))
    assert [(row.verdict, row.reason, len(row.runs)) for row in rows] == [
        (Verdict.UNTESTED, GIVEN_UP, 1),
        (Verdict.UNTESTED, GIVEN_UP, 1),
    ]
    assert [container.killed for container in engine.containers] == [[]]
    assert engine.present == set()


@pytest.mark.parametrize("probe", Probe)
def test_each_probe_finds_the_same_in_front_of_an_observer(probe: Probe) -> None:
    orphan = process(20, "sleep 3600", parent=1)
    reaping = (
        Executed(output="20\n", then=(Happening(tree=(NODE_1, orphan)),)),
        Executed(then=(Happening(tree=(NODE_1,)),)),
    )

    def script(launch: Launch) -> Script:
        if code := launch.options.environment.get("EXIT_CODE"):
            return replace(
                FORWARDS, at_start=(*FORWARDS.at_start, Happening(after_s=9, output=DONE, exit_code=int(code)))
            )
        return replace(
            FORWARDS,
            at_stop=(Happening(after_s=0.01, output=RECEIVED),),
            at_answer=(Happening(after_s=0.01, output=DONE, exit_code=0),),
            at_key=(Happening(after_s=0.01, output=b"^CReceived signal: SIGINT\r\n"),),
            executed=reaping,
        )

    observer = Watching()
    (bare,) = run(CheckedEngine(script), cell("a", probe))
    (seen,) = run(SteppedEngine(CheckedEngine(script), observer), cell("a", probe))
    assert seen == bare
    assert seen.verdict.good
    asked = {
        Probe.SIGNAL: ["docker kill --signal=SIGTERM scripted-1"],
        Probe.TTY: ["docker attach scripted-1"],
        Probe.REAP: [
            "docker exec scripted-1 /bin/sh -c 'sleep 3600 </dev/null >/dev/null 2>&1 & echo $!'",
            "docker exec scripted-1 /bin/sh -c 'kill -KILL 20'",
        ],
        Probe.STOP: [
            "curl -T - -X POST http://$(docker port scripted-1 3000)/hold &",
            "docker stop -t 3 scripted-1",
        ],
        Probe.EXIT_CODE: [],
    }[probe]
    assert [note.removeprefix("does ") for note in observer.notes if note.startswith("does ")] == asked


@pytest.mark.parametrize("fault", [EngineFault("no"), EngineUnavailable("gone")], ids=type)
def test_a_fault_of_the_engine_comes_through(fault: Exception) -> None:
    engine = scripted(FORWARDS, kill_fault=fault)
    with SteppedEngine(engine, Observer()).launch(IMAGE) as container, pytest.raises(type(fault), match=str(fault)):
        started(container).kill(INT)


CONTRACT = [case for name, case in vars(contract).items() if name.startswith("test_")]
OF_AN_ENGINE = [case for case in CONTRACT if set(inspect.signature(case).parameters) == {"place"}]


@pytest.fixture
def place() -> Iterator[contract.Place]:
    """The place of the contract, in front of the null observer."""
    with contract.scripted_place() as scripted:
        yield replace(scripted, engine=SteppedEngine(scripted.engine, Observer()))


@pytest.mark.parametrize("case", OF_AN_ENGINE, ids=[case.__name__ for case in OF_AN_ENGINE])
def test_a_stepped_engine_keeps_the_contract_of_an_engine(
    case: Callable[[contract.Place], None], place: contract.Place
) -> None:
    case(place)


@pytest.mark.parametrize("silent", [contract.DEAF, contract.STAYS], ids=["nobody listens", "no port is published"])
def test_a_stepped_engine_keeps_the_contract_of_a_request_that_nobody_answers(
    silent: contract.Case, place: contract.Place
) -> None:
    contract.test_a_request_that_nobody_answers_is_a_fault(place, silent)


def test_no_case_of_the_contract_is_left_out() -> None:
    left = set(CONTRACT) - set(OF_AN_ENGINE)
    assert left == {contract.test_a_request_that_nobody_answers_is_a_fault}
