"""Several engines in one run: what each is called, and how its results and recordings are told from the others'."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from harness.core.baseline import Finding, of_engine, recordings
from harness.core.columns import columns_of, of_column, other_content, side_by_side, with_columns
from harness.core.comparison import compare_all, recorded
from harness.core.document import Shard
from harness.core.errors import UsageError
from harness.core.judged import comparisons_of, gone, judged
from harness.core.merging import merged
from harness.core.ranking import Change
from harness.core.verdict import Verdict
from tests.support.reports import (
    DEBIAN,
    ENGINE,
    FACTS,
    FORWARDED,
    KILLED,
    SWALLOWED,
    finding,
    recording,
    report,
    result,
)

if TYPE_CHECKING:
    from harness.core.document import Document
    from harness.core.facts import EngineFacts

PODMAN = structs.replace(ENGINE, name="Podman", version="4.3.1", runtime="runc 1.1.5", init="catatonit")
FIVE = structs.replace(PODMAN, version="5.4.2+ds1-2+b1", runtime="crun 1.21")


@pytest.mark.parametrize(
    ("engines", "labels", "keys"),
    [
        ([ENGINE], ["docker"], ["Docker Engine"]),
        ([ENGINE, PODMAN], ["docker", "podman"], ["Docker Engine", "Podman"]),
        ([ENGINE, PODMAN, FIVE], ["docker", "podman-4.3.1", "podman-5.4.2"], ["Docker Engine", None, None]),
        ([PODMAN, structs.replace(PODMAN, runtime="crun 1.8")], ["podman-4.3.1-runc", "podman-4.3.1-crun"], [None] * 2),
        ([PODMAN, ENGINE, PODMAN], ["podman-4.3.1-runc-1", "docker", "podman-4.3.1-runc-2"], [None, ENGINE.name, None]),
        ([structs.replace(PODMAN, version="5 / <x>")] * 2, ["podman-5_x_-runc-1", "podman-5_x_-runc-2"], [None, None]),
    ],
)
def test_an_engine_is_called_no_more_than_tells_it_from_the_others(
    engines: list[EngineFacts], labels: list[str], keys: list[str | None]
) -> None:
    columns = columns_of(engines)
    assert [column.label for column in columns] == labels
    assert [column.key for column in columns] == [key or label for key, label in zip(keys, labels, strict=True)]


ENGINES = st.builds(
    lambda name, version, runtime: structs.replace(ENGINE, name=name, version=version, runtime=runtime),
    st.sampled_from(["Docker Engine", "Podman", "podman-like"]),
    st.text(max_size=4),
    st.text(max_size=4),
)


@given(st.lists(ENGINES, min_size=1, max_size=6))
def test_no_two_engines_are_called_alike_and_no_name_breaks_an_id(engines: list[EngineFacts]) -> None:
    columns = columns_of(engines)
    assert len({column.label for column in columns}) == len({column.key for column in columns}) == len(engines)
    assert not any("/" in column.label or " " in column.label or "\n" in column.label for column in columns)


def side(engine: EngineFacts, label: str | None, *verdicts: object) -> Document:
    """What came of one engine: a cell for each evidence."""
    rows = [result(name, evidence) for name, evidence in zip("abc", verdicts, strict=False)]  # type: ignore[arg-type]
    return report(*(structs.replace(row, column=label) for row in rows), engine=engine)


BOTH = side_by_side([side(ENGINE, "docker", FORWARDED, SWALLOWED), side(PODMAN, "podman", FORWARDED, FORWARDED)])


def test_cells_of_several_engines_have_ids_and_titles_of_their_own() -> None:
    assert [row.id for row in BOTH.results] == [
        "docker/musl-node24/a/SIGTERM",
        "docker/musl-node24/b/SIGTERM",
        "podman/musl-node24/a/SIGTERM",
        "podman/musl-node24/b/SIGTERM",
    ]
    assert BOTH.results[2].title == "a on local:musl-node24 (podman), SIGTERM"
    alone = report(result("a", FORWARDED)).results[0]
    assert (alone.id, alone.title, alone.place) == (
        "musl-node24/a/SIGTERM",
        "a on local:musl-node24, SIGTERM",
        "musl-node24",
    )
    assert [row.id for row in of_column(BOTH.results, "podman")] == [row.id for row in BOTH.results[2:]]
    assert list(BOTH.engines) == ["Docker Engine", "Podman"]


def test_what_is_recorded_is_recorded_of_each_engine() -> None:
    docker, podman = recordings(BOTH)
    assert [(one.column, one.engine.name, len(one.findings)) for one in (docker, podman)] == [
        ("docker", "Docker Engine", 2),
        ("podman", "Podman", 2),
    ]
    assert (podman.place, podman.title) == ("podman/musl-node24", "local:musl-node24 (podman)")
    twice = structs.replace(BOTH, results=(*BOTH.results, BOTH.results[-1]))
    with pytest.raises(UsageError, match=r"b/SIGTERM on local:musl-node24 \(podman\) is there twice"):
        recordings(twice)


KEY = ("a", "SIGTERM")


def of(engine: EngineFacts, verdict: Verdict = Verdict.FORWARDED) -> Finding:
    return finding(verdict, engine.version)


def test_a_run_is_compared_with_what_was_recorded_of_its_own_engine() -> None:
    docker, podman, five = (recording({KEY: of(engine)}, engine=engine) for engine in (ENGINE, PODMAN, FIVE))
    known = (five, docker, podman)
    assert of_engine(known, ENGINE) == (docker,)
    assert of_engine(known, PODMAN) == (podman,)
    assert of_engine(known, structs.replace(PODMAN, version="6")) == (podman,), "the runtime is the same"
    assert of_engine(known, structs.replace(ENGINE, name="Other")) == ()
    assert of_engine((docker,), PODMAN) == (docker,), "one recording alone is compared with any engine"
    other = recording({KEY: of(ENGINE)}, base=DEBIAN)
    assert of_engine((docker, other, podman), PODMAN) == (podman, other)


def test_each_engine_has_its_own_comparison() -> None:
    known = [recording({KEY: of(ENGINE)}), recording({KEY: of(PODMAN, Verdict.SWALLOWED)}, engine=PODMAN)]
    new = recordings(side_by_side([side(ENGINE, "docker", SWALLOWED), side(PODMAN, "podman", SWALLOWED)]))
    docker, podman = compare_all(known, new, [FACTS.reference])
    assert [difference.change for difference in docker.differences] == [Change.WORSE]
    assert (podman.differences, podman.same) == ((), 1)
    assert docker.cell_id(docker.differences[0]) == "docker/musl-node24/a/SIGTERM"
    assert recorded([docker, podman]) == {
        "docker/musl-node24/a/SIGTERM": Verdict.FORWARDED,
        "podman/musl-node24/a/SIGTERM": Verdict.SWALLOWED,
    }
    # What is recorded of Docker alone is what both are compared with, and what is gone is gone of both.
    lacking = compare_all([recording({("z", "SIGHUP"): of(ENGINE)})], new, [FACTS.reference])
    assert gone(lacking) == ["docker/musl-node24/z/SIGHUP", "podman/musl-node24/z/SIGHUP"]


def test_a_run_on_one_engine_lacks_nothing_that_is_recorded_of_another() -> None:
    known = [recording({KEY: of(ENGINE)}), recording({KEY: of(PODMAN), ("z", "SIGHUP"): of(PODMAN)}, engine=PODMAN)]
    document = report(result("a", FORWARDED))
    asked = {FACTS.reference: {KEY, ("z", "SIGHUP")}}
    made = judged(document, known, asked, named=False)
    assert made.judged is not None
    assert [one.engine.name for one in made.judged.recorded] == ["Docker Engine"]
    assert made.judged.left_out == 2
    assert gone(comparisons_of(made)) == []
    with_both = judged(BOTH, known, asked, named=False)
    assert [one.new.column for one in comparisons_of(with_both)] == ["docker", "podman"]
    assert gone(comparisons_of(with_both)) == ["podman/musl-node24/z/SIGHUP"]


def test_runs_that_had_an_engine_each_are_one_run_of_both_once_merged() -> None:
    files = [("d.json", side(ENGINE, None, FORWARDED, KILLED)), ("p.json", side(PODMAN, None, SWALLOWED))]
    for order in (files, files[::-1]):
        made = merged(order).document
        assert {row.id: row.verdict for row in made.results} == {
            "docker/musl-node24/a/SIGTERM": Verdict.FORWARDED,
            "docker/musl-node24/b/SIGTERM": Verdict.KILLED,
            "podman/musl-node24/a/SIGTERM": Verdict.SWALLOWED,
        }
    one = merged([files[0]]).document
    assert [row.column for row in one.results] == [None, None]
    assert with_columns(BOTH.results, BOTH.engines) == BOTH.results


def test_parts_of_runs_on_different_engines_are_no_run() -> None:
    shard = Shard(parts=(1,), of=2, planned=("musl-node24/a/SIGTERM",))
    files = [
        (name, structs.replace(side(engine, None, FORWARDED), shard=shard))
        for name, engine in (("d", ENGINE), ("p", PODMAN))
    ]
    with pytest.raises(UsageError) as refusal:
        merged(files)
    assert "d is a part of a run on Docker Engine alone" in refusal.value.message


def test_bases_are_the_same_where_nothing_but_an_id_of_their_own_differs() -> None:
    other = structs.replace(FACTS, id="sha256:other")
    assert other_content(FACTS, other) == ()
    newer = structs.replace(other, programs={**FACTS.programs, "node": "25.0.0"})
    assert [shift.name for shift in other_content(FACTS, newer)] == ["Node"]
    pulled = [structs.replace(one, digest=f"node@sha256:{digest}") for one, digest in ((FACTS, "1"), (other, "2"))]
    assert [shift.name for shift in other_content(*pulled)] == ["the image"]


def test_baselines_of_several_engines_are_compared_with_those_of_the_same_kind() -> None:
    """As with two folders: no run has them side by side, and an engine may be newer on one base than on another."""
    newer = structs.replace(ENGINE, version="29")
    old = [
        recording({KEY: of(engine)}, engine=engine, base=base)
        for engine in (ENGINE, PODMAN)
        for base in (FACTS, DEBIAN)
    ]
    new = [
        recording({KEY: of(engine, Verdict.SWALLOWED)}, engine=engine, base=base)
        for engine, base in ((PODMAN, FACTS), (PODMAN, DEBIAN), (ENGINE, FACTS), (newer, DEBIAN))
    ]
    made = compare_all(old, new, [FACTS.reference, DEBIAN.reference])
    assert [(one.old.engine.name, one.new.engine.name) for one in made] == [("Podman", "Podman")] * 2 + [
        ("Docker Engine", "Docker Engine")
    ] * 2
    assert all(one.old.base == one.new.base for one in made)
    assert gone(made) == []
    assert gone(compare_all(old, new[:3], [FACTS.reference, DEBIAN.reference])) == ["debian12-node24/a/SIGTERM"]
