"""A story: what is read, what each mistake is answered with, which chapters are chosen, what is run in each."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.catalogue import Catalogue, Variant, parse_catalogue
from harness.core.errors import UsageError
from harness.core.question import Probe, Question
from harness.core.signals import Signal
from harness.core.subject import Cell, Claim, Expectation
from harness.core.verdict import Expected, Verdict
from harness.workshop.demo.launcher import load_story
from harness.workshop.story import Chapter, Example, Story, cells_of, choose, claim_cells, parse_story
from tests.support.evidence import changed
from tests.support.reports import DEBIAN, FACTS
from tests.support.seeing import APP

OURS = Path(__file__).parents[3] / "dockerfiles"
TERM, HUP, INT = Signal(15), Signal(1), Signal(2)
HEAD = """
schema = 1
title = "Signals"
intro = "How they go."
"""
CHAPTER = """
[[chapter]]
name = "first"
title = "The first"
intro = "It begins."
question = "What comes of it?"
asks = "TERM"
broken = [{ variant = "bad" }]
"""
CLAIMS = """
[[chapter]]
name = "claims"
title = "What they say"
intro = "They say much."
question = "How much of it holds?"
claims = "an article"
"""
FULL = """
[[chapter]]
name = "full-2"
title = "All keys"
intro = "Much."
question = "What?"
asks = "stop"
options = [{ text = "yes", verdicts = ["graceful"] }, { text = "no", verdicts = ["abrupt", "forced"] }]
broken = [{ variant = "bad", on = ["busybox", "dash"] }, { variant = "good" }]
fix = "Mend it."
code = "listen();"
mended = [{ variant = "good" }]
lesson = "Take it home."
"""


def variant(name: str, claim: Claim | None = None) -> Variant:
    return Variant(name=name, title=name, dockerfile=f"{name}.Dockerfile", claim=claim)


BAD, GOOD = variant("bad"), variant("good")
SAYS = variant("says", Claim(text="all is well", source="an article, page 1"))
CATALOGUE = Catalogue(context=".", app=APP, variants=(BAD, GOOD, SAYS))


def parse(text: str) -> Story:
    return parse_story(text, place="demo.toml", catalogue=CATALOGUE)


def ours() -> tuple[Catalogue, Story]:
    text = (OURS / "catalogue.toml").read_text()
    catalogue = parse_catalogue(text, place="catalogue.toml", has_file=lambda _: True)
    story = parse_story((OURS / "demo.toml").read_text(), place="demo.toml", catalogue=catalogue)
    return catalogue, story


OUR_CATALOGUE, OUR_STORY = ours()
OUR_QUESTIONS = [pytest.param(chapter, id=chapter.name) for chapter in OUR_STORY.chapter if chapter.options]


def test_our_own_story_is_the_default_one() -> None:
    assert load_story(None) == load_story(OURS) == load_story(OURS / "catalogue.toml") == OUR_STORY


@pytest.mark.parametrize("chapter", OUR_QUESTIONS)
def test_each_answer_of_our_own_story_is_one_that_its_probe_can_prove_and_no_two_are_right_at_once(
    chapter: Chapter,
) -> None:
    verdicts = [verdict for option in chapter.options for verdict in option.verdicts]
    assert set(verdicts) <= set(chapter.asked.probe.verdicts)
    assert len(verdicts) == len(set(verdicts))
    assert all(option.verdicts for option in chapter.options)


def test_what_no_answer_of_our_own_story_covers_is_left_open_on_purpose() -> None:
    covered = {
        chapter.name: {verdict for option in chapter.options for verdict in option.verdicts}
        for chapter in OUR_STORY.chapter
        if chapter.options
    }
    left = {
        chapter.name: set(chapter.asked.probe.verdicts) - covered[chapter.name]
        for chapter in OUR_STORY.chapter
        if chapter.options
    }
    # Nothing in these chapters sends another signal in its place, and an app without a handler hears of none.
    assert left == {
        "npm-start": {Verdict.TRANSLATED},
        "shell-form": {Verdict.TRANSLATED, Verdict.DUPLICATED},
        "exec-form": {Verdict.TRANSLATED},
        "no-handlers": {Verdict.TRANSLATED, Verdict.FORWARDED, Verdict.DUPLICATED, Verdict.CUT_SHORT},
        "inits": {Verdict.TRANSLATED},
        "twice": {Verdict.TRANSLATED},
        "docker-stop": set(),
        "zombies": set(),
    }


def test_every_chapter_of_our_own_story_has_what_its_screens_show() -> None:
    for chapter in OUR_STORY.chapter:
        assert all((chapter.title, chapter.intro, chapter.question, chapter.lesson)), chapter.name
        assert bool(chapter.fix) == bool(chapter.mended), chapter.name
        assert len(chapter.options) <= len("abcdefgh"), chapter.name


def test_the_shells_of_our_own_story_are_those_of_the_default_bases() -> None:
    bases = {FACTS.reference: FACTS, DEBIAN.reference: DEBIAN}
    for chapter in OUR_STORY.chapter:
        for example in (*chapter.broken, *chapter.mended):
            cells = cells_of(chapter, [example], OUR_CATALOGUE, bases, engine="docker")
            assert len(cells) == len(example.on), chapter.name


def test_the_claims_of_our_own_story_are_there() -> None:
    (chapter,) = [chapter for chapter in OUR_STORY.chapter if chapter.claims]
    assert claim_cells(OUR_CATALOGUE, chapter.claims, ["base"], engine="docker")


def test_the_signals_of_our_own_story_come_once_each() -> None:
    assert OUR_STORY.signals == (HUP, TERM)


def test_every_key_is_read() -> None:
    story = parse(HEAD + CHAPTER + FULL + CLAIMS)
    first, full, claims = story.chapter
    assert (story.title, story.intro) == ("Signals", "How they go.")
    assert (first.asked, first.options, first.mended) == (Question(signal=TERM), (), ())
    assert full.asked == Question(probe=Probe.STOP)
    assert full.broken == (Example(variant="bad", on=("busybox", "dash")), Example(variant="good"))
    assert [option.verdicts for option in full.options] == [
        (Verdict.GRACEFUL,),
        (Verdict.ABRUPT, Verdict.FORCED),
    ]
    assert (full.fix, full.code, full.lesson) == ("Mend it.", "listen();", "Take it home.")
    assert (claims.claims, claims.asks) == ("an article", "")
    assert story.signals == (TERM,)


@pytest.mark.parametrize("probe", [probe for probe in Probe if probe is not Probe.SIGNAL])
def test_a_chapter_may_ask_any_probe(probe: Probe) -> None:
    (chapter,) = parse(HEAD + CHAPTER.replace('"TERM"', f'"{probe}"')).chapter
    assert chapter.asked == Question(probe=probe)


@pytest.mark.parametrize("name", ["TERM", "SIGTERM", "sigterm", "15"])
def test_a_chapter_names_its_signal_as_one_does_elsewhere(name: str) -> None:
    (chapter,) = parse(HEAD + CHAPTER.replace('"TERM"', f'"{name}"')).chapter
    assert chapter.asked == Question(signal=TERM)


OF_THE_FILE = {
    "malformed TOML": (HEAD + "[[chapter", "demo.toml is not valid TOML: Expected ']]'"),
    "an unknown key": ('titel = "x"\n' + HEAD + CHAPTER, "demo.toml: unknown key 'titel'"),
    "no title": (HEAD.replace('title = "Signals"', "") + CHAPTER, "demo.toml: title is missing"),
    "no schema": (HEAD.replace("schema = 1", "") + CHAPTER, "demo.toml: schema is missing"),
    "another schema": (HEAD.replace("schema = 1", "schema = 2") + CHAPTER, "demo.toml: schema 2 is unknown"),
    "a schema that is not a number": (
        HEAD.replace("schema = 1", 'schema = "1"') + CHAPTER,
        "demo.toml, schema: expected a whole number, got a string",
    ),
    "no chapter": (HEAD + "chapter = []", "demo.toml: there is no [[chapter]]"),
    "no key for chapters": (HEAD, "demo.toml: chapter is missing"),
}
OF_A_CHAPTER = {
    "an unknown key": (
        CHAPTER + "broke = 1\n",
        "demo.toml, chapter 1 (first): unknown key 'broke'",
    ),
    "an unknown key of an example": (
        CHAPTER.replace('"bad" }', '"bad", base = "x" }'),
        "demo.toml, chapter 1 (first), broken 1: unknown key 'base'",
    ),
    "an unknown verdict": (
        CHAPTER + 'options = [{ text = "x", verdicts = ["lucky"] }]\n',
        "demo.toml, chapter 1 (first), options 1, verdicts 1: invalid enum value 'lucky'",
    ),
    "no question": (
        CHAPTER.replace('question = "What comes of it?"\n', ""),
        "demo.toml, chapter 1 (first): question is missing",
    ),
    "claims that nobody makes": (
        CLAIMS.replace("an article", "a book"),
        "demo.toml, chapter 'claims': no claim has a source that begins 'a book'",
    ),
    "more options than letters": (
        CHAPTER + "options = [" + '{ text = "x", verdicts = [] }, ' * 9 + "]\n",
        "demo.toml, chapter 'first': it has 9 options; at most 8 are allowed",
    ),
    "the name of another": (CHAPTER + CHAPTER, "demo.toml, chapter 'first': two chapters have this name"),
    "an unknown variant": (
        CHAPTER.replace('"bad"', '"worse"'),
        "demo.toml, chapter 'first': the catalogue has no variant 'worse'",
    ),
    "an unknown variant after the fix": (
        CHAPTER + 'mended = [{ variant = "good" }, { variant = "better" }]\n',
        "demo.toml, chapter 'first': the catalogue has no variant 'better'",
    ),
    "an unknown signal": (CHAPTER.replace('"TERM"', '"FOO"'), "demo.toml, chapter 'first': 'FOO' is not a signal"),
    "no signal at all": (CHAPTER.replace('"TERM"', '"signal"'), "demo.toml, chapter 'first': 'signal' is not a signal"),
    "a signal that none can catch": (
        CHAPTER.replace('"TERM"', '"KILL"'),
        "demo.toml, chapter 'first': SIGKILL cannot be caught by any process, so there is nothing to test",
    ),
    "claims and broken examples": (
        CHAPTER.replace('asks = "TERM"\n', "") + 'claims = "an article"\n',
        "demo.toml, chapter 'first': a chapter with claims has no asks, broken or mended",
    ),
    "claims and mended examples": (
        CLAIMS + 'mended = [{ variant = "good" }]\n',
        "demo.toml, chapter 'claims': a chapter with claims has no asks, broken or mended",
    ),
    "claims and a signal": (
        CLAIMS + 'asks = "TERM"\n',
        "demo.toml, chapter 'claims': a chapter with claims has no asks, broken or mended",
    ),
    "no asks": (
        CHAPTER.replace('asks = "TERM"\n', ""),
        "demo.toml, chapter 'first': expected asks and broken, or claims",
    ),
    "no broken example": (
        CHAPTER.replace('broken = [{ variant = "bad" }]\n', ""),
        "demo.toml, chapter 'first': expected asks and broken, or claims",
    ),
    **{
        f"the name {name!r}": (
            CHAPTER.replace('"first"', f'"{name}"'),
            f"demo.toml, chapter {name!r}: its name is made of letters, digits and '-', and begins with a letter",
        )
        for name in ("", "1", "2-4", "a b", "a_b", "-", "a.b")
    },
}


@pytest.mark.parametrize(("text", "message"), OF_THE_FILE.values(), ids=OF_THE_FILE)
def test_a_flaw_of_the_file_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize(("text", "message"), OF_A_CHAPTER.values(), ids=OF_A_CHAPTER)
def test_a_flaw_of_a_chapter_is_told_with_its_place_and_the_chapter(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(HEAD + text)
    assert caught.value.message.startswith(message)


def test_a_flaw_of_a_later_chapter_is_told_with_that_one() -> None:
    with pytest.raises(UsageError, match=r"^demo\.toml, chapter 'full-2': the catalogue has no variant 'worse'$"):
        parse(HEAD + CHAPTER + FULL.replace('"bad"', '"worse"'))


@pytest.mark.parametrize("name", ["-first", "-1"])
def test_a_name_begins_with_a_letter(name: str) -> None:
    with pytest.raises(UsageError, match="begins with a letter"):
        parse(HEAD + CHAPTER.replace('"first"', f'"{name}"'))


def flaw_of(text: str) -> str:
    try:
        assert parse(text).chapter
    except UsageError as error:
        return error.message
    return "demo.toml is well-formed"


@given(st.text())
def test_any_text_is_a_story_or_a_flaw(text: str) -> None:
    assert flaw_of(text).startswith("demo.toml")


@given(st.lists(st.sampled_from([line for line in (HEAD + CHAPTER + FULL + CLAIMS).splitlines() if line])))
def test_any_lines_of_a_story_are_a_story_or_a_flaw(lines: list[str]) -> None:
    assert flaw_of("\n".join(lines)).startswith("demo.toml")


def test_a_folder_without_a_story_is_told(tmp_path: Path) -> None:
    (tmp_path / "catalogue.toml").write_text(
        "schema = 1\ncontext = '.'\n[app]\nready = 'a'\nreceived = '(?P<signal>b)'\n"
        "[[variant]]\nname = 'a'\ntitle = 'a'\ndockerfile = 'catalogue.toml'\n"
    )
    with pytest.raises(UsageError, match=r"demo\.toml cannot be read") as caught:
        load_story(tmp_path)
    assert caught.value.remedy == "A demo needs a demo.toml there."
    (tmp_path / "demo.toml").write_bytes(b"\xff")
    with pytest.raises(UsageError, match=r"demo\.toml cannot be read"):
        load_story(tmp_path)


def chapter(name: str) -> Chapter:
    return Chapter(name=name, title=name, intro="", question="", asks="TERM", broken=(Example(variant="bad"),))


NAMES = ("one", "two", "three-x", "four", "five")
FIVE = Story(schema=1, title="", intro="", chapter=tuple(map(chapter, NAMES)))


def chosen(*words: str) -> list[str]:
    return [chapter.name for chapter in choose(FIVE, words)]


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        ((), "12345"),
        (("two",), "2"),
        (("three-x",), "3"),
        (("3",), "3"),
        (("1",), "1"),
        (("5",), "5"),
        (("05",), "5"),
        (("2-4",), "234"),
        (("1-5",), "12345"),
        (("4-4",), "4"),
        (("4-",), "45"),
        (("1-",), "12345"),
        (("5-",), "5"),
        (("five", "1"), "15"),
        (("4", "2"), "24"),
        (("3-4", "1-3"), "1234"),
        (("two", "2", "2-2", "two"), "2"),
    ],
)
def test_chapters_are_chosen_in_the_order_of_the_story_and_once_each(words: tuple[str, ...], numbers: str) -> None:
    assert chosen(*words) == [NAMES[int(number) - 1] for number in numbers]


WRONG = [
    *("", " ", "0", "6", "00", "-", "--", "-2", "-two", "3-2", "2-6", "6-", "0-0", "6-7", "1-2-3", "1--2"),
    *("One", "six", "one-two", "three", "three-", " 1", "1 ", "1 - 2", "1,2", "1.0", "+1", "1-x", "x-1", "1-+2"),
    *("²", "1-²", "٣", "1-٣", "1\n", "*", "999999999999", "99999999999999999999-"),
]


@pytest.mark.parametrize("word", WRONG)
def test_what_is_no_chapter_is_told_with_those_there_are(word: str) -> None:
    with pytest.raises(UsageError) as caught:
        chosen("one", word)
    assert caught.value.message == f"there is no chapter {word!r}"
    assert caught.value.remedy == "Chapters: 1 one, 2 two, 3 three-x, 4 four, 5 five"


def test_a_range_begins_with_a_chapter() -> None:
    with pytest.raises(UsageError, match="there is no chapter '0-2'"):
        chosen("0-2")


@pytest.mark.parametrize("form", ["{}", "{}-", "1-{}"])
def test_a_number_that_is_absurdly_long_is_no_chapter(form: str) -> None:
    with pytest.raises(UsageError, match="there is no chapter"):
        chosen(form.format("9" * 5000))


@given(st.text() | st.from_regex(r"\A[0-9]{0,2}-{0,2}[0-9]{0,2}\Z") | st.sampled_from(NAMES))
def test_any_word_chooses_or_is_refused(word: str) -> None:
    names: list[str] = []
    with suppress(UsageError):
        names = chosen(word)
        assert names
    assert names == [name for name in NAMES if name in names]


@given(st.lists(st.sampled_from([*NAMES, "1", "5", "2-4", "4-", "3-3"])))
def test_each_word_adds_its_chapters(words: list[str]) -> None:
    assert set(chosen(*words)) == {name for word in words for name in chosen(word)} if words else set(NAMES)


UNKNOWN = changed(FACTS, reference="unknown:1", shell=None)
BASES = {UNKNOWN.reference: UNKNOWN, FACTS.reference: FACTS, DEBIAN.reference: DEBIAN}
MUSL, GLIBC = FACTS.reference, DEBIAN.reference


def cell(of: Variant, base: str, question: Question) -> Cell:
    return Cell(engine="docker", subject=CATALOGUE.subject(of, base), question=question)


def bases_of(*on: str) -> list[str]:
    cells = cells_of(chapter("one"), [Example(variant="bad", on=on)], CATALOGUE, BASES, engine="docker")
    return [cell.subject.base or "" for cell in cells]


@pytest.mark.parametrize(
    ("on", "bases"),
    [
        (("busybox",), [MUSL]),
        (("BusyBox",), [MUSL]),
        (("ash",), [MUSL, GLIBC]),
        (("dash",), [GLIBC]),
        (("DASH", "busybox"), [GLIBC, MUSL]),
        (("busybox", "dash"), [MUSL, GLIBC]),
        (("bash", "dash"), [GLIBC]),
        (("bash",), ["unknown:1"]),
        ((), ["unknown:1"]),
    ],
)
def test_an_example_is_on_the_bases_whose_shell_it_names_or_on_the_first(on: tuple[str, ...], bases: list[str]) -> None:
    assert bases_of(*on) == bases


def test_a_base_whose_shell_goes_by_two_of_the_names_comes_once() -> None:
    assert bases_of("busybox", "ash") == [MUSL, GLIBC]


def test_examples_come_one_after_another_with_what_the_chapter_asks() -> None:
    examples = [Example(variant="good", on=("dash",)), Example(variant="bad", on=("busybox", "dash"))]
    assert cells_of(chapter("one"), examples, CATALOGUE, BASES, engine="docker") == (
        cell(GOOD, GLIBC, Question(signal=TERM)),
        cell(BAD, MUSL, Question(signal=TERM)),
        cell(BAD, GLIBC, Question(signal=TERM)),
    )


def test_a_chapter_about_a_probe_sends_no_signal_of_its_own() -> None:
    (_, full) = parse(HEAD + CHAPTER + FULL).chapter
    assert cells_of(full, full.mended, CATALOGUE, BASES, engine="docker") == (
        cell(GOOD, "unknown:1", Question(probe=Probe.STOP)),
    )


def test_no_examples_are_no_cells() -> None:
    assert cells_of(chapter("one"), [], CATALOGUE, BASES, engine="docker") == ()


def said(source: str = "an article, page 1", **what: object) -> Claim:
    return Claim(text="so it is", source=source, forwards=Expectation(**what))


ALWAYS, NEVER = Expected.ALWAYS, Expected.NEVER
CLAIMED = {
    "all signals": (said(forwards=ALWAYS), ["SIGHUP", "SIGTERM"]),
    "no signal": (said(forwards=NEVER), ["SIGHUP", "SIGTERM"]),
    "one signal": (said(signals={INT: ALWAYS}), ["SIGINT"]),
    "all signals but one": (said(forwards=ALWAYS, signals={INT: NEVER}), ["SIGHUP", "SIGTERM", "SIGINT"]),
    "all signals, and one of them": (said(forwards=ALWAYS, signals={TERM: NEVER}), ["SIGHUP", "SIGTERM"]),
    "a probe": (said(probes={Probe.REAP: NEVER}), ["reap"]),
    "everything": (
        said(forwards=ALWAYS, signals={INT: NEVER}, probes={Probe.STOP: ALWAYS, Probe.REAP: NEVER}),
        ["SIGHUP", "SIGTERM", "SIGINT", "stop", "reap"],
    ),
    "nothing of the kind": (said(), []),
    "another source": (said("advice", forwards=ALWAYS), []),
    "a source that names ours": (said("not an article", forwards=ALWAYS), []),
    "no claim": (None, []),
}


@pytest.mark.parametrize(("claim", "questions"), CLAIMED.values(), ids=CLAIMED)
def test_a_claim_is_put_to_the_test_by_what_it_speaks_of(claim: Claim | None, questions: list[str]) -> None:
    claiming = variant("v", claim)
    catalogue = changed(CATALOGUE, variants=(claiming,))
    cells = claim_cells(catalogue, "an article", ["base"], engine="docker")
    assert [cell.question.name for cell in cells] == questions
    assert all(cell.subject == catalogue.subject(claiming, "base") for cell in cells)
    assert all(claim is not None and claim.forwards.of(cell.question) for cell in cells)


def test_claims_are_put_to_the_test_on_every_base_one_after_another() -> None:
    variants = (variant("v", said(forwards=ALWAYS)), variant("w"), variant("x", said(probes={Probe.REAP: NEVER})))
    catalogue = changed(CATALOGUE, variants=variants)
    assert [cell.id for cell in claim_cells(catalogue, "an article", ["local:a", "b"], engine="docker")] == [
        *("a/v/SIGHUP", "a/v/SIGTERM", "a/x/reap"),
        *("b/v/SIGHUP", "b/v/SIGTERM", "b/x/reap"),
    ]
