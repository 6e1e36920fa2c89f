"""A story told with real containers: chapters, what is asked of the room, what is run before and after a fix. Pure."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Final

import msgspec

from harness.core.errors import UsageError
from harness.core.question import Probe
from harness.core.signals import DEFAULT_SIGNALS, Signal, parse_signal
from harness.core.subject import Cell
from harness.core.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.core.catalogue import Catalogue
    from harness.core.facts import BaseFacts
    from harness.core.subject import Expectation, Variant

SCHEMA: Final = 1
FILE_NAME: Final = "demo.toml"
MOST_OPTIONS: Final = 8
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_RANGE: Final = re.compile(r"(?P<begin>[0-9]{1,4})(?P<dash>-(?P<end>[0-9]{1,4})?)?")


class Act(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One variant that is run: on each base whose ``/bin/sh`` is of one of these names, or on the first base."""

    variant: str
    on: tuple[str, ...] = ()


class Option(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An answer the room may give, and the verdicts that prove it right."""

    text: str
    verdicts: tuple[Verdict, ...]


class Chapter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One chapter of a story.

    ``asks`` is a signal or a probe, put to all its acts: the ``broken`` ones, and the ``mended`` ones after the fix. A
    chapter with ``claims`` has no acts: it holds all claims whose source begins so against what is measured.
    """

    name: str
    title: str
    intro: str
    question: str
    asks: str = ""
    options: tuple[Option, ...] = ()
    broken: tuple[Act, ...] = ()
    fix: str = ""
    code: str = ""
    mended: tuple[Act, ...] = ()
    lesson: str = ""
    claims: str = ""

    @property
    def probe(self) -> Probe:
        """What is asked of its containers."""
        return Probe(self.asks) if self.asks in {*Probe} else Probe.SIGNAL

    @property
    def signal(self) -> Signal | None:
        """The signal that is sent, if the chapter is about one."""
        return parse_signal(self.asks) if self.probe is Probe.SIGNAL and self.asks else None


class Story(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole story; it goes with the catalogue beside it."""

    schema: int
    title: str
    intro: str
    chapter: tuple[Chapter, ...]

    @property
    def signals(self) -> tuple[Signal, ...]:
        """Every signal that is sent in it."""
        return tuple(dict.fromkeys(chapter.signal for chapter in self.chapter if chapter.signal))


def parse_story(text: str, *, place: str, catalogue: Catalogue) -> Story:
    """Read a story.

    Args:
        text: the content of ``demo.toml``.
        place: the file's name, for messages.
        catalogue: the catalogue that its acts are from.

    Raises:
        UsageError: it is malformed, or speaks of a variant, a signal or a probe that there is none of.
    """
    try:
        story = msgspec.convert(tomllib.loads(text), Story)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise UsageError(f"{place}: {error}") from error
    if story.schema != SCHEMA:
        raise UsageError(f"{place}: schema {story.schema} is unknown", remedy=f"This version reads schema {SCHEMA}.")
    if not story.chapter:
        raise UsageError(f"{place}: there is no [[chapter]]")
    names: set[str] = set()
    for chapter in story.chapter:
        if flaw := _flaw(chapter, catalogue.variants, names):
            raise UsageError(f"{place}, chapter {chapter.name!r}: {flaw}")
        names.add(chapter.name)
    return story


def _flaw(chapter: Chapter, variants: Sequence[Variant], names: set[str]) -> str:
    """What is wrong with a chapter; empty if nothing is."""
    if not _NAME.fullmatch(chapter.name):
        return "its name is made of letters, digits and '-', and begins with a letter"
    if chapter.name in names:
        return "two chapters have this name"
    if len(chapter.options) > MOST_OPTIONS:
        return f"it has {len(chapter.options)} options, and the room can choose among {MOST_OPTIONS}"
    if chapter.claims:
        if chapter.broken or chapter.mended or chapter.asks:
            return "a chapter with claims has no acts"
        return "" if _claiming(variants, chapter.claims) else f"no claim has a source that begins {chapter.claims!r}"
    if not chapter.asks or not chapter.broken:
        return "asks and broken are missing, or claims"
    known = {variant.name for variant in variants}
    if unknown := [act.variant for act in (*chapter.broken, *chapter.mended) if act.variant not in known]:
        return f"the catalogue has no variant {unknown[0]!r}"
    try:
        _ = chapter.signal
    except UsageError as error:
        return str(error)
    return ""


def choose(story: Story, wanted: Iterable[str]) -> tuple[Chapter, ...]:
    """The chapters that are asked for, in the story's order; all if none is.

    Args:
        story: the story.
        wanted: names, numbers from 1, or ranges of numbers: ``npm-start``, ``3``, ``2-4``, ``5-``.

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


def _numbers(word: str, count: int) -> list[int]:
    match = _RANGE.fullmatch(word)
    if match is None:
        return []
    begin = int(match["begin"])
    end = int(match["end"]) if match["end"] else count if match["dash"] else begin
    return list(range(begin - 1, end)) if 1 <= begin <= end <= count else []


def cells_of(
    chapter: Chapter, acts: Iterable[Act], catalogue: Catalogue, bases: Mapping[str, BaseFacts]
) -> tuple[Cell, ...]:
    """The cells that acts come to: each on every base whose shell it names, else on the first."""
    variants = {variant.name: variant for variant in catalogue.variants}
    return tuple(
        Cell(base=base, variant=variants[act.variant], signal=chapter.signal, probe=chapter.probe)
        for act in acts
        for base in _bases(act, bases)
    )


def _bases(act: Act, bases: Mapping[str, BaseFacts]) -> list[str]:
    fitting = [reference for shell in act.on for reference, facts in bases.items() if facts.has_shell(shell)]
    return list(dict.fromkeys(fitting)) or list(bases)[:1]


def _claiming(variants: Iterable[Variant], source: str) -> list[tuple[Variant, Expectation]]:
    """The variants with a claim whose source begins so, and what it says."""
    return [
        (variant, variant.claim.forwards)
        for variant in variants
        if variant.claim and variant.claim.source.startswith(source)
    ]


def claimed(variants: Iterable[Variant], source: str, bases: Iterable[str]) -> tuple[Cell, ...]:
    """The cells that hold claims to the test: what a claim says of signals and of other probes, on every base.

    Args:
        variants: the variants.
        source: how the sources of the claims begin.
        bases: the bases.
    """
    cells: list[Cell] = []
    for base in bases:
        for variant, said in _claiming(variants, source):
            signals = dict.fromkeys([*(DEFAULT_SIGNALS if said.forwards else ()), *said.signals])
            cells += [Cell(base=base, variant=variant, signal=signal) for signal in signals]
            cells += [Cell(base=base, variant=variant, probe=probe) for probe in said.probes]
    return tuple(cells)
