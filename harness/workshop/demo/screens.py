"""What a show looks like: a view to lines of text, as many as the terminal has."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass
from string import ascii_lowercase
from typing import TYPE_CHECKING, Final

from rich.columns import Columns
from rich.console import Group
from rich.padding import Padding
from rich.segment import Segment
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from harness.core.advice import advice
from harness.core.claims import Holds, claim_of, together
from harness.core.evidence import ReapEvidence, SignalEvidence
from harness.core.process import depths
from harness.core.question import Probe
from harness.core.signal_path import End, Send
from harness.core.trace import Fate
from harness.core.verdict import Verdict
from harness.report.explain import found, moment, step_line
from harness.report.style import LOOKS, MEANINGS, look, printable
from harness.workshop.demo.live import Phase
from harness.workshop.demo.presentation import Command, Kind, path_of
from harness.workshop.story import MOST_OPTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from harness.core.facts import BaseFacts, EngineFacts
    from harness.core.process import Process, Tree
    from harness.core.result import Result
    from harness.core.signal_path import Step as PathStep
    from harness.core.signals import Signal
    from harness.core.subject import Cell
    from harness.workshop.demo.live import Snapshot
    from harness.workshop.demo.presentation import View
    from harness.workshop.story import Chapter, Story

_THEME: Final = "ansi_dark"
_LETTERS: Final = ascii_lowercase[:MOST_OPTIONS]
_CLAIM_WIDTH: Final = 10
_WITH_FIRST: Final = 4
_LOW: Final = 28
_GRID_OTHER: Final = 9
_GRID_LEAST: Final = 5
_GRID_NAME: Final = 8
_KEYS: Final = {
    Command.BACK: "back",
    Command.REPEAT: "repeat",
    Command.SKIP: "skip",
    Command.SLOWER: "slower",
    Command.FASTER: "faster",
    Command.QUIT: "quit",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """What stays the same through a show: the story, and where it plays.

    ``dockerfile`` gives the lines that matter of a cell's variant, ``signal`` the one that it is about, if any.
    """

    story: Story
    engine: EngineFacts
    bases: Mapping[str, BaseFacts]
    dockerfile: Callable[[Cell], str]
    signal: Callable[[Cell], Signal | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A part of a screen. Where there is too little room it keeps ``least`` lines: its first ones, or its ``tail``.

    One that keeps none loses its title as well. With ``first`` its first line is kept, too, where there is room for
    more than a few.
    """

    body: RenderableType
    title: str = ""
    least: int = 1
    tail: bool = False
    first: bool = False


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
        parts = blocks(self.context, self.view, low=height < _LOW)
        lines = _fit(parts, room, console, options.update(width=width - 2, height=None))
        lines = [[Segment(" "), *line] for line in lines]
        lines += [[] for _ in range(room - len(lines))]
        whole = [*top, *lines[:room], *bottom][-height:]
        for number, line in enumerate(whole):
            yield from line
            if number + 1 < len(whole):
                yield Segment.line()


def _fit(parts: Sequence[Block], room: int, console: Console, options: ConsoleOptions) -> list[list[Segment]]:
    """The lines of all parts, each cut to what there is room for: the longest gives first."""
    bodies = [console.render_lines(part.body, options, pad=False) for part in parts]
    given = [len(body) for body in bodies]

    def needed() -> int:
        return sum(count + bool(part.title) for count, part in zip(given, parts, strict=True) if count)

    gaps = needed() + len(parts) - 1 <= room  # what is worth reading goes before what is good to look at
    while needed() > room:
        spare = [count - part.least for count, part in zip(given, parts, strict=True)]
        if max(spare) <= 0:
            break
        given[spare.index(max(spare))] -= 1
    lines: list[list[Segment]] = []
    for part, body, count in zip(parts, bodies, given, strict=True):
        if not count:
            continue
        if lines and gaps:
            lines.append([])
        if part.title:
            title = Text(part.title, style="bold cyan", no_wrap=True, overflow="ellipsis")
            lines += console.render_lines(title, options, pad=False)
        if part.first and _WITH_FIRST <= count < len(body):
            more = Text(f"… {len(body) - count + 1} more", style="dim")
            lines += [body[0], *console.render_lines(more, options, pad=False), *body[len(body) - count + 2 :]]
        else:
            lines += body[len(body) - count :] if part.tail else body[:count]
    return lines


