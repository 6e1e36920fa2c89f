"""What is tried for a container that is not stopped well: options of docker run, the least change first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.core.advice import fixes
from harness.core.evidence import Ground
from harness.core.facts import StartCommand
from harness.core.question import Probe
from harness.core.subject import LaunchOptions
from harness.core.trying import Candidate, candidates, fixes_by_options, further
from tests.support.evidence import changed
from tests.support.reports import APP, DUPLICATED, FORCED, GRACEFUL, HANDED_ON, PID1, TO_SHELL, UNTESTED, ran

if TYPE_CHECKING:
    from harness.core.result import Result

SHELL = StartCommand(entrypoint=(), command=("/bin/sh", "-c", "node server.js"), stop_signal=None)
ALONE = changed(APP, ppid=900, is_namespace_init=True, inner_pid=1)


def tried(evidence: object, *, start: StartCommand = SHELL, grace_s: int = 10) -> tuple[Candidate, ...]:
    result, _ = ran("v", evidence, probe=Probe.STOP, launch=LaunchOptions())  # type: ignore[arg-type]  of several kinds
    return candidates(changed(result, start=start), grace_s)


def changes(*found: Candidate) -> list[str]:
    return [one.change for one in found]


def test_an_init_and_the_apps_own_command() -> None:
    init, own = tried(FORCED)
    assert (init.change, init.options) == ("--init", LaunchOptions(init=True))
    assert own.change == 'CMD ["node", "server.js"]'
    assert own.options == LaunchOptions(command=("node", "server.js"))


def test_a_signal_that_the_app_handles_in_place_of_the_one_it_does_not() -> None:
    deaf = changed(ALONE, caught=1 << 2)
    found = tried(changed(FORCED, before=(deaf,)), start=changed(SHELL, command=("node", "server.js")))
    assert changes(*found)[:2] == ["--init", "--stop-signal SIGQUIT"]
    assert found[1].options == LaunchOptions(stop_signal="SIGQUIT")


def test_more_time_for_an_app_that_has_its_signal() -> None:
    slow = changed(FORCED, before=(ALONE,), receipts=GRACEFUL.signalled.receipts, ground=Ground.DEADLINE)
    assert "--stop-timeout 30" in changes(*tried(slow))
    assert "--stop-timeout 30" not in changes(*tried(slow, grace_s=60))
    assert "--stop-timeout 30" not in changes(*tried(FORCED))


def test_what_is_an_init_gets_none() -> None:
    tini = changed(PID1, argv=("tini", "--", "node", "server.js"), caught=0)
    assert "--init" not in changes(*tried(changed(FORCED, before=(tini, APP))))


@pytest.mark.parametrize("evidence", [GRACEFUL, UNTESTED], ids=["good", "untested"])
def test_nothing_is_tried_where_all_is_well_or_nothing_is_known(evidence: object) -> None:
    assert tried(evidence) == ()


def test_another_entrypoint_leaves_the_command_as_it_is() -> None:
    tini = changed(PID1, argv=("tini", "-g", "--", "node", "server.js"), caught=1 << 14)
    trace = (TO_SHELL, HANDED_ON, changed(HANDED_ON, time_s=1.7))
    twice = changed(DUPLICATED, before=(tini, APP), after=(tini, APP), trace=trace)
    start = StartCommand(entrypoint=("tini", "-g", "--"), command=("node", "server.js"), stop_signal=None)
    result, _ = ran("v", twice, launch=LaunchOptions())
    (own,) = candidates(changed(result, start=start), 10)
    assert own.change == 'ENTRYPOINT ["tini", "--"]'
    assert own.options == LaunchOptions(entrypoint=("tini", "--"), command=("node", "server.js"))


def test_the_fixes_that_options_make_are_told() -> None:
    result, _ = ran("v", FORCED, probe=Probe.STOP, launch=LaunchOptions())
    assert len(fixes_by_options(changed(result, start=SHELL))) == 1
    alone, _ = ran("v", changed(FORCED, before=(changed(ALONE, caught=0),)), probe=Probe.STOP, launch=LaunchOptions())
    assert fixes(alone)
    assert fixes_by_options(alone) == ()


def test_nothing_is_tried_twice() -> None:
    found = tried(FORCED)
    assert len({repr(one.options) for one in found}) == len(found)


def brought(evidence: object, options: LaunchOptions, start: StartCommand) -> Result:
    result, _ = ran("v", evidence, probe=Probe.STOP, launch=options)  # type: ignore[arg-type]  of several kinds
    return changed(result, start=start)


def test_where_no_single_change_helps_two_together_may() -> None:
    init, own = tried(FORCED)
    deaf = changed(FORCED, before=(changed(ALONE, caught=1 << 2),))
    without = brought(FORCED, LaunchOptions(), SHELL)
    pairs = [
        (init, brought(FORCED, init.options, SHELL)),
        (own, brought(deaf, own.options, changed(SHELL, command=("node", "server.js")))),
    ]
    together = further(pairs, without, 10)
    both = LaunchOptions(command=("node", "server.js"), stop_signal="SIGQUIT")
    assert Candidate(change='CMD ["node", "server.js"]; --stop-signal SIGQUIT', options=both) in together
    assert not any(one.options in (init.options, own.options, LaunchOptions()) for one in together)
    assert len({repr(one.options) for one in together}) == len(together)
    assert not any(one.options.init for one in together)
    turned = Candidate(change="--stop-signal SIGQUIT", options=LaunchOptions(stop_signal="SIGQUIT"))
    back = further([(turned, brought(deaf, turned.options, SHELL))], without, 10)
    assert not any(one.options.stop_signal != "SIGQUIT" for one in back)


def test_a_supervisor_may_take_another_signal_for_all_that_it_started() -> None:
    told = changed(PID1, argv=("runsvdir", "/etc/service"), caught=1 << 14 | 1)
    assert "--stop-signal SIGHUP" in changes(*tried(changed(FORCED, before=(told, APP))))
    assert "--stop-signal SIGHUP" not in changes(*tried(changed(FORCED, before=(changed(ALONE, caught=1),))))


def test_an_entrypoint_by_option_keeps_the_cmd_that_the_fix_keeps() -> None:
    start = StartCommand(entrypoint=("node", "--watch"), command=("server.js",), stop_signal=None)
    watcher = changed(PID1, argv=("node", "--watch", "server.js"))
    (own,) = (one for one in tried(changed(FORCED, before=(watcher, APP)), start=start) if one.options.entrypoint)
    assert (own.change, own.options) == (
        'ENTRYPOINT ["node"]',
        LaunchOptions(entrypoint=("node",), command=("server.js",)),
    )
