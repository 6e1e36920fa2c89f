"""The labs as an attendee does them: every one fails as it is, and its solution passes; and what else they type."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from harness.core.errors import ExitCode
from harness.workshop.lab.exercises import load
from harness.workshop.lab.folder import replace, start
from tests.support.command import command
from tests.support.leftovers import left_behind, wait_for_a_signal

if TYPE_CHECKING:
    from pathlib import Path

    from harness.workshop.lab.exercises import Exercise
    from tests.support.offline import Offline

LABS = load()
NOWHERE = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
MUSL = "local:musl-node24"
engine = pytest.mark.engine
pytestmark = pytest.mark.cli


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


def begun(*words: str, here: Path, before: tuple[str, ...] = (), **environment: str) -> subprocess.Popen[str]:
    """Begin a command of the labs in a folder."""
    return subprocess.Popen(
        [*before, sys.executable, "-m", "harness", "lab", *words],
        cwd=here,
        env={**os.environ, "NO_COLOR": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> Done:
    """Its end; a traceback is never one, and nothing of it is left."""
    out, err = process.communicate(timeout=300)
    assert "Traceback" not in out + err
    return Done(code=process.returncode, out=out, err=err)


def lab(*words: str, here: Path, **environment: str) -> Done:
    done = command("lab", *words, here=here, **environment)
    return Done(code=done.returncode, out=done.stdout, err=done.stderr)


def checked(*words: str, here: Path, before: tuple[str, ...] = ()) -> Done:
    """A check that leaves no container and no tracefs instance behind."""
    process = begun("check", *words, here=here, before=before)
    done = ended(process)
    assert left_behind(process.pid) == []
    return done


def progress(here: Path) -> dict[str, dict[str, object]]:
    labs: dict[str, dict[str, object]] = json.loads((here / "signal-lab" / ".progress.json").read_text())["labs"]
    return labs


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with labs just begun."""
    start(tmp_path / "signal-lab", LABS)
    return tmp_path


@dataclass(frozen=True)
class Course:
    """All labs checked as they are, and with their solutions."""

    broken: Done
    tried: dict[str, dict[str, object]]
    solved: Done
    finished: dict[str, dict[str, object]]

    def of(self, key: str, *, solved: bool) -> str:
        """What was said of one lab."""
        out = (self.solved if solved else self.broken).out
        place = next(number for number, one in enumerate(LABS) if one.key == key)
        rest = out[out.index(f"{key}: ") :]
        return rest if place + 1 == len(LABS) else rest[: rest.index(f"\n{LABS[place + 1].key}: ")]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, prepared: Offline) -> Course:
    """In a room without network, both at a time, each in a folder of its own."""
    as_they_are, done = (tmp_path_factory.mktemp(name) for name in ("course", "solved"))
    for here in (as_they_are, done):
        assert lab("start", here=here).code == 0
    for one in LABS:
        assert [replaced.copy for replaced in replace(done / "signal-lab", one, one.solution)] == [None]
    checks = [
        begun("check", "--all", here=here, before=tuple(prepared.inside()), DOCKER_HOST=prepared.url)
        for here in (as_they_are, done)
    ]
    broken, solved = map(ended, checks)
    assert prepared.containers() == []
    return Course(broken=broken, tried=progress(as_they_are), solved=solved, finished=progress(done))


