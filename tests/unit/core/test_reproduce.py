"""The commands that a person is given, whole."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.question import Probe, Question
from harness.core.reproduce import ByHand
from harness.core.signals import Signal
from harness.core.subject import App, Cell, Given, LaunchOptions, StopSetting, Subject
from harness.run.probes import module_of
from tests.support.seeing import APP

RUN = "docker run -d --name try-v --network none --add-host=registry.npmjs.org:127.0.0.1"
PUBLISHED = RUN.replace("--network none", "-p 127.0.0.1::3000")
LISTENS = "docker logs try-v   # until it listens"
LOGS = "docker logs try-v"
STATE = "docker inspect --format '{{.State.Status}} {{.State.ExitCode}}' try-v"
REMOVE = "docker rm -f try-v"
LAUNCH = LaunchOptions(network="none", extra_hosts={"registry.npmjs.org": "127.0.0.1"})
WANTED = {
    Probe.SIGNAL: (
        f"{RUN} image",
        LISTENS,
        "docker top try-v -o pid,ppid,pgid,stat,caught,ignored,blocked,pending,args",
        "docker kill --signal=SIGHUP try-v",
        LOGS,
        STATE,
        REMOVE,
    ),
    Probe.STOP: (
        f"{PUBLISHED} -e SHUTDOWN_AFTER_MS=0 image",
        LISTENS,
        "(sleep 2; printf x) | curl -s -T - -X POST http://$(docker port try-v 3000)/hold &   # a request in flight",
        "sleep 1",
        "time docker stop -t 7 try-v",
        LOGS,
        STATE,
        REMOVE,
    ),
    Probe.EXIT_CODE: (f"{RUN} -e EXIT_AFTER_MS=300 -e EXIT_CODE=42 image", "docker wait try-v   # 42?", REMOVE),
    Probe.REAP: (
        f"{RUN} image",
        LISTENS,
        "docker exec try-v sh -c 'sleep 3600 & echo $!'",
        "docker exec try-v sh -c 'kill -KILL PID'   # the number that was printed",
        "docker top try-v -o pid,ppid,stat,args   # is it there, with a Z?",
        REMOVE,
    ),
    Probe.TTY: (
        f"{RUN.replace('-d', '-it', 1)} image   # press Ctrl-C once it listens, then look",
        LOGS,
        STATE,
        REMOVE,
    ),
}


def commands(probe: Probe, launch: LaunchOptions = LAUNCH, app: App = APP, *, grace_s: int = 3) -> tuple[str, ...]:
    question = Question(signal=Signal(1)) if probe is Probe.SIGNAL else Question(probe=probe)
    subject = Subject(name="v", title="t", image=Given(reference="image"), app=app, launch=launch)
    cell = Cell(engine="engine", subject=subject, question=question)
    return module_of(probe).by_hand(ByHand(cell=cell, image="image", app=app, grace_s=grace_s))


def test_every_probe_is_here() -> None:
    assert set(WANTED) == set(Probe)


@pytest.mark.parametrize("probe", Probe)
def test_the_commands_of_a_probe(probe: Probe) -> None:
    assert commands(probe, grace_s=7) == WANTED[probe]


def test_a_stop_without_a_port_sends_no_request() -> None:
    app = replace(APP, stop=StopSetting(environment={"A": "b c"}))
    assert commands(Probe.STOP, app=app) == (
        f"{RUN} -e 'A=b c' image",
        LISTENS,
        "time docker stop -t 3 try-v",
        LOGS,
        STATE,
        REMOVE,
    )


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
    line = commands(Probe.STOP, app=app)[2]
    assert list(shlex.shlex(line, punctuation_chars=True)).count("&") == 1
