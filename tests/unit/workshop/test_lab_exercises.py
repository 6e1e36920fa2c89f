"""The exercises: each is whole and honest, and what is malformed is told with its place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.catalogues import load_catalogue
from harness.core.errors import UsageError
from harness.workshop.lab import exercises as module
from harness.workshop.lab.exercises import Exercise, Level, Shell, flowing, load, named
from harness.workshop.lab.readme import of_all, of_lab

LABS = load()
PACKAGED = Path(module.__file__).parent / "exercises"
each = pytest.mark.parametrize("lab", LABS, ids=[lab.key for lab in LABS])
GOALS = {
    "1-shell-form": "SIGHUP SIGTERM",
    "2-npm-start": "SIGHUP SIGTERM",
    "3-stop-signal": "stop",
    "4-entry-script": "SIGTERM stop",
    "5-no-handlers": "stop",
    "6-zombies": "SIGTERM reap",
    "7-twice": "SIGTERM reap",
    "8-wrapper": "SIGTERM stop exit-code",
}


def test_there_are_eight_from_easy_to_hard() -> None:
    assert [lab.number for lab in LABS] == list(range(1, 9))
    order = list(Level)
    assert [order.index(lab.level) for lab in LABS] == sorted(order.index(lab.level) for lab in LABS)
    assert {lab.level for lab in LABS} == set(Level)
    assert {shell for lab in LABS for shell in lab.on} == set(Shell)


def test_what_each_wants_is_what_its_catalogue_expects() -> None:
    assert {lab.key: " ".join(goal.name for goal in lab.goals) for lab in LABS} == GOALS


@each
def test_a_solution_changes_files_of_the_start(lab: Exercise) -> None:
    assert lab.solution
    assert lab.solution.keys() <= lab.start.keys() - {"catalogue.toml"}
    assert all(lab.solution[name] != lab.start[name] for name in lab.solution)


@each
def test_a_dockerfile_is_readable_and_rebuilds_from_its_last_lines_only(lab: Exercise) -> None:
    """What may need a network comes before what an attendee edits, and no edit is copied along with another file."""
    for files in (lab.start, {**lab.start, **lab.solution}):
        lines = files["Dockerfile"].decode().splitlines()
        assert lines[:2] == ["ARG BASE", "FROM ${BASE}"]
        assert max(map(len, lines)) <= 100
        steps = [line.split()[0] for line in lines if line[:1].isupper()]
        assert steps[-1] == "CMD"
        assert "RUN" not in steps or steps.index("RUN") < steps.index("COPY")
        (copy,) = [line.split()[1:-1] for line in lines if line.startswith("COPY")]
        assert set(copy) <= lab.start.keys() - {"Dockerfile", "catalogue.toml"}


@each
def test_copies_are_those_of_the_sample_app(lab: Exercise) -> None:
    app = load_catalogue(None)[0].parent / "sample_app"
    for name in lab.start.keys() & {"server.js", "package.json"}:
        assert lab.start[name] == (app / name).read_bytes()


@each
def test_hints_go_from_general_to_specific(lab: Exercise) -> None:
    assert len(lab.hints) >= 3
    added = [
        line.strip()
        for name, content in lab.solution.items()
        for line in content.decode().splitlines()
        if line not in lab.start[name].decode() and not line.startswith(("#", "//"))
    ]
    assert added
    assert not [line for line in added if len(line) > 4 and line in lab.hints[0]]


@each
def test_no_text_has_line_breaks_of_its_file_in_it(lab: Exercise) -> None:
    for one in (lab.task, lab.lesson, *lab.hints):
        for line, following in zip(one.splitlines(), one.splitlines()[1:], strict=False):
            assert not line or not following or following.startswith("- ")


def test_the_readme_of_a_lab_is_told_whole() -> None:
    assert of_lab(named(LABS, "4")) == (
        "# 4. The script that stays\n\nLevel: medium\n\n"
        "entry.sh prepares what the app needs, and starts it. No signal gets past it. Let\n"
        "SIGTERM reach the app, and `docker stop` end well. The preparation has to stay:\n"
        "the log must still say `Prepared`.\n\n"
        "What the check wants to find:\n\n"
        "- SIGTERM: forwarded, received once, the app is in control\n"
        "- stop: graceful, the app shut down within the grace period\n"
        "- SIGTERM, stop: the log says `Prepared`\n\n"
        "In this folder:\n\n"
        "    signal-harness lab check      # is it solved? if not: evidence, and a hint\n"
        "    signal-harness lab hint       # one more hint\n"
        "    signal-harness lab reset 4    # back to the start; your files are kept\n"
    )


def test_the_readme_of_all_links_each() -> None:
    page = of_all(LABS)
    assert all(f"- [{lab.number}. {lab.title}]({lab.key}/README.md) ({lab.level})\n" in page for lab in LABS)
    assert max(map(len, page.splitlines())) <= 80


@pytest.mark.parametrize("word", ["3", "stop-signal", "3-stop-signal", "3-stop-signal/", "../signal-lab/3-stop-signal"])
def test_a_lab_is_named_in_several_ways(word: str) -> None:
    assert named(LABS, word) is LABS[2]


@pytest.mark.parametrize("word", ["", "0", "9", "03", "stop", "Stop-Signal", "..", "/", "\0", "3\n"])
def test_what_names_no_lab_is_told_with_those_that_there_are(word: str) -> None:
    with pytest.raises(UsageError) as refusal:
        named(LABS, word)
    assert refusal.value.message == f"{word!r} is not a lab"
    assert refusal.value.remedy.startswith("Known labs: 1-shell-form, 2-npm-start, ")


@given(st.text())
def test_any_word_names_a_lab_or_is_refused(word: str) -> None:
    try:
        lab = named(LABS, word)
    except UsageError:
        return
    assert Path(word).name in (str(lab.number), lab.name, lab.key)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("\none\ntwo\n", "one two"),
        ("one\n\ntwo\nthree", "one\n\ntwo three"),
        ("is to\n\n- do this\n  and that,\n- end\n\nAnd rest.", "is to\n\n- do this and that,\n- end\n\nAnd rest."),
        ("", ""),
    ],
)
def test_texts_flow(written: str, read: str) -> None:
    assert flowing(written) == read
    assert flowing(read) == read


class TestMalformed:
    """A lab that is not as it should be, each wrong in one way."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        """The folder of one lab, well-formed."""
        shutil.copytree(PACKAGED / "4-entry-script", tmp_path / "4-entry-script")
        assert [lab.key for lab in load(tmp_path)] == ["4-entry-script"]
        return tmp_path / "4-entry-script"

    def refused(self, place: Path) -> str:
        with pytest.raises(UsageError) as refusal:
            load(place.parent)
        return refusal.value.message.replace(f"{place}", "LAB")

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ('title = "', 'colour = "red"\ntitle = "', "LAB/lab.toml: unknown key 'colour'"),
            ('level = "medium"', 'level = "tricky"', "LAB/lab.toml, level: invalid enum value 'tricky'"),
            ('on = ["dash"]', 'on = ["fish"]', "LAB/lab.toml, on 1: invalid enum value 'fish'"),
            ('on = ["dash"]', "on = []", "LAB/lab.toml: a lab needs goals, a shell, hints, and no empty text"),
            ('on = ["dash"]\n', "", "LAB/lab.toml: on is missing"),
            ("SIGTERM = [", "SIGHUP = [", "LAB/lab.toml: keeps names SIGHUP, which is not a goal"),
            ("title = ", "title == ", "LAB/lab.toml is not valid TOML: "),
            ('"server.js"', '"nothing.js"', "LAB/lab.toml: [Errno 2] No such file or directory: "),
        ],
    )
    def test_a_fault_in_the_lab_is_told_with_its_place(self, place: Path, old: str, new: str, message: str) -> None:
        file = place / "lab.toml"
        before = file.read_text()
        assert old in before
        file.write_text(before.replace(old, new))
        assert self.refused(place).startswith(message)

    def test_a_catalogue_of_another_variant(self, place: Path) -> None:
        file = place / "start" / "catalogue.toml"
        file.write_text(file.read_text().replace('name = "entry-script"', 'name = "other"'))
        assert self.refused(place) == "LAB: start/catalogue.toml must have one variant, entry-script"

    def test_a_catalogue_without_goals(self, place: Path) -> None:
        file = place / "start" / "catalogue.toml"
        file.write_text(file.read_text().replace('"always"', '"depends"'))
        assert self.refused(place) == "LAB/lab.toml: a lab needs goals, a shell, hints, and no empty text"

    def test_a_lab_without_a_solution(self, place: Path) -> None:
        shutil.rmtree(place / "solution")
        assert self.refused(place).startswith("LAB/lab.toml: [Errno 2] No such file or directory: ")

    @pytest.mark.parametrize("name", ["entry-script", "04-entry-script", "4-Entry", "4"])
    def test_a_folder_of_no_such_name(self, place: Path, name: str) -> None:
        moved = place.rename(place.parent / name)
        assert self.refused(moved) == "LAB is not a lab folder"
