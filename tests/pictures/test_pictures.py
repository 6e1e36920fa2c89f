"""The pictures of the docs are what their commands draw today, but for what is measured."""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from harness.cli.run import explain
from harness.core.errors import EngineUnavailable, UsageError
from harness.core.trace import Fate, Handled, Sent
from harness.report import sequence_svg
from tests.support.command import command
from tests.support.comparing import PICTURES, listed, masked, parsed, path, terminal
from tests.support.evidence import changed
from tests.support.reports import FORWARDED, chained, result, subject_of

if TYPE_CHECKING:
    from pathlib import Path

    from harness.core.trace import TraceRecord

pytestmark = [pytest.mark.engine, pytest.mark.cli]
needs_record = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="the kernel's record needs root"
)
COMMANDS = listed()
DEBIAN = "local:debian12-node24"
NO_ENGINE = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}


def of_docs(name: str) -> str:
    return PICTURES.joinpath(name).read_text(encoding="utf-8")


def shows(name: str, svg: str) -> object:
    """What has to be the same each time a picture is drawn."""
    if name.startswith("path-"):
        found = path(svg)
        return found.unordered() if name == "path-duplicated.svg" else found
    return terminal(svg)


def test_the_list_that_make_goes_through_names_every_picture_there_is() -> None:
    assert "docs/pictures/list |" in (PICTURES.parents[1] / "Makefile").read_text(encoding="utf-8")
    assert sorted(COMMANDS) == sorted(file.name for file in PICTURES.glob("*.svg"))
    assert len(COMMANDS) == 5


@needs_record
@pytest.mark.parametrize("name", COMMANDS)
def test_a_picture_is_what_its_command_draws(name: str, tmp_path: Path) -> None:
    done = command(*COMMANDS[name], "--svg", str(tmp_path / name))
    assert done.returncode == 0, done.stderr
    assert shows(name, (tmp_path / name).read_text(encoding="utf-8")) == shows(name, of_docs(name))
    assert f"SVG: {tmp_path / name}\n" in done.stdout


# What is told apart, and what is not.


def spoiled(name: str, found: str, instead: str) -> object:
    svg, count = re.subn(found, instead, of_docs(name))
    assert count, found
    return shows(name, svg)


@pytest.mark.parametrize(
    ("name", "found", "instead"),
    [
        ("matrix.svg", "killed", "swallowed"),
        ("matrix.svg", "Claims&#160;that&#160;held:&#160;5", "Claims&#160;that&#160;held:&#160;4"),
        ("matrix.svg", "--variant tini ", ""),
        ("path-killed.svg", ">killed<", ">forwarded<"),
        ("path-killed.svg", ">handler runs<", ">default action<"),
        ("path-killed.svg", "the app never saw", "the app saw"),
        ("path-killed.svg", "CMD", "ENTRYPOINT"),
        ("path-killed.svg", ">dropped by the kernel<", "><"),
        ("path-killed.svg", r">PID 1<", ">PID 2<"),
        ("path-forwarded.svg", ">docker<", ">the terminal<"),
        ("path-dropped.svg", "PID [0-9]+, the app", "PID 7"),
        ("path-duplicated.svg", ">duplicated<", ">forwarded<"),
        ("path-duplicated.svg", "2 times", "3 times"),
    ],
)
def test_a_picture_that_shows_something_else_is_told(name: str, found: str, instead: str) -> None:
    assert spoiled(name, found, instead) != shows(name, of_docs(name))


def steps_of(svg: str) -> tuple[ET.Element, list[ET.Element]]:
    root = parsed(svg)
    return root, root.findall("{*}g[@class='step']")


@pytest.mark.parametrize("name", [name for name in COMMANDS if name.startswith("path-")])
def test_a_step_that_is_missing_is_told(name: str) -> None:
    """But for a pause, and for a handler of the app that runs twice: where its signals merge, it runs once."""
    svg = of_docs(name)
    _, steps = steps_of(svg)
    untold = set()
    for number, step in enumerate(steps):
        root, mine = steps_of(svg)
        root.remove(mine[number])
        if shows(name, ET.tostring(root, encoding="unicode")) == shows(name, svg):
            untold.add(masked(step.findtext("{*}title") or ""))
    twice = "T: node server.js (PID N): its handler for SIGTERM runs" if name == "path-duplicated.svg" else None
    assert untold <= {"T pass", twice}
    assert len(untold) < len(steps)


def test_another_order_of_steps_is_told() -> None:
    root, steps = steps_of(of_docs("path-killed.svg"))
    root.remove(steps[1])
    root.insert(list(root).index(steps[2]) + 1, steps[1])
    assert shows("path-killed.svg", ET.tostring(root, encoding="unicode")) != shows(
        "path-killed.svg", of_docs("path-killed.svg")
    )


@pytest.mark.parametrize(
    ("name", "found", "instead"),
    [
        ("matrix.svg", "24[.]19[.]0", "24.20.1"),
        ("matrix.svg", "0[.]5[.]12-2", "0.5.12-2+deb12u1"),
        ("matrix.svg", "in&#160;[0-9.]+&#160;s", "in&#160;123.4&#160;s"),
        ("path-killed.svg", r"\+[0-9.]+ µs", "+7.1 ms"),
        ("path-killed.svg", "PID 1[78]", "PID 23"),
    ],
)
def test_what_is_measured_is_not_compared(name: str, found: str, instead: str) -> None:
    assert spoiled(name, found, instead) == shows(name, of_docs(name))


