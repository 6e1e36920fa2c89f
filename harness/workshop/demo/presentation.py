"""Where a show has got to, and what a key or the passing of time does to it. Draws nothing, reads no keys."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING, Final, Protocol

from harness.core.signal_path import signal_path
from harness.workshop.demo.live import Phase
from harness.workshop.story import cells_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.core.catalogue import Catalogue
    from harness.core.facts import BaseFacts
    from harness.core.result import Result
    from harness.core.signal_path import Step as PathStep
    from harness.core.subject import Cell
    from harness.workshop.demo.live import Batch, LiveCell, Snapshot
    from harness.workshop.story import Chapter


class Command(StrEnum):
    """What a presenter can ask for, and the key for it."""

    NEXT = "n"
    BACK = "b"
    REPEAT = "r"
    SKIP = "s"
    SLOWER = "-"
    FASTER = "+"
    QUIT = "q"


class Kind(Enum):
    """What a step shows."""

    TITLE = auto()
    QUESTION = auto()
    PLAY = auto()
    """A container, from its start to the verdict."""
    TOLD = auto()
    """What the verdict means."""
    FIX = auto()
    CLAIMS = auto()
    TABLE = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One screen of a show. ``number`` is the chapter's; ``last`` says whether the step ends it."""

    kind: Kind
    number: int = 0
    chapter: Chapter | None = None
    cell: Cell | None = None
    mended: bool = False
    last: bool = False


def steps_of(
    chapters: Sequence[tuple[int, Chapter]],
    catalogue: Catalogue,
    bases: Mapping[str, BaseFacts],
    *,
    whole: bool,
) -> tuple[Step, ...]:
    """The steps of a show.

    Args:
        chapters: the chapters with their numbers.
        catalogue: where their variants are from.
        bases: what is known of the bases.
        whole: whether it begins with a title and ends with the table of all cells.
    """
    steps = [Step(kind=Kind.TITLE)] if whole else []
    for number, chapter in chapters:
        steps.append(Step(kind=Kind.QUESTION, number=number, chapter=chapter))
        if chapter.claims:
            steps.append(Step(kind=Kind.CLAIMS, number=number, chapter=chapter, last=True))
            continue
        played: list[Step] = []
        for mended, acts in ((False, chapter.broken), (True, chapter.mended)):
            if mended and acts:
                played.append(Step(kind=Kind.FIX, number=number, chapter=chapter, mended=True))
            cells = cells_of(chapter, acts, catalogue, bases)
            for cell in cells:
                for kind in (Kind.PLAY, Kind.TOLD):
                    last = kind is Kind.TOLD and cell == cells[-1] and (mended or not chapter.mended)
                    played.append(Step(kind=kind, number=number, chapter=chapter, cell=cell, mended=mended, last=last))
        steps += played
    return (*steps, *([Step(kind=Kind.TABLE)] if whole else []))


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """All that there is to draw of a show at one moment.

    ``cells`` are those of the chapter before the fix, ``mended`` those after it. ``shown`` is how many steps of the
    signal's path have been told. ``before`` are the results of the chapter's earlier
    plays, in order. ``results`` are those of the ``many`` cells at once. ``waits`` says whether nothing more
    happens until the presenter asks for it.
    """

    step: Step
    chapters: int
    cells: tuple[Cell, ...] = ()
    mended: tuple[Cell, ...] = ()
    snapshot: Snapshot | None = None
    shown: int = 0
    before: tuple[Result, ...] = ()
    results: tuple[Result, ...] = ()
    many: tuple[Cell, ...] = ()
    pace: float = 1.0
    waits: bool = True


class Launcher(Protocol):
    """Where plays are put on."""

    def play(self, cell: Cell) -> LiveCell:
        """Start a cell that waits for its cues."""
        ...

    def claims(self, chapter: Chapter) -> Batch:
        """Start all cells that a chapter's claims speak of."""
        ...

    def table(self) -> Batch:
        """Start all cells of the table."""
        ...


_STEP_S: Final = 0.7
_SLOWEST: Final = 8.0
_FASTEST: Final = 0.125


