"""Where a presentation has got to, and what a key or the passing of time does to it. Draws nothing, reads no keys."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING, Final, Protocol

from harness.workshop.demo.live import Phase
from harness.workshop.story import cells_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.core.catalogue import Catalogue
    from harness.core.document import Row
    from harness.core.facts import BaseFacts
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


class StepKind(Enum):
    """What a step shows."""

    TITLE = auto()
    QUESTION = auto()
    RUN = auto()
    """A container, from its start to the verdict."""
    VERDICT = auto()
    """What was found, and what it means."""
    FIX = auto()
    CLAIMS = auto()
    TABLE = auto()


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One screen of a presentation. ``number`` is the chapter's; ``last`` says whether the step ends it."""

    kind: StepKind
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
    engine: str,
    whole: bool,
) -> tuple[Step, ...]:
    """The steps of a presentation.

    Args:
        chapters: the chapters with their numbers.
        catalogue: where their variants are from.
        bases: what is known of the bases.
        engine: the name of the engine that it runs on.
        whole: whether it begins with a title and ends with the table of all cells.
    """
    steps = [Step(kind=StepKind.TITLE)] if whole else []
    for number, chapter in chapters:
        steps.append(Step(kind=StepKind.QUESTION, number=number, chapter=chapter))
        if chapter.claims:
            steps.append(Step(kind=StepKind.CLAIMS, number=number, chapter=chapter, last=True))
            continue
        for mended, examples in ((False, chapter.broken), (True, chapter.mended)):
            if mended and examples:
                steps.append(Step(kind=StepKind.FIX, number=number, chapter=chapter, mended=True))
            cells = cells_of(chapter, examples, catalogue, bases, engine=engine)
            for cell in cells:
                for kind in (StepKind.RUN, StepKind.VERDICT):
                    last = kind is StepKind.VERDICT and cell == cells[-1] and (mended or not chapter.mended)
                    steps.append(Step(kind=kind, number=number, chapter=chapter, cell=cell, mended=mended, last=last))
    return (*steps, *([Step(kind=StepKind.TABLE)] if whole else []))


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """All that there is to draw of a presentation at one moment.

    ``cells`` are those of the chapter before the fix, ``mended`` those after it. ``shown`` is how many steps of the
    signal's path are shown. ``before`` are the rows of the chapter's earlier runs, in order. ``rows`` are those of the
    ``many`` cells at once. ``waits`` says whether nothing more happens until the presenter asks for it.
    """

    step: Step
    chapters: int
    cells: tuple[Cell, ...] = ()
    mended: tuple[Cell, ...] = ()
    snapshot: Snapshot | None = None
    shown: int = 0
    before: tuple[Row, ...] = ()
    rows: tuple[Row, ...] = ()
    many: tuple[Cell, ...] = ()
    pace: float = 1.0
    waits: bool = True


