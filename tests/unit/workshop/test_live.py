"""One cell that waits before each action, and many at once: what is to be seen of them from start to end."""

from __future__ import annotations

import itertools
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from harness.core.catalogue import Catalogue, Variant
from harness.core.errors import BaseUnavailable, EngineUnavailable
from harness.core.question import Probe, Question
from harness.core.subject import Cell
from harness.core.verdict import Verdict
from harness.run.inbox import Inbox
from harness.run.runner import DOUBTFUL_REPEATS, Prepared, Schedule
from harness.run.waiting import until
from harness.workshop import stepping
from harness.workshop.demo.live import Batch, LiveCell, Phase
from harness.workshop.demo.presentation import Presentation, StepKind, steps_of
from harness.workshop.story import Chapter, Example, claim_cells
from tests.support.evidence import changed
from tests.support.facts import start_command
from tests.support.reports import FACTS
from tests.support.scripted import Executed, Happening, Script, ScriptedEngine, process
from tests.support.seeing import APP, DONE, NODE_1, RECEIVED, TERM, up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.core.process import Tree
    from harness.run.protocol import Launch
    from harness.workshop.demo.live import Snapshot
    from tests.support.scripted import ScriptedContainer

LONG_S = 30.0
FORWARDS = Script(at_start=up(NODE_1, app=1), at_signal=(Happening(after_s=0.01, output=RECEIVED),))
SWALLOWS = Script(at_start=up(process(1, "node"), app=1))
# npm and the init may both have sent the signal, and there is no record that tells.
DOUBTFUL = Script(
    at_start=up(
        process(1, "dumb-init npm start", catches=("TERM",)),
        process(6, "npm start", parent=1, catches=("TERM",)),
        process(7, "node server.js", parent=6, catches=("TERM",)),
    ),
    at_signal=(Happening(after_s=0.01, output=RECEIVED),),
)
HELD = "docker kill --signal=SIGTERM scripted-1"
EXITS = [Happening(after_s=9, output=DONE, exit_code=code) for code in (42, 0, 143)]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is held is looked at more often than people need."""
    monkeypatch.setattr(stepping, "_LOOK_S", 0.005)


def catalogue(*names: str) -> Catalogue:
    variants = tuple(Variant(name=name, title=name, dockerfile=f"{name}.Dockerfile") for name in names)
    return Catalogue(context=".", app=APP, variants=variants)


def cell(name: str = "a", probe: Probe = Probe.SIGNAL, base: str = "base") -> Cell:
    of = catalogue(name)
    question = Question(probe=probe, signal=TERM if probe is Probe.SIGNAL else None)
    return Cell(engine="docker", subject=of.subject(of.variants[0], base), question=question)


def schedule(image_of: Callable[[Cell], str] = lambda cell: cell.subject.name, **how: Any) -> Schedule:
    def prepare(cell: Cell) -> Prepared:
        return Prepared(cell=cell, image=image_of(cell), configured=start_command())

    return Schedule(**{"prepare": prepare, "jobs": 1} | how)


@contextmanager
def running(
    script: Script | Callable[[Launch], Script] = FORWARDS,
    *,
    engine: ScriptedEngine | None = None,
    of: Cell | None = None,
    **how: Any,
) -> Iterator[LiveCell]:
    """A run that is closed in the end, with nothing left of it."""
    engine = engine or ScriptedEngine(script if callable(script) else lambda _: script)
    live = LiveCell(of or cell(), engine, schedule(**how))
    try:
        yield live
    finally:
        live.close()
        assert engine.present == set()


def wait(check: Callable[[], object]) -> None:
    assert until(lambda: check() or None, timeout_s=LONG_S, time=Inbox()), "it never came to that"


def seen_at(live: LiveCell, phase: Phase) -> Snapshot:
    """What is to be seen once it has come so far."""
    seen = until(
        lambda: snapshot if (snapshot := live.snapshot()).phase is phase else None,
        timeout_s=LONG_S,
        time=Inbox(),
    )
    assert seen is not None, live.snapshot()
    return seen


class Gate:
    """Something that is let through when the test says so."""

    def __init__(self) -> None:
        self.reached, self.open = threading.Event(), threading.Event()

    def pass_through(self) -> None:
        self.reached.set()
        assert self.open.wait(LONG_S)


class Gated(ScriptedEngine):
    """Containers whose every action and sample passes a gate of its own, where there is one."""

    def __init__(self, script: Script, **gates: Gate) -> None:
        super().__init__(lambda _: script)
        self._gates = gates

    @contextmanager
    def launch(self, launch: Launch) -> Iterator[ScriptedContainer]:
        with super().launch(launch) as container:
            samples = itertools.count(1)
            sample, kill = container.tree, container.kill

            def tree() -> Tree:
                self._pass(f"tree_{next(samples)}")
                return sample()

            def gated_kill(signal: Any) -> int:
                self._pass("kill")
                return kill(signal)

            container.tree = tree
            container.kill = gated_kill
            yield container

    def _pass(self, name: str) -> None:
        if name in self._gates:
            self._gates[name].pass_through()


def test_a_run_goes_through_its_phases_one_after_another() -> None:
    image, first, second, kill = Gate(), Gate(), Gate(), Gate()

    def image_of(*_: object) -> str:
        image.pass_through()
        return "image"

    engine = Gated(FORWARDS, tree_1=first, tree_2=second, kill=kill)
    with running(engine=engine, image_of=image_of) as live:
        snapshot = live.snapshot()
        assert (snapshot.phase, snapshot.container, snapshot.launch, snapshot.run) == (Phase.COMING, "", None, 0)
        assert (snapshot.tree, snapshot.lines, snapshot.actions, snapshot.held, snapshot.row) == (
            (),
            (),
            (),
            None,
            None,
        )

        image.open.set()
        assert first.reached.wait(LONG_S)
        snapshot = live.snapshot()
        assert (snapshot.phase, snapshot.container, snapshot.run) == (Phase.COMING, "scripted-1", 1)
        assert snapshot.launch is not None
        assert snapshot.launch.image == "image"
        assert [line.text for line in snapshot.lines] == ["Listening on port 3000 pid=1"]

        first.open.set()
        assert second.reached.wait(LONG_S)
        snapshot = live.snapshot()
        assert (snapshot.phase, snapshot.tree, snapshot.held) == (Phase.STARTING, (NODE_1,), None)

        second.open.set()
        snapshot = seen_at(live, Phase.HELD)
        assert snapshot.held is not None
        assert (snapshot.held.command, snapshot.actions, snapshot.elapsed_s) == (HELD, (), 0.0)

        live.proceed()
        assert kill.reached.wait(LONG_S)
        snapshot = live.snapshot()
        assert (snapshot.phase, snapshot.held, snapshot.row) == (Phase.UNDER_WAY, None, None)
        assert [done.action.command for done in snapshot.actions] == [HELD]
        assert 0 < snapshot.elapsed_s <= live.snapshot().elapsed_s

        kill.open.set()
        snapshot = seen_at(live, Phase.OVER)
        assert snapshot.row is not None
        assert (snapshot.row.verdict, snapshot.row.id, snapshot.cell) == (Verdict.FORWARDED, live.cell.id, live.cell)
        assert (snapshot.elapsed_s, snapshot.run, len(snapshot.actions)) == (0.0, 1, 1)
        assert [line.text for line in snapshot.lines][1:] == ["Received signal: SIGTERM"]


def test_what_is_held_stays_held_until_it_may_proceed_while_its_tree_is_looked_at() -> None:
    looked = Gate()
    engine = Gated(FORWARDS, tree_5=looked)
    with running(engine=engine) as live:
        seen_at(live, Phase.HELD)
        assert looked.reached.wait(LONG_S)
        assert live.snapshot().phase is Phase.HELD
        looked.open.set()
        assert engine.containers[0].killed == []
        live.proceed()
        seen_at(live, Phase.OVER)
    assert engine.containers[0].killed == [TERM]


def test_proceeding_before_there_is_something_to_do_changes_nothing() -> None:
    gate = Gate()

    def image_of(*_: object) -> str:
        gate.pass_through()
        return "image"

    with running(image_of=image_of) as live:
        live.proceed()
        assert live.snapshot().phase is Phase.COMING
        gate.open.set()
        seen_at(live, Phase.HELD)


def test_proceeding_after_the_end_changes_nothing() -> None:
    with running() as live:
        seen_at(live, Phase.HELD)
        live.proceed()
        over = seen_at(live, Phase.OVER)
        live.proceed()
        assert live.snapshot() == over


def scripts(probe: Probe) -> Script | Callable[[Launch], Script]:
    """Scripts that go well, whatever is asked."""
    if probe is Probe.EXIT_CODE:
        exits = iter(EXITS)
        return lambda _: changed(FORWARDS, at_start=(*FORWARDS.at_start, next(exits)))
    return changed(
        FORWARDS,
        at_stop=(Happening(after_s=0.01, output=RECEIVED),),
        at_answer=(Happening(after_s=0.01, output=DONE, exit_code=0),),
        at_key=(Happening(after_s=0.01, output=b"^CReceived signal: SIGINT\r\n"),),
        executed=(
            Executed(output="20\n", then=(Happening(tree=(NODE_1, process(20, "sleep 3600", parent=1))),)),
            Executed(then=(Happening(tree=(NODE_1,)),)),
        ),
    )


HELD_ACTIONS = {Probe.SIGNAL: 1, Probe.TTY: 1, Probe.STOP: 1, Probe.REAP: 2, Probe.EXIT_CODE: 0}


@pytest.mark.parametrize(("probe", "actions"), HELD_ACTIONS.items())
def test_each_probe_runs_to_its_end_and_can_be_looked_at_all_along(probe: Probe, actions: int) -> None:
    given = 0
    order: list[Phase] = []
    with running(scripts(probe), of=cell(probe=probe)) as live:

        def look() -> bool:
            nonlocal given
            snapshot = live.snapshot()
            if not order or order[-1] is not snapshot.phase:
                order.append(snapshot.phase)
            if snapshot.phase is Phase.HELD:
                assert snapshot.held is not None
                live.proceed()
                given += 1
            assert (snapshot.row is not None) == (snapshot.phase is Phase.OVER)
            return snapshot.phase is Phase.OVER

        wait(look)
        row = live.snapshot().row
    assert row is not None
    assert row.verdict.good
    assert given == actions
    if actions:
        assert {Phase.COMING, Phase.STARTING}.isdisjoint(order[order.index(Phase.HELD) :])


def test_a_repeat_for_doubts_sake_is_never_held() -> None:
    with running(DOUBTFUL, repeat=None) as live:
        seen_at(live, Phase.HELD)
        live.proceed()
        phases: list[Phase] = []

        def look() -> bool:
            snapshot = live.snapshot()
            phases.append(snapshot.phase)
            assert len(snapshot.actions) <= 1
            return snapshot.phase is Phase.OVER

        wait(look)
        snapshot = live.snapshot()
    assert Phase.HELD not in phases
    assert snapshot.row is not None
    assert (snapshot.run, len(snapshot.row.runs)) == (DOUBTFUL_REPEATS, DOUBTFUL_REPEATS)
    assert snapshot.container == f"scripted-{DOUBTFUL_REPEATS}"
    assert [done.action.command for done in snapshot.actions] == [HELD.replace("scripted-1", snapshot.container)]


def test_the_next_container_of_a_run_begins_with_nothing_done_to_it() -> None:
    gate = Gate()

    class Second(ScriptedEngine):
        @contextmanager
        def launch(self, launch: Launch) -> Iterator[ScriptedContainer]:
            with super().launch(launch) as container:
                if len(self.containers) == 2:
                    start = container.start

                    def gated() -> None:
                        gate.pass_through()
                        start()

                    container.start = gated
                yield container

    with running(engine=Second(lambda _: DOUBTFUL), repeat=2) as live:
        seen_at(live, Phase.HELD)
        live.proceed()
        assert gate.reached.wait(LONG_S)
        snapshot = live.snapshot()
        assert (snapshot.phase, snapshot.run, snapshot.container) == (Phase.UNDER_WAY, 2, "scripted-2")
        assert (snapshot.tree, snapshot.lines, snapshot.actions, snapshot.elapsed_s) == ((), (), (), 0.0)
        gate.open.set()
        seen_at(live, Phase.OVER)


def test_a_signal_that_is_swallowed_is_found_to_be() -> None:
    with running(SWALLOWS) as live:
        seen_at(live, Phase.HELD)
        live.proceed()
        snapshot = seen_at(live, Phase.OVER)
    assert snapshot.row is not None
    assert snapshot.row.verdict is Verdict.SWALLOWED


def test_an_image_that_cannot_be_had_ends_the_run() -> None:
    def fail(*_: object) -> str:
        raise BaseUnavailable("it does not build: exit code 1")

    with running(image_of=fail) as live:
        snapshot = seen_at(live, Phase.OVER)
    assert snapshot.row is not None
    assert (snapshot.row.reason, snapshot.container) == ("it does not build: exit code 1", "")


def test_a_container_that_never_gets_ready_ends_the_run() -> None:
    with running(Script(at_start=(Happening(after_s=1, exit_code=1),))) as live:
        snapshot = seen_at(live, Phase.OVER)
    assert snapshot.row is not None
    assert snapshot.row.verdict is Verdict.UNTESTED
    assert (snapshot.container, snapshot.held) == ("scripted-1", None)


def gone_while_held() -> Gated:
    """An engine that goes away while an action is held."""

    class Going(Gated):
        def _pass(self, name: str) -> None:
            if name == "tree_4":
                raise EngineUnavailable("the engine does not answer")

    return Going(FORWARDS)


def test_an_engine_that_goes_away_while_an_action_is_held_ends_the_run() -> None:
    with running(engine=gone_while_held()) as live:
        snapshot = seen_at(live, Phase.OVER)
        assert snapshot.row is not None
        assert snapshot.row.reason == "the engine went away: the engine does not answer"
        assert snapshot.actions == ()
        live.proceed()


def test_nothing_is_held_any_more_once_a_run_is_over() -> None:
    with running(engine=gone_while_held()) as live:
        assert seen_at(live, Phase.OVER).held is None


def test_a_run_is_given_up_while_it_is_held() -> None:
    engine = ScriptedEngine(lambda _: FORWARDS)
    with running(engine=engine) as live:
        seen_at(live, Phase.HELD)
        live.abandon()
        snapshot = seen_at(live, Phase.OVER)
        wait(lambda: not engine.present)
    assert snapshot.row is not None
    assert snapshot.row.verdict is Verdict.UNTESTED
    assert engine.containers[0].killed == []


def test_a_run_is_given_up_before_there_is_a_container() -> None:
    gate = Gate()

    def image_of(*_: object) -> str:
        gate.pass_through()
        return "image"

    with running(image_of=image_of) as live:
        assert gate.reached.wait(LONG_S)
        live.abandon()
        live.abandon()
        assert live.snapshot().phase is Phase.COMING
        gate.open.set()


def test_a_run_that_is_over_is_given_up_to_no_effect() -> None:
    with running() as live:
        seen_at(live, Phase.HELD)
        live.proceed()
        over = seen_at(live, Phase.OVER)
        live.abandon()
        live.close()
        live.close()
        assert live.snapshot() == over


def test_closing_waits_until_nothing_is_left() -> None:
    engine = ScriptedEngine(lambda _: FORWARDS)
    live = LiveCell(cell(), engine, schedule())
    seen_at(live, Phase.HELD)
    assert engine.present == {"scripted-1"}
    live.close()
    assert engine.present == set()


def by_image(**of: Script) -> ScriptedEngine:
    return ScriptedEngine(lambda launch: of[launch.image])


def test_many_cells_run_at_once_with_nothing_held_and_come_in_their_order() -> None:
    cells = [cell(name) for name in ("a", "b", "c")]
    batch = Batch(cells, by_image(a=FORWARDS, b=SWALLOWS, c=FORWARDS), schedule(jobs=3))
    wait(lambda: batch.over)
    assert batch.cells == tuple(cells)
    assert [(row.id, row.verdict) for row in batch.rows] == [
        (cells[0].id, Verdict.FORWARDED),
        (cells[1].id, Verdict.SWALLOWED),
        (cells[2].id, Verdict.FORWARDED),
    ]
    lasted_s = batch.duration_s
    assert lasted_s > 0
    batch.close()
    batch.close()
    assert (batch.duration_s, len(batch.rows)) == (lasted_s, 3)


def test_no_cells_are_over_at_once() -> None:
    batch = Batch([], by_image(), schedule())
    assert (batch.cells, batch.over, batch.rows, batch.duration_s) == ((), True, (), 0)
    batch.close()


def test_results_are_there_as_they_come_and_the_rest_can_be_given_up() -> None:
    gate = Gate()

    def image_of(cell: Cell) -> str:
        if cell.subject.name == "b":
            gate.pass_through()
        return cell.subject.name

    engine = by_image(a=FORWARDS, b=FORWARDS, c=FORWARDS)
    batch = Batch([cell(name) for name in ("a", "b", "c")], engine, schedule(image_of=image_of))
    assert gate.reached.wait(LONG_S)
    assert [row.subject for row in batch.rows] == ["a"]
    assert not batch.over
    batch.abandon()
    assert not batch.over
    gate.open.set()
    wait(lambda: batch.over)
    batch.close()
    assert [(row.subject, row.verdict) for row in batch.rows] == [
        ("a", Verdict.FORWARDED),
        ("b", Verdict.UNTESTED),
    ]
    assert [launch.image for launch in engine.launches] == ["a"]


class ScriptedLauncher:
    """A launcher on a scripted engine."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.engine = ScriptedEngine(lambda launch: SWALLOWS if launch.image == "bad" else FORWARDS)
        self._catalogue = catalogue
        self._schedule = schedule(jobs=2)

    def run(self, cell: Cell) -> LiveCell:
        return LiveCell(cell, self.engine, self._schedule)

    def claims(self, chapter: Chapter) -> Batch:
        cells = claim_cells(self._catalogue, chapter.claims, [FACTS.reference], engine="docker")
        return Batch(cells, self.engine, self._schedule)

    def table(self) -> Batch:
        cells = [cell(variant.name, base=FACTS.reference) for variant in self._catalogue.variants]
        return Batch(cells, self.engine, self._schedule)


