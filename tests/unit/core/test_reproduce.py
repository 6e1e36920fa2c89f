"""The commands that a person is given, whole."""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.question import Probe, Question
from harness.core.reproduce import ByHand
from harness.core.signals import Signal
from harness.core.subject import Answering, App, Cell, Given, InFlight, LaunchOptions, LogPattern, StopSetting, Subject
from harness.run.probes import module_of
from harness.run.probes.stop import Request, StopEvidence
from tests.support.evidence import changed
from tests.support.options import ALL_SET
from tests.support.reports import LOST, SWALLOWED
from tests.support.seeing import APP

if TYPE_CHECKING:
    from harness.core.evidence import Evidence

RUN = "docker run -d --name try-v --network none --add-host=registry.npmjs.org:127.0.0.1"
PUBLISHED = RUN.replace("--network none", "-p 127.0.0.1::3000")
LISTENS = (
    "for i in $(seq 300); do docker logs try-v 2>&1 | grep -Eq '^Listening on port [0-9]+ pid=([0-9]+)' && break; "
    "sleep 0.1; done   # until it is ready"
)
LOGS = "docker logs try-v"
STATE = "docker inspect --format '{{.State.Status}} {{.State.ExitCode}}' try-v"
STOP = 'began=$(date +%s); docker stop -t {} try-v; echo "took $(($(date +%s) - began)) s"'
REMOVE = "docker rm -f try-v"
LAUNCH = LaunchOptions(network="none", extra_hosts={"registry.npmjs.org": "127.0.0.1"})
WANTED = {
    Probe.SIGNAL: (
        f"{RUN} image",
        LISTENS,
        "docker top try-v -o pid,ppid,pgid,stat,caught,ignored,blocked,pending,args",
        "docker kill --signal=SIGHUP try-v",
        "sleep 2",
        LOGS,
        STATE,
        REMOVE,
    ),
    Probe.STOP: (
        f"{PUBLISHED} -e SHUTDOWN_AFTER_MS=0 image",
        LISTENS,
        "hold=$(mktemp)",
        (
            '((while [ -e "$hold" ]; do sleep 0.1; done; printf x) | curl -s -N -H Expect: -T . -X POST -D "$hold" '
            "-o /dev/null http://$(docker port try-v 3000)/hold 2>/dev/null && echo answered || echo lost) &   "
            "# a request in flight"
        ),
        'for i in $(seq 50); do [ -s "$hold" ] && break; sleep 0.1; done',
        '(sleep 1; rm -f "$hold") &   # its end',
        STOP.format(7),
        "wait",
        LOGS,
        STATE,
        REMOVE,
    ),
    Probe.EXIT_CODE: (
        f"{RUN} -e EXIT_AFTER_MS=300 -e EXIT_CODE=42 image",
        (
            "for i in $(seq 50); do [ \"$(docker inspect --format '{{.State.Running}}' try-v)\" = false ] && break; "
            "sleep 0.2; done"
        ),
        f"{STATE}   # exited 42?",
        REMOVE,
    ),
    Probe.REAP: (
        f"{RUN} image",
        LISTENS,
        "orphan=$(docker exec try-v /bin/sh -c 'sleep 3600 </dev/null >/dev/null 2>&1 & echo $!')",
        'docker exec try-v /bin/sh -c "kill -KILL $orphan"',
        "sleep 2",
        'docker exec try-v /bin/sh -c "cat /proc/$orphan/stat"   # a Z, or no such file?',
        REMOVE,
    ),
    Probe.TTY: (
        f"{RUN.replace('-d', '-dit', 1)} image",
        LISTENS,
        (
            "(sleep 2; printf '\\003'; sleep 2; printf '\\020\\021') | "
            "script -qc 'stty raw -echo; docker attach try-v' /dev/null >/dev/null   # Ctrl-C"
        ),
        LOGS,
        STATE,
        REMOVE,
    ),
}


def commands(
    probe: Probe, launch: LaunchOptions = LAUNCH, app: App = APP, *, grace_s: int = 3, evidence: Evidence | None = None
) -> tuple[str, ...]:
    question = Question(signal=Signal(1)) if probe is Probe.SIGNAL else Question(probe=probe)
    subject = Subject(name="v", title="t", image=Given(reference="image"), app=app, launch=launch)
    cell = Cell(engine="engine", subject=subject, question=question)
    return module_of(probe).by_hand(ByHand(cell=cell, image="image", app=app, grace_s=grace_s, evidence=evidence))


