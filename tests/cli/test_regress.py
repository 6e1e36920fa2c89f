"""Baselines, diffs, bisections and reports as a user asks for them: codes, messages, and what goes where."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import docker
import pytest

from harness.core.document import Cut
from harness.report.json import render as as_json
from tests.support.command import command
from tests.support.evidence import changed
from tests.support.reports import BASE, ENGINE, FACTS, FORWARDED, SWALLOWED, UNTESTED, report, result, with_programs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.core.document import Row
    from harness.core.facts import BaseFacts

pytestmark = pytest.mark.cli

NOWHERE = "unix:///nowhere/docker.sock"
ON = ("--on", "local:musl-node22")
COLOUR = re.compile(r"\x1b\[[0-9;]*\b(?:3[0-9]|4[0-9]|9[0-7]|10[0-7])(?:;[0-9;]*)?m")
LONG = (
    "registry.example.com:5000/a-team/with/a/rather/deep/structure/and-a-name-that-takes-up-its-room/node:24.11.1-lts"
)
COMMANDS = ("run", "explain", "baseline update", "baseline check", "diff", "bisect", "report")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results, baselines and what is neither, in one folder."""
    folder = tmp_path_factory.mktemp("files")
    old = (result("npm-start", FORWARDED), result("tini", FORWARDED), result("no-handlers", SWALLOWED))
    new = (result("npm-start", SWALLOWED), result("tini", FORWARDED), result("no-handlers", SWALLOWED))
    written = {
        "old": document(*old),
        "new": document(*new, facts=with_programs(changed(FACTS, id="sha256:def"), {"npm": "11.7.0"})),
        "untested": document(result("npm-start", UNTESTED), *old[1:]),
        "fewer": document(*old[:2]),
        "elsewhere": document(*old, kernel="6.1"),
        "two": merged("local:musl-node20", "local:musl-node22"),
        "one of two": merged("local:musl-node22"),
        "others": merged("local:debian12-node20", "local:debian12-node22"),
        "long": document(*(replace_base(row, LONG) for row in old), facts=changed(FACTS, reference=LONG)),
        "cut short": as_json(changed(report(*old), cut=Cut(planned=9, reason="interrupted", exit_code=130))),
        "nothing": document(),
        "list": "[1]\n",
        "future": '{"schema": 99, "results": []}\n',
        "foreign": '{"name": "something else"}\n',
    }
    for name, text in written.items():
        (folder / f"{name}.json").write_text(text)
    (folder / "cut.json").write_text(written["old"][:-100])
    (folder / "empty.txt").write_text("# none\n\n")
    (folder / "one.txt").write_text("node:24  # one\n")
    (folder / "nobody").mkdir()
    done = command("baseline", "update", "--from", str(folder / "old.json"), "--dir", str(folder / "baselines"))
    assert done.returncode == 0, done.stderr
    (baseline,) = (folder / "baselines").iterdir()
    text = baseline.read_text()
    (folder / "baseline.json").write_text(text)
    (folder / "half.json").write_text(text[: len(text) // 2])
    (folder / "edited.json").write_text(text.replace('"forwarded"', '"swallowed"', 1).replace("  ", "    "))
    (folder / "strange.json").write_text(text.replace("npm-start/SIGTERM", "npm-start/SIGNOTHING"))
    (folder / "unsure.json").write_text(text.replace('"forwarded"', '"perhaps"', 1))
    taken = folder / "taken"
    taken.mkdir()
    (taken / baseline.name).write_text(text.replace(BASE, "local:musl_node24"))
    return folder


def document(*results: Row, facts: BaseFacts = FACTS, kernel: str = ENGINE.kernel) -> str:
    return as_json(report(*results, facts=facts, engine=changed(ENGINE, kernel=kernel)))


def replace_base(row: Row, base: str) -> Row:
    return changed(row, base=base)


def merged(*bases: str) -> str:
    """Results of several bases in one document."""
    whole = report(*(result("tini", FORWARDED, base=base) for base in bases))
    return as_json(changed(whole, bases={base: changed(FACTS, reference=base) for base in bases}))


def told(*words: str, files: Path) -> subprocess.CompletedProcess[str]:
    """Run a command without an engine; its words may name files of the folder as ``@name``."""
    return command(*placed(words, files), DOCKER_HOST=NOWHERE)


def placed(words: tuple[str, ...], files: Path) -> list[str]:
    return [word.replace("@", f"{files}/") for word in words]


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("run --baseline @nowhere.json", 2, "nowhere.json cannot be read: No such file"),
        ("run --baseline @nobody", 2, "nobody holds no baseline"),
        ("run --baseline @cut.json", 2, "not valid JSON"),
        ("run --baseline @half.json", 2, "not valid JSON"),
        ("run --baseline @list.json", 2, "is not a file of signal-harness"),
        ("run --baseline @foreign.json", 2, "it names no schema"),
        ("run --baseline @future.json", 2, "has schema 99"),
        ("run --baseline @strange.json", 2, "'npm-start/SIGNOTHING' is not a cell"),
        ("run --baseline @unsure.json", 2, "Invalid enum value 'perhaps'"),
        ("run --json - --junit -", 2, "two formats cannot share standard output"),
        ("run --json - --markdown - --html -", 2, "two formats cannot share standard output"),
        ("run --json @nobody", 2, "nobody cannot be written: Is a directory"),
        ("run --html /proc/nowhere/report.html", 2, "cannot be written"),
        ("run --table sideways", 2, "'sideways' is not one of"),
        ("run --pull sometimes", 2, "'sometimes' is not one of"),
        ("run --base-file @nowhere.txt", 2, "nowhere.txt cannot be read"),
        ("run --base-file @empty.txt", 2, "empty.txt names no base"),
        ("run --base-file @nobody", 2, "nobody cannot be read: Is a directory"),
        ("run --baseline @old.json", 3, "no engine answers"),
        ("run --base-file @one.txt", 3, "no engine answers"),
    ],
)
def test_run_is_told_what_is_wrong(files: Path, line: str, code: int, message: str) -> None:
    done = told(*line.split(), files=files)
    assert (done.returncode, message in done.stderr) == (code, True), done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("baseline", 2, "Usage: signal-harness baseline"),
        ("baseline update --variant nope --dir @new-folder", 2, "no variant matches 'nope'"),
        ("baseline update --base-file @empty.txt", 2, "empty.txt names no base"),
        ("baseline update --dir @old.json", 2, "is a file"),
        ("baseline update --from @nowhere.json", 2, "nowhere.json cannot be read"),
        ("baseline update --from @baseline.json", 2, "baseline.json is not a results file: it holds cells"),
        ("baseline update --from @cut.json", 2, "not valid JSON"),
        ("baseline update --from @nothing.json", 2, "nothing.json holds no result"),
        ("baseline update --from @old.json --dir @taken", 2, f"is the baseline of local:musl_node24, not of {BASE}"),
        ("baseline update --from @old.json --dir /proc/nowhere", 2, "cannot be written"),
        ("baseline update --dir @new-folder", 3, "no engine answers"),
        ("baseline check @nowhere.json", 2, "nowhere.json cannot be read"),
        ("baseline check @old.json", 2, "old.json is not a baseline: it holds results"),
        ("baseline check @baseline.json @half.json", 2, "half.json:"),
        ("baseline check @edited.json", 2, "edited.json is not as `baseline update` writes it"),
        ("baseline check @strange.json", 2, "'npm-start/SIGNOTHING' is not a cell"),
        ("baseline check @nobody", 2, "nobody cannot be read: Is a directory"),
    ],
)
def test_baseline_is_told_what_is_wrong(files: Path, line: str, code: int, message: str) -> None:
    done = told(*line.split(), files=files)
    assert (done.returncode, message in done.stderr + done.stdout) == (code, True), done.stderr
    assert not (files / "new-folder").exists()


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("diff @old.json", 2, "Missing argument 'NEW'"),
        ("diff @old.json @nowhere.json", 2, "nowhere.json cannot be read"),
        ("diff @old.json @nowhere/", 2, "nowhere cannot be read"),
        ("diff @cut.json @old.json", 2, "cut.json:"),
        ("diff @old.json @half.json", 2, "half.json:"),
        ("diff @old.json @list.json", 2, "is not a file of signal-harness"),
        ("diff @old.json @future.json", 2, "This version of signal-harness reads schemas 1 and 2"),
        ("diff @old.json @nothing.json", 2, "nothing.json holds no result"),
        ("diff @nobody @old.json", 2, "nobody holds no baseline"),
        ("diff @two.json @others.json", 2, "which to compare with which?"),
        ("diff @old.json @new.json --fail-on sometimes", 2, "'sometimes' is not one of 'worse', 'any', 'never'"),
        ("diff @old.json @new.json --json /proc/nowhere/change.json", 2, "cannot be written"),
        ("diff @old.json @new.json --json @nobody", 2, "nobody cannot be written"),
        ("diff @old.json @new.json --variant nope", 2, "no cell is left to compare"),
        ("diff @old.json no-such-image/*", 2, "'no-such-image/*' is not an image"),
        ("diff local:musl-* node:24", 2, "'local:musl-*' is not an image"),
        ("diff @old.json node:24", 3, "no engine answers"),
        ("diff node:22 node:24 --variant nope", 2, "no variant matches 'nope'"),
        ("diff node:22 node:24 --signal KILL", 2, "cannot be caught"),
    ],
)
def test_diff_is_told_what_is_wrong(files: Path, line: str, code: int, message: str) -> None:
    done = told(*line.split(), files=files)
    assert (done.returncode, message in done.stderr) == (code, True), done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("npm-start",), 2, "Missing argument"),
        (("npm-start", "TERM"), 2, "a bisection needs exactly one list of bases"),
        (("npm-start", "TERM", "--base", "a"), 2, "give at least two bases"),
        (("npm-start", "TERM", "--base", "a", "--base", "a"), 2, "give at least two bases"),
        (("npm-start", "TERM", "--base-file", "@one.txt"), 2, "give at least two bases"),
        (("npm-start", "TERM", "--base-file", "@empty.txt"), 2, "empty.txt names no base"),
        (("npm-start", "TERM", "--base", "a", "--base", "b", "--npm", "9..10", *ON), 2, "exactly one list of bases"),
        (("npm-start", "TERM", "--npm", "9..10", "--node", "20..22", *ON), 2, "exactly one list of bases"),
        (("npm-start", "TERM", "--base-file", "@one.txt", "--node", "20..22", *ON), 2, "exactly one list of bases"),
        (("npm-start", "TERM", "--npm", "9..10"), 2, "--npm and --node need a base to install on"),
        (("npm-start", "TERM", "--node", "20..22"), 2, "--npm and --node need a base to install on"),
        (("npm-start", "TERM", "--npm", "9..10", "--on", "node:22"), 2, "'node:22' is not a recipe for a local base"),
        (("npm-start", "TERM", "--npm", "9..10", "--on", "local:plan9-node22"), 2, "is not an operating system"),
        (("npm-start", "TERM", "--npm", "9.6.5", *ON), 2, "'9.6.5' is not a range of versions"),
        (("npm-start", "TERM", "--npm", "9-10", *ON), 2, "'9-10' is not a range of versions"),
        (("npm-start", "TERM", "--npm", "..10", *ON), 2, "'..10' is not a range of versions"),
        (("npm-start", "TERM", "--npm", "9..latest", *ON), 2, "'9..latest' is not a range of versions"),
        (("npm-start", "TERM", "--npm", "9.7.0..9.6.5", *ON), 2, "'9.7.0..9.6.5' ends before it begins"),
        (("npm-start", "TERM", "--npm", "10..9", *ON), 2, "'10..9' ends before it begins"),
        (("npm-start", "FOO", "--base", "a", "--base", "b"), 2, "'FOO' is not a signal"),
        (("npm-start", "KILL", "--base", "a", "--base", "b"), 2, "cannot be caught"),
        (("nope", "TERM", "--base", "a", "--base", "b"), 2, "no variant matches 'nope'"),
        (("npm-*", "TERM", "--base", "a", "--base", "b"), 2, "one variant can be bisected at a time"),
        (("npm-start", "TERM", "--base", "a", "--base", "b", "--gap", "0"), 2, "0 is not in the range"),
        (("npm-start", "TERM", "--base", "a", "--base", "b", "--jobs", "0"), 2, "0 is not in the range"),
        (("npm-start", "TERM", "--base", "a", "--base", "b"), 3, "no engine answers"),
        (("npm-start", "all", "--base", "a", "--base", "b"), 2, "'all' is more than one signal"),
        (("npm-start", "TERM", "--node", "22..20", *ON), 2, "'22..20' ends before it begins"),
        (("npm-start", "TERM", "--node", "some..all", *ON), 2, "'some..all' is not a range of versions"),
        (("npm-start", "TERM", "--base", "a", "--base", "b", *ON), 2, "--on is for --npm and --node"),
    ],
)
def test_bisect_is_told_what_is_wrong(files: Path, words: tuple[str, ...], code: int, message: str) -> None:
    done = told("bisect", *words, files=files)
    assert (done.returncode, message in done.stderr) == (code, True), done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("report", 2, "Missing argument 'RESULTS'"),
        ("report @old.json", 2, "Missing option '--to'"),
        ("report @old.json --to nonsense", 2, "'nonsense' is not a format: json, junit, markdown, html, sarif"),
        ("report @old.json --to nonsense=@nonsense.txt", 2, "'nonsense' is not a format"),
        ("report @old.json --to json --to json=-", 2, "two formats cannot share standard output"),
        ("report @old.json --to json --to junit", 2, "two formats cannot share standard output"),
        ("report @old.json --to json=/proc/nowhere/results.json", 2, "cannot be written"),
        ("report @old.json --to json=@nobody", 2, "nobody cannot be written"),
        ("report @nowhere.json --to json", 2, "nowhere.json cannot be read"),
        ("report @nobody --to json", 2, "nobody cannot be read: Is a directory"),
        ("report @cut.json --to json", 2, "cut.json:"),
        ("report @list.json --to json", 2, "is not a file of signal-harness"),
        ("report @baseline.json --to json", 2, "baseline.json is not a results file: it holds cells"),
        ("report @old.json --to json --baseline @half.json", 2, "half.json:"),
        ("report @old.json --to json --baseline @nobody", 2, "nobody holds no baseline"),
    ],
)
def test_report_is_told_what_is_wrong(files: Path, line: str, code: int, message: str) -> None:
    done = told(*line.split(), files=files)
    assert (done.returncode, message in done.stderr) == (code, True), done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_each_command_names_the_exit_codes(name: str) -> None:
    done = command(*name.split(), "--help", DOCKER_HOST=NOWHERE)
    assert done.returncode == 0
    listed = done.stdout.partition("Exit codes:\n")[2].splitlines()
    assert [line.split()[0] for line in listed[:6]] == ["0", "1", "2", "3", "4", "130"]