@contextmanager
def presenting() -> Iterator[tuple[Presentation, ScriptedLauncher]]:
    chapters = [
        Chapter(
            name="one",
            title="One",
            intro="",
            question="",
            asks="TERM",
            broken=(Example(variant="bad"),),
            mended=(Example(variant="good"),),
        ),
        Chapter(name="two", title="Two", intro="", question="", asks="TERM", broken=(Example(variant="good"),)),
        Chapter(name="claims", title="Claims", intro="", question="", claims="an article"),
    ]
    both, bases = catalogue("bad", "good"), {FACTS.reference: FACTS}
    steps = steps_of(list(enumerate(chapters, start=1)), both, bases, engine="docker", whole=True)
    launcher = ScriptedLauncher(both)
    presentation = Presentation(steps, launcher, pause_s=0, chapters=3)
    try:
        yield presentation, launcher
    finally:
        presentation.close()
        assert launcher.engine.present == set()


def test_a_whole_presentation_goes_by_itself_to_its_end() -> None:
    seen: list[StepKind] = []
    now_s = 0.0
    with presenting() as (presentation, _):

        def look() -> bool:
            nonlocal now_s
            for _ in range(10):
                presentation.tick(now_s := now_s + 0.1)
                kind = presentation.view().step.kind
                if not seen or seen[-1] is not kind:
                    seen.append(kind)
            return presentation.finished

        wait(look)
        rows = [(row.subject, row.verdict.value) for row in presentation.rows]
        assert presentation.table is not None
    part = [StepKind.QUESTION, StepKind.RUN, StepKind.VERDICT]
    assert seen == [
        StepKind.TITLE,
        *part,
        StepKind.FIX,
        *part[1:],
        *part,
        StepKind.QUESTION,
        StepKind.CLAIMS,
        StepKind.TABLE,
    ]
    assert rows == [
        *[("bad", "swallowed"), ("good", "forwarded"), ("good", "forwarded")],
        *[("bad", "swallowed"), ("good", "forwarded")],
    ]


def test_a_presentation_that_is_left_in_the_middle_leaves_nothing() -> None:
    with presenting() as (presentation, launcher):
        wait(lambda: presentation.tick(0) or presentation.view().step.kind is StepKind.RUN)
        wait(lambda: launcher.engine.present)
    assert launcher.engine.present == set()
