"""Every screen of every chapter, at 100×30, and some at 80×24: what is on it, and what is not on it yet."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from harness.catalogues import load_catalogue
from harness.core.question import Probe
from harness.core.verdict import Verdict
from harness.workshop.story import claim_cells
from tests.support.walking import (
    ANSWER,
    CLAIM,
    ENDED,
    LONG_S,
    NEXT,
    OUTCOME,
    PROCESS,
    PROCESSES,
    VERDICT,
    WAITS,
    Shot,
    keep,
    shot,
    waits,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.demo.conftest import Walks
    from tests.support.offline import Offline

pytestmark = [pytest.mark.engine, pytest.mark.cli]

FOLDER, CATALOGUE = load_catalogue(None)
STORY: Final[dict[str, Any]] = tomllib.loads((FOLDER / "demo.toml").read_text())
CHAPTERS: Final[list[dict[str, Any]]] = STORY["chapter"]
WITH_RUNS: Final = [chapter for chapter in CHAPTERS if "claims" not in chapter]
LOW: Final = [CHAPTERS[number - 1] for number in (3, 5, 6, 7)]
VARIANTS: Final = {variant.name: variant for variant in CATALOGUE.variants}
RECEIVED: Final = re.compile(r"^ Received signal: (SIG\w+) ")


def each(chapters: Sequence[dict[str, Any]]) -> pytest.MarkDecorator:
    """A test for each of these chapters."""
    return pytest.mark.parametrize("chapter", [pytest.param(chapter, id=chapter["name"]) for chapter in chapters])


by_name: Final = each(WITH_RUNS)
low_by_name: Final = each(LOW)


def of(shots: Sequence[Shot], chapter: dict[str, Any], *kinds: str) -> list[Shot]:
    """The screens of a chapter, or those of some kinds."""
    number = CHAPTERS.index(chapter) + 1
    return [shot for shot in shots if shot.number == number and (not kinds or shot.kind in kinds)]


def examples(chapter: dict[str, Any], part: str) -> list[tuple[str, str]]:
    """What a chapter runs, as the variant and the shell of its base, in order."""
    return [(example["variant"], shell) for example in chapter[part] for shell in example["on"]]


def starting(variant: str) -> list[str]:
    """The lines of a Dockerfile that decide what is started."""
    lines = (FOLDER / VARIANTS[variant].dockerfile).read_text().splitlines()
    return [line for line in lines if line.startswith(("CMD", "ENTRYPOINT"))]


def good(chapter: dict[str, Any]) -> Verdict:
    """The verdict that one wants of what a chapter asks."""
    return (Probe(chapter["asks"]) if chapter["asks"] in {*Probe} else Probe.SIGNAL).good


def flat(lines: Sequence[str]) -> str:
    """A text without its line breaks."""
    return " ".join(" ".join(lines).split())


def all_shots(walks: Walks) -> list[tuple[Shot, int, int]]:
    return [(shot, 100, 30) for shot in walks.whole] + [(shot, 80, 24) for shot in walks.low]


def test_every_screen_has_its_header_and_its_keys(walks: Walks) -> None:
    assert walks.whole[0].kind == "title"
    for seen, width, height in all_shots(walks):
        assert len(seen.lines) == height, seen.text
        assert max(map(len, seen.lines)) <= width, seen.text
        title = CHAPTERS[seen.number - 1]["title"] if seen.number else STORY["title"]
        prefix = f"{seen.number}/{len(CHAPTERS)} " if seen.number else ""
        assert re.match(rf"^ {re.escape(prefix + title)}  +(after the fix  )?×8 faster$", seen.lines[0]), seen.text
        assert seen.lines[1] == "─" * width, seen.text
        assert "─" * 20 not in "\n".join(seen.lines[2:]), seen.text
        assert WAITS.match(seen.lines[-1]), seen.text
        assert not any(WAITS.match(line) for line in seen.lines[:-1]), seen.text
        assert seen.lines[-2] == "", seen.text
        assert "Traceback" not in seen.text


def test_the_title_tells_what_comes_and_where(walks: Walks) -> None:
    text = walks.whole[0].text
    for number, chapter in enumerate(CHAPTERS, start=1):
        assert f" {number}  {chapter['title']}\n" in text
    assert flat(STORY["intro"].split()) in flat(walks.whole[0].lines)
    bases = {match["base"] for seen in walks.whole for match in PROCESSES.finditer(seen.text)}
    assert len(bases) > 1
    for base in bases:
        assert re.search(rf"^ {re.escape(base)}  +/bin/sh is \S.*, Node \d", text, re.MULTILINE), text


def test_every_chapter_comes_once_and_in_order(walks: Walks) -> None:
    numbers = [number for number, _ in groupby(walks.whole, key=lambda seen: seen.number)]
    assert numbers == list(range(len(CHAPTERS) + 1))
    assert [number for number, _ in groupby(walks.low, key=lambda seen: seen.number)] == [3, 5, 6, 7]


@by_name
def test_a_chapter_goes_from_the_question_to_the_fix(walks: Walks, chapter: dict[str, Any]) -> None:
    shots = of(walks.whole, chapter)
    run = ["held", "over", "verdict"]
    expected = ["question", *run * len(examples(chapter, "broken")), "fix", *run * len(examples(chapter, "mended"))]
    assert [kind for kind, _ in groupby(shots, key=lambda seen: seen.kind)] == expected
    fix = next(number for number, seen in enumerate(shots) if seen.kind == "fix")
    for number, seen in enumerate(shots):
        assert ("after the fix" in seen.lines[0]) is (number >= fix), seen.text
    assert len({seen.container for seen in shots if seen.kind == "held"}) == expected.count("held")


@by_name
def test_a_question_shows_the_dockerfile_and_nothing_of_the_answer(walks: Walks, chapter: dict[str, Any]) -> None:
    (seen,) = of(walks.whole, chapter, "question")
    text = flat(seen.lines)
    assert flat([chapter["intro"]]) in text
    assert chapter["question"] in text
    for variant, _ in examples(chapter, "broken"):
        assert VARIANTS[variant].dockerfile in seen.text
        for line in starting(variant):
            assert any(shown.startswith(f" {line}") for shown in seen.lines), seen.text
        assert ("docker run --init" in flat(seen.part(VARIANTS[variant].dockerfile))) is VARIANTS[variant].launch.init
    for letter, option in zip("abcdefgh", chapter["options"], strict=False):
        assert f" {letter}  {option['text']}" in seen.lines, seen.text
    answers = [*(verdict.meaning for verdict in Verdict)]
    answers += [verdict.symbol for verdict in Verdict if verdict.symbol not in "~?"]
    answers += [f": {verdict}" for verdict in Verdict]
    answers += [chapter["fix"], chapter["lesson"], "--name", "Received signal: SIGTERM", "How to fix it"]
    assert not [answer for answer in answers if answer in seen.text], seen.text


@by_name
def test_a_command_is_held_before_anything_comes_of_it(walks: Walks, chapter: dict[str, Any]) -> None:
    runs = examples(chapter, "broken") + examples(chapter, "mended")
    for (_, shots), (variant, shell) in zip(_by_container(of(walks.whole, chapter, "held")), runs, strict=True):
        for seen in shots:
            text = flat(seen.lines)
            assert seen.lines[-1].startswith("  n run it  "), seen.text
            assert seen.text.count(NEXT) == 1
            assert re.search(rf"docker run -d --name {seen.container} .*/{variant}:\w+$", seen.commands[0])
            assert seen.commands[-1].endswith(NEXT)
            assert seen.container in seen.commands[-1]
            assert shell.casefold() in seen.shell.casefold(), seen.text
            assert seen.part("Processes on "), seen.text
            assert not VERDICT.search(seen.text)
            assert " The path of the signal" not in seen.lines
            assert "Listening on port" in flat(seen.part("The log"))
            assert not any(RECEIVED.match(line) for line in seen.part("The log")), seen.text
            assert "has ended" not in text
        asked = chapter["asks"]
        how = {"stop": "curl", "reap": "docker exec"}.get(asked, f"docker kill --signal={asked} {shots[0].container} ")
        assert how in shots[0].commands[-1]


@by_name
def test_a_run_ends_with_tree_log_path_and_verdict(walks: Walks, chapter: dict[str, Any]) -> None:
    runs = examples(chapter, "broken") + examples(chapter, "mended")
    for (container, (seen,)), (variant, shell) in zip(
        _by_container(of(walks.whole, chapter, "over")), runs, strict=True
    ):
        assert seen.verdict["variant"] == variant
        assert seen.verdict["asked"] == chapter["asks"]
        assert flat(seen.lines[:-2]).endswith(Verdict(seen.verdict["word"]).meaning), seen.text
        assert seen.verdict["symbol"] == Verdict(seen.verdict["word"]).symbol
        assert container in seen.commands[-1]
        assert shell.casefold() in seen.shell.casefold(), seen.text
        assert seen.part("Processes on "), seen.text
        log, path = seen.part("The log"), seen.part("The path of the signal")
        assert log, seen.text
        assert path, seen.text
        assert all(re.match(r"^ +\+[\d.]+ (µs|ms|s)  \S", line) for line in path), seen.text
        # What is written in the log is what the verdict says.
        received = Counter(match[1] for line in log if (match := RECEIVED.match(line)))[chapter["asks"]]
        match Verdict(seen.verdict["word"]):
            case Verdict.FORWARDED:
                assert received == 1, seen.text
            case Verdict.SWALLOWED | Verdict.KILLED:
                assert received == 0, seen.text
            case Verdict.DUPLICATED | Verdict.CUT_SHORT:
                assert received >= 1, seen.text


@by_name
def test_processes_are_told_in_full(walks: Walks, chapter: dict[str, Any]) -> None:
    assert_processes(of(walks.whole, chapter, "held", "over"))


@low_by_name
def test_processes_are_told_in_full_on_a_low_screen(walks: Walks, chapter: dict[str, Any]) -> None:
    assert_processes(of(walks.low, chapter, "held", "over"))


def assert_processes(shots: Sequence[Shot]) -> None:
    """What becomes of a process stands behind it, in whole words."""
    assert shots
    for seen in shots:
        for line in seen.part("Processes on "):
            assert PROCESS.match(line) or ENDED.match(line), seen.text


@by_name
def test_the_right_answer_is_that_of_the_verdict(walks: Walks, chapter: dict[str, Any]) -> None:
    overs, verdicts = of(walks.whole, chapter, "over"), of(walks.whole, chapter, "verdict")
    for over, judged in zip(overs, verdicts, strict=True):
        assert over.verdict[0] == judged.verdict[0]
        answers = list(ANSWER.finditer(judged.text))
        if "after the fix" in judged.lines[0]:
            assert not answers
            continue
        assert [answer["text"] for answer in answers] == [option["text"] for option in chapter["options"]]
        word = judged.verdict["word"]
        for answer, option in zip(answers, chapter["options"], strict=True):
            assert (answer["mark"] == "✓") is (word in option["verdicts"]), judged.text
        assert [answer["mark"] for answer in answers].count("✓") == 1, judged.text


@by_name
def test_the_fix_mends_it(walks: Walks, chapter: dict[str, Any]) -> None:
    wanted = good(chapter)
    verdicts = of(walks.whole, chapter, "verdict")
    words = [seen.verdict["word"] for seen in verdicts]
    count = len(examples(chapter, "broken"))
    if chapter["name"] == "shell-form":
        assert words[0] == wanted  # the base whose shell replaces itself
    broken = words[chapter["name"] == "shell-form" : count]
    assert broken
    assert wanted not in broken
    assert set(words[count:]) == {wanted}
    assert all((" How to fix it" in seen.lines) is (word != wanted) for seen, word in zip(verdicts, words, strict=True))
    assert [match["word"] for match in OUTCOME.finditer(verdicts[-1].text)] == words
    assert flat([chapter["lesson"]]) in flat(verdicts[-1].lines)
    assert not any(" Before and after" in seen.lines for seen in verdicts[:-1])


@by_name
def test_the_fix_is_shown_beside_what_it_mends(walks: Walks, chapter: dict[str, Any]) -> None:
    (seen,) = of(walks.whole, chapter, "fix")
    assert chapter["fix"] in flat(seen.lines)
    before, after = flat(seen.part("Before")), flat(seen.part("After"))
    for part, text in (("broken", before), ("mended", after)):
        for variant, _ in examples(chapter, part):
            assert VARIANTS[variant].dockerfile in text
            assert all(line in text for line in starting(variant)), seen.text
    assert ("In the app" in seen.text) is ("code" in chapter)
    assert chapter.get("code", "") in seen.text


@by_name
def test_advice_speaks_of_nothing_that_is_elsewhere(walks: Walks, chapter: dict[str, Any]) -> None:
    for seen in of(walks.whole, chapter, "verdict"):
        assert "path above" not in flat(seen.lines) or " The path of the signal" in seen.lines, seen.text


@by_name
def test_advice_does_not_contradict_the_path(walks: Walks, chapter: dict[str, Any]) -> None:
    for over, judged in zip(of(walks.whole, chapter, "over"), of(walks.whole, chapter, "verdict"), strict=True):
        path = "\n".join(over.part("The path of the signal"))
        reaches = re.search(r"npm start ──SIG\w+──▶ \d+ node server\.js", path)
        assert not (reaches and "not to the app" in flat(judged.lines)), f"{over.text}\n{judged.text}"


@by_name
def test_what_runs_on_has_had_no_default_action(walks: Walks, chapter: dict[str, Any]) -> None:
    for seen in of(walks.whole, chapter, "over"):
        if seen.verdict["word"] == Verdict.SWALLOWED:
            assert "default action" not in flat(seen.lines), seen.text


def test_claims_are_held_against_what_was_measured(walks: Walks) -> None:
    chapter = next(chapter for chapter in CHAPTERS if "claims" in chapter)
    question, seen = of(walks.whole, chapter)
    assert question.kind == "question"
    assert chapter["question"] in question.text
    assert not re.search(r"held|refuted|[✓✗]", question.text)
    claiming = dict.fromkeys(
        cell.subject.name for cell in claim_cells(CATALOGUE, chapter["claims"], ["base"], engine="docker")
    )
    rows = list(CLAIM.finditer(seen.text))
    assert [row["variant"] for row in rows] == [*claiming], seen.text
    held = sum("✗" not in row["holds"] for row in rows)
    assert f" {held} of {len(rows)} hold on every base." in seen.lines
    assert all(row["text"] == VARIANTS[row["variant"]].claim.text for row in rows), seen.text
    assert flat([chapter["lesson"]]) in flat(seen.lines)


def test_verdict_and_command_are_on_low_screens_as_well(walks: Walks) -> None:
    overs = [seen for seen in walks.low if seen.kind == "over"]
    assert len(overs) == sum(len(examples(chapter, part)) for chapter in LOW for part in ("broken", "mended"))
    for seen in overs:
        assert seen.verdict["symbol"] == Verdict(seen.verdict["word"]).symbol
        assert flat(seen.lines[:-2]).endswith(Verdict(seen.verdict["word"]).meaning), seen.text
        assert seen.part("Processes on "), seen.text
        assert seen.part("The path of the signal"), seen.text


@pytest.mark.parametrize(("name", "sends"), [("exec-form", 3), ("twice", 4)])
def test_low_screens_show_the_sends_that_a_chapter_is_about(walks: Walks, name: str, sends: int) -> None:
    first, *_ = of(walks.low, next(chapter for chapter in LOW if chapter["name"] == name), "over")
    assert first.text.count("──SIGTERM──▶") == sends, first.text


@low_by_name
def test_the_last_command_is_never_cut_off(walks: Walks, chapter: dict[str, Any]) -> None:
    verb = {"stop": "docker stop -t 10", "reap": "docker exec"}.get(chapter["asks"], "docker kill")
    for seen in of(walks.low, chapter, "over"):
        assert seen.commands[-1].startswith(verb), seen.text
        assert seen.container in seen.commands[-1], seen.text
    for seen in of(walks.low, chapter, "held"):
        assert seen.commands[-1].endswith(NEXT), seen.text


@low_by_name
def test_low_screens_tell_the_question_and_the_answers_in_full(walks: Walks, chapter: dict[str, Any]) -> None:
    (question,) = of(walks.low, chapter, "question")
    assert chapter["question"] in flat(question.lines)
    assert all(f"  {option['text']}" in question.text for option in chapter["options"])
    first, *_, last = of(walks.low, chapter, "verdict")
    assert [match["mark"] for match in ANSWER.finditer(first.text)].count("✓") == 1
    assert len(list(OUTCOME.finditer(last.text))) == len(examples(chapter, "broken")) + len(examples(chapter, "mended"))


@dataclass(frozen=True, slots=True)
class End:
    """The last screens, when the whole table is there: it, and at 80×24 it and the claims before it."""

    table: Shot
    low_table: Shot
    low_claims: Shot


@pytest.fixture(scope="package")
def end(walks: Walks) -> End:
    terminal = walks.terminal

    def waits_for(kind: str, height: int) -> Shot:
        def fits(lines: list[str]) -> bool:
            return len(lines) == height and waits(lines) and shot(lines).kind == kind

        return shot(terminal.wait_for(fits, LONG_S))

    table = waits_for("table", 30)
    terminal.resize(80, 24)
    low_table = waits_for("table", 24)
    terminal.press("b")
    low_claims = waits_for("claims", 24)
    terminal.press("n")
    waits_for("table", 24)  # which was not run again
    terminal.resize(100, 30)
    assert waits_for("table", 30) == table
    keep("100x30", len(walks.whole) + 1, table)
    keep("80x24", len(walks.low) + 1, low_claims)
    keep("80x24", len(walks.low) + 2, low_table)
    return End(table, low_table, low_claims)


def test_the_table_has_a_row_for_every_variant(end: End) -> None:
    assert_table(end.table)


def test_the_table_is_whole_on_a_low_screen(end: End) -> None:
    assert_table(end.low_table)


def assert_table(seen: Shot) -> None:
    """Every variant can be told from the others, every cell is there, and so is how many there are of each verdict."""
    cells = int(re.search(r"^ (\d+) cells\.", seen.text, re.MULTILINE)[1])
    symbols = re.escape("".join(verdict.symbol for verdict in Verdict))
    rows = re.findall(rf"([a-z][\w-]*(?:…[\w-]+)?) +((?:[{symbols}] {{0,2}})+)", "\n".join(seen.lines[3:-5]))
    assert sum(len(line.replace(" ", "")) for _, line in rows) == cells, seen.text
    counts = re.findall(rf"[{symbols}] ([a-z-]+) (\d+)(?: {{3}}|$)", seen.text, re.MULTILINE)
    assert sum(int(count) for _, count in counts) == cells, seen.text
    names = [name for name, _ in rows]
    assert len(set(names)) == len(VARIANTS), seen.text
    assert all(name in VARIANTS or "…" in name for name in names), seen.text


def test_claims_are_told_on_a_low_screen(walks: Walks, end: End) -> None:
    (usual,) = (seen for seen in walks.whole if seen.kind == "claims")
    low, rows = list(CLAIM.finditer(end.low_claims.text)), list(CLAIM.finditer(usual.text))
    assert [(row["variant"], row["holds"].split()) for row in low] == [
        (row["variant"], row["holds"].split()) for row in rows
    ]
    assert flat([usual.lines[2]]) == flat([end.low_claims.lines[2]])


def test_after_the_table_there_are_all_of_it_and_the_report(walks: Walks, end: End, prepared: Offline) -> None:
    terminal = walks.terminal
    terminal.press("n")
    assert terminal.exit_code() == 0
    assert prepared.containers() == []
    terminal.wait_for("$")
    assert terminal.ask("#{alternate_on} #{cursor_flag}") == "0 1"
    history = terminal.history()
    assert "Traceback" not in history
    bases = sorted({match["base"] for seen in walks.whole for match in PROCESSES.finditer(seen.text)})
    for base in bases:
        assert f"\n{base}\n" in f"\n{history}"
    for name in VARIANTS:
        assert len(re.findall(rf"^ {name}  .*[a-z]", history, re.MULTILINE)) == len(bases), history
    summary = re.search(r"^(\d+) cells in [\d.]+ s: ", history, re.MULTILINE)
    assert summary, history
    cells = int(summary[1])
    assert f" {cells} cells. " in end.table.text
    report = terminal.folder / "report.html"
    assert f"HTML: {report}\n" in history
    page = report.read_text(encoding="utf-8")
    assert len(set(re.findall(r' data-cell="(\d+)"', page))) == cells
    assert all(f"<b>{name}</b>" in page for name in VARIANTS)
    assert sorted(path.name for path in Path(terminal.folder).iterdir()) == ["code", "pid", "report.html", "start"]


def _by_container(shots: Sequence[Shot]) -> list[tuple[str, list[Shot]]]:
    return [(name, list(group)) for name, group in groupby(shots, key=lambda seen: seen.container)]
