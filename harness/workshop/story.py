"""A story of real containers: chapters, what people are asked, what is run before and after a fix. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from harness.core.errors import UsageError
from harness.core.question import Question
from harness.core.signals import DEFAULT_SIGNALS
from harness.core.subject import Cell
from harness.core.toml import read_toml
from harness.core.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.core.catalogue import Catalogue, Variant
    from harness.core.facts import BaseFacts
    from harness.core.signals import Signal
    from harness.core.subject import Expectation

SCHEMA: Final = 1
FILE_NAME: Final = "demo.toml"
MOST_OPTIONS: Final = 8
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_RANGE: Final = re.compile(r"(?P<begin>[0-9]{1,4})(?P<dash>-(?P<end>[0-9]{1,4})?)?")


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One variant that is run: on each base whose ``/bin/sh`` is of one of these names, or on the first base."""

    variant: str
    on: tuple[str, ...] = ()


class Option(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer that may be given, and the verdicts that prove it right."""

    text: str
    verdicts: tuple[Verdict, ...]


class Chapter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One chapter of a story.

    ``asks`` is a signal or a probe, put to all its examples: the ``broken`` ones, then the ``mended`` ones. A
    chapter with ``claims`` has none: it compares all claims whose source begins so with what is measured.
    """

    name: str
    title: str
    intro: str
    question: str
    asks: str = ""
    options: tuple[Option, ...] = ()
    broken: tuple[Example, ...] = ()
    fix: str = ""
    code: str = ""
    mended: tuple[Example, ...] = ()
    lesson: str = ""
    claims: str = ""

    @property
    def asked(self) -> Question:
        """What is asked of its containers."""
        return Question.parse(self.asks)


class Story(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole story; it goes with the catalogue beside it."""

    schema: int
    title: str
    intro: str
    chapter: tuple[Chapter, ...]

    @property
    def signals(self) -> tuple[Signal, ...]:
        """Every signal that is sent in it."""
        signals = [chapter.asked.signal for chapter in self.chapter if chapter.asks]
        return tuple(dict.fromkeys(filter(None, signals)))


def parse_story(text: str, *, place: str, catalogue: Catalogue) -> Story:
    """Read the content of a ``demo.toml``, whose examples are from a catalogue; ``place`` is for messages.

    Raises:
        UsageError: it is malformed, or names a variant, a signal or a probe that does not exist.
    """
    story = read_toml(text, Story, place=place)
    if story.schema != SCHEMA:
        raise UsageError(f"{place}: schema {story.schema} is unknown", remedy=f"This version reads schema {SCHEMA}.")
    if not story.chapter:
        raise UsageError(f"{place}: there is no [[chapter]]")
    names = [chapter.name for chapter in story.chapter]
    for number, chapter in enumerate(story.chapter):
        if flaw := "two chapters have this name" if chapter.name in names[:number] else _flaw(chapter, catalogue):
            raise UsageError(f"{place}, chapter {chapter.name!r}: {flaw}")
    return story


def _flaw(chapter: Chapter, catalogue: Catalogue) -> str:
    """What is wrong with a chapter; empty if nothing is."""
    if not _NAME.fullmatch(chapter.name):
        return "its name is made of letters, digits and '-', and begins with a letter"
    if len(chapter.options) > MOST_OPTIONS:
        return f"it has {len(chapter.options)} options; at most {MOST_OPTIONS} are allowed"
    if chapter.claims:
        if chapter.broken or chapter.mended or chapter.asks:
            return "a chapter with claims has no asks, broken or mended"
        return "" if _claiming(catalogue, chapter.claims) else f"no claim has a source that begins {chapter.claims!r}"
    if not chapter.asks or not chapter.broken:
        return "expected asks and broken, or claims"
    known = {variant.name for variant in catalogue.variants}
    if unknown := [example.variant for example in (*chapter.broken, *chapter.mended) if example.variant not in known]:
        return f"the catalogue has no variant {unknown[0]!r}"
    try:
        _ = chapter.asked
    except UsageError as error:
        return str(error)
    return ""


def choose(story: Story, wanted: Iterable[str]) -> tuple[Chapter, ...]:
    """The chapters that are asked for, in the story's order; all if none is.

    They are asked for by names, numbers from 1, or ranges of numbers: ``npm-start``, ``3``, ``2-4``, ``5-``.

    Raises:
        UsageError: there is no such chapter.
    """
    chosen: set[int] = set()
    names = [chapter.name for chapter in story.chapter]
    for word in wanted:
        numbers = [names.index(word)] if word in names else _numbers(word, len(names))
        if not numbers:
            raise UsageError(
                f"there is no chapter {word!r}",
                remedy="Chapters: " + ", ".join(f"{number} {name}" for number, name in enumerate(names, start=1)),
            )
        chosen |= set(numbers)
    return tuple(chapter for number, chapter in enumerate(story.chapter) if not chosen or number in chosen)


def _numbers(word: str, count: int) -> Sequence[int]:
    match = _RANGE.fullmatch(word)
    if match is None:
        return ()
    begin = int(match["begin"])
    end = int(match["end"] or (count if match["dash"] else begin))
    return range(begin - 1, end) if 1 <= begin <= end <= count else ()


def cells_of(
    chapter: Chapter, examples: Iterable[Example], catalogue: Catalogue, bases: Mapping[str, BaseFacts], *, engine: str
) -> tuple[Cell, ...]:
    """The cells of examples: each on every base whose shell it names, else on the first."""
    variants = {variant.name: variant for variant in catalogue.variants}
    return tuple(
        Cell(engine=engine, subject=catalogue.subject(variants[example.variant], base), question=chapter.asked)
        for example in examples
        for base in _bases(example, bases)
    )


def _bases(example: Example, bases: Mapping[str, BaseFacts]) -> list[str]:
    fitting = [reference for shell in example.on for reference, facts in bases.items() if facts.has_shell(shell)]
    return list(dict.fromkeys(fitting)) or list(bases)[:1]


def _claiming(catalogue: Catalogue, source: str) -> list[tuple[Variant, Expectation]]:
    """The variants with a claim whose source begins so, and what it says."""
    claims = [(variant, variant.claim) for variant in catalogue.variants if variant.claim]
    return [(variant, claim.forwards) for variant, claim in claims if claim.source.startswith(source)]


def claim_cells(catalogue: Catalogue, source: str, bases: Iterable[str], *, engine: str) -> tuple[Cell, ...]:
    """The cells that test what the claims with such a source say of signals and of other probes, on every base."""
    cells: list[Cell] = []
    for base in bases:
        for variant, expectation in _claiming(catalogue, source):
            signals = dict.fromkeys([*(DEFAULT_SIGNALS if expectation.forwards else ()), *expectation.signals])
            questions = [Question(signal=signal) for signal in signals]
            questions += [Question(probe=probe) for probe in expectation.probes]
            subject = catalogue.subject(variant, base)
            cells += [Cell(engine=engine, subject=subject, question=question) for question in questions]
    return tuple(cells)