class TestWithoutAnEngine:
    """All that needs files alone."""

    @pytest.mark.parametrize(
        ("old", "new", "on", "wanted"),
        [
            ("old", "old", "any", (0, "3 cells: 3 same")),
            ("old", "new", "worse", (1, "3 cells: 1 worse, 2 same")),
            ("old", "new", "any", (1, "3 cells: 1 worse, 2 same")),
            ("old", "new", "never", (0, "3 cells: 1 worse, 2 same")),
            ("new", "old", "worse", (0, "3 cells: 1 better, 2 same")),
            ("new", "old", "any", (1, "3 cells: 1 better, 2 same")),
            ("old", "fewer", "worse", (4, "3 cells: 1 gone, 2 same")),
            ("old", "fewer", "any", (1, "3 cells: 1 gone, 2 same")),
            ("old", "fewer", "never", (0, "3 cells: 1 gone, 2 same")),
            ("fewer", "old", "worse", (4, "3 cells: 1 new, 2 same")),
            ("fewer", "old", "never", (0, "3 cells: 1 new, 2 same")),
            ("two", "one of two", "worse", (4, "2 cells: 1 gone, 1 same")),
            ("one of two", "two", "worse", (4, "2 cells: 1 new, 1 same")),
            ("untested", "untested", "worse", (4, "3 cells: 1 unknown, 2 same")),
            ("untested", "untested", "never", (4, "3 cells: 1 unknown, 2 same")),
            ("fewer", "old", "any", (1, "3 cells: 1 new, 2 same")),
            ("old", "untested", "worse", (4, "3 cells: 1 unknown, 2 same")),
            ("untested", "old", "any", (4, "3 cells: 1 unknown, 2 same")),
            ("old", "elsewhere", "any", (0, "3 cells: 3 same")),
            ("two", "two", "any", (0, "2 cells: 2 same")),
            ("baseline", "new", "worse", (1, "3 cells: 1 worse, 2 same")),
            ("new", "baseline", "worse", (0, "3 cells: 1 better, 2 same")),
        ],
    )
    def test_a_diff_of_files(self, files: Path, old: str, new: str, on: str, wanted: tuple[int, str]) -> None:
        done = told("diff", f"@{old}.json", f"@{new}.json", "--fail-on", on, files=files)
        assert (done.returncode, done.stdout.splitlines()[-1]) == wanted, done.stderr
        assert done.stderr == ""

    def test_a_folder_of_baselines_is_as_good_as_a_file(self, files: Path) -> None:
        done = told("diff", "@baselines", "@new.json", files=files)
        assert done.returncode == 1
        assert done.stdout == told("diff", "@baseline.json", "@new.json", files=files).stdout

    def test_another_engine_is_told(self, files: Path) -> None:
        done = told("diff", "@old.json", "@elsewhere.json", files=files)
        assert "! not the same engine" in done.stdout
        assert f"the kernel  {ENGINE.kernel} → 6.1" in done.stdout

    @pytest.mark.parametrize(
        ("words", "code", "last"),
        [
            (("--variant", "tini"), 0, "1 cell: 1 same"),
            (("--base", BASE), 1, "3 cells: 1 worse, 2 same"),
            (("--base", "local:*", "--variant", "tini"), 0, "1 cell: 1 same"),
            (("--variant", "npm-*", "--variant", "tini"), 1, "2 cells: 1 worse, 1 same"),
            (("--signal", "TERM"), 1, "3 cells: 1 worse, 2 same"),
            (("--probe", "signal", "--variant", "no-handlers"), 0, "1 cell: 1 same"),
        ],
    )
    def test_options_that_choose_cells_hold_for_files_too(
        self, files: Path, words: tuple[str, ...], code: int, last: str
    ) -> None:
        done = told("diff", "@old.json", "@new.json", *words, files=files)
        assert (done.returncode, done.stdout.splitlines()[-1]) == (code, last), done.stderr

    def test_of_many_bases_some_can_be_chosen(self, files: Path) -> None:
        done = told("diff", "@two.json", "@one of two.json", "--base", "local:musl-node22", files=files)
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "1 cell: 1 same")

    @pytest.mark.parametrize("words", [("--signal", "HUP"), ("--probe", "stop")])
    def test_options_that_leave_no_cell_are_told(self, files: Path, words: tuple[str, str]) -> None:
        done = told("diff", "@old.json", "@new.json", *words, files=files)
        assert (done.returncode, done.stdout) == (2, "")
        assert "no cell is left to compare" in done.stderr

    def test_json_is_all_that_is_on_standard_output(self, files: Path) -> None:
        done = told("diff", "@old.json", "@new.json", "--json", "-", files=files)
        assert done.returncode == 1
        (comparison,) = json.loads(done.stdout)["comparisons"]
        assert [(one["subject"], one["question"], one["change"]) for one in comparison["changed"]] == [
            ("npm-start", "SIGTERM", "worse")
        ]
        assert comparison["image"] == {"name": "the image", "old": "sha256:abc", "new": "sha256:def"}
        assert done.stderr.splitlines()[-1] == "3 cells: 1 worse, 2 same"

    def test_json_in_a_file_is_the_same(self, files: Path, tmp_path: Path) -> None:
        path = tmp_path / "change.json"
        done = told("diff", "@old.json", "@new.json", "--json", str(path), files=files)
        assert done.stdout.splitlines()[-1] == "3 cells: 1 worse, 2 same"
        assert path.read_text() == told("diff", "@old.json", "@new.json", "--json", "-", files=files).stdout

    def test_results_become_a_baseline(self, files: Path, tmp_path: Path) -> None:
        def update(name: str) -> subprocess.CompletedProcess[str]:
            return told("baseline", "update", "--from", f"@{name}.json", "--dir", str(tmp_path), files=files)

        assert update("old").returncode == 0
        (path,) = tmp_path.iterdir()
        before = path.read_bytes()
        assert update("old").returncode == 0
        assert path.read_bytes() == before
        assert told("baseline", "check", str(path), files=files).stdout == f"{path}: well-formed\n"
        done = update("new")
        assert done.returncode == 0
        assert "▼ 1 worse" in done.stdout
        assert told("diff", str(path), "@new.json", "--fail-on", "any", files=files).returncode == 0

    def test_what_could_not_be_tested_keeps_its_line(self, files: Path, tmp_path: Path) -> None:
        (tmp_path / "musl-node24.json").write_bytes((files / "baseline.json").read_bytes())
        done = told("baseline", "update", "--from", "@untested.json", "--dir", str(tmp_path), files=files)
        assert done.returncode == 4
        assert "1 untested and not recorded" in done.stdout
        assert told("diff", str(tmp_path), "@old.json", "--fail-on", "any", files=files).returncode == 0

    @pytest.mark.parametrize("name", ["half", "old", "unsure"])
    def test_a_broken_baseline_is_not_overwritten(self, files: Path, tmp_path: Path, name: str) -> None:
        path = tmp_path / "musl-node24.json"
        path.write_bytes((files / f"{name}.json").read_bytes())
        done = told("baseline", "update", "--from", "@old.json", "--dir", str(tmp_path), files=files)
        assert done.returncode == 2
        assert str(path) in done.stderr
        assert path.read_bytes() == (files / f"{name}.json").read_bytes()
        assert list(tmp_path.iterdir()) == [path]

    def test_a_report_of_results_as_they_are(self, files: Path, tmp_path: Path) -> None:
        done = told("report", "@new.json", "--to", "json", "--baseline", "@baselines", files=files)
        assert (done.returncode, done.stderr) == (1, "")
        assert done.stdout == (files / "new.json").read_text()
        written = told("report", "@new.json", "--to", f"json={tmp_path}/copy.json", files=files)
        assert (written.returncode, written.stdout) == (0, "")
        assert written.stderr == f"json: {tmp_path}/copy.json\n"
        assert (tmp_path / "copy.json").read_text() == done.stdout

    @pytest.mark.parametrize(
        ("name", "words", "code"),
        [
            ("old", (), 0),
            ("old", ("--baseline", "@old.json"), 0),
            ("new", ("--baseline", "@old.json"), 1),
            ("fewer", ("--baseline", "@old.json"), 4),
            ("old", ("--baseline", "@fewer.json"), 4),
            ("one of two", ("--baseline", "@two.json"), 4),
            ("untested", (), 4),
            ("cut short", (), 130),
        ],
    )
    def test_a_report_ends_as_the_run_did(self, files: Path, name: str, words: tuple[str, ...], code: int) -> None:
        done = command("report", f"{files}/{name}.json", "--to", "markdown", *placed(words, files))
        assert done.returncode == code, done.stderr

    def test_a_path_is_told_as_it_is(self, files: Path, tmp_path: Path) -> None:
        folder = tmp_path / "[red]brackets"
        done = told("baseline", "update", "--from", "@old.json", "--dir", str(folder), files=files)
        assert f"{folder}/musl-node24.json: 3 cells" in done.stdout


