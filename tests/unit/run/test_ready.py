"""When an app is ready, by each of the ways to tell, on scripted containers."""

from __future__ import annotations

import re

import pytest

from harness.core.evidence import Ground, SignalEvidence
from harness.core.judge import judge
from harness.core.process import Tree, Wait, apps_below_wrappers
from harness.core.question import Probe
from harness.core.reason import readiness
from harness.core.subject import (
    Answering,
    App,
    Healthy,
    Listening,
    LogPattern,
    Quiescent,
    Ready,
    StopSetting,
    Succeeding,
)
from harness.run.observation import Patience
from harness.run.probes.stop import StopEvidence
from tests.support.evidence import changed
from tests.support.scripted import Executed, Happening, Script
from tests.support.seeing import INIT_1, NODE, NODE_1, SHELL_1, Look, see

PATIENCE = Patience(ready_s=5)
GET = Answering(path="/up", port=8080)
BEGINS = Happening(after_s=0.0, tree=(INIT_1, NODE))


def ask(ready: Ready, *at_start: Happening, executed: tuple[Executed, ...] = ()) -> Look:
    app = App(ready=ready, below_wrappers=True)
    script = Script(at_start=at_start, executed=executed, at_tell=None, traced=True)
    return see(script, PATIENCE, app=app, publish=app.port)


@pytest.mark.parametrize(
    ("ready", "when"),
    [
        (Healthy(), Happening(after_s=1, health="healthy")),
        (Listening(ports=(80, 443)), Happening(after_s=1, ports=(80, 443))),
        (LogPattern(pattern=re.compile("up")), Happening(after_s=1, output=b"up\n")),
        (GET, Happening(after_s=1, status=204)),
        (GET, Happening(after_s=1, status=301)),
    ],
    ids=["health", "ports", "log", "a page", "a page elsewhere"],
)
def test_it_is_ready_when_it_says_so(ready: Ready, when: Happening) -> None:
    began = ask(ready, BEGINS, when).of(SignalEvidence).seen.began_ns
    earlier = ask(Quiescent(), BEGINS).of(SignalEvidence).seen.began_ns
    assert 0.9e9 < began - earlier < 1.2e9


def test_a_command_is_run_until_it_succeeds() -> None:
    look = ask(
        Succeeding(command=("true",)), BEGINS, executed=(Executed(exit_code=1), Executed(exit_code=1), Executed())
    )
    assert look.container.commands == [("true",)] * 3
    assert look.of(SignalEvidence)


@pytest.mark.parametrize(
    ("ready", "told"),
    [
        (Healthy(), "its HEALTHCHECK says 'starting', and not 'healthy', within 5 s; its log is empty"),
        (Listening(ports=(80, 443)), "nothing listens on port 80 and port 443 within 5 s; its log is empty"),
        (LogPattern(pattern=re.compile("up")), "no ready line within 5 s: no line matches 'up', and its log is empty"),
        (GET, "nothing answers GET /up on port 8080 within 5 s; its log is empty"),
    ],
    ids=["health", "ports", "log", "a page"],
)
def test_what_is_never_ready_is_told_with_what_was_waited_for(ready: Ready, told: str) -> None:
    assert str(ask(ready, changed(BEGINS, health="starting"), Happening(ports=(80,))).reason) == told


@pytest.mark.parametrize("status", [404, 503])
def test_an_answer_that_is_an_error_is_told(status: int) -> None:
    reason = ask(GET, changed(BEGINS, status=status)).reason
    wrong = f"GET /up on port 8080 is answered with status {status}, and not with 2xx or 3xx, within 5 s"
    assert reason == f"{wrong}; its log is empty"


def test_the_port_is_published_and_the_path_is_asked_for() -> None:
    container = ask(GET, BEGINS, Happening(after_s=1, status=200)).container
    assert (container.launch.publish, set(container.asked)) == (8080, {"/up"})


def test_one_that_ends_before_is_told_with_its_exit_code() -> None:
    look = ask(Healthy(), BEGINS, Happening(after_s=0.5, exit_code=3))
    assert look.reason == "the container ended before the app was ready, with exit code 3"


@pytest.mark.parametrize(
    ("output", "told"),
    [
        (
            b"exec /x: exec format error\n",
            ": its command is for another kind of machine, or is a script without a #! line",
        ),
        (b"up\nexec /x: exec format error\n", ""),
        (b"exec /x: no such file\n", ""),
    ],
)
def test_one_whose_program_is_none_says_so(output: bytes, told: str) -> None:
    look = ask(Quiescent(), Happening(output=output, exit_code=1))
    assert look.reason == f"the container ended before it could be tested, with exit code 1{told}"


