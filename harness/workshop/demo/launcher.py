"""Where the containers of a presentation run: a session's engine, bases and images."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.catalogues import load_catalogue
from harness.core.errors import UsageError
from harness.run.observation import GRACE_S
from harness.workshop.demo.live import Batch, LiveCell
from harness.workshop.demo.screens import Context
from harness.workshop.story import FILE_NAME, Story, cells_of, claim_cells, parse_story

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from harness.core.subject import Cell
    from harness.session import Session
    from harness.workshop.story import Chapter

GRACE_OF_DOCKER_S = 10
"""What ``docker stop`` gives if nothing else is asked for (docs.docker.com, docker container stop)."""


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
    """Starts the cells of a presentation's chapters in a session."""

    def __init__(self, session: Session, story: Story, chapters: Sequence[Chapter]) -> None:
        self._session = session
        self._chapters = chapters
        self.context = Context(
            story=story,
            engine=session.engine_facts,
            bases=session.base_facts,
            dockerfile=session.excerpt_of,
            signal=session.signal_of,
        )

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Every cell of the chapters, in the order of the presentation."""
        session, engine = self._session, self.context.engine.name
        cells: dict[str, Cell] = {}
        for chapter in self._chapters:
            examples = (*chapter.broken, *chapter.mended)
            ours = cells_of(chapter, examples, session.catalogue, session.base_facts, engine=engine)
            cells |= {cell.id: cell for cell in (*self._claim_cells(chapter), *ours)}
        return tuple(cells.values())

    def run(self, cell: Cell) -> LiveCell:
        """Start a cell that waits before each action."""
        return LiveCell(cell, self._session.engine, self._session.schedule)

    def claims(self, chapter: Chapter) -> Batch:
        """Start all cells that a chapter's claims speak of. None of them is watched, so a stop need not take long."""
        patience = replace(self._session.schedule.patience, grace_s=GRACE_S)
        schedule = replace(self._session.schedule, patience=patience)
        return Batch(self._claim_cells(chapter), self._session.engine, schedule)

    def table(self) -> Batch:
        """Start all cells of the table."""
        self._session.prepare(self._session.cells)
        return Batch(self._session.cells, self._session.engine, self._session.schedule)

    def _claim_cells(self, chapter: Chapter) -> tuple[Cell, ...]:
        if not chapter.claims:
            return ()
        session = self._session
        return claim_cells(session.catalogue, chapter.claims, session.base_facts, engine=session.engine_facts.name)
