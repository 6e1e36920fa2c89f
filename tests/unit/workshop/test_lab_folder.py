"""The attendee's folder: found from anywhere in it, completed, and never written over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.core.errors import UsageError
from harness.workshop.lab.exercises import load
from harness.workshop.lab.folder import (
    Replaced,
    Written,
    find,
    look_for,
    meant,
    read_progress,
    record,
    replace,
    save_progress,
    start,
    state_of,
)
from harness.workshop.lab.progress import State

LABS = load()
FIRST, SCRIPTED = LABS[0], LABS[3]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder just begun."""
    place = tmp_path / "signal-lab"
    start(place, LABS)
    return place


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_all_that_a_lab_begins_with_is_written_and_no_solution(folder: Path) -> None:
    found = contents(folder)
    wanted = {f"{lab.key}/{name}": content for lab in LABS for name, content in lab.start.items()}
    readmes = {"README.md", *(f"{lab.key}/README.md" for lab in LABS)}
    assert found.keys() == wanted.keys() | readmes | {".progress.json"}
    assert {name: found[name] for name in wanted} == wanted
    assert read_progress(folder, LABS) == {}


def test_scripts_can_be_run(folder: Path) -> None:
    assert os.access(folder / "4-entry-script" / "entry.sh", os.X_OK)
    assert not os.access(folder / "4-entry-script" / "server.js", os.X_OK)


def test_a_second_start_adds_what_is_missing_and_nothing_else(folder: Path) -> None:
    mine = {"1-shell-form/Dockerfile": b"mine", "README.md": b"my notes", "2-npm-start/extra": b"x"}
    for name, content in mine.items():
        (folder / name).write_bytes(content)
    save_progress(folder, {"1-shell-form": State(tries=1)})
    before = contents(folder)
    (folder / "3-stop-signal" / "server.js").unlink()
    files = len(before) - 2  # the progress and the extra file are none of those that are counted
    assert start(folder, LABS) == Written(added=1, left=files - 1)
    assert contents(folder) == before


def test_a_start_that_was_cut_off_is_completed(folder: Path) -> None:
    whole = contents(folder)
    (folder / ".progress.json").unlink()
    (folder / "8-wrapper" / "run.sh").unlink()
    assert start(folder, LABS).added == 1
    assert contents(folder) == whole


def test_a_link_that_leads_nowhere_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "README.md").symlink_to("/nowhere")
    start(tmp_path, LABS)
    assert not (tmp_path / "README.md").exists()


@pytest.mark.parametrize("place", ["taken", "taken/below"])
def test_a_start_where_nothing_can_be_written_is_told(tmp_path: Path, place: str) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(UsageError) as refusal:
        start(tmp_path / place, LABS)
    assert "cannot be written" in refusal.value.message


def test_broken_progress_is_told_and_stays_as_it_is(folder: Path) -> None:
    file = folder / ".progress.json"
    file.write_text("{broken")
    for attempt in (
        lambda: start(folder, LABS),
        lambda: read_progress(folder, LABS),
        lambda: record(folder, LABS, FIRST, lambda _: State(tries=9)),
    ):
        with pytest.raises(UsageError) as refusal:
            attempt()
        assert refusal.value.message.startswith(f"{file} is not a valid progress file")
    assert file.read_text() == "{broken"


def test_progress_that_cannot_be_read_or_written_is_told(folder: Path) -> None:
    (folder / ".progress.json").unlink()
    (folder / ".progress.json").mkdir()
    with pytest.raises(UsageError, match=r"\.progress\.json cannot be read: Is a directory"):
        read_progress(folder, LABS)
    with pytest.raises(UsageError, match="cannot be written"):
        save_progress(folder, {})
    assert [path.name for path in folder.glob(".progress*")] == [".progress.json"]


def test_one_lab_is_recorded_beside_what_others_have_recorded_since(folder: Path) -> None:
    save_progress(folder, {"2-npm-start": State(solved=True)})
    progress = record(folder, LABS, FIRST, lambda before: before.failed(FIRST))
    assert progress == {"2-npm-start": State(solved=True), "1-shell-form": State(tries=1, hints=1)}
    assert read_progress(folder, LABS) == progress