def test_one_that_ran_out_of_memory_says_so() -> None:
    look = ask(Healthy(), BEGINS, Happening(after_s=0.5, out_of_memory=True, exit_code=137))
    killed = "with exit code 137: out of memory, the kernel has killed a process of it"
    assert look.reason == f"the container ended before the app was ready, {killed}"


# Containers that never rest

RESTLESS = changed(BEGINS, busy=True)
TICKS = changed(NODE, threads=frozenset({7, 8}))


def began_s(look: Look) -> float:
    evidence = look.of(SignalEvidence) if isinstance(look.evidence, SignalEvidence) else look.of(StopEvidence)
    return (evidence.seen.began_ns - 1_000_000_000) / 1e9


def test_a_container_that_never_rests_is_taken_to_be_ready_as_it_does_the_same_all_the_time() -> None:
    look = ask(Quiescent(), RESTLESS)
    evidence = look.of(SignalEvidence)
    assert evidence.unrested_s == pytest.approx(3, abs=0.5)
    assert began_s(look) == pytest.approx(3, abs=0.5)
    assert readiness(evidence) == " (taken to be ready after 3 s, as it does not come to rest: see --ready)"


def test_one_that_still_gets_ready_is_waited_for() -> None:
    """Its runtime installs its handlers after 2 s: what is sent before is not the app's to handle."""
    later = Happening(after_s=2, tree=(INIT_1, changed(NODE, caught=NODE.caught | 1 << 11)))
    assert began_s(ask(Quiescent(), RESTLESS, later)) == pytest.approx(5, abs=0.5)
    threads = Happening(after_s=4, tree=(INIT_1, TICKS))
    assert began_s(ask(Quiescent(), RESTLESS, later, threads)) == pytest.approx(7, abs=0.5)
    sooner = changed(threads, after_s=2.5)
    assert began_s(ask(Quiescent(), RESTLESS, sooner)) == pytest.approx(5.5, abs=0.5)


def test_workers_that_get_ready_after_their_master_listens_are_waited_for() -> None:
    forks = Happening(after_s=2, tree=(INIT_1, TICKS))
    rests = Happening(after_s=4, busy=False)
    look = ask(Listening(ports=(80,)), changed(RESTLESS, ports=(80,)), forks, rests)
    assert began_s(look) == pytest.approx(4, abs=0.5)
    assert look.of(SignalEvidence).unrested_s is None


def forked(after_s: float, *workers: int, sleeps: bool = True, moment: bool = False) -> Happening:
    """A master and the workers that it has started; in between it ``sleeps`` for 0.3 s, or until a ``moment``."""
    until_ns = 1_000_000_000 + round((after_s + 0.3) * 1e9)
    waits = (Wait(length_ns=None if moment else 300_000_000, until_ns=until_ns),) if sleeps else ()
    below = [changed(NODE, pid=NODE.pid + number, inner_pid=7 + number) for number in workers]
    master = changed(NODE, waits=waits, activity=len(workers))
    return Happening(after_s=after_s, tree=(INIT_1, master, *below), output=b"up\n", ports=(80,))


@pytest.mark.parametrize(
    ("ready", "probe", "after_s"),
    [
        (Quiescent(), Probe.SIGNAL, 0.9),
        (Quiescent(), Probe.STOP, 0.9),
        (Listening(ports=(80,)), Probe.STOP, 0.9),
        (LogPattern(pattern=re.compile("up")), Probe.SIGNAL, 0.3),
        (LogPattern(pattern=re.compile("up")), Probe.STOP, 0),
    ],
    ids=["rest", "rest and a stop", "ports and a stop", "log", "log and a stop"],
)
@pytest.mark.parametrize("moment", [False, True], ids=["a length", "a moment"])
def test_a_master_that_sleeps_between_its_workers_is_waited_for(
    ready: Ready, probe: Probe, after_s: float, *, moment: bool
) -> None:
    app = App(ready=ready, stop=StopSetting(), below_wrappers=True)
    workers = ((), (1,), (1, 2), (1, 2, 3))
    start = tuple(forked(0.3 * len(some), *some, sleeps=len(some) < 3, moment=moment) for some in workers)
    script = Script(at_start=start, traced=True)
    look = see(script, PATIENCE, app=app, probe=probe)
    assert began_s(look) == pytest.approx(after_s, abs=0.15)