def test_every_probe_is_here() -> None:
    assert set(WANTED) == set(Probe)


@pytest.mark.parametrize("probe", Probe)
def test_the_commands_of_a_probe(probe: Probe) -> None:
    assert commands(probe, grace_s=7) == WANTED[probe]


@pytest.mark.parametrize(
    ("rested_s", "request_", "took_s", "held_s"),
    [
        (0.2, Request.ANSWERED, 0.3, 1),
        (1.3, Request.ANSWERED, 1.4, 2),
        (2.9, Request.ANSWERED, 2.95, 2),
        (0.4, None, 0.4, 1),
        (0.1, Request.LOST, 0.1, 2),
        (0.4, Request.LOST, 2.1, 3),
    ],
)
def test_a_request_is_held_as_long_as_in_the_run(
    rested_s: float, request_: Request | None, took_s: float, held_s: int
) -> None:
    signalled = changed(SWALLOWED, began_ns=0, decided_ns=round(rested_s * 1e9))
    stopped = StopEvidence(signalled=signalled, grace_s=3, took_s=took_s, forced=False, request=request_)
    assert f'(sleep {held_s}; rm -f "$hold") &   # its end' in commands(Probe.STOP, evidence=stopped)


def test_a_stop_without_a_port_sends_no_request() -> None:
    app = replace(APP, stop=StopSetting(environment={"A": "b c"}))
    assert commands(Probe.STOP, app=app) == (
        f"{RUN} -e 'A=b c' image",
        LISTENS,
        STOP.format(3),
        LOGS,
        STATE,
        REMOVE,
    )


def test_plain_requests_are_under_way_as_it_is_stopped() -> None:
    app = replace(APP, stop=StopSetting(in_flight=InFlight(path="/slow?s=2", port=80, number=3)))
    assert commands(Probe.STOP, app=app) == (
        f"{RUN.replace('--network none', '-p 127.0.0.1::80')} image",
        LISTENS,
        "url=http://$(docker port try-v 80)'/slow?s=2'",
        (
            "for i in $(seq 3); do (curl -s -H 'Connection: close' -o /dev/null \"$url\" && echo answered || "
            "echo lost) & done   # in flight"
        ),
        "sleep 0.2",
        STOP.format(3),
        "wait",
        LOGS,
        STATE,
        REMOVE,
    )


def test_a_page_tells_that_an_app_is_ready() -> None:
    app = App(ready=Answering(path="/up", port=80), stop=StopSetting())
    run, ready, *_ = commands(Probe.STOP, app=app)
    assert run == f"{RUN.replace('--network none', '-p 127.0.0.1::80')} image"
    curl = "curl -sf -m 2 -o /dev/null http://$(docker port try-v 80)/up"
    assert ready == f"for i in $(seq 300); do {curl} && break; sleep 0.1; done   # until it is ready"


def test_a_network_of_ones_own_is_kept_beside_a_published_port() -> None:
    app = App(stop=StopSetting(in_flight=InFlight(path="/", port=80)))
    run = commands(Probe.STOP, replace(LAUNCH, network="mine"), app)[0]
    assert "-p 127.0.0.1::80 --network mine" in run


@pytest.mark.parametrize("probe", Probe)
def test_a_variants_options_come_before_and_behind_the_image(probe: Probe) -> None:
    launch = replace(LAUNCH, init=True, entrypoint=("tini", "-g", "--"), command=("npm", "run start"))
    run = commands(probe, launch)[0].partition("   #")[0]
    assert run.endswith(" --init --entrypoint tini image -g -- npm 'run start'")


@given(st.text(st.characters(exclude_characters="\0"), min_size=1), st.lists(st.text(), max_size=3))
def test_any_environment_and_command_is_quoted(value: str, command: list[str]) -> None:
    app = replace(APP, stop=StopSetting(environment={"NAME": value}))
    launch = replace(LAUNCH, command=tuple(command))
    words = shlex.split(commands(Probe.STOP, launch, app)[0])
    assert words[words.index("-e") + 1] == f"NAME={value}"
    assert words[words.index("image", words.index("-e") + 2) + 1 :] == command


