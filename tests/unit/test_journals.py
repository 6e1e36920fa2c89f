"""Journals on disk: what a killed run had found is taken up, once, and nothing is written over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from harness.cli.entry import cli
from harness.core.errors import EngineFault, HarnessError, UsageError
from harness.engine.registry import ENGINES
from harness.journals import OpenJournal
from harness.run.observation import GRACE_S
from tests.support import engines
from tests.support.engines import ScriptedOpenEngine
from tests.support.evidence import changed
from tests.support.scripted import Script
from tests.unit.core.test_journal import CONTENT, HEAD, HEADS, LINES, ROWS
from tests.unit.core.test_journal import IN_PARTS as IN_TWO

if TYPE_CHECKING:
    from pathlib import Path

    from harness.run.protocol import Launch

VARIANTS = ("--variant", "node-exec-form", "--variant", "tini")
HOW = ("--signal", "TERM", "--signal", "INT", "--jobs", "1", "--repeat", "1")
WORDS = ("run", "--base", "b:1", *VARIANTS, *HOW)
CHECK = ("check", "a:1", "b:1", "--no-try", *HOW)
"""Four cells each."""
both = pytest.mark.parametrize("words", [WORDS, CHECK], ids=["run", "check"])
IN_PARTS = """
    [check]
    signal = ["TERM", "INT"]
    jobs = 1
    repeat = 1
    no-try = true
    [[subject]]
    image = "a:1"
    [[subject]]
    image = "b:1"
    env = { A = "1" }
    [output]
    json = "r.json"