def _head(context: Context, view: View, width: int) -> RenderableType:
    chapter = view.step.chapter
    if chapter is None:
        left = Text(printable(context.story.title), style="bold")
    else:
        left = Text().append(f"{view.step.number}/{view.chapters} ", "dim").append(printable(chapter.title), "bold")
    right = Text()
    if view.step.mended:
        right.append("after the fix ", style="green")
    if view.pace != 1:
        right.append(f" ×{view.pace:g} slower" if view.pace > 1 else f" ×{1 / view.pace:g} faster", style="yellow")
    line = Table.grid(expand=True, padding=(0, 1))
    line.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    line.add_column(no_wrap=True, justify="right")
    line.add_row(left, right)
    return Group(Padding(line, (0, 1)), Text("─" * width, style="dim"))


def _keys(view: View) -> RenderableType:
    line = Text(" ", no_wrap=True, overflow="ellipsis")
    line.append(f" {Command.NEXT} {_next(view)} ", style="bold reverse" if view.waits else "dim")
    for command, name in _KEYS.items():
        line.append(f"  {command} ", style="bold").append(name, style="dim")
    return Group(Text(), line)


def _next(view: View) -> str:
    if not view.waits:
        return "…"
    if view.snapshot and view.step.kind is Kind.PLAY and view.snapshot.phase is Phase.HELD:
        return "run it"
    return "end" if view.step.kind is Kind.TABLE else "go on"


def blocks(context: Context, view: View, *, low: bool = False) -> list[Block]:
    """The parts of a view, from top to bottom; ``low`` is where lines are scarce."""
    match view.step.kind:
        case Kind.TITLE:
            return _title(context)
        case Kind.QUESTION:
            return _question(context, view)
        case Kind.PLAY:
            return _play(context, view, low=low)
        case Kind.TOLD:
            return _told(view)
        case Kind.FIX:
            return _fix(context, view)
        case Kind.CLAIMS:
            return _claims(context, view)
        case Kind.TABLE:
            return _table(context, view)


def _title(context: Context) -> list[Block]:
    chapters = Table.grid(padding=(0, 2))
    chapters.add_column(justify="right", style="dim")
    chapters.add_column()
    for number, chapter in enumerate(context.story.chapter, start=1):
        chapters.add_row(str(number), Text(printable(chapter.title)))
    bases = Table.grid(padding=(0, 2))
    for facts in context.bases.values():
        shell = f"/bin/sh is {printable(facts.shell or 'not known')}, Node {printable(facts.node or '?')}"
        bases.add_row(Text(printable(facts.reference), style="bold"), Text(shell))
    engine = context.engine
    where = Text(printable(f"{engine.name} {engine.version}, kernel {engine.kernel}"), style="dim")
    if not engine.trace:
        where.append("\nNo kernel's record of signals here: log and process tree are what there is.", "yellow")
    return [
        Block(body=_prose(context.story.intro)),
        Block(title="Chapters", body=chapters, least=4),
        Block(title="It plays on", body=Group(bases, where), least=2),
    ]


def _question(context: Context, view: View) -> list[Block]:
    chapter = view.step.chapter
    if chapter is None:
        return []
    parts = [Block(body=_prose(chapter.intro))]
    if view.cells:
        parts.append(Block(body=_dockerfiles(context, view.cells), least=3))
    options = Text()
    for letter, option in zip(_LETTERS, chapter.options, strict=False):
        options.append(f"{letter}  ", style="bold yellow").append(f"{printable(option.text)}\n")
    options.rstrip()
    parts.append(Block(body=Text(printable(chapter.question), style="bold"), title="Predict first", least=1))
    return [*parts, Block(body=options, least=len(chapter.options))] if chapter.options else parts


