"""Where a presentation has got to, and what a key or the passing of time does to it. Draws nothing itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol, Self

from harness.workshop.demo.live import Phase
from harness.workshop.story import cells_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.core.catalogue import Catalogue
    from harness.core.document import Row
    from harness.core.facts import BaseFacts
    from harness.core.subject import Cell
    from harness.workshop.demo.live import Batch, LiveCell, Snapshot
    from harness.workshop.story import Chapter


class Command(StrEnum):
    """What a presenter can ask for, and the key for it; ``others`` are more keys, ``about`` says what it does."""

    about: str
    others: tuple[str, ...]

    def __new__(cls, key: str, about: str, *others: str) -> Self:
        """A command with its keys."""
        command = str.__new__(cls, key)
        command._value_ = key
        command.about, command.others = about, others
        return command

    NEXT = "n", "go on: to the next screen, or with the run that waits", "Enter", "Space", "→", "↓", "Page Down"
    BACK = "b", "go back to the screen before", "Backspace", "←", "↑", "Page Up"
    REPEAT = "r", "run this container again"
    SKIP = "s", "skip the rest of the chapter"
    SLOWER = "-", "show the path at half the speed"
    FASTER = "+", "show the path at twice the speed"
    QUIT = "q", "leave", "Escape"
    KEYS = "?", "show what each key does"


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
    """The steps of a presentation; a ``whole`` one begins with a title and ends with the table of all cells.

    Each of the ``chapters`` comes with its number.
    """
    steps = [Step(kind=StepKind.TITLE)] if whole else []
    for number, chapter in chapters:
        step = partial(Step, number=number, chapter=chapter)
        steps.append(step(kind=StepKind.QUESTION))
        if chapter.claims:
            steps.append(step(kind=StepKind.CLAIMS, last=True))
            continue
        for mended, examples in ((False, chapter.broken), (True, chapter.mended)):
            if mended and examples:
                steps.append(step(kind=StepKind.FIX, mended=True))
            cells = cells_of(chapter, examples, catalogue, bases, engine=engine)
            for cell in cells:
                last = cell == cells[-1] and (mended or not chapter.mended)
                steps.append(step(kind=StepKind.RUN, cell=cell, mended=mended))
                steps.append(step(kind=StepKind.VERDICT, cell=cell, mended=mended, last=last))
    return (*steps, *([Step(kind=StepKind.TABLE)] if whole else []))


@dataclass(frozen=True, kw_only=True, slots=True)
class View:
    """All that there is to draw of a presentation at one moment.

    ``cells`` are those of the chapter before the fix, ``mended`` those after it. ``shown`` is how many steps of the
    signal's path are shown. ``before`` are the rows of the chapter's earlier runs, in order. ``rows`` are those of the
    ``many`` cells at once. ``waits`` says whether nothing more happens until the presenter asks for it, ``keys``
    whether what each key does is shown instead.
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
    keys: bool = False


_STEP_S: Final = 0.7
_SLOWEST: Final = 8.0
_FASTEST: Final = 0.125


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