def test_a_path_with_a_query_is_quoted() -> None:
    app = replace(APP, stop=StopSetting(port=3000, path="/hold?a=1&b=2"))
    assert "3000)'/hold?a=1&b=2' " in commands(Probe.STOP, app=app)[3]


@pytest.mark.parametrize(
    "app", [App(), replace(APP, ready=LogPattern(pattern=re.compile(r"\bup\b")))], ids=["no pattern", "not for grep"]
)
def test_an_app_whose_log_does_not_tell_is_ready_when_its_processes_rest(app: App) -> None:
    assert commands(Probe.SIGNAL, app=app)[1] == (
        "n=0; for i in $(seq 300); do if docker top try-v -o stat | grep -q '^[RD]'; then n=0; else n=$((n + 1)); fi; "
        "[ $n -ge 20 ] && break; sleep 0.1; done   # until it is ready"
    )


def test_what_took_long_in_the_run_is_waited_for() -> None:
    slow = changed(SWALLOWED, decided_ns=SWALLOWED.seen.began_ns + 5_200_000_000)
    assert "sleep 7" in commands(Probe.SIGNAL, evidence=slow)


def test_the_exit_code_that_was_lost_is_the_one_to_try() -> None:
    lost = changed(LOST, codes=((42, 42), (0, 0), (143, 1)))
    assert " -e EXIT_CODE=143 " in commands(Probe.EXIT_CODE, evidence=lost)[0]


@pytest.mark.parametrize("probe", Probe)
def test_the_commands_are_those_of_any_shell(probe: Probe) -> None:
    text = "\n".join(commands(probe))
    assert subprocess.run(["sh", "-n"], input=text, text=True, check=False).returncode == 0


def test_a_container_has_a_name_that_docker_takes() -> None:
    subject = Subject(name="my image:1/2", title="t", image=Given(reference="image"), app=APP)
    cell = Cell(engine="engine", subject=subject, question=Question(signal=Signal(1)))
    assert ByHand(cell=cell, image="image", app=APP, grace_s=3).name == "try-my-image-1-2"


@pytest.mark.parametrize("name", [field.name for field in fields(LaunchOptions)])
def test_every_option_is_in_the_command(name: str) -> None:
    options = replace(LaunchOptions(), **{name: getattr(ALL_SET, name)})
    assert by_hand_of(options) != by_hand_of(LaunchOptions())


def test_options_are_written_as_docker_run_takes_them() -> None:
    assert shlex.split(by_hand_of(ALL_SET)) == [
        *("docker", "run", "-d", "--name", "try-v", "--network", "host", "--add-host=there:127.0.0.1"),
        *("-e", "A=b c", "-v", "/a:/b:ro", "--user", "1000:1000", "--stop-signal", "SIGINT", "--stop-timeout", "7"),
        *("--init", "--memory", "64m", "--pids-limit", "99", "--cpus", "1.5", "--cap-drop", "ALL"),
        *("--cap-add", "SYS_PTRACE", "--security-opt", "no-new-privileges", "--read-only"),
        *("--tmpfs", "/run:size=64m", "--tmpfs", "/tmp", "--platform", "linux/arm64"),
        *("--entrypoint", "/bin/sh", "image", "-c", "sleep 1", "again"),
    ]


def by_hand_of(options: LaunchOptions) -> str:
    subject = Subject(name="v", title="t", image=Given(reference="image"), app=APP, launch=options)
    cell = Cell(engine="e", subject=subject, question=Question(probe=Probe.STOP))
    return ByHand(cell=cell, image="image", app=APP, grace_s=10).run()


def test_podmans_containers_are_podmans_to_repeat() -> None:
    subject = Subject(name="x", title="t", image=Given(reference="image"), app=APP)
    cells = [Cell(engine=engine, subject=subject, question=Question(probe=Probe.STOP)) for engine in ("Podman", "x")]
    podman, docker = (module_of(Probe.STOP).by_hand(ByHand(cell=c, image="i", app=APP, grace_s=3)) for c in cells)
    assert [line.replace("podman ", "docker ") for line in podman] == list(docker)
    assert not any("docker" in line for line in podman)
    assert ByHand(cell=cells[0], image="i", app=APP, grace_s=3).top == "podman top try-x -o pid,ppid,pgid,stat,args"