class Launcher(Protocol):
    """Where cells are run."""

    def run(self, cell: Cell) -> LiveCell:
        """Start a cell that waits before each action."""
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
    """A presentation under way.

    Args:
        steps: its steps.
        launcher: where its containers run.
        pause_s: how long to leave each screen, in seconds, when it goes on by itself; ``None`` waits for the presenter.
        chapters: how many chapters the story has.
    """

    def __init__(self, steps: Sequence[Step], launcher: Launcher, *, pause_s: float | None, chapters: int) -> None:
        self._steps = steps
        self._launcher = launcher
        self._pause_s = pause_s
        self._chapters = chapters
        self._index = 0
        self._pace = 1.0
        self._runs: dict[int, LiveCell] = {}
        self._batches: dict[int, Batch] = {}
        self._left: list[LiveCell | Batch] = []
        self._shown: dict[int, int] = {}
        self._now_s = 0.0
        self._path_s = 0.0
        self._since_s: float | None = None
        self.finished = False

    @property
    def step(self) -> Step:
        """The step that is shown."""
        return self._steps[self._index]

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows of the presentation so far."""
        single = [run.snapshot().row for _, run in sorted(self._runs.items())]
        many = [row for _, batch in sorted(self._batches.items()) for row in batch.rows]
        return (*(row for row in single if row is not None), *many)

    @property
    def table(self) -> Batch | None:
        """The whole table; ``None`` if it was not run to its end."""
        batch = self._batches.get(len(self._steps) - 1) if self._steps[-1].kind is StepKind.TABLE else None
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
        """Let time pass until a moment, in seconds of any clock: containers are started ahead, a path grows."""
        self._now_s = now_s
        self._start_ahead()
        if (count := self._path_length()) is not None:
            shown = self._shown.get(self._index, 0)
            if shown < count and now_s - self._path_s >= _STEP_S * self._pace * (self._pause_s != 0):
                self._shown[self._index], self._path_s = shown + 1, now_s
        if not self._waits():
            self._since_s = None
        elif self._since_s is None:
            self._since_s = now_s  # and no further, so that each screen is seen, however short the pause
        elif self._pause_s is not None:
            run = self._runs.get(self._index)
            held = run is not None and run.snapshot().phase is Phase.HELD
            if now_s - self._since_s >= self._pause_s * self._pace / (2 if held else 1):
                self._next()

    def view(self) -> View:
        """What there is to draw."""
        step = self.step
        run = self._runs.get(self._run_index())
        batch = self._batches.get(self._index)
        rows = batch.rows if batch else ()
        return View(
            step=step,
            chapters=self._chapters,
            cells=self._cells(mended=False),
            mended=self._cells(mended=True),
            snapshot=run.snapshot() if run else None,
            shown=self._shown.get(self._index, 0),
            before=self._before() if step.kind in (StepKind.VERDICT, StepKind.FIX) else (),
            rows=rows,
            many=batch.cells if batch else (),
            pace=self._pace,
            waits=self._waits(),
        )

    def close(self) -> None:
        """Leave nothing running: all is given up first, then waited for."""
        everything = [*self._left, *self._runs.values(), *self._batches.values()]
        for started in everything:
            started.abandon()
        for started in everything:
            started.close()

    def _next(self) -> None:
        run = self._runs.get(self._index)
        if run is not None:
            phase = run.snapshot().phase
            if phase is Phase.HELD:
                run.proceed()
                self._since_s = None
                return
            if phase is not Phase.OVER:
                return
            count = self._path_length() or 0
            if self._shown.get(self._index, 0) < count:
                self._shown[self._index] = count
                self._since_s = None
                return
        if self.step.kind in (StepKind.CLAIMS, StepKind.TABLE) and not self._waits():
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
        if self.step.kind in (StepKind.RUN, StepKind.VERDICT):
            index = self._run_index()
            if index in self._runs:
                self._leave(self._runs.pop(index))
            self._shown.pop(index, None)
            self._go(index)
        elif (batch := self._batches.pop(self._index, None)) is not None:
            self._leave(batch)
            self._since_s = None

    def _go(self, index: int) -> None:
        """Show another step; what is under way for a chapter that is left is given up."""
        self._index, self._since_s, self._path_s = index, None, self._now_s
        for number, run in list(self._runs.items()):
            if self._steps[number].number != self.step.number and run.snapshot().phase is not Phase.OVER:
                self._leave(self._runs.pop(number))
        for number, batch in list(self._batches.items()):
            if number not in self._many() and not batch.over:
                self._leave(self._batches.pop(number))

    def _leave(self, started: LiveCell | Batch) -> None:
        started.abandon()
        self._left.append(started)

    def _start_ahead(self) -> None:
        """Start what this step shows, or what the next one will while people are still thinking."""
        for number in self._many():
            if number not in self._batches:
                chapter = self._steps[number].chapter
                self._batches[number] = self._launcher.claims(chapter) if chapter else self._launcher.table()
                return
        here = self._runs.get(self._index)
        if here is not None and here.snapshot().phase is not Phase.OVER:
            return  # what runs is not disturbed
        missing = self.step.kind is StepKind.RUN and here is None
        index = self._index if missing else self._coming()
        cell = self._steps[index].cell if index is not None else None
        if index is not None and cell is not None and index not in self._runs:
            self._runs[index] = self._launcher.run(cell)

    def _coming(self) -> int | None:
        """The next run of this chapter."""
        return next(
            (
                index
                for index in range(self._index + 1, len(self._steps))
                if self._steps[index].kind is StepKind.RUN and self._steps[index].number == self.step.number
            ),
            None,
        )

    def _many(self) -> tuple[int, ...]:
        """The steps whose many cells at once are shown now, or are to be ready soon."""
        here, coming = self._index, self._index + 1
        following = self._steps[coming].kind if coming < len(self._steps) else None
        if self.step.kind is StepKind.CLAIMS:
            batch = self._batches.get(here)
            ready = following is StepKind.TABLE and batch is not None and batch.over
            return (here, coming) if ready else (here,)
        if self.step.kind is StepKind.QUESTION and following is StepKind.CLAIMS:
            return (coming,)
        return (here,) if self.step.kind is StepKind.TABLE else ()

    def _run_index(self) -> int:
        """The step whose run is shown here: this one, or the one before."""
        return self._index - 1 if self.step.kind is StepKind.VERDICT else self._index

    def _cells(self, *, mended: bool) -> tuple[Cell, ...]:
        """The cells of this chapter's runs, before or after the fix."""
        return tuple(
            step.cell
            for step in self._steps
            if step.cell and step.kind is StepKind.RUN and step.number == self.step.number and step.mended is mended
        )

    def _before(self) -> tuple[Row, ...]:
        """The rows of this chapter's runs up to here."""
        indices = range(self._index + 1)
        runs = [self._runs[i] for i in indices if i in self._runs and self._steps[i].number == self.step.number]
        return tuple(row for run in runs if (row := run.snapshot().row) is not None)

    def _path_length(self) -> int | None:
        """How many steps the signal's path has; ``None`` while it is not known."""
        run = self._runs.get(self._index)
        row = run.snapshot().row if run else None
        return None if row is None else path_length(row)

    def _waits(self) -> bool:
        """Whether nothing more happens until the presenter asks for it."""
        if self.step.kind is StepKind.RUN:
            run = self._runs.get(self._index)
            if run is None:
                return False
            phase = run.snapshot().phase
            if phase is Phase.OVER:
                return self._shown.get(self._index, 0) >= (self._path_length() or 0)
            return phase is Phase.HELD
        if self.step.kind in (StepKind.CLAIMS, StepKind.TABLE):
            batch = self._batches.get(self._index)
            return batch is not None and batch.over
        return True


def path_length(row: Row) -> int:
    """How many steps the signal's path in a row has; none where there is no kernel's record."""
    return len(row.evidence.path.steps) if row.evidence.path else 0
