"""When an app is ready, by each of the ways to tell, on scripted containers."""

from __future__ import annotations

import re

import pytest

from harness.core.evidence import SignalEvidence
from harness.core.subject import Answering, App, Healthy, Listening, LogPattern, Quiescent, Ready, Succeeding
from harness.run.observation import Patience
from tests.support.evidence import changed
from tests.support.scripted import Executed, Happening, Script
from tests.support.seeing import INIT_1, NODE, Look, see

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