@engine
class TestCourse:
    @pytest.mark.parametrize("exercise", LABS, ids=[one.key for one in LABS])
    def test_the_start_fails_with_a_finding_and_a_hint(self, course: Course, exercise: Exercise) -> None:
        said = course.of(exercise.key, solved=False)
        assert f"Hint 1 of {len(exercise.hints)}\n  {exercise.hints[0][:50]}" in said
        assert "untested" not in said
        assert "unstable" not in said
        assert "Solved" not in said
        assert course.tried[exercise.key] == {"tries": 1, "hints": 1, "solved": False}

    @pytest.mark.parametrize("exercise", LABS, ids=[one.key for one in LABS])
    def test_the_solution_passes_and_tells_the_lesson(self, course: Course, exercise: Exercise) -> None:
        said = course.of(exercise.key, solved=True)
        assert f"Solved. What to remember\n  {exercise.lesson[:50]}" in said
        assert "Hint" not in said
        assert course.finished[exercise.key] == {"tries": 0, "hints": 0, "solved": True}

    def test_the_codes_are_those_of_all_commands(self, course: Course) -> None:
        assert (course.broken.code, course.solved.code) == (ExitCode.DIFFERS, ExitCode.OK)

    @pytest.mark.parametrize(
        ("key", "goal", "verdict"),
        [
            ("1-shell-form", "SIGHUP", "○ swallowed"),
            ("2-npm-start", "SIGTERM", "✗ killed"),
            ("3-stop-signal", "stop", "✗ forced"),
            ("4-entry-script", "stop", "✗ forced"),
            ("5-no-handlers", "stop", "✗ forced"),
            ("6-zombies", "reap", "○ zombie"),
            ("7-twice", "SIGTERM", "» duplicated"),
            ("8-wrapper", "stop", "✂ abrupt"),
            ("8-wrapper", "exit-code", "✗ lost"),
        ],
    )
    def test_what_is_wrong_is_what_the_lab_is_about(self, course: Course, key: str, goal: str, verdict: str) -> None:
        said = course.of(key, solved=False)
        assert [line for line in said.splitlines() if line.split()[:3] == [goal, *verdict.split()]], said

    def test_how_far_it_is_comes_last(self, course: Course) -> None:
        assert course.broken.out.endswith(
            "0 of 8 solved. Next: 1-shell-form, The shell in between (easy)\n  cd signal-lab/1-shell-form\n"
        )
        assert "All 8 labs are solved." in course.solved.out.splitlines()[-2]

    def test_what_was_prepared_is_not_built_again(self, course: Course) -> None:
        assert "building" not in course.broken.err + course.solved.err


@engine
class TestTrying:
    def test_evidence_then_one_hint_more_with_each_try(self, here: Path) -> None:
        inside = here / "signal-lab" / "1-shell-form"
        first, second = checked(here=inside), checked("shell-form", here=here)
        assert (first.code, second.code) == (1, 1)
        assert "Evidence: SIGHUP on local:debian12-node24\n" in first.out
        assert "docker ──SIGHUP──▶ 1 /bin/sh -c node server.js   dropped by the kernel" in first.out
        assert first.out.endswith("Edit the files here, and check again: signal-harness lab check 1\n")
        assert ("Hint 1 of 3" in first.out, "Hint 2 of 3" in second.out) == (True, True)
        third, fourth = checked(here=inside), checked(here=inside)
        assert ("Hint 3 of 3" in third.out, "How to fix it" in third.out) == (True, False)
        assert ("Hint" in fourth.out, "How to fix it" in fourth.out) == (False, True)
        assert ("tried  CMD" in fourth.out, "✓ forwarded" in fourth.out) == (True, True)
        (inside / "Dockerfile").write_text(
            'ARG BASE\nFROM ${BASE}\nWORKDIR /usr/src/app\nCOPY server.js ./\nCMD ["node", "server.js"]\n'
        )
        done = checked(here=inside)
        assert done.code == 0
        assert done.out.endswith("1 of 8 solved. Next: 2-npm-start, npm is not your app (easy)\n  cd ../2-npm-start\n")
        assert "✓ solved" in lab(here=here).out

    def test_work_of_the_script_must_stay_whatever_the_catalogue_says(self, here: Path) -> None:
        place = here / "signal-lab" / "4-entry-script"
        for name, old, new in (("Dockerfile", "ENTRYPOINT", "# ENTRYPOINT"), ("catalogue.toml", "always", "never")):
            (place / name).write_text((place / name).read_text().replace(old, new))
        done = checked("4", here=here)
        assert done.code == 1
        assert done.out.count("✗ the log does not say `Prepared`") == 2

    def test_an_init_makes_an_app_without_handlers_die_but_not_shut_down(self, here: Path) -> None:
        file = here / "signal-lab" / "5-no-handlers" / "catalogue.toml"
        file.write_text(file.read_text() + "init = true\n")
        done = checked("5", here=here)
        assert done.code == 1
        assert "✂ abrupt" in done.out

    def test_on_another_base_all_may_be_well_and_nothing_is_solved(self, here: Path) -> None:
        done = checked("1", "--base", MUSL, here=here)
        assert done.code == 0
        assert "All is well here. But this lab is about a base whose /bin/sh is dash" in done.out
        assert progress(here) == {}

    def test_what_does_not_build_is_untested_and_costs_nothing(self, here: Path) -> None:
        file = here / "signal-lab" / "1-shell-form" / "Dockerfile"
        file.write_text("ARG BASE\nFROM ${BASE}\nRUN echo some last words && exit 3\n")
        done = checked("1", here=here)
        assert done.code == ExitCode.UNTESTED
        assert "some last words" in done.out
        assert "Not tested: this does not count as a try, and uses up no hint." in done.out
        assert "Hint" not in done.out
        assert progress(here) == {}

    def test_an_edited_line_needs_no_network(self, here: Path, course: Course) -> None:
        file = here / "signal-lab" / "6-zombies" / "Dockerfile"
        edited = file.read_text().replace("CMD [", 'CMD ["tini", "--", ')
        file.write_text(f"{edited}# an image that there is not yet: {here}\n")
        done = checked("6", here=here, before=("unshare", "-n"))
        assert (done.code, "building zombies" in done.err) == (0, True)

    def test_an_interrupt_clears_up(self, here: Path) -> None:
        process = begun("check", "3", here=here)
        wait_for_a_signal(process.pid)
        process.send_signal(signal.SIGINT)
        done = ended(process)
        assert done.code == ExitCode.INTERRUPTED
        assert "interrupted" in done.err
        assert left_behind(process.pid) == []
        assert progress(here) == {}

    def test_a_lab_is_a_catalogue_too(self, here: Path) -> None:
        words = ["run", "--catalogue", "signal-lab/1-shell-form", "--base", MUSL]
        done = subprocess.run([sys.executable, "-m", "harness", *words], cwd=here, capture_output=True, check=False)
        assert done.returncode == 0


