"""What is recorded of a base, and how what is found later is compared with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.baseline import (
    Finding,
    counterparts,
    finding_of,
    merged,
    narrowed,
    recordings,
    relevant,
    same_fingerprint,
    untested,
    verdicts,
)
from harness.core.facts import BaseFacts, EngineFacts
from harness.core.question import Probe
from harness.core.signals import Signal
from harness.core.verdict import Verdict
from tests.support.evidence import changed, words
from tests.support.reports import (
    APP,
    BASE,
    DEBIAN,
    ENGINE,
    FACTS,
    FORCED,
    FORWARDED,
    KEPT,
    KILLED,
    PID1,
    REAPED,
    SOURCE,
    SWALLOWED,
    UNTESTED,
    ZOMBIE,
    chained,
    finding,
    recording,
    report,
    result,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.core.baseline import Key, Recording
    from harness.core.document import Row
    from harness.core.evidence import Evidence

SHELL = ("/bin/sh -c node server.js", "node server.js")
TERM, HUP = ("v", "SIGTERM"), ("v", "SIGHUP")


def chain_of(evidence: Evidence) -> tuple[str, ...]:
    return tuple(process.command for process in evidence.seen.chain)


@pytest.mark.parametrize(
    ("evidence", "chain"),
    [
        (SWALLOWED, SHELL),
        (FORWARDED, ("node server.js",)),
        (KILLED, SHELL),
        (FORCED, SHELL),
        (KEPT, SHELL),
        (REAPED, SHELL),
        (chained("npm start", "sh -c x", "node x"), ("npm start", "sh -c x", "node x")),
        (changed(SWALLOWED, app_pid=None), ()),
        (changed(SWALLOWED, app_pid=5), ()),
        (changed(SWALLOWED, before=()), ()),
        (changed(SWALLOWED, before=(PID1,)), ()),
        (changed(SWALLOWED, before=(APP, PID1)), SHELL),
        (changed(SWALLOWED, after=()), SHELL),
        (changed(SWALLOWED, before=(changed(PID1, argv=words("")), APP)), ("", "node server.js")),
    ],
)
def test_a_chain_goes_from_pid_1_down_to_the_app(evidence: Evidence, chain: tuple[str, ...]) -> None:
    assert chain_of(evidence) == chain


def test_a_process_beside_the_way_is_not_in_the_chain() -> None:
    beside = changed(APP, pid=1009, inner_pid=9, argv=words("tee /tmp/app.log"))
    assert chain_of(changed(SWALLOWED, before=(PID1, beside, APP))) == SHELL


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (result("v", SWALLOWED), finding(Verdict.SWALLOWED, *SHELL)),
        (result("v", FORCED, probe=Probe.STOP), finding(Verdict.FORCED, *SHELL, signal="SIGTERM")),
        (
            result("v", changed(FORCED, sent=Signal(3), events=()), probe=Probe.STOP),
            finding(Verdict.FORCED, *SHELL, signal="SIGQUIT"),
        ),
        (result("v", KEPT, probe=Probe.EXIT_CODE), finding(Verdict.KEPT, *SHELL)),
        (result("v", UNTESTED), finding(Verdict.UNTESTED)),
        (result("v", UNTESTED, FORWARDED), finding(Verdict.FORWARDED, "node server.js")),
        (
            result("v", REAPED, ZOMBIE, REAPED, UNTESTED, probe=Probe.REAP),
            finding(Verdict.UNSTABLE, *SHELL, seen=(Verdict.REAPED, Verdict.ZOMBIE)),
        ),
        (
            result("v", KILLED, SWALLOWED, FORWARDED),
            finding(Verdict.UNSTABLE, *SHELL, seen=(Verdict.FORWARDED, Verdict.SWALLOWED, Verdict.KILLED)),
        ),
    ],
)
def test_what_is_recorded_of_a_result(made: Row, found: Finding) -> None:
    assert finding_of(made) == found


def test_a_cell_in_doubt_is_recorded_as_untested_with_its_processes() -> None:
    seen = chained("dumb-init npm start", "npm start", "node server.js", of=FORWARDED)
    before = tuple(changed(process, caught=APP.caught) for process in seen.seen.before)
    made = result("v", *[changed(seen, before=before, trace=None)] * 3)
    assert finding_of(made) == finding(Verdict.UNTESTED, "dumb-init npm start", "npm start", "node server.js")


def test_a_report_is_recorded_base_by_base() -> None:
    made = report(
        result("b", FORWARDED, base="x:1"),
        result("a", SWALLOWED),
        result("a", KEPT, probe=Probe.EXIT_CODE, base="x:1"),
        sources={"a": SOURCE},
    )
    other = changed(FACTS, reference="x:1")
    made = changed(made, bases={BASE: FACTS, "none": changed(FACTS, reference="none"), "x:1": other})
    first, second = recordings(made)
    assert first == recording(
        {
            ("b", "SIGTERM"): finding(Verdict.FORWARDED, "node server.js"),
            ("a", "exit-code"): finding(Verdict.KEPT, *SHELL),
        },
        base=other,
        variants={"a": "0123456789ab"},
    )
    assert second == recording({("a", "SIGTERM"): finding(Verdict.SWALLOWED, *SHELL)}, variants={"a": "0123456789ab"})


def test_a_report_of_nothing_has_recorded_nothing() -> None:
    assert recordings(report()) == ()


def of(*references: str) -> list[Recording]:
    return [recording(base=changed(FACTS, reference=reference)) for reference in references]


@pytest.mark.parametrize(
    ("recorded", "bases", "pairs"),
    [
        (["a"], ["a"], {"a": "a"}),
        (["a", "b"], ["b", "a"], {"a": "a", "b": "b"}),
        (["a"], ["b"], {"b": "a"}),
        (["a", "b"], ["a", "c"], {"a": "a"}),
        (["a", "b"], ["a"], {"a": "a"}),
        (["a", "b"], ["c"], {}),
        (["a"], ["b", "c"], {}),
        (["a", "b", "c"], ["a", "d"], {"a": "a"}),
        (["a"], ["a", "b"], {"a": "a"}),
        (["local:musl-node24"], ["local:musl-node24"], {"local:musl-node24": "local:musl-node24"}),
        (["r/x:1", "b"], ["r/x:1", "b"], {"r/x:1": "r/x:1", "b": "b"}),
        ([], ["a"], {}),
        (["a"], [], {}),
        ([], [], {}),
    ],
)
def test_a_base_is_held_against_its_own_recording_or_the_only_one_there_is(
    recorded: list[str], bases: list[str], pairs: dict[str, str]
) -> None:
    found = counterparts(of(*recorded), bases)
    assert {base: one.base.reference for base, one in found.items()} == pairs


@given(st.lists(st.sampled_from("abcd"), unique=True), st.lists(st.sampled_from("abcd"), unique=True))
def test_no_recording_is_held_against_two_bases(recorded: list[str], bases: list[str]) -> None:
    found = counterparts(of(*recorded), bases)
    told = [one.base.reference for one in found.values()]
    assert len(told) == len(set(told))
    for base in set(recorded) & set(bases):
        assert found[base].base.reference == base


@pytest.mark.parametrize(
    ("named", "bases", "found"),
    [
        ([], None, {"a": "a", "b": "b"}),
        ([], ["b", "c"], {"b": "b", "a": "a"}),
        (["a"], None, {"a": "a"}),
        (["a"], ["a"], {"a": "a"}),
        (["c"], ["c"], {}),
        (["a*"], None, {"a": "a", "b": "b"}),
        (["a*"], ["a"], {"a": "a", "b": "b"}),
        (["a", "[b]"], ["a"], {"a": "a", "b": "b"}),
    ],
)
def test_recordings_of_other_bases_matter_unless_the_bases_are_named_one_by_one(
    named: list[str], bases: list[str] | None, found: dict[str, str]
) -> None:
    told = relevant(of("a", "b"), named, bases)
    assert {base: one.base.reference for base, one in told.items()} == found


def test_a_base_that_takes_the_place_of_the_one_recorded_has_its_recording_once() -> None:
    told = relevant(of("a"), (), ["b"])
    assert {base: one.base.reference for base, one in told.items()} == {"b": "a"}


def test_what_a_recording_says_goes_by_the_id_of_the_cell() -> None:
    cells = [
        result("v", SWALLOWED, base="r.example/n:1"),
        result("w", FORCED, probe=Probe.STOP, base="r.example/n:1"),
        result("v", FORWARDED),
    ]
    made = report(*cells)
    made = changed(made, bases={BASE: FACTS, "r.example/n:1": changed(FACTS, reference="r.example/n:1")})
    pairs = {one.base.reference: one for one in recordings(made)}
    assert verdicts(pairs) == {made.id: made.verdict for made in cells}


def test_what_one_base_had_is_told_by_the_ids_of_the_base_that_takes_its_place() -> None:
    (old,) = recordings(report(result("v", SWALLOWED)))
    assert verdicts({"node:24": old}) == {"node:24/v/SIGTERM": Verdict.SWALLOWED}


def test_a_recording_is_narrowed_to_the_cells_that_are_asked_for() -> None:
    whole = recording(
        {TERM: finding(Verdict.KILLED), HUP: finding(Verdict.SWALLOWED)}, variants={"v": "1"}, base=DEBIAN
    )
    assert narrowed(whole, {HUP, ("w", "stop")}) == changed(whole, findings={HUP: finding(Verdict.SWALLOWED)})
    assert narrowed(whole, ()) == changed(whole, findings={})


def test_a_fingerprint_is_of_this_base_on_this_engine() -> None:
    assert same_fingerprint(recording({TERM: finding(Verdict.KILLED)}), base=FACTS, engine=ENGINE)


@pytest.mark.parametrize("name", BaseFacts.__struct_fields__)
def test_a_base_that_differs_in_anything_has_another_fingerprint(name: str) -> None:
    other = changed(FACTS, **{name: {"entrypoint": ("x",), "programs": {"x": "1"}}.get(name, "x")})
    assert not same_fingerprint(recording(), base=other, engine=ENGINE)


@pytest.mark.parametrize("name", EngineFacts.__struct_fields__)
def test_an_engine_that_differs_in_anything_makes_another_fingerprint(name: str) -> None:
    other = changed(ENGINE, **{name: True if name == "trace" else "x"})
    assert not same_fingerprint(recording(), base=FACTS, engine=other)


KEYS = [("v", "SIGHUP"), ("v", "SIGTERM"), ("v", "stop"), ("w", "SIGTERM")]
FOUND = st.dictionaries(
    st.sampled_from(KEYS),
    st.sampled_from([Verdict.FORWARDED, Verdict.KILLED, Verdict.UNTESTED]).map(lambda one: Finding(verdict=one)),
)


@given(FOUND, FOUND, st.booleans())
def test_what_could_not_be_tested_stays_as_it_was_recorded(
    before: Mapping[Key, Finding], now: Mapping[Key, Finding], keep: bool
) -> None:
    whole = merged(recording(before, base=DEBIAN), recording(now, base=DEBIAN), keep=keep)
    for key in KEYS:
        tested = now.get(key) if key in now and now[key].verdict is not Verdict.UNTESTED else None
        stays = before.get(key) if keep or key in now else None
        assert whole.findings.get(key) == (tested or stays)
    assert whole.base == DEBIAN


def test_a_first_recording_holds_what_was_tested() -> None:
    new = recording({TERM: finding(Verdict.KILLED), HUP: finding(Verdict.UNTESTED)}, variants={"v": "1"})
    assert merged(None, new, keep=True) == changed(new, findings={TERM: finding(Verdict.KILLED)})


@pytest.mark.parametrize(("keep", "variants"), [(True, {"v": "2", "w": "1"}), (False, {"v": "2"})])
def test_the_digests_of_variants_that_stay_are_kept(keep: bool, variants: dict[str, str]) -> None:
    old = recording({("w", "stop"): finding(Verdict.FORCED)}, variants={"v": "1", "w": "1"})
    new = recording({TERM: finding(Verdict.KILLED)}, variants={"v": "2"})
    assert merged(old, new, keep=keep).variants == variants


@given(FOUND, FOUND, st.booleans())
def test_nothing_stays_of_another_image_or_engine(
    before: Mapping[Key, Finding], now: Mapping[Key, Finding], keep: bool
) -> None:
    new = recording(now, base=DEBIAN)
    tested = {key: one for key, one in now.items() if one.verdict is not Verdict.UNTESTED}
    others = recording(before), recording(before, base=DEBIAN, engine=changed(ENGINE, kernel="6.13"))
    assert [merged(old, new, keep=keep).findings for old in others] == [tested] * 2


def test_nothing_stays_of_a_variant_that_was_changed() -> None:
    old = recording({HUP: finding(Verdict.FORWARDED), ("w", "stop"): finding(Verdict.FORCED)}, variants={"v": "1"})
    new = recording({TERM: finding(Verdict.KILLED), HUP: finding(Verdict.UNTESTED)}, variants={"v": "2"})
    assert set(merged(old, new, keep=True).findings) == {TERM, ("w", "stop")}


def test_cells_that_could_not_be_tested_are_counted() -> None:
    cells = {TERM: finding(Verdict.UNTESTED), HUP: finding(Verdict.KILLED), ("w", "stop"): finding(Verdict.UNTESTED)}
    assert untested(recording(cells)) == 2
    assert untested(recording()) == 0
