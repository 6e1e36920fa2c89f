"""Which containers an audit is about, what it takes from their settings, and how a stop of them is measured."""

from __future__ import annotations

import pytest

from harness.core.audit import Starting, audited, check_of, chosen, ranked, still_there
from harness.core.errors import UsageError
from harness.core.forecast import Sure
from harness.core.verdict import Verdict
from tests.support.evidence import changed
from tests.support.standing import NGINX, NODE, SHELL, SLEEP, standing

WEB, DB = standing("web", number=1).listed, standing("db", number=2).listed
OURS = standing("signal-harness-1", number=3, ours=True).listed
GONE = standing("old", number=4, state="exited").listed
TWIN = standing("twin", number=1).listed
LISTED = (WEB, DB, OURS, GONE)


def test_all_that_run_are_looked_at_but_the_program_s_own() -> None:
    assert chosen(LISTED, ()) == (WEB, DB)


@pytest.mark.parametrize("name", ["web", "/web", "1" * 64, "1" * 12, "11"])
def test_a_container_is_named_as_docker_names_it(name: str) -> None:
    assert chosen(LISTED, ["db", name, name]) == (DB, WEB)


def test_one_of_our_own_is_looked_at_if_it_is_named() -> None:
    assert chosen(LISTED, ["signal-harness-1"]) == (OURS,)


@pytest.mark.parametrize(
    ("name", "message", "remedy"),
    [
        ("wep", "there is no container 'wep'", "Did you mean web?"),
        ("zzzz", "there is no container 'zzzz'", "Running: web, db, signal-harness-1, twin."),
        ("", "there is no container ''", "Running: web, db, signal-harness-1, twin."),
        ("old", "'old' is not running: it is exited", "docker start old"),
        ("1", "'1' is the beginning of several ids", "It may be one of: web, twin."),
    ],
)
def test_a_name_that_fits_none_or_several_is_told(name: str, message: str, remedy: str) -> None:
    with pytest.raises(UsageError) as caught:
        chosen((*LISTED, TWIN), [name])
    assert (caught.value.message, caught.value.remedy) == (message, remedy)


def test_no_container_at_all() -> None:
    with pytest.raises(UsageError) as caught:
        chosen((), ["web"])
    assert caught.value.remedy == "None is running."


def test_what_was_named_may_go_and_come_again() -> None:
    assert still_there((WEB, DB), (WEB, GONE)) == (WEB,)
    assert still_there((GONE,), (GONE,)) == ()


@pytest.mark.parametrize(
    ("values", "signal", "grace_s", "unless"),
    [
        ({}, "SIGTERM", 10, 0),
        ({"stop_timeout": 30}, "SIGTERM", 30, 0),
        ({"stop_timeout": 0}, "SIGTERM", 0, 0),
        ({"stop_timeout": -1}, "SIGTERM", None, 0),
        ({"starting": Starting(stop_signal="SIGQUIT")}, "SIGQUIT", 10, 0),
        ({"starting": Starting(stop_signal="37")}, "SIGRTMIN+3", 10, 0),
        ({"starting": Starting(stop_signal="SIGKILL")}, "SIGKILL", 10, 0),
        ({"starting": Starting(stop_signal="nonsense")}, "SIGTERM", 10, 0),
        ({"age_s": 1.0}, "SIGTERM", 10, 1),
        ({"age_s": -5.0}, "SIGTERM", 10, 1),
        ({"age_s": 1.0, "health": "healthy"}, "SIGTERM", 10, 0),
        ({"health": "starting"}, "SIGTERM", 10, 1),
        ({"state": "paused", "age_s": 1.0}, "SIGTERM", 10, 2),
    ],
)
def test_settings_decide_how_it_is_stopped(
    values: dict[str, object], signal: str, grace_s: int | None, unless: int
) -> None:
    stopping = standing("web", **values).stopping
    assert (stopping.signal.name, stopping.grace_s, len(stopping.unless)) == (signal, grace_s, unless)


def test_one_that_is_about_to_be_restarted_has_nothing_to_look_at() -> None:
    found = audited(standing("web", (), state="restarting"))
    assert (found.expected, found.sure, found.processes) == (None, Sure.OPEN, ())
    assert "about to restart" in found.reason


def test_the_worst_comes_first() -> None:
    some = (
        standing("fine", NGINX),
        standing("open", (NODE,)),
        standing("b", SLEEP),
        standing("a", SLEEP),
        standing("young", SLEEP, age_s=0.5),
    )
    assert [(one.name, one.expected, one.sure) for one in ranked(some)] == [
        ("a", Verdict.FORCED, Sure.CERTAIN),
        ("b", Verdict.FORCED, Sure.CERTAIN),
        ("young", Verdict.FORCED, Sure.LIKELY),
        ("open", None, Sure.OPEN),
        ("fine", Verdict.GRACEFUL, Sure.LIKELY),
    ]


def test_processes_are_told_with_what_they_do_with_the_signal() -> None:
    shell, node = audited(standing("web", SHELL)).processes
    assert (shell.pid, shell.parent, shell.app, shell.catches, shell.fetches) == (1, 0, False, False, False)
    assert (node.pid, node.parent, node.app, node.catches, node.command) == (7, 1, True, True, "node server.js")


def test_what_else_a_stop_brings_is_noted() -> None:
    assert audited(standing("web")).notes == ()
    assert len(audited(standing("web", restart="always", removed=True)).notes) == 2


IMAGE = Starting(entrypoint=("entry.sh",), command=("serve",), environment={"PATH": "/bin"}, stop_signal="SIGTERM")


@pytest.mark.parametrize(
    ("ran", "values", "words"),
    [
        ({}, {}, ()),
        ({}, {"init": True, "stop_timeout": 3}, ("--init", "--stop-timeout", "3")),
        ({"command": ("serve", "-v")}, {}, ("--", "serve", "-v")),
        ({"entrypoint": ("sh", "-c"), "command": ("x y",)}, {}, ("--entrypoint", "sh", "--", "-c", "x y")),
        ({"entrypoint": (), "command": ("serve",)}, {}, ("--entrypoint", "", "--", "serve")),
        ({"user": "1000"}, {}, ("--user", "1000")),
        ({"stop_signal": "SIGQUIT"}, {}, ("--stop-signal", "SIGQUIT")),
        ({"environment": {"PATH": "/bin", "KEY": "secret"}}, {}, ("--env", "KEY")),
    ],
)
def test_a_stop_is_measured_with_what_the_image_does_not_say(
    ran: dict[str, object], values: dict[str, object], words: tuple[str, ...]
) -> None:
    looked = standing("web", starting=changed(IMAGE, **ran), **{"image": IMAGE, **values})
    assert check_of(looked) == ("signal-harness", "check", "my/app", *words)


@pytest.mark.parametrize(
    "values",
    [
        {"image": None},
        {"shares_pids": True},
        {"stop_timeout": 0},
        {"stop_timeout": -1},
        {"starting": Starting(stop_signal="KILL")},
    ],
)
def test_what_a_check_cannot_repeat_has_no_command(values: dict[str, object]) -> None:
    assert audited(standing("web", **values)).check is None


def test_a_command_can_be_pasted() -> None:
    found = audited(standing("web", starting=Starting(command=("sh", "-c", "a; b")), image=Starting()))
    assert found.check == "signal-harness check my/app -- sh -c 'a; b'"