def _dockerfiles(context: Context, cells: Iterable[Cell]) -> RenderableType:
    """The lines that matter of each variant on each base, once."""
    shown: dict[tuple[str, ...], RenderableType] = {}
    for cell in cells:
        text = printable(context.dockerfile(cell))
        how = "docker run --init" if cell.variant.init else ""
        body: list[RenderableType] = [code(text, "docker")]
        if how:
            body.append(Text(f"$ {how} …", style="bold"))
        name = Text(printable(cell.variant.dockerfile), style="dim")
        shown.setdefault((name.plain, text, how), Padding(Group(name, *body), (0, 4, 0, 0)))
    return Columns(shown.values())


def code(text: str, language: str) -> RenderableType:
    """Lines of a file, coloured."""
    return Syntax(text, language, theme=_THEME, background_color="default", word_wrap=True)


def _play(context: Context, view: View, *, low: bool) -> list[Block]:
    snapshot = view.snapshot
    if snapshot is None:
        return [Block(body=Text("starting …", style="dim"))]
    parts = [Block(body=commands(snapshot, low=low), tail=True, first=True)]
    parts.append(Block(title=_where(context, snapshot.cell), body=tree(context, view, snapshot), least=2))
    parts.append(Block(title="The log", body=log(snapshot), least=0, tail=True))
    if told := path(view, snapshot):
        parts.append(Block(title="The path of the signal", body=told, least=0, tail=True, first=True))
    if snapshot.result is not None and view.waits:
        parts.append(Block(body=verdict(snapshot.result), least=1))
    return parts


def _where(context: Context, cell: Cell) -> str:
    shell = context.bases[cell.base].shell
    return printable(f"Processes on {cell.base}" + (f", /bin/sh is {shell}" if shell else ""))


def commands(snapshot: Snapshot, *, low: bool = False) -> RenderableType:
    """The commands that were run, and the one that waits; ``low`` gives each of the former a single line."""
    told = [run_line(snapshot)]
    told += [typed(done.action.command, "bold") for done in snapshot.actions]
    last = told[-1]
    if snapshot.held is not None:
        last = typed(snapshot.held.command, "bold yellow").append("  ◀ next", "yellow")
        told.append(last)
    elif snapshot.phase is Phase.UNDER_WAY:
        last.append(f"   {snapshot.elapsed_s:.1f} s", "yellow")
    for line in told:
        line.overflow = "fold"
        if low and line is not last:
            line.no_wrap, line.overflow = True, "ellipsis"
    if again := once_more(snapshot):
        told.append(Text(again, "dim"))
    return Group(*told)


def once_more(snapshot: Snapshot) -> str:
    """Why there is more than one container, if there is."""
    if snapshot.run <= 1:
        return ""
    if snapshot.cell.probe is Probe.EXIT_CODE:
        return f"once more, to exit in another way: container {snapshot.run}"
    return f"once more, as luck may have a hand in it: container {snapshot.run}"


def run_line(snapshot: Snapshot) -> Text:
    """The command that started the container."""
    launch = snapshot.launch
    if launch is None:
        return Text("the image is being built …", style="dim")
    words = ["docker", "run", "-d", "--name", snapshot.container, *(["--init"] if launch.init else [])]
    words += ["-p", f"127.0.0.1::{launch.publish}"] if launch.publish else ["--network", "none"]
    words += [word for name, value in launch.environment.items() for word in ("-e", f"{name}={value}")]
    words += [launch.image]
    return typed(shlex.join(words))


def typed(command: str, style: str = "") -> Text:
    """A command behind its prompt."""
    return Text().append("$ ", "dim").append(printable(command), style)