class TestLooks:
    @pytest.mark.parametrize("words", [("diff", "@old.json", "@new.json"), ("diff", "@long.json", "@new.json")])
    @pytest.mark.parametrize(("columns", "most"), [("", 100), ("60", 60), ("140", 140), ("many", 100)])
    def test_what_is_piped_is_as_wide_as_columns_says_unpadded_and_plain(
        self, files: Path, words: tuple[str, ...], columns: str, most: int
    ) -> None:
        done = command(*placed(words, files), NO_COLOR="", COLUMNS=columns, DOCKER_HOST=NOWHERE)
        assert done.returncode == 1
        lines = done.stdout.splitlines()
        assert max(map(len, lines)) <= most
        assert [line for line in lines if line != line.rstrip()] == []
        assert "\x1b" not in done.stdout

    def test_nothing_is_lost_where_a_line_is_too_long(self, files: Path) -> None:
        done = told("diff", "@long.json", "@new.json", files=files)
        assert LONG in "".join(line.strip() for line in done.stdout.splitlines())

    def test_a_terminal_gets_colour_unless_it_is_not_wanted(self, files: Path) -> None:
        words = ("diff", f"{files}/old.json", f"{files}/new.json")
        coloured, plain = on_terminal(*words), on_terminal(*words, NO_COLOR="1")
        assert COLOUR.search(coloured)
        assert not COLOUR.search(plain)
        assert "▼ 1 worse" in re.sub(r"\x1b\[[0-9;]*m", "", plain)