def test_a_second_start_says_what_it_added(here: Path) -> None:
    (here / "signal-lab" / "README.md").unlink()
    (here / "signal-lab" / "1-shell-form" / "Dockerfile").write_text("mine")
    done = lab("start", here=here, **NOWHERE)
    assert done.code == 0
    assert done.out.startswith("signal-lab was there: 1 files added, 36 left as they are\n")
    assert "cd signal-lab/1-shell-form, read README.md, then: signal-harness lab check" in done.out
    assert (here / "signal-lab" / "1-shell-form" / "Dockerfile").read_text() == "mine"


def test_within_the_folder_a_start_begins_no_other(here: Path) -> None:
    inside = here / "signal-lab" / "1-shell-form"
    assert "was there: 0 files added" in lab("start", here=inside, **NOWHERE).out
    assert not (inside / "signal-lab").exists()


def test_the_list_comes_before_the_start_too(tmp_path: Path) -> None:
    done = lab(here=tmp_path, **NOWHERE)
    assert done.code == 0
    assert " →   1-shell-form     The shell in between       easy     open" in done.out
    assert done.out.endswith("Begin with: signal-harness lab start\n")
    assert lab("list", here=tmp_path, **NOWHERE) == done


def test_hints_are_given_one_by_one(here: Path) -> None:
    outs = [lab("hint", "2", here=here, **NOWHERE).out for _ in range(4)]
    assert [out.count("Hint ") for out in outs] == [1, 2, 3, 3]
    assert ["That was the last one" in out for out in outs] == [False, False, True, True]
    assert progress(here) == {"2-npm-start": {"tries": 0, "hints": 3, "solved": False}}


def test_a_solution_is_shown_as_a_diff_before_the_start_too(tmp_path: Path) -> None:
    done = lab("solution", "1", here=tmp_path, **NOWHERE)
    assert done.code == 0
    assert done.out.startswith("--- a/1-shell-form/Dockerfile\n+++ b/1-shell-form/Dockerfile\n")
    assert "\n-CMD node server.js\n" in done.out
    assert done.out.endswith('\n+CMD ["node", "server.js"]\n')


