"""Reaping on scripted containers: an orphan is made and ended, and either waited for or not."""

from __future__ import annotations

import pytest

from harness.core.errors import EngineFault
from harness.core.judge import judge
from harness.core.question import Probe
from harness.core.verdict import Outcome, Verdict
from harness.run.observation import SETTLE_S, Patience
from harness.run.probes.reap import ReapEvidence
from tests.support.evidence import changed, words
from tests.support.scripted import Executed, Happening, Script, process, through_ps
from tests.support.seeing import INIT_1, NODE, PATIENCE, Look, see, up

TREE = (INIT_1, NODE)
ORPHAN = process(20, "sleep 3600", parent=1, wchan="hrtimer_nanosleep")
ZOMBIE = changed(ORPHAN, state="Z", wchan="do_exit")
APPEARS = Happening(tree=(*TREE, ORPHAN))
MADE = Executed(output="20\n", then=(APPEARS,))


def ends(*then: Happening) -> tuple[Executed, ...]:
    """The orphan is made, and this follows as it is killed."""
    return (MADE, Executed(then=then))


def reap(*executed: Executed, patience: Patience = PATIENCE) -> Look:
    return see(Script(at_start=up(*TREE), executed=executed), patience, probe=Probe.REAP)


REAPED = ends(Happening(after_s=0.01, tree=TREE))
STAYS = ends(Happening(after_s=0.01, tree=(*TREE, ZOMBIE)))


def test_an_orphan_that_is_gone_is_reaped() -> None:
    seen = reap(*REAPED)
    evidence = seen.of(ReapEvidence)
    assert judge(evidence).verdict is Verdict.REAPED
    assert judge(evidence).outcome is Outcome.RUNNING
    assert (evidence.orphan, evidence.zombie) == (ORPHAN, False)
    assert (evidence.seen.before, evidence.seen.after) == ((*TREE, ORPHAN), TREE)
    assert evidence.seen.app_pid == NODE.pid
    assert seen.decided_s < SETTLE_S


def test_an_orphan_that_stays_dead_is_a_zombie() -> None:
    seen = reap(*STAYS)
    evidence = seen.of(ReapEvidence)
    assert judge(evidence).verdict is Verdict.ZOMBIE
    assert evidence.seen.after == (*TREE, ZOMBIE)
    assert seen.decided_s >= SETTLE_S


def test_it_is_made_by_a_shell_that_leaves_and_killed_by_its_number_in_the_container() -> None:
    made, killed = reap(*REAPED).container.commands
    assert made[:2] == killed[:2] == ("/bin/sh", "-c")
    assert made[2].startswith("sleep 3600 ")
    assert made[2].endswith("& echo $!")
    assert killed[2] == "kill -KILL 20"


def test_the_container_is_run_as_it_was_launched() -> None:
    launch = reap(*REAPED).container.launch
    assert (launch.tty, launch.publish, launch.options.environment) == (False, None, {"LANG": "C"})


def test_an_orphan_that_is_waited_for_late_is_reaped() -> None:
    late = (Happening(after_s=0.01, tree=(*TREE, ZOMBIE)), Happening(after_s=SETTLE_S - 0.1, tree=TREE))
    assert judge(reap(*ends(*late)).of(ReapEvidence)).verdict is Verdict.REAPED


def test_a_zombie_is_not_believed_while_anything_runs() -> None:
    working = (
        Happening(after_s=0.01, tree=(*TREE, ZOMBIE), busy=True),
        Happening(after_s=5, tree=TREE, busy=False),
    )
    assert judge(reap(*ends(*working)).of(ReapEvidence)).verdict is Verdict.REAPED


def test_a_container_that_never_rests_is_untested() -> None:
    seen = reap(*ends(Happening(after_s=0.01, tree=(*TREE, ZOMBIE), busy=True)), patience=Patience(decide_s=11))
    assert seen.reason == "the container did not come to rest within 11 s"


def test_an_orphan_that_lives_on_is_untested() -> None:
    assert reap(MADE, Executed()).reason == "the container did not come to rest within 30 s"