class Presentation:
    """A presentation under way.

    It goes on by itself ``pause_s`` seconds after nothing more happens; with ``None`` it waits for the presenter.
    ``chapters`` is how many chapters the story has.
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
        self._shown: Counter[int] = Counter()
        self._now_s = self._path_s = 0.0
        self._since_s: float | None = None
        self._keys = False
        self.finished = False

    @property
    def step(self) -> Step:
        """The step that is shown."""
        return self._steps[self._index]

    @property
    def rows(self) -> tuple[Row, ...]:
        """All rows of the presentation so far."""
        many = [row for _, batch in sorted(self._batches.items()) for row in batch.rows]
        return (*self._rows_of(sorted(self._runs)), *many)

    @property
    def table(self) -> Batch | None:
        """The whole table; ``None`` if it was not run to its end."""
        batch = self._batches.get(len(self._steps) - 1) if self._steps[-1].kind is StepKind.TABLE else None
        return batch if batch is not None and batch.over else None

    def press(self, command: Command) -> None:
        """Do what the presenter asks for."""
        if self._keys and command is not Command.QUIT:
            self._keys = False
            return
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
            case Command.KEYS:
                self._keys = True

    def tick(self, now_s: float) -> None:
        """Let time pass until a moment, in seconds of any clock: containers are started ahead, a path grows."""
        self._now_s = now_s
        self._start_ahead()
        if self._unshown() and now_s - self._path_s >= _STEP_S * self._pace * (self._pause_s != 0):
            self._shown[self._index] += 1
            self._path_s = now_s
        if not self._waits():
            self._since_s = None
        elif self._since_s is None:
            self._since_s = now_s  # and no further, so that each screen is seen, however short the pause
        elif self._pause_s is not None:
            share = 2 if self._phase() is Phase.HELD else 1
            if now_s - self._since_s >= self._pause_s * self._pace / share:
                self._next()

    def view(self) -> View:
        """What there is to draw."""
        run = self._runs.get(self._run_index())
        batch = self._batches.get(self._index)
        return View(
            step=self.step,
            chapters=self._chapters,
            cells=self._cells(mended=False),
            mended=self._cells(mended=True),
            snapshot=run.snapshot() if run else None,
            shown=self._shown[self._index],
            before=self._before() if self.step.kind in (StepKind.VERDICT, StepKind.FIX) else (),
            rows=batch.rows if batch else (),
            many=batch.cells if batch else (),
            pace=self._pace,
            waits=self._waits(),
            keys=self._keys,
        )

    def close(self) -> None:
        """Leave nothing running: all is given up first, then waited for."""
        everything = [*self._left, *self._runs.values(), *self._batches.values()]
        for started in everything:
            started.abandon()
        for started in everything:
            started.close()

    def _next(self) -> None:
        self._keys = False
        run = self._runs.get(self._index)
        if run is not None and run.snapshot().phase is Phase.HELD:
            run.proceed()
        elif unshown := self._unshown():
            self._shown[self._index] += unshown
        elif not self._waits() and (run is not None or self.step.kind is not StepKind.RUN):
            return
        else:
            self._go(self._index + 1)
        self._since_s = None

    def _skip(self) -> None:
        index = self._index
        while index < len(self._steps) and self._steps[index].number == self.step.number:
            index += 1
        self._go(index)

    def _repeat(self) -> None:
        index = self._run_index()
        if (started := self._runs.pop(index, None) or self._batches.pop(index, None)) is not None:
            self._leave(started)
            self._since_s = None
        if self.step.kind in (StepKind.RUN, StepKind.VERDICT):
            del self._shown[index]
            self._go(index)

    def _go(self, index: int) -> None:
        """Show another step, or finish behind the last; what is under way for a chapter that is left is given up."""
        if index == len(self._steps):
            self.finished = True
            return
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
        if self._phase() not in (None, Phase.OVER):
            return  # what runs is not disturbed
        ahead = range(self._index + (self._index in self._runs), len(self._steps))
        index = next((index for index in ahead if self._is_run(index)), None)
        if index is not None and index not in self._runs and (cell := self._steps[index].cell):
            self._runs[index] = self._launcher.run(cell)

    def _is_run(self, index: int) -> bool:
        """Whether a step is a run of this chapter."""
        step = self._steps[index]
        return step.kind is StepKind.RUN and step.number == self.step.number

    def _many(self) -> tuple[int, ...]:
        """The steps whose many cells at once are shown now, or are to be ready soon."""
        here, coming = self._index, self._index + 1
        batch = self._batches.get(here)
        match self.step.kind, self._steps[coming].kind if coming < len(self._steps) else None:
            case StepKind.QUESTION, StepKind.CLAIMS:
                return (coming,)
            case StepKind.CLAIMS, StepKind.TABLE if batch is not None and batch.over:
                return (here, coming)
            case StepKind.CLAIMS | StepKind.TABLE, _:
                return (here,)
        return ()

    def _run_index(self) -> int:
        """The step whose run is shown here: this one, or the one before."""
        return self._index - 1 if self.step.kind is StepKind.VERDICT else self._index

    def _cells(self, *, mended: bool) -> tuple[Cell, ...]:
        """The cells of this chapter's runs, before or after the fix."""
        steps = [step for index, step in enumerate(self._steps) if self._is_run(index)]
        return tuple(step.cell for step in steps if step.cell and step.mended is mended)

    def _before(self) -> tuple[Row, ...]:
        """The rows of this chapter's runs up to here."""
        return self._rows_of(filter(self._is_run, range(self._index + 1)))

    def _rows_of(self, indices: Iterable[int]) -> tuple[Row, ...]:
        """The rows of the runs of these steps, as far as they are known."""
        rows = [self._runs[index].snapshot().row for index in indices if index in self._runs]
        return tuple(row for row in rows if row is not None)

    def _phase(self) -> Phase | None:
        """How far the run of this step has come; ``None`` if there is none."""
        run = self._runs.get(self._index)
        return run.snapshot().phase if run else None

    def _unshown(self) -> int:
        """How many steps of the signal's path are still to be shown, as far as they are known."""
        rows = self._rows_of([self._index])
        return sum(map(path_length, rows)) - self._shown[self._index]

    def _waits(self) -> bool:
        """Whether nothing more happens until the presenter asks for it."""
        if self.step.kind is StepKind.RUN:
            phase = self._phase()
            return phase is Phase.HELD or (phase is Phase.OVER and not self._unshown())
        if self.step.kind in (StepKind.CLAIMS, StepKind.TABLE):
            batch = self._batches.get(self._index)
            return batch is not None and batch.over
        return True


def path_length(row: Row) -> int:
    """How many steps the signal's path in a row has; none where there is no kernel's record."""
    return len(row.evidence.path.steps) if row.evidence.path else 0