def tree(context: Context, view: View, snapshot: Snapshot) -> RenderableType:
    """The process tree, with what each process has done with the signal so far."""
    evidence = snapshot.result.evidence if snapshot.result else None
    steps: Sequence[PathStep] = path_of(snapshot.result) if snapshot.result else ()
    shown: Tree = snapshot.tree
    if evidence is not None:
        shown = evidence.before if isinstance(evidence, SignalEvidence) and steps else evidence.after
    orphan = evidence.orphan.pid if isinstance(evidence, ReapEvidence) else None
    ended = evidence is not None and not evidence.running and view.shown >= len(steps)
    end = Text(f"the container has ended, with exit code {evidence.exit_code}", "red") if ended and evidence else None
    if not shown:
        return end or Text("none yet", style="dim")
    signal = context.signal(snapshot.cell)
    notes = _notes(steps[: view.shown])
    rows: list[tuple[str, Text, Text, Text]] = []
    depth = depths(shown)
    for process in shown:
        pid = process.inner_pid or process.pid
        note = notes.get(pid, _Note())
        told = Text("the orphan", "yellow") if process.pid == orphan else note.text
        branch = "  " * depth[process.pid] + ("└ " if depth[process.pid] else "")
        name = Text(printable(branch + process.args), no_wrap=True, overflow="ellipsis")
        if note.gone:
            name.stylize("dim strike")
        rows.append((str(pid), name, _attitude(process, signal), told))
    table = Table.grid(padding=(0, 2))
    for column in range(4):
        # What is too long for the screen is cut from the commands alone.
        width = None if column == 1 else max(len(row[column]) for row in rows)
        table.add_column(justify="left" if column else "right", width=width)
    for row in rows:
        table.add_row(*row)
    return Group(table, end) if end else table


def _attitude(process: Process, signal: Signal | None) -> Text:
    """What a process would do with the signal; without one, whether it lives."""
    if not process.alive:
        return Text("zombie", style="red")
    if signal is None:
        return Text("lives", style="dim")
    if process.fetches_signals or process.blocks(signal):
        return Text("waits for it", style="green")
    if process.catches(signal):
        return Text("handler", style="green")
    return Text("ignores it" if process.ignores(signal) else "no handler", style="red")


@dataclass(frozen=True, slots=True)
class _Note:
    """What has become of a process so far: in words, how often that, and whether it has ended."""

    words: str = ""
    style: str = ""
    gone: bool = False
    times: int = 1

    @property
    def text(self) -> Text:
        return Text(self.words + (f" ×{self.times}" if self.times > 1 else ""), self.style)


def _notes(steps: Sequence[PathStep]) -> dict[int, _Note]:
    """By PID in the container: the last that a path tells of a process; that of the last step stands out."""
    notes: dict[int, _Note] = {}
    handled: Counter[tuple[int, str]] = Counter()
    for number, step in enumerate(steps, start=1):
        pid = (step.receiver if isinstance(step, Send) else step.process).pid
        if pid is None or (pid in notes and notes[pid].gone):
            continue
        gone, times = isinstance(step, End), 1
        if isinstance(step, Send):
            fate = {Fate.DELIVERED: "", Fate.MERGED: ", merges", Fate.LOST: ", lost"}.get(step.fate, ", dropped")
            words, style = f"◀ {step.signal}{fate}", "red" if step.fate is Fate.IGNORED else "cyan"
        elif isinstance(step, End):
            words, style = f"dies of {step.by}" if step.by else "exits", "red"
        elif step.by_handler:
            words, style = f"handles {step.signal}", "green"
            handled[pid, words] += 1
            times = handled[pid, words]
        else:
            words, style = f"{step.signal}: default action", "red"
        notes[pid] = _Note(words, f"bold reverse {style}" if number == len(steps) else style, gone, times)
    return notes


def log(snapshot: Snapshot) -> RenderableType:
    """What the container has written so far."""
    lines = [line.text for line in snapshot.lines if line.text.strip()]
    return Group(*map(log_line, lines)) if lines else Text("nothing yet", style="dim")


def log_line(text: str) -> Text:
    """One line of a container's log; what cannot be shown is spelled out, what is too long is cut."""
    line = Text(printable(text), no_wrap=True, overflow="ellipsis")
    line.highlight_regex(r"SIG[A-Z0-9+-]+", "bold green")
    return line