def on_terminal(*words: str, **environment: str) -> str:
    """What a terminal gets of a command that has no engine."""
    ours, theirs = pty.openpty()
    clean = {
        name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE")
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *words],
        env={**clean, "TERM": "xterm-256color", "DOCKER_HOST": NOWHERE, **environment},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    pieces: list[bytes] = []
    with suppress(OSError):  # EIO: nobody has the other end any more
        while piece := os.read(ours, 65536):
            pieces.append(piece)
    os.close(ours)
    process.wait(60)
    return b"".join(pieces).decode()


@pytest.mark.engine
class TestGlobs:
    @pytest.fixture
    def two(self) -> Iterator[str]:
        """A glob over two tags of one base."""
        assert command("bases", "build", "local:musl-node24").returncode == 0
        api = docker.APIClient()
        name = f"signal-harness-test/glob-{os.getpid()}"
        for tag in ("one", "two"):
            assert api.tag("signal-harness/base:musl-node24", name, tag)
        yield f"{name}:*"
        for tag in ("one", "two"):
            api.remove_image(f"{name}:{tag}")
        api.close()

    @pytest.mark.parametrize(
        "words",
        [
            ("run", "--base"),
            ("baseline", "update", "--dir", "@new-folder", "--base"),
            ("bisect", "npm-start", "TERM", "--base", "local:musl-node24", "--base"),
        ],
    )
    def test_one_without_a_match_is_no_base(self, files: Path, words: tuple[str, ...]) -> None:
        done = command(*placed(words, files), "no-such-image/*")
        assert done.returncode == 3
        assert "no local image matches 'no-such-image/*'" in done.stderr
        assert not (files / "new-folder").exists()

    def test_one_is_no_image_to_compare(self, files: Path) -> None:
        done = command(*placed(("diff", "@old.json"), files), "no-such-image/*")
        assert done.returncode == 2
        assert "'no-such-image/*' is not an image" in done.stderr

    def test_one_with_matches_is_all_of_them(self, two: str) -> None:
        done = command("run", "--base", two, "--variant", "node-exec-form", "--signal", "TERM", "--json", "-")
        assert done.returncode == 0
        bases = [row["base"] for row in json.loads(done.stdout)["results"]]
        assert bases == [two.replace("*", "one"), two.replace("*", "two")]

    def test_a_diff_of_one_with_matches_is_no_traceback(self, two: str) -> None:
        done = command("diff", two, "local:musl-node24", "--variant", "node-exec-form", "--signal", "TERM")
        assert done.returncode in (0, 2)


@pytest.mark.engine
def test_json_of_a_run_is_all_that_is_on_standard_output(files: Path, tmp_path: Path) -> None:
    words = ("--base", BASE, "--variant", "node-exec-form", "--signal", "TERM")
    recorded = tmp_path / "baselines"
    assert command("baseline", "update", "--dir", str(recorded), *words).returncode == 0
    done = command("run", *words, "--baseline", str(recorded), "--json", "-")
    assert done.returncode == 0
    assert [row["verdict"] for row in json.loads(done.stdout)["results"]] == ["forwarded"]
    assert "all as expected" in done.stderr
    assert max(map(len, done.stderr.splitlines())) <= 100
