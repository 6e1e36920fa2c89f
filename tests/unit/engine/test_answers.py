"""Answers that are kept: found again for the same question alone, and no file or folder is ever in the way."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.engine.answers import Answers, Question

ASKED = Question(
    image="sha256:b", platform="linux/amd64", engine="Docker Engine", architecture="amd64", container={"command": ["x"]}
)
TEXT = "os=debian 12\nwhole=yes\n"

KEEPS = """
import sys
from pathlib import Path
from harness.engine.answers import Answers
from tests.unit.engine.test_answers import ASKED
answers = Answers(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for turn in range(200):
    answers.keep(ASKED, sys.argv[2] * 2000)
    found = answers.find(ASKED)
    assert found in ("a" * 2000, "b" * 2000), found
"""


def file_of(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
def test_what_is_kept_is_found_word_for_word_by_the_next_process(text: str, tmp_path: Path) -> None:
    Answers(tmp_path / "a" / "b").keep(ASKED, text)
    assert Answers(tmp_path / "a" / "b").find(ASKED) == text


@pytest.mark.parametrize(
    "other",
    [
        replace(ASKED, image="sha256:c"),
        replace(ASKED, platform="linux/arm64"),
        replace(ASKED, engine="Podman"),
        replace(ASKED, architecture="arm64"),
        replace(ASKED, container={"command": ["y"]}),
        replace(ASKED, container={"command": ["x"], "host_config": {"PidsLimit": 16}}),
    ],
)
def test_another_question_has_no_answer_yet(other: Question, tmp_path: Path) -> None:
    answers = Answers(tmp_path)
    answers.keep(ASKED, TEXT)
    assert answers.find(other) is None
    answers.keep(other, "other")
    assert (answers.find(ASKED), answers.find(other)) == (TEXT, "other")


def test_the_order_of_what_a_container_gets_makes_no_other_question() -> None:
    one, other = (replace(ASKED, container=dict(order)) for order in ([("a", 1), ("b", 2)], [("b", 2), ("a", 1)]))
    assert one.digest == other.digest


def test_without_a_folder_nothing_is_kept() -> None:
    answers = Answers(None)
    answers.keep(ASKED, TEXT)
    assert answers.find(ASKED) is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[" * 100_000,
        b'{"question": "DIGEST"}',
        b'{"question": "DIGEST", "text": 1}',
        b'{"question": "DIGEST", "text": "\xff"}',
        b'{"question": "DIGEST", "text": "os=a", "more": 1}',
        b'{"question": "another", "text": "os=a"}',
        b'{"question": "DIGEST", "text": "os=a"',
    ],
)
def test_a_file_of_another_form_is_no_answer_and_is_replaced(content: bytes, tmp_path: Path) -> None:
    answers = Answers(tmp_path)
    answers.keep(ASKED, TEXT)
    file_of(tmp_path).write_bytes(content.replace(b"DIGEST", ASKED.digest.encode()))
    assert answers.find(ASKED) is None
    answers.keep(ASKED, TEXT)
    assert answers.find(ASKED) == TEXT


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary())
def test_any_file_is_an_answer_or_none(content: bytes, tmp_path: Path) -> None:
    (tmp_path / f"{ASKED.digest}.json").write_bytes(content)
    assert Answers(tmp_path).find(ASKED) is None


def test_the_whole_of_a_file_is_its_answer(tmp_path: Path) -> None:
    Answers(tmp_path).keep(ASKED, TEXT)
    assert msgspec.json.decode(file_of(tmp_path).read_bytes()) == {"question": ASKED.digest, "text": TEXT}


def test_what_is_very_long_is_not_kept(tmp_path: Path) -> None:
    answers = Answers(tmp_path)
    answers.keep(ASKED, "x" * 65_537)
    assert answers.find(ASKED) is None
    answers.keep(ASKED, "x" * 65_536)
    assert answers.find(ASKED) == "x" * 65_536


def test_where_a_folder_cannot_be_made_or_a_file_replaced_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/none")):
        Answers(folder).keep(ASKED, TEXT)
        assert Answers(folder).find(ASKED) is None
    (tmp_path / "taken" / f"{ASKED.digest}.json" / "x").mkdir(parents=True)
    Answers(tmp_path / "taken").keep(ASKED, TEXT)
    assert Answers(tmp_path / "taken").find(ASKED) is None
    assert [path.name for path in (tmp_path / "taken").iterdir()] == [f"{ASKED.digest}.json"]


def test_threads_may_keep_the_same_at_once(tmp_path: Path) -> None:
    answers = Answers(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: answers.keep(ASKED, TEXT), range(64)))
    assert answers.find(ASKED) == TEXT
    assert file_of(tmp_path).name == f"{ASKED.digest}.json"


def test_two_processes_at_once_leave_one_whole_answer(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    begun = [
        subprocess.Popen(
            [sys.executable, "-c", KEEPS, str(tmp_path), letter],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=root,
        )
        for letter in "ab"
    ]
    for process in begun:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
    for process in begun:
        process.communicate(b"\n", timeout=60)
    assert [process.returncode for process in begun] == [0, 0]
    assert Answers(tmp_path).find(ASKED) in ("a" * 2000, "b" * 2000)
    assert file_of(tmp_path).name == f"{ASKED.digest}.json"