DUMB_INIT, NPM, NODE = 1001, 1002, 1007
TO_PID_1 = Sent(
    time_s=1.5, sender="runc", sender_pid=5, number=15, target="x", target_pid=DUMB_INIT, fate=Fate.DELIVERED
)


def signalled(sender: int, target: int, fate: Fate = Fate.DELIVERED) -> Sent:
    return changed(TO_PID_1, sender_pid=sender, target_pid=target, fate=fate)


def handles(pid: int) -> Handled:
    return Handled(time_s=1.5, comm="x", pid=pid, number=15, handler=64)


def twice(*records: TraceRecord, received: int = 2) -> object:
    """What is compared of a path on which the app is sent its signal by two."""
    chain = chained("dumb-init npm start", "npm start", "node server.js", of=FORWARDED)
    trace = tuple(changed(one, time_s=1.5 + us / 1e6) for us, one in enumerate((TO_PID_1, *records)))
    row = result("v", changed(chain, receipts=(FORWARDED.receipts or ()) * received, trace=trace))
    return shows("path-duplicated.svg", sequence_svg.render(row, subject_of(row)))


def test_two_sends_are_the_same_whoever_is_quicker() -> None:
    first, second, third = signalled(DUMB_INIT, NODE), signalled(DUMB_INIT, NPM), signalled(NPM, NODE)
    usual = twice(first, second, handles(NODE), handles(NPM), third, handles(NODE))
    assert twice(first, second, handles(NPM), handles(NODE), third, handles(NODE)) == usual
    assert twice(first, handles(NODE), second, handles(NPM), third, handles(NODE)) == usual
    merged = signalled(NPM, NODE, Fate.MERGED)
    assert twice(first, second, handles(NPM), merged, handles(NODE), received=1) == usual


def test_two_sends_that_are_others_are_told() -> None:
    first, second, third = signalled(DUMB_INIT, NODE), signalled(DUMB_INIT, NPM), signalled(NPM, NODE)
    usual = twice(first, second, handles(NODE), handles(NPM), third, handles(NODE))
    assert twice(first, second, handles(NODE), handles(NPM), received=1) != usual
    assert twice(first, second, handles(NODE), third, handles(NODE)) != usual
    assert twice(first, second, handles(NODE), handles(NPM), signalled(DUMB_INIT, NODE), handles(NODE)) != usual


# Where there is no path.


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("pid-1", "reap"), "there is no path to draw: the probe reap sends no signal"),
        (("pid-1", "exit-code"), "there is no path to draw: the probe exit-code sends no signal"),
        (("tini", "TERM", "--trace", "off"), "there is no path to draw: --trace off"),
        (("tini", "TERM", "--svg", "/proc/nowhere/path.svg"), "cannot be written"),
    ],
)
def test_what_cannot_be_drawn_is_told_before_an_engine_is_asked(
    words: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    done = command("explain", DEBIAN, "--svg", str(tmp_path / "path.svg"), *words, **NO_ENGINE)
    assert (done.returncode, told in done.stderr, done.stdout) == (2, True, ""), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_a_record_nothing_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise EngineUnavailable("no tracefs")

    monkeypatch.setattr("harness.engine.tracefs._tracefs", refuse)
    monkeypatch.setattr("harness.session.Session.run", None)
    target = tmp_path / "path.svg"
    with pytest.raises(UsageError, match="the kernel's signal record is not available here"):
        CliRunner().invoke(explain, [DEBIAN, "tini", "TERM", "--svg", str(target)], catch_exceptions=False)
    assert not target.exists()


# Standard output.


@needs_record
def test_a_drawing_on_standard_output_leaves_the_story_to_standard_error() -> None:
    done = command("explain", DEBIAN, "node-shell-form", "TERM", "--svg", "-")
    assert done.returncode == 0
    assert path(done.stdout).foot[0].startswith("swallowed: PID 1 is")
    assert "The path of the signal" in done.stderr


def test_two_formats_cannot_share_standard_output() -> None:
    done = command("run", "--svg", "-", "--json", "-", **NO_ENGINE)
    assert (done.returncode, "two formats cannot share standard output" in done.stderr) == (2, True)


def test_a_picture_shows_what_is_printed() -> None:
    words = ("run", "--base", DEBIAN, "--variant", "tini", "--signal", "HUP")
    done = command(*words, "--svg", "-")
    assert done.returncode == 0
    assert terminal(done.stdout).startswith(f"signal-harness {' '.join(words)} ")
    shown = " ".join("".join(parsed(done.stdout).itertext()).split())
    _, *printed = re.split(rf"^{re.escape(DEBIAN)}$", done.stderr, maxsplit=1, flags=re.MULTILINE)
    (lines,) = [text.splitlines() for text in printed]
    assert len(lines) > 8
    for line in lines:
        assert " ".join(line.split()) in shown