class Presentation:
    """A show under way.

    Args:
        steps: its steps.
        stage: where its containers run.
        pause_s: how long to leave each screen when the show goes on by itself, in seconds; ``None`` waits for the
            presenter.
        chapters: how many chapters the story has.
    """

    def __init__(self, steps: Sequence[Step], stage: Launcher, *, pause_s: float | None, chapters: int) -> None:
        self._steps = steps
        self._launcher = stage
        self._pause_s = pause_s
        self._chapters = chapters
        self._index = 0
        self._pace = 1.0
        self._plays: dict[int, LiveCell] = {}
        self._batches: dict[int, Batch] = {}
        self._left: list[LiveCell | Batch] = []
        self._shown: dict[int, int] = {}
        self._now_s = 0.0
        self._told_s = 0.0
        self._since_s: float | None = None
        self.finished = False

    @property
    def step(self) -> Step:
        """The step that is shown."""
        return self._steps[self._index]

    @property
    def results(self) -> tuple[Result, ...]:
        """All that was found in the show so far."""
        plays = [play.snapshot().result for _, play in sorted(self._plays.items())]
        many = [result for _, batch in sorted(self._batches.items()) for result in batch.results]
        return (*(result for result in plays if result is not None), *many)

    @property
    def table(self) -> Batch | None:
        """The whole table; ``None`` if it was not run to its end."""
        batch = self._batches.get(len(self._steps) - 1) if self._steps[-1].kind is Kind.TABLE else None
        return batch if batch is not None and batch.over else None

    def press(self, command: Command) -> None:
        """Do what the presenter asks for."""
        match command:
            case Command.NEXT:
                self._next()
            case Command.BACK:
                self._go(max(self._index - 1, 0))
            case Command.REPEAT:
                self._repeat()
            case Command.SKIP:
                self._skip()
            case Command.SLOWER:
                self._pace = min(self._pace * 2, _SLOWEST)
            case Command.FASTER:
                self._pace = max(self._pace / 2, _FASTEST)
            case Command.QUIT:
                self.finished = True

    def tick(self, now_s: float) -> None:
        """Let time pass until a moment, in seconds of any clock: containers are started ahead, a path is told on."""
        self._now_s = now_s
        self._start_ahead()
        if self.step.kind is Kind.PLAY and (count := self._path_length()) is not None:
            shown = self._shown.get(self._index, 0)
            if shown < count and now_s - self._told_s >= _STEP_S * self._pace * (self._pause_s != 0):
                self._shown[self._index], self._told_s = shown + 1, now_s
        if not self._waits():
            self._since_s = None
        elif self._since_s is None:
            self._since_s = now_s  # and no further, so that each screen is seen, however short the pause
        elif self._pause_s is not None:
            pause_s = self._pause_s * self._pace
            if now_s - self._since_s >= (pause_s / 2 if self._held() else pause_s):
                self._next()

    def view(self) -> View:
        """What there is to draw."""
        step = self.step
        play = self._plays.get(self._played_at())
        batch = self._batches.get(self._index)
        results = batch.results if batch else ()
        return View(
            step=step,
            chapters=self._chapters,
            cells=self._cells(mended=False),
            mended=self._cells(mended=True),
            snapshot=play.snapshot() if play else None,
            shown=self._shown.get(self._index, 0),
            before=self._before() if step.kind in (Kind.TOLD, Kind.FIX) else (),
            results=results,
            many=batch.cells if batch else (),
            pace=self._pace,
            waits=self._waits(),
        )

    def close(self) -> None:
        """Leave nothing running: all is given up first, then waited for."""
        everything = [*self._left, *self._plays.values(), *self._batches.values()]
        for started in everything:
            started.abandon()
        for started in everything:
            started.close()

    def _next(self) -> None:
        play = self._plays.get(self._index)
        if self.step.kind is Kind.PLAY and play is not None:
            phase = play.snapshot().phase
            if phase is Phase.HELD:
                play.cue()
                self._since_s = None
                return
            if phase is not Phase.OVER:
                return
            count = self._path_length() or 0
            if self._shown.get(self._index, 0) < count:
                self._shown[self._index] = count
                self._since_s = None
                return
        if self.step.kind in (Kind.CLAIMS, Kind.TABLE) and not self._waits():
            return
        if self._index + 1 == len(self._steps):
            self.finished = True
        else:
            self._go(self._index + 1)

    def _skip(self) -> None:
        number = self.step.number
        after = [index for index, step in enumerate(self._steps) if index > self._index and step.number != number]
        if after:
            self._go(after[0])
        else:
            self.finished = True

    def _repeat(self) -> None:
        if self.step.kind in (Kind.PLAY, Kind.TOLD):
            index = self._played_at()
            if index in self._plays:
                self._leave(self._plays.pop(index))
            self._shown.pop(index, None)
            self._go(index)
        elif (batch := self._batches.pop(self._index, None)) is not None:
            self._leave(batch)
            self._since_s = None

    def _go(self, index: int) -> None:
        """Show another step; what is under way for a chapter that is left is given up."""
        self._index, self._since_s, self._told_s = index, None, self._now_s
        for number, play in list(self._plays.items()):
            if self._steps[number].number != self.step.number and play.snapshot().phase is not Phase.OVER:
                self._leave(self._plays.pop(number))
        for number, batch in list(self._batches.items()):
            if number not in self._many() and not batch.over:
                self._leave(self._batches.pop(number))

    def _leave(self, started: LiveCell | Batch) -> None:
        started.abandon()
        self._left.append(started)

    def _start_ahead(self) -> None:
        """Start what this step shows, or what the next one will while the room is still thinking."""
        for number in self._many():
            if number not in self._batches:
                chapter = self._steps[number].chapter
                self._batches[number] = self._launcher.claims(chapter) if chapter else self._launcher.table()
                return
        here = self._plays.get(self._index)
        if here is not None and here.snapshot().phase is not Phase.OVER:
            return  # what runs is not disturbed
        missing = self.step.kind is Kind.PLAY and here is None
        index = self._index if missing else self._coming()
        cell = self._steps[index].cell if index is not None else None
        if index is not None and cell is not None and index not in self._plays:
            self._plays[index] = self._launcher.play(cell)

    def _coming(self) -> int | None:
        """The next play of this chapter."""
        return next(
            (
                index
                for index in range(self._index + 1, len(self._steps))
                if self._steps[index].kind is Kind.PLAY and self._steps[index].number == self.step.number
            ),
            None,
        )

    def _many(self) -> tuple[int, ...]:
        """The steps whose many cells at once are shown now, or are to be ready soon."""
        here, coming = self._index, self._index + 1
        following = self._steps[coming].kind if coming < len(self._steps) else None
        if self.step.kind is Kind.CLAIMS:
            batch = self._batches.get(here)
            ready = following is Kind.TABLE and batch is not None and batch.over
            return (here, coming) if ready else (here,)
        if self.step.kind is Kind.QUESTION and following is Kind.CLAIMS:
            return (coming,)
        return (here,) if self.step.kind is Kind.TABLE else ()

    def _played_at(self) -> int:
        """The step whose play is shown here: this one, or the one before that it tells of."""
        return self._index - 1 if self.step.kind is Kind.TOLD else self._index

    def _cells(self, *, mended: bool) -> tuple[Cell, ...]:
        """The cells of this chapter's plays, before or after the fix."""
        return tuple(
            step.cell
            for step in self._steps
            if step.cell and step.kind is Kind.PLAY and step.number == self.step.number and step.mended is mended
        )

    def _before(self) -> tuple[Result, ...]:
        """What this chapter's plays up to here have found."""
        indices = range(self._index + 1)
        plays = [self._plays[i] for i in indices if i in self._plays and self._steps[i].number == self.step.number]
        return tuple(result for play in plays if (result := play.snapshot().result) is not None)

    def _held(self) -> bool:
        play = self._plays.get(self._index)
        return self.step.kind is Kind.PLAY and play is not None and play.snapshot().phase is Phase.HELD

    def _path_length(self) -> int | None:
        """How many steps there are to tell of the signal's path; ``None`` while it is not known."""
        play = self._plays.get(self._index)
        result = play.snapshot().result if play else None
        if result is None:
            return None
        return len(path_of(result))

    def _waits(self) -> bool:
        """Whether nothing more happens until the presenter asks for it."""
        if self.step.kind is Kind.PLAY:
            play = self._plays.get(self._index)
            if play is None:
                return False
            phase = play.snapshot().phase
            if phase is Phase.OVER:
                return self._shown.get(self._index, 0) >= (self._path_length() or 0)
            return phase is Phase.HELD
        if self.step.kind in (Kind.CLAIMS, Kind.TABLE):
            batch = self._batches.get(self._index)
            return batch is not None and batch.over
        return True


def path_of(result: Result) -> Sequence[PathStep]:
    """The steps of the signal's path in a result; none where there is no kernel's record."""
    return (signal_path(result.evidence) if result.evidence else None) or ()
