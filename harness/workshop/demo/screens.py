"""What a view of the presentation shows: its blocks from top to bottom, fitted into the lines of the screen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from string import ascii_lowercase
from typing import TYPE_CHECKING, Final

from rich.columns import Columns
from rich.console import Group
from rich.padding import Padding
from rich.segment import Segment
from rich.syntax import Syntax
from rich.table import Column, Table
from rich.text import Text

from harness.core.subject import Built
from harness.core.verdict import Holds, Verdict
from harness.report.style import colour, look, printable
from harness.workshop.demo.container import commands, log, path_lines, tree
from harness.workshop.demo.grid import Grid, claims_table, held_claims, short_base
from harness.workshop.demo.live import Phase
from harness.workshop.demo.presentation import Command, StepKind
from harness.workshop.story import MOST_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from harness.core.document import Row
    from harness.core.facts import BaseFacts, EngineFacts
    from harness.core.signals import Signal
    from harness.core.subject import Cell
    from harness.workshop.demo.presentation import View
    from harness.workshop.story import Chapter, Story

_THEME: Final = "ansi_dark"
_LETTERS: Final = ascii_lowercase[:MOST_OPTIONS]
_LOW: Final = 28
_WITH_FIRST: Final = 4
_KEYS: Final = tuple(command for command in Command if command is not Command.NEXT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What stays the same through a presentation: the story, and where it runs.

    ``dockerfile`` returns the lines that matter of a cell's subject, ``signal`` the one that it is about, if any.
    """

    story: Story
    engine: EngineFacts
    bases: Mapping[str, BaseFacts]
    dockerfile: Callable[[Cell], str]
    signal: Callable[[Cell], Signal | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A part of a screen. Where there is too little room it keeps ``least`` lines: its first ones, or its ``tail``.

    One that ``yields`` gives way before the others. One that keeps no line loses its title as well. With ``first`` its
    first line is kept, too, where there is room for more than a few.
    """

    body: RenderableType
    title: str = ""
    least: int = 1
    tail: bool = False
    first: bool = False
    yields: bool = False


@dataclass(frozen=True, slots=True)
class Screen:
    """A whole screen, to be printed with rich: what a view shows, fitted into the terminal's lines."""

    context: Context
    view: View

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it."""
        width, height = options.max_width, options.height or console.height
        narrow = options.update(width=width, height=None)
        top = console.render_lines(_head(self.context, self.view, width), narrow)
        bottom = console.render_lines(_keys(self.view), narrow)
        room = max(height - len(top) - len(bottom), 1)
        parts = list(blocks(self.context, self.view, low=height < _LOW))
        lines = _fit(parts, room, console, options.update(width=width - 2, height=None))
        lines = [[Segment(" "), *line] for line in lines]
        lines += [[] for _ in range(room - len(lines))]
        whole = [*top, *lines[:room], *bottom][-height:]
        yield from [segment for line in whole for segment in (*line, Segment.line())][:-1]


def _fit(blocks: Sequence[Block], room: int, console: Console, options: ConsoleOptions) -> list[list[Segment]]:
    """The lines of all blocks, each cut to what there is room for: the longest gives first."""
    bodies = [console.render_lines(block.body, options, pad=False) for block in blocks]
    given = [len(body) for body in bodies]

    def needed() -> int:
        return sum(count + bool(block.title) for count, block in zip(given, blocks, strict=True) if count)

    gaps = needed() + len(blocks) - 1 <= room  # what is worth reading goes before what is good to look at
    while needed() > room:
        spare = [(count - block.least, block.yields) for count, block in zip(given, blocks, strict=True)]
        count, _ = longest = max(spare, key=lambda one: (one[0] > 0, one[1], one[0]))
        if count <= 0:
            break
        given[spare.index(longest)] -= 1
    lines: list[list[Segment]] = []
    for block, body, count in zip(blocks, bodies, given, strict=True):
        if count and lines and gaps:
            lines.append([])
        if count and block.title:
            title = Text(block.title, style="bold cyan", no_wrap=True, overflow="ellipsis")
            lines += console.render_lines(title, options, pad=False)
        if block.first and _WITH_FIRST <= count < len(body):
            more = Text(f"… {len(body) - count + 1} more", style="dim")
            lines += [body[0], *console.render_lines(more, options, pad=False), *body[len(body) - count + 2 :]]
        else:
            lines += body[len(body) - count :] if block.tail else body[:count]
    return lines


def _head(context: Context, view: View, width: int) -> RenderableType:
    chapter = view.step.chapter
    number, title = (f"{view.step.number}/{view.chapters} ", chapter.title) if chapter else ("", context.story.title)
    left = Text().append(number, "dim").append(printable(title), "bold")
    right = Text()
    if view.step.mended:
        right.append("after the fix ", style="green")
    if view.pace != 1:
        right.append(f" ×{view.pace:g} slower" if view.pace > 1 else f" ×{1 / view.pace:g} faster", style="yellow")
    cut, whole = Column(no_wrap=True, overflow="ellipsis", ratio=1), Column(no_wrap=True, justify="right")
    line = Table.grid(cut, whole, expand=True, padding=(0, 1))
    line.add_row(left, right)
    return Group(Padding(line, (0, 1)), Text("─" * width, style="dim"))


def _keys(view: View) -> RenderableType:
    line = Text(" ", no_wrap=True, overflow="ellipsis")
    line.append(f" {Command.NEXT} {_next(view)} ", style="bold reverse" if view.waits else "dim")
    for command in _KEYS:
        line.append(f"  {command} ", style="bold").append(command.name.lower(), style="dim")
    return Group(Text(), line)


def _next(view: View) -> str:
    if not view.waits:
        return "…"
    if view.snapshot and view.step.kind is StepKind.RUN and view.snapshot.phase is Phase.HELD:
        return "run it"
    return "end" if view.step.kind is StepKind.TABLE else "go on"


def blocks(context: Context, view: View, *, low: bool = False) -> Iterator[Block]:
    """The parts of a view, from top to bottom; ``low`` is where lines are scarce."""
    chapter = view.step.chapter
    if view.keys:
        return _help()
    if chapter is None:
        return _title(context) if view.step.kind is StepKind.TITLE else _table(context, view)
    match view.step.kind:
        case StepKind.QUESTION:
            return _question(context, view, chapter)
        case StepKind.VERDICT:
            return _verdict(view, chapter)
        case StepKind.FIX:
            return _fix(context, view, chapter)
        case StepKind.CLAIMS:
            return _claims(context, view, chapter)
        case StepKind.RUN | StepKind.TITLE | StepKind.TABLE:
            return _run(context, view, low=low)


def _help() -> Iterator[Block]:
    """What each key does."""
    keys = Table.grid(Column(style="bold"), "", padding=(0, 2))
    for command in Command:
        keys.add_row(", ".join([command, *command.others]), command.about)
    yield Block(title="Keys", body=keys, least=len(Command))
    yield Block(body=Text("Any of them but q goes back.", style="dim"))


def _title(context: Context) -> Iterator[Block]:
    chapters = Table.grid(Column(justify="right", style="dim"), "", padding=(0, 2))
    for number, chapter in enumerate(context.story.chapter, start=1):
        chapters.add_row(str(number), Text(printable(chapter.title)))
    bases = Table.grid(padding=(0, 2))
    for facts in context.bases.values():
        shell = f"/bin/sh is {printable(facts.shell or 'not known')}, Node {printable(facts.programs.get('node', '?'))}"
        bases.add_row(Text(printable(facts.reference), style="bold"), Text(shell))
    engine = context.engine
    where = Text(printable(f"{engine.name} {engine.version}, kernel {engine.kernel}"), style="dim")
    if not engine.trace:
        where.append("\nNo kernel's record of signals here: log and process tree are what there is.", "yellow")
    yield Block(body=_prose(context.story.intro))
    yield Block(title="Chapters", body=chapters, least=4)
    yield Block(title="It runs on", body=Group(bases, where), least=2)


def _question(context: Context, view: View, chapter: Chapter) -> Iterator[Block]:
    yield Block(body=_prose(chapter.intro))
    if view.cells:
        yield Block(body=_dockerfiles(context, view.cells), least=3)
    yield Block(body=Text(printable(chapter.question), style="bold"), title="Predict first", least=1)
    if chapter.options:
        options = [
            Text().append(f"{letter}  ", style="bold yellow").append(printable(option.text))
            for letter, option in zip(_LETTERS, chapter.options, strict=False)
        ]
        yield Block(body=Text("\n").join(options), least=len(options))


def _dockerfiles(context: Context, cells: Iterable[Cell]) -> RenderableType:
    """The lines that matter of each subject on each base, once."""
    shown: dict[tuple[str, str, bool], RenderableType] = {}
    for cell in cells:
        image, init = cell.subject.image, cell.subject.launch.init
        text = printable(context.dockerfile(cell))
        name = printable(image.dockerfile if isinstance(image, Built) else cell.subject.name)
        command = [Text("$ docker run --init …", style="bold")] if init else []
        body = Group(Text(name, style="dim"), _code(text, "docker"), *command)
        shown.setdefault((name, text, init), Padding(body, (0, 4, 0, 0)))
    return Columns(shown.values())


def _code(text: str, language: str) -> RenderableType:
    return Syntax(text, language, theme=_THEME, background_color="default", word_wrap=True)


def _run(context: Context, view: View, *, low: bool) -> Iterator[Block]:
    snapshot = view.snapshot
    if snapshot is None:
        yield Block(body=Text("starting …", style="dim"))
        return
    row, signal, base = snapshot.row, context.signal(snapshot.cell), snapshot.cell.subject.base or ""
    shell = context.bases[base].shell
    where = printable(f"Processes on {base}" + (f", /bin/sh is {shell}" if shell else ""))
    yield Block(body=commands(snapshot, low=low), tail=True, first=True)
    yield Block(title=where, body=tree(snapshot, signal, view.shown), least=2)
    has_path = row is not None and row.evidence.path is not None and bool(row.evidence.path.steps)
    yield Block(title="The log", body=log(snapshot), least=0, tail=True, yields=has_path)
    if row and row.evidence.path and row.evidence.path.steps:
        steps = path_lines(row.evidence.path, view.shown)
        yield Block(title="The path of the signal", body=steps, least=0, tail=True, first=True)
    if row is not None and view.waits:
        yield Block(body=_verdict_line(row), least=1)


def _verdict_line(row: Row) -> Text:
    """A verdict and what it means, in one line."""
    cell = printable(f"{row.subject}, {row.question.name}: ")
    return Text.assemble(cell, look(row.verdict), f": {row.verdict.meaning}", style="bold")


def _verdict(view: View, chapter: Chapter) -> Iterator[Block]:
    row = view.snapshot.row if view.snapshot else None
    if row is None:
        yield Block(body=Text("not run: it was skipped", style="dim"))
        return
    yield Block(body=Group(_verdict_line(row), Text(f"on {printable(row.base or '')}", "dim")), least=1)
    yield Block(body=_prose(row.reason))
    if row.finding and row.finding.text:
        yield Block(title="What was found", body=_prose(row.finding.text))
    if chapter.options and not view.step.mended:
        answers = _answers(chapter, row.verdict)
        yield Block(title="Who was right?", body=answers, least=len(chapter.options))
    if not row.verdict.good:
        yield Block(title="How to fix it", body=_prose("\n".join(row.advice)), least=2)
    if view.step.last:
        yield Block(title="Before and after", body=Group(*map(row_line, view.before)), least=2)
        yield from _lesson(chapter)


def _answers(chapter: Chapter, verdict: Verdict) -> RenderableType:
    """The answers that could be given, and which of them the containers gave."""
    lines = [
        Text(f"✓ {letter}  {printable(option.text)}", "bold green")
        if verdict in option.verdicts
        else Text(f"  {letter}  {printable(option.text)}", "dim")
        for letter, option in zip(_LETTERS, chapter.options, strict=False)
    ]
    if verdict in (Verdict.UNSTABLE, Verdict.UNTESTED):
        lines.append(Text(f"nobody can tell: {verdict.meaning}", "yellow"))
    return Group(*lines)


def row_line(row: Row) -> Text:
    """A row in one line."""
    text = Text(f"{row.verdict.symbol} {row.verdict:<11}", style=colour(row.verdict))
    return text.append(printable(f" {row.subject} on {row.base}"), style="default")


def _fix(context: Context, view: View, chapter: Chapter) -> Iterator[Block]:
    yield Block(body=Text(printable(chapter.fix), style="bold"))
    yield Block(title="Before", body=_dockerfiles(context, view.cells), least=4)
    yield Block(title="After", body=_dockerfiles(context, view.mended), least=4)
    if chapter.code:
        yield Block(title="In the app", body=_code(printable(chapter.code), "javascript"))


def _claims(context: Context, view: View, chapter: Chapter) -> Iterator[Block]:
    held = held_claims(view.many, view.rows, context.bases)
    yield Block(body=claims_table(view.many, held, context.bases, over=view.waits), least=6)
    if view.waits:
        everywhere = sum(all(holds is Holds.HELD for holds in by_base) for by_base in held.values())
        yield Block(body=Text(f"{everywhere} of {len(held)} hold on every base.", style="bold"))
        yield from _lesson(chapter)
    else:
        yield Block(body=_progress(view))


def _lesson(chapter: Chapter) -> Iterator[Block]:
    if chapter.lesson:
        yield Block(title="To take home", body=_prose(chapter.lesson))


def _progress(view: View) -> Text:
    return Text(f"{len(view.rows)} of {len(view.many)} cells", style="yellow")


def _table(context: Context, view: View) -> Iterator[Block]:
    counts = Counter(row.verdict for row in view.rows)
    legend = [look(verdict).append(f" {counts[verdict]}", "dim") for verdict in Verdict if verdict in counts]
    whole = Text(f"{len(view.many)} cells. The whole table and the report follow.", "bold")
    names = " ".join(dict.fromkeys(cell.question.name for cell in view.many))
    bases = "   ".join(f"{short_base(base)}: {names}" for base in context.bases)
    below = Group(Columns(legend, padding=(0, 3, 0, 0)), whole if view.waits else _progress(view))
    yield Block(body=Text(f"left to right   {bases}", style="dim"))
    yield Block(body=Grid(view.many, view.rows, tuple(context.bases)), least=5)
    yield Block(body=below, least=2)


def _prose(text: str) -> Text:
    return Text(printable(text))
