"""What the shells read from files that a user names: recordings, lists of bases, and paths as results carry them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.core.baseline import recordings
from harness.core.errors import UsageError
from harness.core.verdict import Verdict
from harness.files import read_file, read_list, read_recordings, shown
from harness.report.baseline import write
from harness.report.json import render as as_json
from tests.support.evidence import changed
from tests.support.reports import BASE, DEBIAN, FACTS, FORWARDED, SWALLOWED, finding, recording, report, result

if TYPE_CHECKING:
    from pathlib import Path

MUSL = recording({("v", "SIGTERM"): finding(Verdict.FORWARDED, "node server.js")})
DASH = recording({("v", "SIGTERM"): finding(Verdict.SWALLOWED, "sh", "node server.js")}, base=DEBIAN)
REPORT = changed(
    report(result("v", FORWARDED), result("v", SWALLOWED, base="node:24")),
    bases={BASE: FACTS, "node:24": changed(FACTS, reference="node:24")},
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of two baselines."""
    (tmp_path / "musl-node24.json").write_text(write(MUSL))
    (tmp_path / "debian12-node24.json").write_text(write(DASH))
    return tmp_path


def refusal(path: Path) -> UsageError:
    with pytest.raises(UsageError) as caught:
        read_recordings(path)
    assert caught.value.exit_code == 2
    return caught.value


def test_without_a_path_nothing_is_recorded() -> None:
    assert read_recordings(None) == ()


def test_a_baseline_is_one_recording(folder: Path) -> None:
    assert read_recordings(folder / "musl-node24.json") == (MUSL,)


def test_a_folder_is_all_its_baselines_in_the_order_of_their_names(folder: Path) -> None:
    (folder / "README.md").write_text("none of ours")
    (folder / "deeper").mkdir()
    (folder / "deeper" / "other.json").write_text("none of ours")
    assert read_recordings(folder) == (DASH, MUSL)


def test_a_results_file_is_a_recording_of_each_base(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(as_json(REPORT))
    assert read_recordings(path) == recordings(REPORT)


def test_a_results_file_of_nothing_has_recorded_nothing(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(as_json(report()))
    assert read_recordings(path) == ()


def test_a_folder_without_a_baseline_is_told(tmp_path: Path) -> None:
    told = refusal(tmp_path)
    assert told.message == f"{tmp_path} holds no baseline"
    assert told.remedy == "Record one: signal-harness baseline update"


def test_a_results_file_among_baselines_is_told_by_its_name(folder: Path) -> None:
    path = folder / "results.json"
    path.write_text(as_json(REPORT))
    assert refusal(folder).message == f"{path} is not a baseline: it holds results"


def test_a_broken_baseline_among_others_is_told_with_its_place(folder: Path) -> None:
    path = folder / "musl-node24.json"
    path.write_text(path.read_text()[:-3])
    assert refusal(folder).message.startswith(f"{path}:")


def test_a_folder_in_the_place_of_a_baseline_is_told(folder: Path) -> None:
    (folder / "x.json").mkdir()
    assert refusal(folder).message == f"{folder / 'x.json'} cannot be read: Is a directory"


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "none.json"
    assert refusal(path).message == f"{path} cannot be read: No such file or directory"
    assert refusal(path / "x").message == f"{path / 'x'} cannot be read: No such file or directory"


def test_a_link_that_leads_nowhere_is_told(folder: Path) -> None:
    (folder / "x.json").symlink_to("nowhere")
    assert refusal(folder).message == f"{folder / 'x.json'} cannot be read: No such file or directory"


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\x00\xff\r\n")
    assert read_file(path) == b"\x00\xff\r\n"


def test_what_cannot_be_read_is_told_in_the_words_of_the_system(tmp_path: Path) -> None:
    for path, why in ((tmp_path, "Is a directory"), (tmp_path / "x", "No such file or directory")):
        with pytest.raises(UsageError) as caught:
            read_file(path)
        assert caught.value.message == f"{path} cannot be read: {why}"


# Lists of bases.


def listed(folder: Path, content: bytes) -> list[str]:
    file = folder / "bases.txt"
    file.write_bytes(content)
    return read_list(file)


@pytest.mark.parametrize(
    ("content", "bases"),
    [
        (b"node:24-alpine", ["node:24-alpine"]),
        (b"node:24-alpine\nlocal:musl-node24\n", ["node:24-alpine", "local:musl-node24"]),
        (b"# all of them\n\n  node:24  # the newest\n\t\nnode:22#\n", ["node:24", "node:22"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"b\na\nb\n", ["b", "a", "b"]),
        (b"node:2*\n", ["node:2*"]),
        (b"n\xc3\xb6de\n", ["n\u00f6de"]),
        (b"n\xffde\n", ["n\ufffdde"]),
    ],
)
def test_a_list_has_one_base_a_line(content: bytes, bases: list[str], tmp_path: Path) -> None:
    assert listed(tmp_path, content) == bases


@pytest.mark.parametrize("content", [b"", b"\n\n", b"# node:24\n", b"   \n#"])
def test_a_list_of_nothing_is_told(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        listed(tmp_path, content)
    assert caught.value.message == f"{tmp_path / 'bases.txt'} names no base"
    assert caught.value.remedy == "One base per line, such as node:24-alpine."


def test_a_list_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file or directory"):
        read_list(tmp_path / "bases.txt")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary() | st.text().map(str.encode))
def test_any_list_is_read_or_refused(content: bytes, tmp_path: Path) -> None:
    try:
        bases = listed(tmp_path, content)
    except UsageError:
        bases = ["none"]
    assert bases
    assert all(base.strip() == base and base and "#" not in base for base in bases)


# Paths as results carry them.


def test_a_path_below_the_working_directory_is_shown_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shown(tmp_path / "dockerfiles" / "v.Dockerfile") == "dockerfiles/v.Dockerfile"
    assert shown(tmp_path / "a" / ".." / "v.Dockerfile") == "v.Dockerfile"


def test_a_path_elsewhere_is_shown_with_its_folders_name_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert shown(tmp_path / "secret" / "dockerfiles" / "v.Dockerfile") == "dockerfiles/v.Dockerfile"
    assert shown(tmp_path / "hereafter" / "v.Dockerfile") == "hereafter/v.Dockerfile"


def test_the_mark_of_utf_8_is_no_part_of_a_base(tmp_path: Path) -> None:
    assert listed(tmp_path, b"\xef\xbb\xbfnode:24\nnode:22\n") == ["node:24", "node:22"]


def test_a_path_that_is_too_long_is_told(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path / ("x" * 300)).message