def test_one_that_changes_all_the_time_is_taken_to_be_ready_at_last() -> None:
    changes = [
        Happening(after_s=n, tree=(INIT_1, changed(NODE, threads=frozenset(range(n + 1))))) for n in range(1, 30)
    ]
    evidence = ask(Quiescent(), RESTLESS, *changes).of(SignalEvidence)
    assert evidence.unrested_s == pytest.approx(PATIENCE.calm_s + PATIENCE.ready_s, abs=0.5)


@pytest.mark.parametrize("ready", [Quiescent(), LogPattern(pattern=re.compile("up"))], ids=["rest", "log"])
def test_nothing_is_said_of_one_that_rests_or_says_when_it_is_ready(ready: Ready) -> None:
    quiet = isinstance(ready, Quiescent)
    look = ask(ready, BEGINS if quiet else changed(RESTLESS, output=b"up\n"))
    assert look.of(SignalEvidence).unrested_s is None
    assert readiness(look.of(SignalEvidence)) == ""


def test_what_the_kernel_dropped_is_decided_at_once_in_one_that_never_rests() -> None:
    bare = changed(NODE, inner_pid=1, is_namespace_init=True, caught=0, state="R", wchan=None, leader_wchan="do_pause")
    for tells, ground in ((bare, Ground.MASKS), (changed(bare, leader_wchan=None), Ground.DEADLINE)):
        app = App(ready=Quiescent(), below_wrappers=True)
        look = see(Script(at_start=(changed(RESTLESS, tree=(tells,)),), at_tell=None), PATIENCE, app=app)
        evidence = look.of(SignalEvidence)
        assert evidence.ground is ground
        assert look.decided_s == pytest.approx(0 if ground is Ground.MASKS else PATIENCE.deadline_s, abs=0.2)
        assert "caught" not in judge(evidence).reason


# Which process is the app


def test_an_init_is_not_the_app_though_all_that_it_starts_helps_others_along() -> None:
    sleeps = changed(NODE, argv=("sleep", "1000"))
    init = changed(INIT_1, argv=("tini", "--", "sleep", "1000"))
    assert apps_below_wrappers((init, sleeps)) == (sleeps,)
    loop = changed(SHELL_1, argv=("sh", "-c", "while sleep 1000; do true; done"))
    assert apps_below_wrappers((loop, sleeps)) == (loop,)


@pytest.mark.parametrize(
    ("tree", "found"),
    [
        ((changed(INIT_1, argv=("tini", "--", "node", "server.js")), NODE), [7]),
        ((changed(SHELL_1, argv=("sh", "-c", "node server.js; true")), NODE), [7]),
        ((NODE_1, changed(NODE, argv=("node", "worker.js"))), [1]),
        ((changed(SHELL_1, argv=("sh", "-c", "node server.js; true")), changed(NODE, argv=("cat",))), [1]),
        ((SHELL_1, changed(NODE, argv=("cat",))), [1]),
        ((INIT_1, changed(NODE, argv=("cat",))), [1]),
        ((INIT_1, NODE, changed(SHELL_1, pid=1009, ppid=1001, inner_pid=9, argv=("sh", "-c", "node & loop"))), [7]),
    ],
    ids=["an init", "a shell", "the uppermost", "nothing below it", "a shell alone", "an init alone", "a shell beside"],
)
def test_who_only_starts_the_app_has_its_words_and_is_not_meant(tree: Tree, found: list[int]) -> None:
    apps = apps_below_wrappers(tree, re.compile("node"))
    assert [process.inner_pid for process in apps] == found


@pytest.mark.parametrize(
    ("app", "why"),
    [
        (
            App(ready=Quiescent(), below_wrappers=True),
            "first process below sh that does more than start another",
        ),
        (
            App(ready=Quiescent(), below_wrappers=True, process=re.compile("^node")),
            "chosen by --app ^node",
        ),
        (App(ready=Quiescent()), "the only process with none below it"),
        (App(ready=LogPattern(pattern=re.compile(r"pid=(?P<pid>\d+)"))), "it wrote the ready line"),
    ],
    ids=["below wrappers", "by a pattern", "by the tree", "by its ready line"],
)
def test_the_evidence_says_how_the_app_was_found(app: App, why: str) -> None:
    begins = Happening(after_s=0.0, output=b"up pid=7\n", tree=(SHELL_1, NODE))
    look = see(Script(at_start=(begins,), at_tell=None), PATIENCE, app=app)
    evidence = look.of(SignalEvidence)
    assert (evidence.seen.app_pid, evidence.seen.chosen) == (NODE.pid, (why,))
