"""Many cells on a scripted engine: faults stay with their cells, and what is done stays done."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from harness.core.catalogue import AppLog, Expectation, Variant
from harness.core.errors import BaseUnavailable, EngineFault, EngineUnavailable
from harness.core.model import BaseFacts, Cell, Forwards, Result, Verdict
from harness.core.signals import Signal
from harness.run.plan import cells as plan_cells
from harness.run.protocol import Launch
from harness.run.runner import Runner, Schedule
from tests.scripted import Happening, Script, ScriptedEngine, process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

APP = AppLog(ready=re.compile(r"^up pid=(?P<pid>\d+)"), received=re.compile(r"^got (?P<signal>SIG\w+)"))
START = (Happening(after_s=0.1, output=b"up pid=1\n", tree=(process(1, "node", catches=("TERM", "HUP")),)),)
FORWARDS = Script(at_start=START, at_signal=(Happening(after_s=0.01, output=b"got SIGTERM\n"),))
SWALLOWS = Script(at_start=START)
FAULTY = Script(at_start=START, kill_fault=EngineFault("the engine says: no"))
GONE = Script(at_start=START, kill_fault=EngineUnavailable("the engine does not answer"))
FACTS = BaseFacts(reference="base", id="sha256:0", node="24.0.0", npm="11.0.0")
TERM = Signal(15)


def variant(name: str, **keys: object) -> Variant:
    return Variant(**{"name": name, "title": name, "dockerfile": f"{name}.Dockerfile"} | keys)  # type: ignore[arg-type]


def cells(*variants: Variant) -> tuple[Cell, ...]:
    return plan_cells(["base"], variants, [TERM])


def by_image(**scripts: Script) -> ScriptedEngine:
    return ScriptedEngine(lambda launch: scripts[launch.image])


def in_turn(scripts: Iterable[Script]) -> ScriptedEngine:
    turns = iter(scripts)
    return ScriptedEngine(lambda _: next(turns))


def run(
    engine: ScriptedEngine,
    wanted: Iterable[Cell],
    *,
    jobs: int = 1,
    repeat: int = 1,
    image_of: Callable[[str, Variant], str] = lambda _, variant: variant.name,
    on_result: Callable[[Result], None] = lambda _: None,
) -> list[Result]:
    schedule = Schedule(
        app=APP, image_of=image_of, facts_of=lambda _: FACTS, jobs=jobs, repeat=repeat, on_result=on_result
    )
    with Runner(engine, schedule) as runner:
        return [future.result() for future in runner.submit(tuple(wanted))]


def told(results: Iterable[Result]) -> list[tuple[str, Verdict]]:
    return [(result.cell.variant.name, result.verdict) for result in results]


def test_cells_are_every_base_variant_and_signal_base_by_base() -> None:
    planned = plan_cells(["local:x", "y/z:1"], [variant("a"), variant("b")], [TERM, Signal(1)])
    assert [cell.id for cell in planned] == [
        *("x/a/SIGTERM", "x/a/SIGHUP", "x/b/SIGTERM", "x/b/SIGHUP"),
        *("y_z:1/a/SIGTERM", "y_z:1/a/SIGHUP", "y_z:1/b/SIGTERM", "y_z:1/b/SIGHUP"),
    ]


@pytest.mark.parametrize("jobs", [1, 4])
def test_results_come_in_the_order_of_the_cells(jobs: int) -> None:
    engine = by_image(a=FORWARDS, b=SWALLOWS, c=FORWARDS)
    results = run(engine, cells(variant("a"), variant("b"), variant("c")), jobs=jobs)
    assert told(results) == [("a", Verdict.FORWARDED), ("b", Verdict.SWALLOWED), ("c", Verdict.FORWARDED)]
    assert engine.present == set()


def test_a_variants_options_reach_the_engine() -> None:
    engine = by_image(a=FORWARDS)
    run(engine, cells(variant("a", init=True, entrypoint=("tini", "--"), command=("node",))))
    assert engine.launches == [Launch(image="a", init=True, entrypoint=("tini", "--"), command=("node",))]


def test_an_expectation_of_the_signal_is_in_the_result() -> None:
    expect = Expectation(forwards=Forwards.NEVER, signals={TERM: Forwards.ALWAYS})
    (result,) = run(by_image(a=FORWARDS), cells(variant("a", expect=expect)))
    assert result.expected is Forwards.ALWAYS


def test_a_signal_nothing_is_expected_of_depends() -> None:
    expect = Expectation(signals={Signal(1): Forwards.ALWAYS})
    (result,) = run(by_image(a=FORWARDS), cells(variant("a", expect=expect)))
    assert result.expected is Forwards.DEPENDS


def test_a_tested_cell_tells_how_to_repeat_it_by_hand() -> None:
    (result,) = run(by_image(a=FORWARDS), cells(variant("a", init=True)))
    assert result.reproduce[0].startswith("docker run -d --name try-a ")
    assert result.reproduce[0].endswith(" --init a")
    assert "docker kill --signal=SIGTERM try-a" in result.reproduce


def test_an_engine_that_goes_away_half_way_keeps_what_is_done() -> None:
    engine = by_image(a=FORWARDS, b=GONE, c=FORWARDS, d=FORWARDS)
    results = run(engine, cells(variant("a"), variant("b"), variant("c"), variant("d")))
    assert told(results) == [
        ("a", Verdict.FORWARDED),
        ("b", Verdict.UNTESTED),
        ("c", Verdict.UNTESTED),
        ("d", Verdict.UNTESTED),
    ]
    assert {result.judgement.reason for result in results[1:]} == {"the engine went away: the engine does not answer"}
    assert [launch.image for launch in engine.launches] == ["a", "b"]
    assert engine.present == set()


def test_an_engine_that_is_gone_at_launch() -> None:
    def gone(_: Launch) -> Script:
        raise EngineUnavailable("the engine does not answer")

    engine = ScriptedEngine(gone)
    assert told(run(engine, cells(variant("a"), variant("b")))) == [("a", Verdict.UNTESTED), ("b", Verdict.UNTESTED)]
    assert len(engine.launches) == 1


def test_a_fault_of_one_cell_stays_with_it() -> None:
    results = run(by_image(a=FAULTY, b=FORWARDS), cells(variant("a"), variant("b")))
    assert told(results) == [("a", Verdict.UNTESTED), ("b", Verdict.FORWARDED)]
    assert results[0].judgement.reason == "the engine says: no"
    assert results[0].reproduce == ()


def test_an_image_that_cannot_be_had_makes_its_cells_untested_and_no_others() -> None:
    def image_of(_: str, variant: Variant) -> str:
        if variant.name == "b":
            raise BaseUnavailable("it does not build: exit code 1")
        return variant.name

    engine = by_image(a=FORWARDS, c=FORWARDS)
    planned = plan_cells(["base"], [variant("a"), variant("b"), variant("c")], [Signal(1), TERM])
    results = run(engine, planned, image_of=image_of)
    assert [(result.cell.variant.name, result.judgement.reason) for result in results if not result.evidence] == [
        ("b", "it does not build: exit code 1"),
        ("b", "it does not build: exit code 1"),
    ]
    assert len(engine.launches) == 4


def test_an_unmet_requirement_starts_and_builds_nothing() -> None:
    def image_of(*_: object) -> str:
        raise AssertionError("built")

    engine = by_image()
    (result,) = run(engine, cells(variant("a", requires={"npm": "<9.7"})), image_of=image_of)
    assert result.verdict is Verdict.UNTESTED
    assert result.judgement.reason == "it needs npm <9.7, and the base has 11.0.0"
    assert engine.launches == []


def test_repeats_that_agree() -> None:
    engine = by_image(a=FORWARDS)
    (result,) = run(engine, cells(variant("a")), repeat=3)
    assert result.verdict is Verdict.FORWARDED
    assert len(result.runs) == len(engine.launches) == 3


def test_repeats_that_disagree_are_unstable() -> None:
    (result,) = run(in_turn([FORWARDS, SWALLOWS, FORWARDS]), cells(variant("a")), repeat=3)
    assert result.verdict is Verdict.UNSTABLE
    assert result.judgement.reason.startswith("3 runs disagree: forwarded 2×, swallowed 1×; for instance, PID 1 is ")
    assert result.shown is result.runs[1]


def test_a_repeat_that_cannot_be_tested_leaves_the_others_their_word() -> None:
    (result,) = run(in_turn([FORWARDS, FAULTY]), cells(variant("a")), repeat=3)
    assert [run.judgement.verdict for run in result.runs] == [Verdict.FORWARDED, Verdict.UNTESTED]
    assert result.verdict is Verdict.FORWARDED


@pytest.mark.parametrize("jobs", [1, 4])
def test_each_cell_is_told_once_as_it_ends(jobs: int) -> None:
    heard: list[Result] = []
    variants = [variant(f"v{n}") for n in range(20)]
    engine = ScriptedEngine(lambda _: FORWARDS)
    results = run(engine, cells(*variants), jobs=jobs, on_result=heard.append)
    assert len(heard) == 20
    assert {id(result) for result in heard} == {id(result) for result in results}


def test_leaving_drops_what_waits() -> None:
    def interrupt(_: Result) -> None:
        raise KeyboardInterrupt

    schedule = Schedule(app=APP, image_of=lambda *_: "a", facts_of=lambda _: FACTS, jobs=1, on_result=interrupt)
    engine = by_image(a=FORWARDS)
    with Runner(engine, schedule) as runner:
        futures = runner.submit(cells(*(variant(f"v{n}") for n in range(50))))
        with pytest.raises(KeyboardInterrupt):
            futures[0].result()
    assert engine.present == set()
    assert all(future.done() for future in futures)