def test_solution_and_reset_keep_what_they_take_the_place_of(here: Path) -> None:
    place = here / "signal-lab" / "1-shell-form"
    start = (place / "Dockerfile").read_text()
    (place / "Dockerfile").write_text("mine")
    lab("hint", "1", here=here, **NOWHERE)
    done = lab("solution", "1", "--apply", here=here, **NOWHERE)
    assert done.out == (
        "signal-lab/1-shell-form/Dockerfile: written; yours is kept as Dockerfile.mine\n"
        "Check it: signal-harness lab check 1\n"
    )
    assert (place / "Dockerfile.mine").read_text() == "mine"
    done = lab("reset", "1", here=here, **NOWHERE)
    assert done.out == "signal-lab/1-shell-form/Dockerfile: written\n1-shell-form is as at the start\n"
    assert (place / "Dockerfile").read_text() == start
    assert progress(here) == {"1-shell-form": {"tries": 0, "hints": 0, "solved": False}}


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("check nope", 2, "'nope' is not a lab\n  Known labs: 1-shell-form, 2-npm-start"),
        ("check 1 --all", 2, "--all means every lab, but one is named"),
        ("check 1 2", 2, "unexpected extra argument"),
        (
            "check --dir elsewhere",
            2,
            "there are no labs in elsewhere\n  Begin with: signal-harness lab start else",
        ),
        ("check 1", 3, "no engine answers"),
        ("solution", 2, "Missing argument 'NAME'"),
        ("solution 1 --apply --dir elsewhere", 2, "there are no labs in elsewhere"),
        ("start /proc/nowhere", 2, "cannot be written"),
        ("list --dir elsewhere", 2, "there are no labs in elsewhere"),
        ("nope", 2, "No such command 'nope'"),
    ],
)
def test_what_is_wrong_is_told_before_an_engine_is_asked(here: Path, line: str, code: int, message: str) -> None:
    done = lab(*line.split(), here=here, **NOWHERE)
    assert (done.code, message in done.err) == (code, True), done.err
    assert done.out == ""


@pytest.mark.parametrize("line", ["check", "hint 1", "solution 1 --apply"])
def test_not_started_is_told_with_the_first_step(tmp_path: Path, line: str) -> None:
    done = lab(*line.split(), here=tmp_path, **NOWHERE)
    assert done.code == 2
    assert "there are no labs in signal-lab\n  Begin with: signal-harness lab start\n" in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("line", ["list", "check 1", "start", "reset 1"])
def test_broken_progress_is_told_and_never_overwritten(here: Path, line: str) -> None:
    file = here / "signal-lab" / ".progress.json"
    file.write_text('{"schema": 1, "labs": {"1-shell-form": {"tries": "many"}}}')
    before = file.read_bytes()
    done = lab(*line.split(), here=here, **NOWHERE)
    assert done.code == 2
    assert "signal-lab/.progress.json is not a valid progress file: Expected `int`" in done.err
    assert "Remove it to begin anew" in done.err
    assert file.read_bytes() == before


def test_a_removed_lab_is_told_with_how_to_get_it_back(here: Path) -> None:
    shutil.rmtree(here / "signal-lab" / "2-npm-start")
    done = lab("check", "2", here=here, **NOWHERE)
    assert done.code == 2
    assert "2-npm-start/catalogue.toml is not there" in done.err
    assert lab("start", here=here, **NOWHERE).out.startswith("signal-lab was there: 5 files added")


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "harness", "lab", "check"]
    done = subprocess.run(
        ["sh", "-c", 'mkdir gone && cd gone && rmdir ../gone && exec "$@"', "sh", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        2,
        "signal-harness: the current folder no longer exists\n  Change to an existing one.\n",
    )


@pytest.mark.parametrize(("word", "names"), [("", 16), ("3", 1), ("npm", 1), ("8-w", 1), ("nope", 0)])
def test_names_are_completed(tmp_path: Path, word: str, names: int) -> None:
    done = lab(
        here=tmp_path,
        _SIGNAL_HARNESS_COMPLETE="bash_complete",
        COMP_WORDS=f"signal-harness lab check {word}",
        COMP_CWORD="3",
    )
    assert len(done.out.split()) == names
