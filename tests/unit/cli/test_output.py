"""Where reports go: a wrong path is told before a run, a file is replaced whole, and nothing is lost."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.cli.output import Output, opened, write_all
from harness.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def refusal(target: str) -> str:
    with pytest.raises(UsageError) as caught:
        Output(target)
    assert caught.value.exit_code == 2
    return caught.value.message


def test_nowhere_is_not_wanted_and_takes_anything(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(None)
    assert not output.wanted
    assert (output.path, output.standard) == (None, False)
    output.write("text")
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("text", "out"), [("a\nb\n", "a\nb\n"), ("a\nb", "a\nb\n"), ("", "\n")])
def test_a_dash_is_standard_output_with_one_end_of_line(
    text: str, out: str, capsys: pytest.CaptureFixture[str]
) -> None:
    output = Output("-")
    assert output.wanted
    assert (output.path, output.standard) == (None, True)
    output.write(text)
    assert capsys.readouterr() == (out, "")


def test_a_file_is_written_as_it_is(tmp_path: Path) -> None:
    output = Output(str(tmp_path / "results.json"))
    assert output.wanted
    assert not output.standard
    output.write("a\r\nä👩\u200d🚀")
    assert (tmp_path / "results.json").read_bytes() == "a\r\nä👩\u200d🚀".encode()


def test_no_file_is_there_before_something_is_written(tmp_path: Path) -> None:
    Output(str(tmp_path / "results.json"))
    assert names(tmp_path) == []


def test_no_folder_is_made_for_a_file_and_the_next_step_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a b" / "c" / "results.json"
    with pytest.raises(UsageError) as caught:
        Output(str(path))
    assert caught.value.message == f"{path} cannot be written: No such file or directory"
    assert caught.value.remedy == f"Make its folder first: mkdir -p '{path.parent}'"
    assert names(tmp_path) == []


def test_a_folder_that_is_there_needs_not_be_made() -> None:
    with pytest.raises(UsageError) as caught:
        Output("/proc/results.json").write("x")
    assert (caught.value.message.partition(":")[0], caught.value.remedy) == ("/proc/results.json cannot be written", "")


def test_folders_are_made_where_they_are_ours(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "results.json"
    Output(str(path), make_folders=True).write("x")
    assert path.read_text() == "x"


@pytest.mark.parametrize("second", ["results.json", "./results.json", "link.json", "hard.json", "sub/../results.json"])
def test_two_outputs_into_one_file_are_refused(second: str, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    file = tmp_path / "results.json"
    file.write_text("old")
    (tmp_path / "link.json").symlink_to("results.json")
    (tmp_path / "hard.json").hardlink_to(file)
    with pytest.raises(UsageError, match="two formats cannot share one file"):
        opened([("json", str(file)), ("junit", str(tmp_path / second))])
    assert file.read_text() == "old"


def test_two_files_that_are_not_there_yet_are_two_unless_they_bear_one_name(tmp_path: Path) -> None:
    opened([("json", str(tmp_path / "a")), ("junit", str(tmp_path / "b")), ("svg", None), ("html", "-")])
    with pytest.raises(UsageError, match="two formats cannot share one file"):
        opened([("json", str(tmp_path / "a")), ("junit", str(tmp_path / "a"))])


def test_what_is_no_file_takes_any_number_of_outputs() -> None:
    opened([("json", "/dev/null"), ("junit", "/dev/null")])


def test_one_output_that_cannot_be_written_takes_no_other_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = [(name, Output(str(tmp_path / name))) for name in ("a", "b", "c")]
    write = Path.write_text

    def breaks(self: Path, text: str, encoding: str | None = None) -> int:
        return full(self, text) if text in "ab" else write(self, text, encoding)

    monkeypatch.setattr(Path, "write_text", breaks)
    told: list[str] = []
    with pytest.raises(UsageError) as caught:
        write_all([(name, output, lambda name=name: name) for name, output in outputs], tell=told.append)  # type: ignore[misc]
    assert caught.value.message == "\n".join(
        f"{tmp_path / name} cannot be written: No space left on device" for name in "ab"
    )
    assert told == [f"c: {tmp_path / 'c'}"]
    assert names(tmp_path) == ["c"]


def test_what_a_file_holds_stays_until_something_else_is_written(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text("old")
    output = Output(str(path))
    assert path.read_text() == "old"
    output.write("new")
    assert path.read_text() == "new"
    output.write("")
    assert path.read_text() == ""
    assert names(tmp_path) == ["results.json"]


def test_who_reads_the_old_file_reads_it_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text("old, all of it")
    with path.open() as reading:
        assert reading.read(3) == "old"
        Output(str(path)).write("new")
        assert reading.read() == ", all of it"
    assert path.read_text() == "new"


def test_a_file_is_never_there_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "results.json"
    path.write_text("old")
    output = Output(str(path))
    seen: list[str] = []
    write_text, replace = Path.write_text, Path.replace

    def writing(self: Path, text: str, encoding: str | None = None) -> int:
        done = write_text(self, text, encoding)
        seen.append(path.read_text())
        return done

    def replacing(self: Path, target: Path) -> Path:
        seen.append(self.read_text())
        return replace(self, target)

    monkeypatch.setattr(Path, "write_text", writing)
    monkeypatch.setattr(Path, "replace", replacing)
    output.write("new")
    assert seen == ["old", "new"]
    assert path.read_text() == "new"


def full(_: Path, text: str, encoding: str | None = None) -> int:
    raise OSError(28, "No space left on device")


def test_the_old_file_stays_whole_where_the_new_one_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.json"
    path.write_text("old")
    output = Output(str(path))
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises((OSError, UsageError)):
        output.write("new")
    assert path.read_text() == "old"


def test_the_old_file_stays_whole_where_the_text_is_none(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text("old")
    with pytest.raises((UnicodeEncodeError, UsageError)):
        Output(str(path)).write("new \ud800")
    assert path.read_text() == "old"


@pytest.mark.parametrize(
    ("target", "why"),
    [
        (lambda folder: folder, "Is a directory"),
        (lambda folder: folder / "file" / "x.json", "Not a directory"),
        (lambda folder: folder / "file" / "deep" / "x.json", "Not a directory"),
        (lambda folder: folder / ("x" * 300), "File name too long"),
        (lambda _: Path("/proc/nowhere/x.json"), "No such file or directory"),
    ],
)
def test_a_wrong_path_is_told_before_anything_is_written(
    target: Callable[[Path], Path], why: str, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("kept")
    path = target(tmp_path)
    assert refusal(str(path)) == f"{path} cannot be written: {why}"
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() == "kept"


def test_no_path_at_all_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert refusal("") == ". cannot be written: Is a directory"


def test_a_file_that_can_no_longer_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = Output(str(tmp_path / "results.json"))
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(UsageError, match=r"results\.json cannot be written: No space left on device"):
        output.write("new")


def test_nothing_is_left_beside_the_file_where_writing_fails(tmp_path: Path) -> None:
    with pytest.raises((UnicodeEncodeError, UsageError)):
        Output(str(tmp_path / "results.json")).write("new \ud800")
    assert names(tmp_path) == []


def test_a_name_that_is_nearly_too_long_is_written_or_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 253)
    try:
        output = Output(str(path))
    except UsageError:
        return
    output.write("new")
    assert path.read_text() == "new"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "results-1.json").write_text("old")
    link = tmp_path / "latest.json"
    link.symlink_to("results-1.json")
    Output(str(link)).write("new")
    assert link.is_symlink()
    assert (tmp_path / "results-1.json").read_text() == "new"


def test_a_link_that_leads_nowhere_yet_stays_a_link(tmp_path: Path) -> None:
    link = tmp_path / "latest.json"
    link.symlink_to("results-1.json")
    Output(str(link))
    assert link.is_symlink()
    assert names(tmp_path) == ["latest.json"]


@pytest.fixture
def pipe() -> Iterator[tuple[int, str]]:
    """A pipe: the end to read from, and the path of the other one, as a shell's `>(command)` gives it."""
    reading, writing = os.pipe()
    yield reading, f"/dev/fd/{writing}"
    os.close(reading)
    os.close(writing)


def test_a_pipe_is_written_to(pipe: tuple[int, str]) -> None:
    reading, path = pipe
    Output(path).write("new")
    assert os.read(reading, 10) == b"new"
