"""Where a show plays: a session's engine, bases and images."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.core.dockerfile import telling
from harness.core.errors import UsageError
from harness.core.question import Probe
from harness.run.observation import GRACE_S
from harness.session import load_catalogue
from harness.workshop.demo.live import Batch, LiveCell
from harness.workshop.demo.screens import Context
from harness.workshop.story import FILE_NAME, Story, cells_of, claimed, parse_story

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.core.subject import Cell
    from harness.session import Session
    from harness.workshop.story import Chapter

GRACE_OF_DOCKER_S = 10
"""What ``docker stop`` gives if it is not told otherwise (docs.docker.com, docker container stop)."""


def load_story(folder: Path | None) -> Story:
    """Read the story beside a catalogue, or our own.

    Raises:
        UsageError: there is none, or it is not well-formed.
    """
    where, catalogue = load_catalogue(folder)
    file = where / FILE_NAME
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}", remedy=f"A demo needs a {FILE_NAME} there.") from error
    return parse_story(text, place=str(file), catalogue=catalogue)


class SessionLauncher:
    """A stage (`harness.workshop.demo.presentation.Launcher`) in a session."""

    def __init__(self, session: Session, story: Story, chapters: Sequence[Chapter]) -> None:
        self._session = session
        self._story = story
        self._chapters = chapters

    @property
    def context(self) -> Context:
        """What stays the same through a show."""
        session = self._session
        return Context(
            story=self._story,
            engine=session.engine_facts,
            bases=session.base_facts,
            dockerfile=lambda cell: telling(session.dockerfile_of(cell.variant), cell.base, cell.variant.target),
            signal=lambda cell: session.schedule.signal_of(cell) if cell.probe in (Probe.SIGNAL, Probe.STOP) else None,
        )

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Every cell of the chapters, in the order of the show."""
        found: list[Cell] = []
        for chapter in self._chapters:
            found += self._claimed(chapter)
            acts = (*chapter.broken, *chapter.mended)
            found += cells_of(chapter, acts, self._session.catalogue, self._session.base_facts)
        return tuple({cell.id: cell for cell in found}.values())

    def play(self, cell: Cell) -> LiveCell:
        """Start a cell that waits for its cues."""
        return LiveCell(cell, self._session.engine, self._session.schedule)

    def claims(self, chapter: Chapter) -> Batch:
        """Start all cells that a chapter's claims speak of. None of them is watched, so a stop need not take long."""
        patience = replace(self._session.schedule.patience, grace_s=GRACE_S)
        schedule = replace(self._session.schedule, patience=patience)
        return Batch(self._claimed(chapter), self._session.engine, schedule)

    def table(self) -> Batch:
        """Start all cells of the table."""
        self._session.prepare(self._session.cells)
        return Batch(self._session.cells, self._session.engine, self._session.schedule)

    def _claimed(self, chapter: Chapter) -> tuple[Cell, ...]:
        if not chapter.claims:
            return ()
        return claimed(self._session.catalogue.variants, chapter.claims, self._session.base_facts)
