"""When an app is ready, by each of the ways to tell, on scripted containers."""

from __future__ import annotations

import re

import pytest

from harness.core.evidence import SignalEvidence
from harness.core.subject import App, Healthy, Listening, LogPattern, Quiescent, Ready, Succeeding
from harness.run.observation import Patience
from tests.support.evidence import changed
from tests.support.scripted import Executed, Happening, Script
from tests.support.seeing import INIT_1, NODE, Look, see

PATIENCE = Patience(ready_s=5)
BEGINS = Happening(after_s=0.0, tree=(INIT_1, NODE))


def ask(ready: Ready, *at_start: Happening, executed: tuple[Executed, ...] = ()) -> Look:
    app = App(ready=ready, below_wrappers=True)
    return see(Script(at_start=at_start, executed=executed, at_tell=None, traced=True), PATIENCE, app=app)


@pytest.mark.parametrize(
    ("ready", "when"),
    [
        (Healthy(), Happening(after_s=1, health="healthy")),
        (Listening(ports=(80, 443)), Happening(after_s=1, ports=(80, 443))),
        (LogPattern(pattern=re.compile("up")), Happening(after_s=1, output=b"up\n")),
    ],
    ids=["health", "ports", "log"],
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
    ],
    ids=["health", "ports", "log"],
)
def test_what_is_never_ready_is_told_with_what_was_waited_for(ready: Ready, told: str) -> None:
    assert str(ask(ready, changed(BEGINS, health="starting"), Happening(ports=(80,))).reason) == told


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