def test_the_orphan_of_a_subreaper_names_it() -> None:
    adopted = changed(ORPHAN, ppid=NODE.pid)
    made = changed(MADE, then=(Happening(tree=(*TREE, adopted)),))
    evidence = reap(made, *REAPED[1:]).of(ReapEvidence)
    assert "passed to `node server.js`" in judge(evidence).reason


def test_a_process_of_the_apps_own_that_looks_the_same_is_not_the_orphan() -> None:
    own = changed(ORPHAN, pid=1009, inner_pid=9, ppid=NODE.pid)
    tree = (INIT_1, NODE, own)
    executed = (
        changed(MADE, then=(Happening(tree=(*tree, ORPHAN)),)),
        Executed(then=(Happening(tree=tree),)),
    )
    seen = see(Script(at_start=up(*tree), executed=executed), probe=Probe.REAP)
    evidence = seen.of(ReapEvidence)
    assert judge(evidence).verdict is Verdict.REAPED
    assert evidence.orphan == ORPHAN


def test_an_orphan_that_shows_late_is_waited_for() -> None:
    made = changed(MADE, then=(changed(APPEARS, after_s=2),))
    assert judge(reap(made, *STAYS[1:]).of(ReapEvidence)).verdict is Verdict.ZOMBIE


def test_an_orphan_that_never_shows_is_untested() -> None:
    seen = reap(changed(MADE, then=()))
    assert seen.reason == "the orphaned process does not show in the container's process tree"
    assert len(seen.container.commands) == 1


def test_a_process_that_nobody_in_the_container_has_adopted_is_not_the_orphan() -> None:
    under_exec = Happening(tree=(*TREE, changed(ORPHAN, ppid=4711)))
    seen = reap(changed(MADE, then=(under_exec,)))
    assert seen.reason == "the orphaned process does not show in the container's process tree"


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (Executed(exit_code=127, output="exec: /bin/sh: no such file or directory\r\n"), "exec: /bin/sh: no such file"),
        (Executed(exit_code=126), "exit code 126"),
        (Executed(output="sh: sleep: not found"), "sh: sleep: not found"),
        (Executed(exit_code=1, output="20\n"), "20"),
    ],
)
def test_a_container_without_a_shell_is_untested(made: Executed, why: str) -> None:
    assert reap(made).reason.startswith(f"no process could be started in the container: {why}")


def test_the_number_of_the_orphan_is_seen_where_the_engine_loses_what_was_written() -> None:
    seen = reap(Executed(then=(changed(APPEARS, tree=(*TREE, changed(ORPHAN, inner_pid=31))),)), *STAYS[1:])
    assert judge(seen.of(ReapEvidence)).verdict is Verdict.ZOMBIE
    assert "31" in seen.container.commands[1][2]


def test_an_orphan_without_a_number_is_untested() -> None:
    seen = reap(Executed(then=(changed(APPEARS, tree=(*TREE, changed(ORPHAN, inner_pid=None))),)))
    assert seen.reason == "the engine has lost what the command that started a process in the container wrote"


def test_a_container_that_ends_with_its_orphan_is_untested() -> None:
    assert reap(*ends(Happening(after_s=0.01, exit_code=0))).reason == "the container ended as its orphan did"


def test_a_container_that_ends_while_the_orphan_is_looked_for_is_untested() -> None:
    seen = reap(changed(MADE, then=(Happening(after_s=0.01, exit_code=0),)))
    assert seen.reason == "the orphaned process does not show in the container's process tree"


@pytest.mark.parametrize("before", [(), (MADE,)], ids=["to make it", "to kill it"])
def test_an_engine_that_refuses_is_untested(before: tuple[Executed, ...]) -> None:
    seen = reap(*before, Executed(fault=EngineFault("the engine says: container is not running")))
    assert seen.reason == "the engine says: container is not running"


def test_without_proc_the_orphan_is_told_by_ps() -> None:
    executed = (
        changed(MADE, then=(Happening(tree=through_ps((*TREE, ORPHAN))),)),
        Executed(then=(Happening(tree=through_ps((*TREE, changed(ZOMBIE, argv=words("[sleep] <defunct>"))))),)),
    )
    seen = see(Script(at_start=up(*through_ps(TREE)), executed=executed, marks=0), probe=Probe.REAP)
    assert judge(seen.of(ReapEvidence)).verdict is Verdict.ZOMBIE