def path(view: View, snapshot: Snapshot) -> RenderableType | None:
    """The path of the signal as far as it has been told; ``None`` where there is none."""
    steps = path_of(snapshot.result) if snapshot.result else ()
    if not steps:
        return None
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="dim", no_wrap=True, min_width=8)
    table.add_column(overflow="fold")
    for step in steps[: view.shown]:
        table.add_row(moment(step.at_us), step_line(step))
    return table


def verdict(result: Result) -> Text:
    """A verdict and what it means, in one line."""
    text = Text(printable(f"{result.cell.variant.name}, {result.cell.question}: "))
    text.append_text(look(result.verdict)).append(f": {MEANINGS[result.verdict]}")
    text.stylize("bold")
    return text


def _told(view: View) -> list[Block]:
    chapter, snapshot = view.step.chapter, view.snapshot
    result = snapshot.result if snapshot else None
    if chapter is None or result is None:
        return [Block(body=Text("not run: it was skipped", style="dim"))]
    head = Group(verdict(result), Text(f"on {printable(result.cell.base)}", "dim"))
    parts = [Block(body=head, least=1), Block(body=Text(printable(result.judgement.reason)))]
    if result.evidence is not None and (told := found(result.evidence)):
        parts.append(Block(title="What was found", body=Text(told)))
    if chapter.options and not view.step.mended:
        parts.append(Block(title="Who was right?", body=answers(view), least=len(chapter.options)))
    if not result.verdict.good:
        parts.append(Block(title="To mend it", body=Text(printable("\n".join(advice(result)))), least=2))
    if view.step.last:
        parts.append(Block(title="Before and after", body=Group(*map(outcome, view.before)), least=2))
        parts += _lesson(chapter)
    return parts


def answers(view: View) -> RenderableType:
    """The answers that the room could give, and which of them the containers gave."""
    chapter, snapshot = view.step.chapter, view.snapshot
    lines = Text()
    verdict_ = snapshot.result.verdict if snapshot and snapshot.result else None
    for letter, option in zip(_LETTERS, chapter.options if chapter else (), strict=False):
        right = verdict_ in option.verdicts
        lines.append(f"{'✓' if right else ' '} {letter}  {printable(option.text)}\n", "bold green" if right else "dim")
    if verdict_ in (Verdict.UNSTABLE, Verdict.UNTESTED):
        lines.append(f"nobody can tell: {MEANINGS[verdict_]}", "yellow")
    lines.rstrip()
    return lines


def outcome(result: Result) -> Text:
    """A result in one line."""
    symbol, style = LOOKS[result.verdict]
    text = Text(f"{symbol} {result.verdict:<11}", style=style)
    return text.append(printable(f" {result.cell.variant.name} on {result.cell.base}"), style="default")


def _fix(context: Context, view: View) -> list[Block]:
    chapter = view.step.chapter
    if chapter is None:
        return []
    parts = [Block(body=Text(printable(chapter.fix), style="bold"))]
    parts.append(Block(title="Before", body=_dockerfiles(context, view.cells), least=4))
    parts.append(Block(title="After", body=_dockerfiles(context, view.mended), least=4))
    if chapter.code:
        parts.append(Block(title="In the app", body=code(printable(chapter.code), "javascript")))
    return parts


def _claims(context: Context, view: View) -> list[Block]:
    chapter = view.step.chapter
    rows: dict[str, dict[str, list[Result]]] = {cell.variant.name: {} for cell in view.many}
    said = {cell.variant.name: cell.variant.claim for cell in view.many}
    for result in view.results:
        rows[result.cell.variant.name].setdefault(result.cell.base, []).append(result)
    table = Table.grid(padding=(0, 2))
    table.add_column(width=max(map(len, rows), default=0))
    table.add_column()
    for base in context.bases:
        table.add_column(width=max(len(short_base(base)), _CLAIM_WIDTH))
    table.add_row("", "", *(Text(short_base(base), style="bold") for base in context.bases))
    held = 0
    for name, by_base in rows.items():
        findings = [together(claim_of(result) for result in by_base.get(base, ())) for base in context.bases]
        held += all(finding is Holds.HELD for finding in findings)
        claim = said[name]
        text = Text(printable(claim.text if claim else ""), "dim")
        table.add_row(Text(printable(name)), text, *(_finding(finding, over=view.waits) for finding in findings))
    parts = [Block(body=table, least=6)]
    if not view.waits:
        return [*parts, Block(body=_progress(view))]
    told = f"{held} of {len(rows)} hold on every base."
    parts.append(Block(body=Text(told, style="bold")))
    return [*parts, *_lesson(chapter)]