"""
"""The cells of the check, in two parts, as its subjects are not run alike."""


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "r.json"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "r.json.journal"


def refusal(results: Path, *, resume: bool) -> UsageError:
    with pytest.raises(UsageError) as caught:
        OpenJournal(results, resume=resume)
    return caught.value


def test_rows_are_on_disk_before_it_is_closed(results: Path, journal: Path) -> None:
    with OpenJournal(results, resume=False) as opened:
        assert not journal.exists()
        assert opened.begin(HEAD) == ()
        assert journal.read_bytes() == LINES[0]
        for number, row in enumerate(ROWS, start=2):
            opened.keep(row)
            assert journal.read_bytes().count(b"\n") == number
        assert opened.whole(HEAD.document) == HEAD.document
    with OpenJournal(results, resume=True) as again:
        assert again.begin(HEAD) == ROWS
        assert again.end(changed(HEAD.document, results=ROWS))
    assert not journal.exists()


def test_one_stays_whose_rows_are_not_all_in_the_results(results: Path, journal: Path) -> None:
    journal.write_bytes(CONTENT)
    with OpenJournal(results, resume=True) as opened:
        opened.begin(HEAD)
        assert not opened.end(changed(HEAD.document, results=ROWS[1:]))
    assert journal.read_bytes() == CONTENT


def test_parts_begin_one_after_the_other_and_each_gets_its_own_rows(results: Path, journal: Path) -> None:
    first, second = ([row for row in ROWS if row.subject in head.document.subjects] for head in HEADS)
    journal.write_bytes(b"".join(IN_TWO[: len(first)]))  # its last row is missing
    lines: list[str] = []
    with OpenJournal(results, resume=True) as opened:
        opened.tell = lines.append
        assert opened.begin(HEADS[0]) == tuple(first[:-1])
        opened.keep(first[-1])
        assert opened.begin(HEADS[1]) == ()
        opened.keep(second[0])
    assert len(lines) == 1
    with OpenJournal(results, resume=True) as again:
        assert again.begin(HEADS[0]) == tuple(first)
        assert again.begin(HEADS[1]) == (second[0],)
    assert [text[:11] for text in journal.read_bytes().splitlines()] == [text[:11] for text in IN_TWO[: len(first) + 3]]


def test_one_without_a_row_is_not_left(results: Path, journal: Path) -> None:
    with OpenJournal(results, resume=False) as opened:
        opened.begin(HEAD)
    assert not journal.exists()


def test_what_was_cut_is_dropped_before_more_is_added(results: Path, journal: Path) -> None:
    journal.write_bytes(b"".join(LINES[:3]) + LINES[3][:-1])
    lines: list[str] = []
    with OpenJournal(results, resume=True) as opened:
        opened.tell = lines.append
        assert opened.begin(HEAD) == ROWS[:2]
        opened.keep(ROWS[2])
        document = opened.whole(changed(HEAD.document, started="later", duration_s=5.0))
    assert lines == [f"{journal}: 2 of {len(ROWS)} cells have run already, {len(ROWS) - 2} are run now"]
    assert (document.started, document.duration_s) == (HEAD.document.started, 1.0 + 5.0)
    with OpenJournal(results, resume=True) as again:
        assert again.begin(HEAD) == ROWS[:3]


def test_one_that_is_there_is_not_written_over(results: Path, journal: Path) -> None:
    journal.write_bytes(CONTENT)
    error = refusal(results, resume=False)
    assert error.message == f"{journal} holds what a run had found before it was killed"
    assert "--resume" in error.remedy
    assert f"rm {journal}" in error.remedy
    assert journal.read_bytes() == CONTENT


@pytest.mark.parametrize("content", [b"", LINES[0][:-1], LINES[0]], ids=["nothing", "part of a head", "a head"])
def test_one_that_holds_no_row_makes_way(results: Path, journal: Path, content: bytes) -> None:
    journal.write_bytes(content)
    with OpenJournal(results, resume=False) as opened:
        opened.begin(HEAD)
        opened.keep(ROWS[0])
    assert journal.read_bytes().splitlines()[0] == LINES[0].strip()


@pytest.mark.parametrize("content", [b"mine", b"{}", b'{"journey": 1}\n', b"\n"])
def test_a_file_of_somebody_else_is_left_alone(results: Path, journal: Path, content: bytes) -> None:
    journal.write_bytes(content)
    assert refusal(results, resume=False).message == f"{journal} is no journal, and in the way of one"
    assert journal.read_bytes() == content


def test_one_that_came_meanwhile_is_not_written_over(results: Path, journal: Path) -> None:
    with OpenJournal(results, resume=False) as opened:
        journal.write_bytes(CONTENT)
        with pytest.raises(UsageError, match="is the journal of a run that is under way"):
            opened.begin(HEAD)
    assert journal.read_bytes() == CONTENT


@pytest.mark.parametrize("resume", [False, True])
def test_that_of_a_run_under_way_is_left_alone(results: Path, journal: Path, resume: bool) -> None:
    with OpenJournal(results, resume=False) as opened:
        opened.begin(HEAD)
        opened.keep(ROWS[0])
        assert refusal(results, resume=resume).message == f"{journal} is the journal of a run that is under way"
    assert len(journal.read_bytes().splitlines()) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no {}: no run was killed that wrote to it"),
        (b"", "{} holds nothing: its run was killed as it began"),
        (LINES[0][:-1], "{} holds nothing: its run was killed as it began"),
        (LINES[0] + b"{}\n", "{}:2 is no line of a journal that this version reads: "),
    ],
)
def test_what_cannot_be_taken_up_is_refused_with_the_next_step(
    results: Path, journal: Path, content: bytes | None, message: str
) -> None:
    if content is not None:
        journal.write_bytes(content)
    error = refusal(results, resume=True)
    assert error.message.startswith(message.format(journal))
    nothing_there = content is None or b"\n" not in content
    assert error.remedy == (
        "Leave out --resume." if nothing_there else f"To run all of it anew, throw it away first: rm {journal}"
    )


def test_a_folder_in_its_place_is_refused(results: Path, journal: Path) -> None:
    journal.mkdir()
    assert refusal(results, resume=True).message == f"{journal} cannot be used: Is a directory"
    assert refusal(results, resume=False).message == f"{journal} cannot be used: Is a directory"


def test_what_has_changed_since_is_refused_and_nothing_is_lost(results: Path, journal: Path) -> None:
    journal.write_bytes(CONTENT)
    with OpenJournal(results, resume=True) as opened, pytest.raises(UsageError) as caught:
        opened.begin(changed(HEAD, facts={**HEAD.facts, "the catalogue's file": "sha256:d", "the option --grace": "3"}))
    assert caught.value.message == (
        f"what {journal} holds cannot be added to: the catalogue's file has changed since: sha256:c -> sha256:d; "
        "the option --grace has changed since: 10 -> 3"
    )
    assert f"rm {journal}" in caught.value.remedy
    assert journal.read_bytes() == CONTENT


def test_a_disk_that_is_full_ends_the_journal_and_not_the_run(results: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    with OpenJournal(results, resume=False) as opened:
        opened.tell = lines.append
        opened.begin(HEAD)
        opened.keep(ROWS[0])

        def full(_: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("harness.journals.os.fsync", full)
        opened.keep(ROWS[1])
        opened.keep(ROWS[2])
    assert len(lines) == 1
    assert "No space left on device; if this run is killed" in lines[0]


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[bytes]:
    """What the journal held as each cell was started, on an engine whose containers do not start."""
    held: list[bytes] = []

    def started(_: Launch) -> Script:
        held.append((tmp_path / "r.json.journal").read_bytes())
        return Script(start_fault=EngineFault("no such command"))

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(engines, "installed", ScriptedOpenEngine(script_of=started), raising=False)
    monkeypatch.setitem(ENGINES, "docker", "tests.support.engines:installed")
    return held


def ran(*words: str) -> tuple[int, str, HarnessError | None]:
    done = CliRunner().invoke(cli, list(words))
    error = done.exception
    assert error is None or isinstance(error, HarnessError | SystemExit), done.output
    return done.exit_code, done.output, error if isinstance(error, HarnessError) else None


def document(results: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(results.read_text())
    assert loaded.pop("duration_s") >= 0
    assert loaded.pop("started")
    return loaded


@both
@pytest.mark.parametrize("had_ended", [0, 1, 3])
def test_a_run_that_is_taken_up_runs_what_is_missing(
    results: Path, journal: Path, cells: list[bytes], had_ended: int, words: tuple[str, ...]
) -> None:
    assert ran(*words, "--json", "r.json")[0] == 4
    whole, (*snapshots,) = document(results), cells
    assert [held.count(b"\n") - 1 for held in snapshots] == [0, 1, 2, 3]
    results.unlink()
    cells.clear()
    journal.write_bytes(snapshots[had_ended] + b'{"after_s":1')
    code, output, _ = ran(*words, "--json", "r.json", "--resume")
    assert code == 4
    assert f"{had_ended} of 4 cells have run already" in output
    assert len(cells) == 4 - had_ended
    assert document(results) == whole
    assert not journal.exists()


@both
def test_a_run_that_had_all_its_rows_runs_nothing(
    results: Path, journal: Path, cells: list[bytes], words: tuple[str, ...]
) -> None:
    ran(*words, "--json", "r.json")
    whole = document(results)
    last = json.dumps({"after_s": 9.0, "row": whole["results"][-1]}).encode() + b"\n"
    journal.write_bytes(cells[-1] + last)
    cells.clear()
    assert ran(*words, "--json", "r.json", "--resume")[0] == 4
    assert cells == []
    assert json.loads(results.read_text())["duration_s"] > 9.0
    assert document(results) == whole


@pytest.mark.parametrize("had_ended", [0, 1, 2, 3, 4])
def test_a_check_in_parts_is_taken_up_in_whichever_it_was_killed(
    results: Path, journal: Path, cells: list[bytes], tmp_path: Path, had_ended: int
) -> None:
    (tmp_path / "signal-harness.toml").write_text(IN_PARTS)
    assert ran("check")[0] == 4
    whole, (*snapshots,) = document(results), cells
    assert [held.count(b"\n") for held in snapshots] == [1, 2, 4, 5]
    last = json.dumps({"after_s": 9.0, "row": whole["results"][-1]}).encode() + b"\n"
    results.unlink()
    cells.clear()
    journal.write_bytes([*snapshots, snapshots[-1] + last][had_ended])
    code, output, _ = ran("check", "--resume")
    assert code == 4
    assert output.count("cells have run already") == 1
    assert f"{had_ended} of 4 cells have run already" in output
    assert len(cells) == 4 - had_ended
    assert document(results) == whole
    assert not journal.exists()


def test_a_later_part_that_has_changed_is_refused_and_nothing_is_lost(
    results: Path, journal: Path, cells: list[bytes], tmp_path: Path
) -> None:
    config = tmp_path / "signal-harness.toml"
    config.write_text(IN_PARTS)
    ran("check")
    whole, held = document(results), cells[3]
    journal.write_bytes(held)
    config.write_text(IN_PARTS.replace('A = "1"', 'A = "2"'))
    cells.clear()
    _, output, error = ran("check", "--resume")
    assert isinstance(error, UsageError)
    assert "the option --env has changed since: A=sha256:" in error.message
    assert cells == []
    assert journal.read_bytes() == held
    assert f"What was found is kept in {journal}" in output
    cut = document(results)
    assert [row["subject"] for row in cut["results"]] == ["a:1", "a:1"]
    assert cut["cut"] == {"planned": 4, "reason": error.message, "exit_code": 2}
    config.write_text(IN_PARTS)
    assert ran("check", "--resume")[0] == 4
    assert len(cells) == 1
    assert document(results) == whole


@pytest.mark.parametrize(
    ("config", "told"),
    [
        (IN_PARTS.replace('"TERM", "INT"', '"TERM"'), "the options choose no longer: a:1/SIGINT, b:1/SIGINT"),
        (
            IN_PARTS.replace('env = { A = "1" }', ""),
            "what is run with the same options has changed since: a:1 -> a:1, b:1",
        ),
        (f'{IN_PARTS}\n[[subject]]\nimage = "c:1"\n', "the options choose more cells: c:1/SIGINT, c:1/SIGTERM"),
    ],
)
def test_other_subjects_are_refused(journal: Path, cells: list[bytes], tmp_path: Path, config: str, told: str) -> None:
    (tmp_path / "signal-harness.toml").write_text(IN_PARTS)
    ran("check")
    journal.write_bytes(cells[2])
    held = cells[2]
    cells.clear()
    (tmp_path / "signal-harness.toml").write_text(config)
    _, _, error = ran("check", "--resume")
    assert isinstance(error, UsageError)
    assert told in error.message
    assert cells == []
    assert journal.read_bytes() == held


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--signal", "HUP"), "the options choose more cells: a:1/SIGHUP, b:1/SIGHUP"),
        (("c:1",), "the options choose more cells: c:1/SIGINT, c:1/SIGTERM"),
        (("--repeat", "2"), "the option --repeat has changed since: 1 -> 2"),
        (("--init",), "the option --init has changed since: no -> yes"),
        (("--", "node", "x.js"), "the command has changed since: not given -> node x.js"),
    ],
)
def test_other_options_of_a_check_are_refused(
    journal: Path, cells: list[bytes], more: tuple[str, ...], told: str
) -> None:
    ran(*CHECK, "--json", "r.json")
    held = cells[2]
    journal.write_bytes(held)
    cells.clear()
    _, _, error = ran(*CHECK, "--json", "r.json", "--resume", *more)
    assert isinstance(error, UsageError)
    assert told in error.message
    assert cells == []
    assert journal.read_bytes() == held


def test_another_image_or_engine_is_refused(journal: Path, cells: list[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    ran(*CHECK, "--json", "r.json")
    journal.write_bytes(cells[2])
    cells.clear()
    facts = engines.ScriptedBases.image_facts
    monkeypatch.setattr(
        engines.ScriptedBases, "image_facts", lambda bases, name: changed(facts(bases, name), id=f"new {name}")
    )
    monkeypatch.setattr(engines.installed, "version", "2")
    _, _, error = ran(*CHECK, "--json", "r.json", "--resume")
    assert isinstance(error, UsageError)
    assert "engine Scripted: the engine has changed since: Scripted 1 -> Scripted 2" in error.message
    assert "the image of b:1 has changed since: id of b:1 -> new b:1" in error.message
    assert cells == []


def test_what_does_not_decide_may_differ(journal: Path, cells: list[bytes]) -> None:
    ran(*CHECK, "--json", "r.json")
    journal.write_bytes(cells[2])
    cells.clear()
    more = ("--resume", "--jobs", "2", "--pull", "never", "--require", "swallowed", "--max-stop", "5s", "--html", "h")
    assert ran(*CHECK, "--json", "r.json", *more)[0] == 4
    assert len(cells) == 2


@both
def test_a_journal_stays_where_the_results_cannot_be_written(
    journal: Path, cells: list[bytes], monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.files.replace_file", full)
    _, output, error = ran(*words, "--json", "r.json")
    assert error is not None
    assert "r.json cannot be written" in error.message
    assert f"What was found is kept in {journal}" in output
    assert journal.read_bytes().count(b"\n") == 5


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (("--signal", "HUP"), "the options choose more cells: b:1/node-exec-form/SIGHUP, b:1/tini/SIGHUP"),
        (("--grace", "77"), f"the option --grace has changed since: {GRACE_S} -> 77"),
        (("--repeat", "2"), "the option --repeat has changed since: 1 -> 2"),
    ],
)
def test_other_options_are_refused_before_anything_runs(
    results: Path, journal: Path, cells: list[bytes], more: tuple[str, ...], told: str
) -> None:
    ran(*WORDS, "--json", "r.json")
    results.unlink()
    journal.write_bytes(cells[2])
    held = cells[2]
    cells.clear()
    _, _, error = ran(*WORDS, *more, "--json", "r.json", "--resume")
    assert isinstance(error, UsageError)
    assert told in error.message
    assert cells == []
    assert journal.read_bytes() == held
    assert not results.exists()


@both
@pytest.mark.parametrize("target", [(), ("--json", "-"), ("--json", "/dev/null"), ("--markdown", "r.md")])
def test_to_take_up_a_run_its_file_is_named(
    cells: list[bytes], target: tuple[str, ...], words: tuple[str, ...]
) -> None:
    _, _, error = ran(*words, *target, "--resume")
    assert isinstance(error, UsageError)
    assert "none is named" in error.message
    assert cells == []


@both
def test_a_report_does_not_go_in_its_place(cells: list[bytes], journal: Path, words: tuple[str, ...]) -> None:
    _, _, error = ran(*words, "--json", "r.json", "--markdown", "r.json.journal")
    assert error is not None
    assert error.message == f"{journal} is where the journal of the run goes"
    assert cells == []


def test_another_catalogue_is_refused(results: Path, journal: Path, cells: list[bytes], tmp_path: Path) -> None:
    (tmp_path / "mine" / "app").mkdir(parents=True)
    (tmp_path / "mine" / "one.Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nCMD node app.js\n")
    file = tmp_path / "mine" / "catalogue.toml"
    text = """
        schema = 1
        context = "app"
        [app]
        ready = "r"
        received = "(?P<signal>SIG)"
        [[variant]]
        name = "one"
        title = "one"
        dockerfile = "one.Dockerfile"
        expect = { forwards = "never" }
    """
    file.write_text(text)
    words = ("run", "--base", "b:1", "--catalogue", "mine", "--repeat", "1", "--jobs", "1", "--json", "r.json")
    assert ran(*words)[0] == 4
    assert len(cells) == 2
    journal.write_bytes(cells[1])
    file.write_text(text.replace("never", "always"))
    _, _, error = ran(*words, "--resume")
    assert isinstance(error, UsageError)
    assert "the catalogue's file has changed since: sha256:" in error.message
    file.write_text(text)
    assert ran(*words, "--resume")[0] == 4
    assert len(cells) == 3