class TestFinding:
    def test_from_anywhere_in_it(self, folder: Path) -> None:
        deep = folder / "1-shell-form" / "some" / "where"
        deep.mkdir(parents=True)
        for here in (folder, folder / "1-shell-form", deep):
            assert look_for(None, here=here) == folder

    def test_beside_it(self, folder: Path) -> None:
        assert find(None, here=folder.parent) == folder

    def test_the_one_that_is_chosen_goes_before_the_one_around(self, folder: Path, tmp_path: Path) -> None:
        other = tmp_path / "other"
        start(other, LABS)
        assert find(other, here=folder) == other

    def test_where_there_is_none_the_next_step_is_told(self, tmp_path: Path) -> None:
        for chosen, told, remedy in (
            (None, "signal-lab", "Begin with: signal-harness lab start"),
            (tmp_path, str(tmp_path), f"Begin with: signal-harness lab start {tmp_path}"),
        ):
            with pytest.raises(UsageError) as refusal:
                find(chosen, here=tmp_path)
            assert refusal.value.message == f"there are no labs in {told}"
            assert refusal.value.remedy == remedy

    def test_a_lab_that_was_removed_is_told(self, folder: Path) -> None:
        assert state_of(folder, FIRST) == folder / "1-shell-form"
        (folder / "1-shell-form" / "catalogue.toml").unlink()
        with pytest.raises(UsageError) as refusal:
            state_of(folder, FIRST)
        assert refusal.value.message == f"{folder}/1-shell-form/catalogue.toml is not there"
        assert refusal.value.remedy.endswith(f"signal-harness lab start {folder}")


class TestWhichIsMeant:
    def meant(self, folder: Path, here: Path, text: str | None = None, **solved: bool) -> str:
        progress = {LABS[int(name[1:]) - 1].key: State(solved=done) for name, done in solved.items()}
        return meant(text, LABS, progress, folder=folder, here=here).key

    def test_the_named_one(self, folder: Path) -> None:
        assert self.meant(folder, folder / "1-shell-form", "5") == "5-no-handlers"

    def test_else_the_one_around(self, folder: Path) -> None:
        deep = folder / "3-stop-signal" / "deep"
        deep.mkdir()
        assert self.meant(folder, deep, _3=True) == "3-stop-signal"

    def test_through_a_link_too(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "link").symlink_to(folder)
        assert self.meant(folder, tmp_path / "link" / "2-npm-start") == "2-npm-start"

    def test_else_the_first_that_is_not_solved(self, folder: Path) -> None:
        for here in (folder, folder.parent, Path("/")):
            assert self.meant(folder, here, _1=True) == "2-npm-start"

    def test_none_if_all_are_solved(self, folder: Path) -> None:
        with pytest.raises(UsageError) as refusal:
            self.meant(folder, folder, **{f"_{number}": True for number in range(1, 9)})
        assert refusal.value.message == "all labs are solved"
        assert refusal.value.remedy == "Name one, or check all again: signal-harness lab check --all"


class TestReplacing:
    def test_what_is_as_it_was_needs_no_copy(self, folder: Path) -> None:
        file = folder / "4-entry-script" / "entry.sh"
        assert replace(folder, SCRIPTED, SCRIPTED.solution) == (Replaced(file=file, copy=None),)
        assert file.read_bytes() == SCRIPTED.solution["entry.sh"]
        assert os.access(file, os.X_OK)
        assert replace(folder, SCRIPTED, SCRIPTED.solution) == ()
        assert replace(folder, SCRIPTED, SCRIPTED.start) == (Replaced(file=file, copy=None),)
        assert file.read_bytes() == SCRIPTED.start["entry.sh"]

    def test_every_work_of_the_attendee_is_kept(self, folder: Path) -> None:
        file = folder / "4-entry-script" / "entry.sh"
        for number, text in enumerate((b"first", b"second", b"#!/bin/sh\nthird"), start=1):
            file.write_bytes(text)
            (one,) = replace(folder, SCRIPTED, SCRIPTED.start)
            assert one.copy == file.with_name(f"entry.sh.mine{'' if number == 1 else f'.{number}'}")
            assert one.copy.read_bytes() == text
        file.write_bytes(b"second")
        (one,) = replace(folder, SCRIPTED, SCRIPTED.start)
        assert one.copy == file.with_name("entry.sh.mine.2"), "the same text is not kept twice"

    def test_a_copy_goes_past_whatever_has_its_name(self, folder: Path) -> None:
        file = folder / "1-shell-form" / "Dockerfile"
        file.write_bytes(b"mine")
        file.with_name("Dockerfile.mine").mkdir()
        (one,) = replace(folder, FIRST, FIRST.start)
        assert one.copy == file.with_name("Dockerfile.mine.2")

    def test_what_was_removed_comes_back_and_other_files_stay(self, folder: Path) -> None:
        place = folder / "1-shell-form"
        (place / "notes.txt").write_text("mine")
        (place / "server.js").unlink()
        assert replace(folder, FIRST, FIRST.start) == (Replaced(file=place / "server.js", copy=None),)
        assert (place / "notes.txt").read_text() == "mine"

    def test_what_cannot_be_written_is_told(self, folder: Path) -> None:
        file = folder / "1-shell-form" / "Dockerfile"
        file.unlink()
        file.mkdir()
        with pytest.raises(UsageError, match="Dockerfile cannot be written: Is a directory"):
            replace(folder, FIRST, FIRST.start)