def _finding(finding: Holds | None, *, over: bool) -> Text:
    if finding is None:
        return Text("? untested", "cyan") if over else Text("…", "dim")
    return Text(f"✓ {finding}", "green") if finding is Holds.HELD else Text(f"✗ {finding}", "red")


def _lesson(chapter: Chapter | None) -> list[Block]:
    return [Block(title="To take home", body=_prose(chapter.lesson))] if chapter and chapter.lesson else []


def short_base(reference: str) -> str:
    """A base by a name that fits over a column."""
    return printable(reference.removeprefix("local:").rpartition("/")[2])


def _progress(view: View) -> Text:
    return Text(f"{len(view.results)} of {len(view.many)} cells", style="yellow")


def _table(context: Context, view: View) -> list[Block]:
    counts = Counter(result.verdict for result in view.results)
    legend = Columns(
        [look(verdict_).append(f" {counts[verdict_]}", "dim") for verdict_ in Verdict if verdict_ in counts],
        padding=(0, 3, 0, 0),
    )
    told = (
        Text(f"{len(view.many)} cells. The whole table and the report follow.", "bold")
        if view.waits
        else _progress(view)
    )
    signals = " ".join(dict.fromkeys(cell.question for cell in view.many))
    bases = "   ".join(f"{short_base(base)}: {signals}" for base in context.bases)
    return [
        Block(body=Text(f"left to right   {bases}", style="dim")),
        Block(body=_Grid(view.many, view.results, tuple(context.bases)), least=5),
        Block(body=Group(legend, told), least=2),
    ]


@dataclass(frozen=True, slots=True)
class _Grid:
    """Every variant as a row of symbols, in as many blocks side by side as the screen is low."""

    cells: tuple[Cell, ...]
    results: tuple[Result, ...]
    bases: tuple[str, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        names = list(dict.fromkeys(cell.variant.name for cell in self.cells))
        if not names:
            return
        questions = dict.fromkeys((cell.base, cell.question) for cell in self.cells)
        columns = sorted(questions, key=lambda column: self.bases.index(column[0]))
        found = {(result.cell.variant.name, result.cell.base, result.cell.question): result for result in self.results}
        room = max(console.height - _GRID_OTHER, _GRID_LEAST)
        symbols = 2 * len(columns) + len(self.bases) - 1
        blocks_ = min(-(-len(names) // room), max(options.max_width // (symbols + _GRID_NAME + 2), 1))
        height = -(-len(names) // blocks_)
        width = min(max(map(len, names)), max((options.max_width - 2 * (blocks_ - 1)) // blocks_ - symbols, 3))
        grid = Table.grid(padding=(0, 2))
        for line in range(height):
            grid.add_row(*(self._row(name, found, columns, width) for name in names[line::height]))
        yield grid

    def _row(
        self,
        name: str,
        found: Mapping[tuple[str, str, str], Result],
        columns: Sequence[tuple[str, str]],
        width: int,
    ) -> Text:
        text = Text(f"{_shortened(printable(name), width):<{width}}", no_wrap=True)
        for number, (base, question) in enumerate(columns):
            text.append(" " if number and base != columns[number - 1][0] else "")
            result = found.get((name, base, question))
            symbol, style = LOOKS[result.verdict] if result else ("·", "dim")
            text.append(f" {symbol}", style=style)
        return text


def _shortened(name: str, width: int) -> str:
    """A name without its middle, if it is too long: ends tell variants apart."""
    if len(name) <= width:
        return name
    end = width // 2
    return f"{name[: width - end - 1]}…{name[len(name) - end :]}"


def _prose(text: str) -> Text:
    return Text(printable(text))
