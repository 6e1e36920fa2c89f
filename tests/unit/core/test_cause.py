"""The likely cause of a change: what stands on the signal's way and changed. A wrong one is worse than none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.baseline import Finding
from harness.core.cause import Cause, Shift, base_shifts, cause, engine_shifts, image_shift
from harness.core.program import PROGRAMS
from harness.core.verdict import Verdict
from tests.support.evidence import changed
from tests.support.reports import DEBIAN, ENGINE, FACTS, finding, recording, with_programs

if TYPE_CHECKING:
    from harness.core.facts import BaseFacts, EngineFacts

APP = "node server.js"
SH = "/bin/sh -c node server.js"
NPM_START = ('/bin/sh -c "npm" "start"', "npm start", "sh -c node server.js", APP)
NO_EXEC = "/bin/sh /usr/src/app/entrypoints/no-exec.sh node server.js"
ENTRY = "/bin/sh /usr/local/bin/docker-entrypoint.sh node server.js"
MUSL, DASH = (
    with_programs(
        changed(facts, entrypoint=("docker-entrypoint.sh",), entrypoint_sha256="a" * 64),
        {"tini": "0.19.0", "dumb-init": "1.2.5"},
    )
    for facts in (FACTS, DEBIAN)
)
TO_DASH = "/bin/sh is now dash 0.5.12-2, was BusyBox v1.37.0 ash"
TO_ASH = "/bin/sh is now BusyBox v1.37.0 ash, was dash 0.5.12-2"
OTHERS = {
    "os": "debian 13",
    "libc": "glibc 2.41",
    "shell": "dash 0.5.12-12",
    "node": "25.0.0",
    "npm": "12.0.0",
    "tini": "0.20.0",
    "dumb-init": "1.3.0",
    "stop_signal": "SIGQUIT",
    "entrypoint": ("start.sh", "--"),
    "entrypoint_sha256": "b" * 64,
}
TOLD = {
    "os": "the system is now debian 13, was alpine 3.22",
    "libc": "the C library is now glibc 2.41, was musl 1.2.5",
    "shell": "/bin/sh is now dash 0.5.12-12, was BusyBox v1.37.0 ash",
    "node": "Node is now 25.0.0, was 24.11.1",
    "npm": "npm is now 12.0.0, was 11.6.2",
    "tini": "tini is now 0.20.0, was 0.19.0",
    "dumb-init": "dumb-init is now 1.3.0, was 1.2.5",
    "stop_signal": "STOPSIGNAL is now SIGQUIT, was absent",
    "entrypoint": "ENTRYPOINT is now start.sh --, was docker-entrypoint.sh",
    "entrypoint_sha256": "the entrypoint's file is now sha256:bbbbbbbbbbbb, was sha256:aaaaaaaaaaaa",
}


def but(facts: BaseFacts, *names: str) -> BaseFacts:
    """A base that differs in these facts."""
    programs = {name: OTHERS[name] for name in names if name in PROGRAMS}
    return with_programs(changed(facts, **{name: OTHERS[name] for name in names if name not in PROGRAMS}), programs)


def told(
    before: tuple[str, ...] | Finding,
    after: tuple[str, ...] | Finding,
    *,
    old: BaseFacts = MUSL,
    new: BaseFacts = MUSL,
    engines: tuple[EngineFacts, EngineFacts] = (ENGINE, ENGINE),
    digests: tuple[str | None, str | None] = ("1", "1"),
) -> Cause:
    """The cause that is given for a change between two chains of processes."""
    was = before if isinstance(before, Finding) else finding(Verdict.FORWARDED, *before)
    now = after if isinstance(after, Finding) else finding(Verdict.SWALLOWED, *after)
    recorded = [
        recording(base=base, engine=engine, variants={"v": digest} if digest else {})
        for base, engine, digest in zip((old, new), engines, digests, strict=True)
    ]
    return cause(recorded[0], recorded[1], "v", was, now)


def named(made: Cause) -> set[str]:
    """The facts that a cause speaks of."""
    return {name for name, text in TOLD.items() if text in f"{made.text} {made.detail}"}


# What the real engine shows of our own variants on musl-node24 and on debian12-node24.
SWAPPED = [
    ("node-shell-form", (APP,), ('/bin/sh -c "node" "server.js"', APP)),
    ("shell-compound", (APP,), ("/bin/sh -c echo starting && node server.js", APP)),
    ("npm-start", ("npm start", APP), NPM_START),
    ("npm-start-exec", ("npm start", APP), ("npm start", "sh -c node server.js", APP)),
    ("npm-start-tini", ("tini -- npm start", "npm start", APP), ("tini -- npm start", *NPM_START[1:])),
    ("npm-start-dumb-init", ("dumb-init npm start", "npm start", APP), ("dumb-init npm start", *NPM_START[1:])),
    ("node-run", ("node --run start", APP), ("node --run start", SH, APP)),
    (
        "init-shell-form",
        ("/sbin/docker-init -- docker-entrypoint.sh /bin/sh -c node server.js", APP),
        ("/sbin/docker-init -- docker-entrypoint.sh /bin/sh -c node server.js", SH, APP),
    ),
]


@pytest.mark.parametrize(("ash", "dash"), [(ash, dash) for _, ash, dash in SWAPPED], ids=[one[0] for one in SWAPPED])
def test_a_shell_that_stays_is_named_where_ash_became_dash(ash: tuple[str, ...], dash: tuple[str, ...]) -> None:
    new = but(DASH, "node", "npm", "tini", "dumb-init", "stop_signal", "entrypoint", "entrypoint_sha256")
    made = told(ash, dash, new=new)
    assert made.text == f"{TO_DASH}: it stays the parent of what it starts"
    assert made.detail


@pytest.mark.parametrize(("ash", "dash"), [(ash, dash) for _, ash, dash in SWAPPED], ids=[one[0] for one in SWAPPED])
def test_a_shell_that_makes_way_is_named_where_dash_became_ash(ash: tuple[str, ...], dash: tuple[str, ...]) -> None:
    old = but(DASH, "node", "npm", "tini", "dumb-init", "stop_signal", "entrypoint", "entrypoint_sha256")
    made = told(dash, ash, old=old)
    assert made.text == f"{TO_ASH}: it becomes what it starts"


@pytest.mark.parametrize(
    ("before", "after", "detail"),
    [
        ((APP,), (SH, APP), f"PID 1 was `{APP}`, is `{SH}`"),
        (("npm start", APP), NPM_START, 'PID 1 was `npm start`, is `/bin/sh -c "npm" "start"`'),
        (
            ("npm start", APP),
            NPM_START[1:],
            "`sh -c node server.js` is now the parent of `node server.js`",
        ),
    ],
)
def test_what_is_special_about_a_cell_is_its_detail(
    before: tuple[str, ...], after: tuple[str, ...], detail: str
) -> None:
    assert told(before, after, new=DASH).detail == detail


def test_a_process_that_was_the_parent_is_told_in_the_past() -> None:
    made = told(NPM_START[1:], ("npm start", APP), old=DASH)
    assert made.detail == "`sh -c node server.js` was the parent of `node server.js`"


def test_a_shell_is_not_blamed_for_what_su_does() -> None:
    su = "su -s /bin/sh -c exec node server.js node"
    new = but(DASH, "node", "npm")
    made = told((APP,), (su, APP), new=new)
    assert made == Cause(
        text="`su` now stays the parent of what it starts (the system is now debian 12, was alpine 3.22)",
        detail=f"PID 1 was `{APP}`, is `{su}`",
    )
    back = told((su, APP), (APP,), old=new)
    assert back.text == (
        "`su` no longer stays the parent of what it starts (the system is now alpine 3.22, was debian 12)"
    )


def test_an_init_that_the_base_brings_is_named_with_its_entrypoint() -> None:
    old = with_programs(MUSL, {"tini": None})
    new = changed(but(MUSL, "node", "npm", "shell"), entrypoint=("tini", "--"))
    made = told((APP,), ("tini -- node server.js", APP), old=old, new=new)
    assert made == Cause(
        text="`tini` now stays the parent of what it starts "
        "(tini is now 0.19.0, was absent; ENTRYPOINT is now tini --, was docker-entrypoint.sh)",
        detail=f"PID 1 was `{APP}`, is `tini -- node server.js`",
    )


def test_where_one_program_took_the_place_of_another_the_one_that_is_there_now_is_named() -> None:
    before, after = ("dumb-init npm start", "npm start", APP), ("tini -- npm start", "npm start", APP)
    new = changed(MUSL, entrypoint=("tini", "--"))
    assert told(before, after, new=new) == Cause(
        text="`tini` now stays the parent of what it starts (ENTRYPOINT is now tini --, was docker-entrypoint.sh)",
        detail="PID 1 was `dumb-init npm start`, is `tini -- npm start`",
    )


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("entrypoint_sha256",), f" ({TOLD['entrypoint_sha256']})"),
        (("entrypoint",), f" ({TOLD['entrypoint']})"),
        (("entrypoint", "entrypoint_sha256"), f" ({TOLD['entrypoint']}; {TOLD['entrypoint_sha256']})"),
        (("os", "libc", "node", "npm", "tini", "dumb-init", "stop_signal"), ""),
        ((), ""),
    ],
)
def test_an_entry_script_that_stops_to_exec_is_named_with_what_is_known_of_it(names: tuple[str, ...], why: str) -> None:
    made = told((APP,), (ENTRY, APP), new=but(MUSL, *names))
    assert made == Cause(
        text=f"the script `docker-entrypoint.sh` now stays the parent of what it starts{why}",
        detail=f"PID 1 was `{APP}`, is `{ENTRY}`",
    )
    back = told((ENTRY, APP), (APP,), new=but(MUSL, *names))
    assert back.text == f"the script `docker-entrypoint.sh` no longer stays the parent of what it starts{why}"


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ("npm start", "`npm` now stays the parent of what it starts (npm is now 12.0.0, was 11.6.2)"),
        ("node --run start", "`node` now stays the parent of what it starts (Node is now 25.0.0, was 24.11.1)"),
        ("node --watch server.js", "`node` now stays the parent of what it starts (Node is now 25.0.0, was 24.11.1)"),
        ("/usr/bin/supervise x", "`supervise` now stays the parent of what it starts"),
    ],
)
def test_a_program_that_stays_is_named_with_its_own_version_alone(args: str, text: str) -> None:
    new = but(MUSL, "os", "libc", "shell", "node", "npm", "tini", "dumb-init", "stop_signal", "entrypoint_sha256")
    assert told((APP,), (args, APP), new=new).text == text


def test_a_shell_that_stays_though_it_is_the_same_one_is_named_without_a_reason() -> None:
    made = told((APP,), (SH, APP), new=but(MUSL, "node", "npm", "os"))
    assert made.text == "a shell now stays the parent of what it starts"
    assert told((SH, APP), (APP,)).text == "a shell no longer stays the parent of what it starts"


# Chains that are the same then and now, and the one fact that tells of a program in them.
ON_THE_WAY = [
    (("npm start", APP), "npm"),
    (("node /usr/local/bin/npm start", APP), "npm"),
    ((SH, APP), "shell"),
    (("tini -- node server.js", APP), "tini"),
    (("tini-static -- node server.js", APP), "tini"),
    (("dumb-init node server.js", APP), "dumb-init"),
    (("node --run start", APP), "node"),
    (("node --watch server.js", "/usr/local/bin/node server.js"), "node"),
    (("su -s /bin/sh -c exec node server.js node", APP), "os"),
    ((NO_EXEC, APP), "shell"),
    ((APP,), "node"),
]


@pytest.mark.parametrize(("chain", "name"), ON_THE_WAY)
def test_of_all_that_changed_only_what_is_on_the_way_is_named(chain: tuple[str, ...], name: str) -> None:
    made = told(chain, chain, new=but(MUSL, *OTHERS))
    assert named(made) == {name}
    assert made == Cause(text=f"{TOLD[name]}; the processes are the same")


@pytest.mark.parametrize(("chain", "name"), ON_THE_WAY)
def test_what_is_not_on_the_way_is_never_the_cause(chain: tuple[str, ...], name: str) -> None:
    others = [other for other in OTHERS if other not in (name, "node")]
    others = [other for other in others if not (other.startswith("entrypoint") and "entrypoints" in chain[0])]
    made = told(chain, chain, new=but(MUSL, *others))
    assert made.text == (
        "nothing on the signal's way changed; the bases differ in this: "
        + "; ".join(TOLD[other] for other in TOLD if other in others)
    )


@pytest.mark.parametrize(("chain", "name"), ON_THE_WAY)
def test_nor_is_another_engine_where_something_on_the_way_changed(chain: tuple[str, ...], name: str) -> None:
    other = changed(ENGINE, version="29", kernel="6.13", runtime="crun 1", builder="classic", trace=True)
    assert named(told(chain, chain, new=but(MUSL, name), engines=(ENGINE, other))) == {name}
    assert "engine" not in told(chain, chain, new=but(MUSL, name), engines=(ENGINE, other)).text


def test_several_programs_on_the_way_are_named_from_pid_1_down() -> None:
    chain = ("tini -- npm start", *NPM_START[1:])
    made = told(chain, chain, new=but(MUSL, "npm", "tini", "shell", "node"))
    assert made.text == f"{TOLD['tini']} and {TOLD['npm']} and {TOLD['shell']}; the processes are the same"


def test_the_engines_own_init_is_on_the_way_and_that_of_the_image_is_not() -> None:
    chain = ("/sbin/docker-init -- docker-entrypoint.sh node server.js", APP)
    engines = ENGINE, changed(ENGINE, init="docker-init 0.20", kernel="6.13")
    made = told(chain, chain, new=but(MUSL, "tini", "dumb-init"), engines=engines)
    assert made.text == "its init is now docker-init 0.20, was docker-init 0.19; the processes are the same"


def test_the_runtime_of_the_app_is_the_cause_if_nothing_above_it_changed() -> None:
    chain = ("dumb-init node server.js", APP)
    assert told(chain, chain, new=but(MUSL, "node", "npm", "shell")).text == (
        "Node is now 25.0.0, was 24.11.1; the processes are the same"
    )


STOPPED = finding(Verdict.GRACEFUL, APP, signal="SIGTERM")


def test_another_stop_signal_is_named_before_all_that_is_on_the_way() -> None:
    after = finding(Verdict.FORCED, SH, APP, signal="SIGQUIT")
    made = told(STOPPED, after, new=but(MUSL, *OTHERS))
    assert made == Cause(
        text="the engine stops it with SIGQUIT, not with SIGTERM: STOPSIGNAL is now SIGQUIT, was absent"
    )


def test_another_stop_signal_that_the_base_does_not_explain_is_told_alone() -> None:
    made = told(STOPPED, changed(STOPPED, verdict=Verdict.FORCED, signal="SIGINT"), new=but(MUSL, "node"))
    assert made.text == "the engine stops it with SIGINT, not with SIGTERM"


def test_a_stop_signal_that_a_variant_overrides_is_no_cause() -> None:
    made = told(STOPPED, changed(STOPPED, verdict=Verdict.FORCED), new=but(MUSL, "stop_signal"))
    assert made.text == (
        "nothing on the signal's way changed; the bases differ in this: STOPSIGNAL is now SIGQUIT, was absent"
    )


def test_a_stop_signal_is_no_cause_where_none_was_sent() -> None:
    made = told(NPM_START, NPM_START, new=but(MUSL, "stop_signal", "npm"))
    assert named(made) == {"npm"}


@pytest.mark.parametrize(("old", "new"), [(None, "SIGQUIT"), ("SIGQUIT", None)])
def test_a_stop_signal_that_one_recording_does_not_tell_is_no_cause(old: str | None, new: str | None) -> None:
    before, after = (finding(verdict, APP, signal=one) for verdict, one in zip(Verdict, (old, new), strict=False))
    assert told(before, after).text == "nothing that is recorded has changed"


ANOTHER_VARIANT = "the variant itself changed: its Dockerfile, its options or the app"


def test_a_variant_that_was_changed_never_blames_the_base_nor_the_engine() -> None:
    other = changed(ENGINE, version="29", init="docker-init 0.20")
    made = told((APP,), (SH, APP), new=but(DASH, *OTHERS), engines=(ENGINE, other), digests=("1", "2"))
    assert made == Cause(text=ANOTHER_VARIANT, detail=f"PID 1 was `{APP}`, is `{SH}`")


@given(
    st.sampled_from([one for _, ash, dash in SWAPPED for one in ((ash, dash), (dash, ash), (ash, ash))]),
    st.lists(st.sampled_from(sorted(OTHERS))),
)
def test_a_variant_that_was_changed_is_the_cause_whatever_else_changed(
    chains: tuple[tuple[str, ...], tuple[str, ...]], names: list[str]
) -> None:
    made = told(*chains, new=but(MUSL, *names), digests=("1", "2"))
    assert made.text == ANOTHER_VARIANT
    assert named(made) == set()


@pytest.mark.parametrize("digests", [(None, "1"), ("1", None), (None, None), ("1", "1")])
def test_a_variant_that_is_not_known_to_have_changed_is_not_blamed(digests: tuple[str | None, str | None]) -> None:
    assert told((APP,), (SH, APP), new=DASH, digests=digests).text.startswith(TO_DASH)


def test_another_variants_digest_does_not_count() -> None:
    old = recording(variants={"v": "1", "w": "1"})
    new = recording(variants={"v": "1", "w": "2"})
    made = cause(old, new, "v", finding(Verdict.FORWARDED, APP), finding(Verdict.KILLED, APP))
    assert made.text == "nothing that is recorded has changed"


@pytest.mark.parametrize(
    ("change", "told_of"),
    [
        ({"version": "29.0"}, "the engine is now Docker Engine 29.0, was Docker Engine 28.1"),
        ({"name": "Podman"}, "the engine is now Podman 28.1, was Docker Engine 28.1"),
        ({"runtime": "crun 1"}, "its runtime is now crun 1, was runc 1.2"),
        ({"kernel": "6.13"}, "the kernel is now 6.13, was 6.12"),
        ({"builder": "classic"}, "the builder is now classic, was BuildKit"),
        ({"trace": True}, "the kernel's record of signals is now used, was not used"),
    ],
)
def test_another_engine_is_named_where_nothing_on_the_way_changed(change: dict[str, str], told_of: str) -> None:
    other = changed(ENGINE, **change)
    made = told((APP,), (APP,), new=but(MUSL, "npm", "shell"), engines=(ENGINE, other))
    assert made == Cause(text=f"it was run elsewhere: {told_of}")


def test_what_differs_between_engines_is_told_in_order() -> None:
    other = changed(ENGINE, version="29", kernel="6.13", init="tini 1", api="2")
    made = told((APP,), (APP,), engines=(ENGINE, other))
    assert made.text == (
        "it was run elsewhere: the engine is now Docker Engine 29, was Docker Engine 28.1; "
        "its init is now tini 1, was docker-init 0.19; the kernel is now 6.13, was 6.12"
    )


def test_where_nothing_changed_that_is_said() -> None:
    assert told((APP,), (APP,)) == Cause(text="nothing that is recorded has changed")
    other = changed(MUSL, id="sha256:other")
    assert told((APP,), (APP,), new=other).text == "the image changed, but nothing that is recorded of it differs"


def test_a_base_of_another_name_alone_has_not_changed() -> None:
    assert told((APP,), (APP,), new=changed(MUSL, reference="x")).text == "nothing that is recorded has changed"


CHAINS = st.lists(
    st.sampled_from(
        [APP, SH, ENTRY, NO_EXEC, "npm start", "tini -- x", "dumb-init x", "su x", "node --run x", "x", ""]
    ),
    max_size=5,
    unique=True,
).map(tuple)
FACTS_OF = st.lists(st.sampled_from(sorted(OTHERS)), unique=True).map(lambda names: but(MUSL, *names))


@given(CHAINS, CHAINS, FACTS_OF, FACTS_OF)
def test_any_change_has_one_line_of_cause(
    before: tuple[str, ...], after: tuple[str, ...], old: BaseFacts, new: BaseFacts
) -> None:
    made = told(before, after, old=old, new=new)
    assert made.text
    assert "\n" not in made.text + made.detail


CLAUSES = {
    str(shift)
    for name in OTHERS
    for shift in (*base_shifts(MUSL, but(MUSL, name)), *base_shifts(but(MUSL, name), MUSL))
}


@given(CHAINS, CHAINS, FACTS_OF, FACTS_OF)
def test_only_what_changed_is_named(
    before: tuple[str, ...], after: tuple[str, ...], old: BaseFacts, new: BaseFacts
) -> None:
    text = told(before, after, old=old, new=new).text
    assert {clause for clause in CLAUSES if clause in text} <= {str(shift) for shift in base_shifts(old, new)}


# What differs, as records.


@pytest.mark.parametrize("name", OTHERS)
def test_each_fact_of_a_base_is_one_shift(name: str) -> None:
    (shift,) = base_shifts(MUSL, but(MUSL, name))
    assert str(shift) == TOLD[name]
    (back,) = base_shifts(but(MUSL, name), MUSL)
    assert (back.old, back.new) == (shift.new, shift.old)


def test_all_shifts_of_a_base_come_in_the_order_of_the_facts() -> None:
    assert [str(shift) for shift in base_shifts(MUSL, but(MUSL, *OTHERS))] == [*TOLD.values()]


@pytest.mark.parametrize("change", [{"reference": "x"}, {"id": "sha256:1"}, {"digest": "n@sha256:1"}])
def test_name_and_id_are_no_facts_of_a_base(change: dict[str, str]) -> None:
    assert base_shifts(MUSL, changed(MUSL, **change)) == ()


def test_what_is_gone_is_absent() -> None:
    bare = with_programs(changed(MUSL, entrypoint=(), entrypoint_sha256=None), {"npm": None})
    assert [str(shift) for shift in base_shifts(MUSL, bare)] == [
        "npm is now absent, was 11.6.2",
        "ENTRYPOINT is now absent, was docker-entrypoint.sh",
        "the entrypoint's file is now absent, was sha256:aaaaaaaaaaaa",
    ]


def test_engines_that_are_the_same_have_no_shifts() -> None:
    assert engine_shifts(ENGINE, ENGINE) == ()
    assert engine_shifts(ENGINE, changed(ENGINE, api="1.50")) == ()


A, B = "0123456789abcdef" * 4, "fedcba9876543210" * 4


@pytest.mark.parametrize(
    ("old", "new", "shift"),
    [
        (("sha256:" + A, None), ("sha256:" + A, None), None),
        (("sha256:" + A, None), ("sha256:" + B, None), ("sha256:0123456789ab", "sha256:fedcba987654")),
        (("sha256:" + A, "n@sha256:" + A), ("sha256:" + B, None), ("sha256:0123456789ab", "sha256:fedcba987654")),
        (
            ("sha256:" + A, "n@sha256:" + A),
            ("sha256:" + A, "n@sha256:" + B),
            ("n@sha256:0123456789ab", "n@sha256:fedcba987654"),
        ),
        (("sha256:" + A, "n@sha256:" + A), ("sha256:" + B, "n@sha256:" + A), None),
        (("x", None), ("y", None), ("x", "y")),
    ],
)
def test_two_images_are_told_by_digest_or_else_by_id(
    old: tuple[str, str | None], new: tuple[str, str | None], shift: tuple[str, str] | None
) -> None:
    before, after = (changed(MUSL, id=one[0], digest=one[1]) for one in (old, new))
    assert image_shift(before, after) == (Shift(name="the image", old=shift[0], new=shift[1]) if shift else None)


# What a cause must not be mistaken about.


def test_a_program_that_is_on_the_way_twice_is_named_once() -> None:
    made = told(NPM_START, NPM_START, old=DASH, new=but(DASH, "shell"))
    assert made.text == "/bin/sh is now dash 0.5.12-12, was dash 0.5.12-2; the processes are the same"


@pytest.mark.parametrize("names", [("entrypoint_sha256",), ("entrypoint_sha256", "node")])
def test_an_entry_script_on_the_way_that_was_changed_is_the_cause(names: tuple[str, ...]) -> None:
    made = told((ENTRY, APP), (ENTRY, APP), new=but(MUSL, *names))
    assert made.text == f"{TOLD['entrypoint_sha256']}; the processes are the same"


@pytest.mark.parametrize("names", [("shell", "entrypoint_sha256"), ("shell", "entrypoint"), ("entrypoint_sha256",)])
def test_the_bases_entrypoint_is_not_blamed_for_a_variants_own_script(names: tuple[str, ...]) -> None:
    made = told((APP,), (NO_EXEC, APP), new=but(MUSL, *names))
    assert named(made) <= {"shell"}


@pytest.mark.parametrize("args", ["/bin/bash -c node server.js", "/bin/bash /entry.sh node server.js"])
def test_bin_sh_is_not_blamed_for_another_shell(args: str) -> None:
    assert named(told((APP,), (args, APP), new=but(MUSL, "shell"))) == set()
    assert named(told((args, APP), (args, APP), new=but(MUSL, "shell", "node"))) == {"node"}


@pytest.mark.parametrize(
    ("args", "name", "other"),
    [
        ("tini -- node server.js", "tini", "dumb-init"),
        ("dumb-init node server.js", "dumb-init", "tini"),
        ("/sbin/docker-init -- node server.js", None, "tini"),
    ],
)
def test_one_init_is_not_blamed_for_another(args: str, name: str | None, other: str) -> None:
    changed = [one for one in (name, other) if one]
    assert named(told((APP,), (args, APP), new=but(MUSL, *changed))) == {name} - {None}


def test_an_init_that_was_there_before_is_not_said_to_stay_now() -> None:
    # The engine's init is started with the base's ENTRYPOINT among its arguments.
    before = ("/sbin/docker-init -- docker-entrypoint.sh /bin/sh -c node server.js", APP)
    after = ("/sbin/docker-init -- /bin/sh -c node server.js", SH, APP)
    made = told(before, after, new=changed(DASH, entrypoint=(), entrypoint_sha256=None))
    assert made.text == f"{TO_DASH}: it stays the parent of what it starts"


def test_a_shell_that_was_there_before_is_not_said_to_stay_now() -> None:
    # npm 8.13 to 8.15 write each script to a file of a random name, and start that (@npmcli/run-script 4.1).
    before = ("npm start", "sh -c /tmp/start-5f3a91bc.sh", "sh /tmp/start-5f3a91bc.sh", APP)
    after = ("npm start", "sh -c /tmp/start-0e6d27aa.sh", "sh /tmp/start-0e6d27aa.sh", APP)
    assert "stays" not in told(before, after, new=but(MUSL, "npm")).text
    assert "stays" not in told(before, after, old=DASH, new=but(DASH, "shell")).text


def test_not_everything_is_blamed_where_the_app_is_started_from_another_place() -> None:
    before = ("node --watch server.js", "/usr/local/bin/node server.js")
    after = ("node --watch server.js", "/usr/bin/node server.js")
    assert named(told(before, after, new=but(MUSL, "node", "shell", "npm", "tini"))) <= {"node"}


@pytest.mark.parametrize(("before", "after"), [((), ()), ((), (SH, APP)), ((SH, APP), ())])
def test_processes_that_are_not_known_are_not_said_to_be_the_same(
    before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    assert "the processes are the same" not in told(before, after, new=but(MUSL, "node", "shell")).text


def test_a_script_is_named_by_its_name() -> None:
    made = told((APP,), ("/bin/sh -e /usr/local/bin/docker-entrypoint.sh node server.js", APP))
    assert made.text == "the script `docker-entrypoint.sh` now stays the parent of what it starts"


def test_one_image_from_two_repositories_is_one_image() -> None:
    mirrored = changed(MUSL, reference="mirror.example/node:24", digest=f"mirror.example/node@sha256:{A}")
    assert image_shift(changed(MUSL, digest=f"node@sha256:{A}"), mirrored) is None


def test_a_node_program_above_the_app_is_node() -> None:
    chain = ("node cluster.js", "node worker.js")
    assert named(told(chain, chain, new=but(MUSL, "node", "entrypoint"))) == {"node"}


def test_a_shift_is_a_clause() -> None:
    assert str(Shift(name="x", old=None, new="y")) == "x is now y, was absent"
