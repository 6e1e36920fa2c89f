"""The path of a signal as a picture: a lifeline for each who takes part, an arrow for each send, the verdict. Pure.

Where everything goes is computed here; how it looks is in ``templates/sequence.svg.j2``. The picture loads and runs
nothing, and what is drawn stands in it in words, too.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from rich.cells import get_character_cell_size

from harness.core.errors import UsageError
from harness.core.evidence import SignalEvidence
from harness.core.process import path
from harness.core.signal_path import ENGINE, KERNEL, TERMINAL, End, Party, Send, Take, signal_path
from harness.core.trace import Fate
from harness.report.explain import FATES, moment
from harness.report.rendering import environment
from harness.report.style import LOOKS, TONES, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import jinja2

    from harness.core.dockerfile import Instruction
    from harness.core.process import Process
    from harness.core.result import Result
    from harness.core.signal_path import Step

_STARTER, _PROCESS, _KERNEL, _UNKNOWN = range(4)
_MOST_STEPS: Final = 60
_LONG_US: Final = 50_000
_CELL: Final = 0.61  # of a font's size: no fixed-width font of any system has wider characters
_KNOWN: Final = frozenset("…µ")  # beside ASCII, what all of those fonts have

_MARGIN: Final = 20
_GUTTER: Final = 128
_NARROWEST: Final = 640
_BOX: Final = 142
_BETWEEN: Final = 14
_ROW: Final = 38
_LINE: Final = 16
_PAD: Final = 8
_ASIDE: Final = 14
_LOOP: Final = 20
_NAME_LINES: Final = 3
_REASON_LINES: Final = 6


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """A path of straight lines; ``kind`` is its class in the template's style."""

    kind: str
    d: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """A line of text; ``kind`` is its class in the template's style."""

    kind: str
    x: int
    y: int
    text: str
    size: int = 12
    anchor: str = "start"

    @property
    def room(self) -> int | None:
        """The width it is squeezed into, where nobody knows what font its characters come from."""
        plain = self.kind.startswith("symbol") or all(c.isascii() or c in _KNOWN for c in self.text)
        return None if plain else _px(self.text, self.size)


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """One thing of the drawing, and the same in words."""

    words: str
    shapes: tuple[Shape, ...] = ()
    labels: tuple[Label, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawing:
    """All there is to draw. ``title`` is what it is of, and ``told`` the whole of it in words."""

    title: str
    width: int
    height: int
    told: tuple[str, ...]
    head: Part
    lanes: tuple[Part, ...]
    steps: tuple[Part, ...]
    foot: Part


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A step at its height: ``us`` after the first one, and ``pause_us`` after the one before if that was long ago."""

    step: Step
    y: int
    us: int
    pause_us: int


def render(result: Result, instructions: Sequence[Instruction]) -> str:
    """Give the path of a cell's signal as an SVG.

    Args:
        result: the cell's result.
        instructions: the ENTRYPOINT and CMD lines of its Dockerfile.

    Raises:
        UsageError: there is no path: no evidence, a probe that sends no signal, or no kernel's record of it.
    """
    evidence = result.evidence
    if evidence is None:
        raise UsageError(f"there is no path to draw, as the cell is {result.verdict}: {result.judgement.reason}")
    if not isinstance(evidence, SignalEvidence):
        raise UsageError(f"there is no path to draw: the probe {result.cell.probe} sends no signal")
    steps = signal_path(evidence)
    if not steps:
        raise UsageError(f"there is no path to draw: the kernel's record of {evidence.sent} is missing or empty")
    return _template().render(drawing=draw(result, evidence, steps, instructions))


@cache
def _template() -> jinja2.Template:
    return environment(keep_trailing_newline=True).get_template("sequence.svg.j2")


def draw(
    result: Result, evidence: SignalEvidence, steps: Sequence[Step], instructions: Sequence[Instruction]
) -> Drawing:
    """Lay everything out, from the top down."""
    shown = steps[:_MOST_STEPS]
    parties = participants(evidence, shown)
    xs, width = columns(parties, shown, evidence)
    head = _head(result, instructions, width)
    names = {party: wrapped(party.name, _cells_in(_BOX - 2 * _PAD), _NAME_LINES) for party in parties}
    top = head.labels[-1].y + 22
    below = top + 24 + _LINE * max(map(len, names.values()))
    placed = rows(shown, below)
    end = placed[-1].y + _ROW // 2
    ends = {row.step.process: row.y for row in placed if isinstance(row.step, End)}
    pauses = [row.y - _ROW for row in placed if row.pause_us]
    lanes = tuple(
        Part(
            words=_who(party),
            shapes=(_box(party, xs[party], top, below), *_life(xs[party], below, ends.get(party, end), pauses)),
            labels=_name(party, names[party], xs[party], top, app=party == _app(evidence)),
        )
        for party in parties
    )
    parts = tuple(part for row in placed for part in _parts(row, xs, evidence))
    foot = _foot(result, len(steps) - len(shown), end + 10, width)
    return Drawing(
        title=f"{_flat(_title(result))}: {result.verdict}",
        width=width,
        height=foot.labels[-1].y + _MARGIN,
        told=(head.words, *(part.words for part in parts), foot.words),
        head=head,
        lanes=lanes,
        steps=parts,
        foot=foot,
    )


# Text.


def _flat(text: str) -> str:
    return printable(text).replace("\n", " ").strip()


def _cells(text: str) -> int:
    """How wide a text is at most, in columns of a terminal."""
    return sum(max(1, get_character_cell_size(c)) for c in text)


def _px(text: str, size: int = 12) -> int:
    return math.ceil(_cells(text) * size * _CELL)


def _cells_in(px: int, size: int = 12) -> int:
    return int(px / (size * _CELL))


def wrapped(text: str, room: int, most: int) -> tuple[str, ...]:
    """Break a text into lines, at spaces where that can be.

    Args:
        text: any text.
        room: how wide a line is, in columns of a terminal.
        most: how many lines there may be; what is left over becomes an ellipsis.
    """
    lines: list[str] = []
    rest = _flat(text)
    while rest and len(lines) < most:
        fits = sum(width <= room for width in accumulate(map(_cells, rest[:room])))
        if fits < len(rest):
            space = rest.rfind(" ", 1, fits + 1)
            fits = space if space > 0 and len(lines) < most - 1 else fits
        lines.append(rest[:fits].rstrip())
        rest = rest[fits:].lstrip()
    if rest:
        last = lines[-1]
        while _cells(last) >= room:
            last = last[:-1]
        lines[-1] = f"{last}…"
    return tuple(lines)


# Who, when and where.


def participants(evidence: SignalEvidence, steps: Iterable[Step]) -> tuple[Party, ...]:
    """Give who has a lifeline, from left to right: who began it, the processes parents first, the kernel, unknown ones.

    What stands between PID 1 and the app has one in any case: that nothing gets there is what many drawings are about.
    """
    tree = [_party(process) for process in (*evidence.before, *evidence.after)]
    met = dict.fromkeys(_party(process) for process in path(evidence.before, evidence.app_pid or 0))
    for step in steps:
        met.update(dict.fromkeys((step.sender, step.receiver) if isinstance(step, Send) else (step.process,)))

    return tuple(sorted(met, key=lambda party: (_side(party), tree.index(party) if party in tree else 0)))


def _side(party: Party) -> int:
    if party.pid is not None:
        return _PROCESS
    return _STARTER if party.name in (ENGINE, TERMINAL) else _KERNEL if party.name.startswith(KERNEL) else _UNKNOWN


def _party(process: Process) -> Party:
    return Party(pid=process.inner_pid or process.pid, name=process.args)


def _app(evidence: SignalEvidence) -> Party | None:
    return _party(evidence.app) if evidence.app else None


def columns(
    parties: Sequence[Party], steps: Iterable[Step], evidence: SignalEvidence
) -> tuple[Mapping[Party, int], int]:
    """Give where the lifelines are, and how wide it all is: each has room on its right for what is written there."""
    places = {party: number for number, party in enumerate(parties)}
    rooms = [_BOX + _BETWEEN] * (len(parties) - 1) + [_BOX // 2]
    for step in steps:
        words = max(map(_px, _said(step, evidence)))
        if isinstance(step, Send) and step.sender != step.receiver:
            sender, receiver = places[step.sender], places[step.receiver]
            place, need = (receiver - 1 if sender < receiver else receiver), words + 2 * _ASIDE
        elif isinstance(step, Send):
            place, need = places[step.sender], _LOOP + _PAD + words + _PAD
        else:
            place, need = places[step.process], _ASIDE + words + _PAD
        rooms[place] = max(rooms[place], need)
    first = _GUTTER + _BOX // 2
    spare = max(0, _NARROWEST - _MARGIN - first - sum(rooms)) // len(rooms)
    *xs, right = accumulate((room + spare for room in rooms), initial=first)
    return dict(zip(parties, xs, strict=True)), max(right + _MARGIN, _NARROWEST)


def rows(steps: Sequence[Step], top: int) -> tuple[Row, ...]:
    """Give each step its height, with room above it for a pause where much time passes."""
    placed: list[Row] = []
    y, before = top, steps[0].at_us
    for step in steps:
        pause = step.at_us - before if step.at_us - before >= _LONG_US else 0
        y += 2 * _ROW if pause else _ROW
        placed.append(Row(step=step, y=y, us=step.at_us - steps[0].at_us, pause_us=pause))
        before = step.at_us
    return tuple(placed)


# What is drawn.


def _title(result: Result) -> str:
    return f"{result.cell.variant.name} on {result.cell.base}, {result.cell.question}"


def _head(result: Result, instructions: Sequence[Instruction], width: int) -> Part:
    cell = result.cell
    starts = [instruction.text for instruction in instructions]
    if not starts:
        starts = [f"{cell.variant.dockerfile} sets neither ENTRYPOINT nor CMD; the base does"]
    if cell.variant.init:
        starts.append("run with --init")
    titles = wrapped(_title(result), _cells_in(width - 2 * _MARGIN, 16), 2)
    lines = [line for start in starts for line in wrapped(start, _cells_in(width - 2 * _MARGIN), 1)]
    labels = [*_stack("title", titles, 34, 20, size=16), *_stack("start", lines, 34 + 20 * len(titles), 20)]
    return Part(words=_flat("; ".join(starts)), labels=tuple(labels))


def _stack(
    kind: str, lines: Iterable[str], top: int, step: int, *, x: int = _MARGIN, size: int = 12, anchor: str = "start"
) -> Iterator[Label]:
    """Lines of text one below the other."""
    for number, line in enumerate(lines):
        yield Label(kind=kind, x=x, y=top + step * number, text=line, size=size, anchor=anchor)


def _who(party: Party) -> str:
    name = _flat(party.name)
    return name if party.pid is None else f"{name} (PID {party.pid})"


def _box(party: Party, x: int, top: int, below: int) -> Shape:
    left, right = x - _BOX // 2, x + _BOX // 2
    kind = "box outside" if party.pid is None else "box"
    return Shape(kind=kind, d=f"M{left},{top} L{right},{top} L{right},{below} L{left},{below} Z")


def _name(party: Party, lines: Sequence[str], x: int, top: int, *, app: bool) -> tuple[Label, ...]:
    if party.pid is not None:
        head = f"PID {party.pid}{', the app' if app else ''}"
    else:
        head = "a process unknown" if _side(party) == _UNKNOWN else "outside the container"
    pid = Label(kind="pid", x=x, y=top + _LINE, text=head, size=10, anchor="middle")
    return pid, *_stack("name", lines, top + 2 * _LINE, _LINE, x=x, anchor="middle")


def _life(x: int, top: int, end: int, pauses: Iterable[int]) -> Iterator[Shape]:
    """A lifeline down to its end, dotted where much time passes."""
    for pause in pauses:
        if pause < end:
            yield Shape(kind="life", d=f"M{x},{top} L{x},{pause - _LINE}")
            yield Shape(kind="life waits", d=f"M{x},{pause - _LINE} L{x},{pause + _LINE}")
            top = pause + _LINE
    yield Shape(kind="life", d=f"M{x},{top} L{x},{end}")


def _said(step: Step, evidence: SignalEvidence) -> tuple[str, ...]:
    """What is written at a step."""
    match step:
        case Send():
            told = f"{step.signal} to itself" if step.sender == step.receiver else str(step.signal)
            return (told, FATES[step.fate]) if FATES[step.fate] else (told,)
        case Take():
            other = "" if step.signal == evidence.sent else f"{step.signal}: "
            return (f"{other}{'handler runs' if step.by_handler else 'default action'}",)
        case End():
            return (f"dies of {step.by}" if step.by else "exits",)


def _in_words(step: Step) -> str:
    match step:
        case Send():
            to = "itself" if step.sender == step.receiver else _who(step.receiver)
            fate = f": {FATES[step.fate]}" if FATES[step.fate] else ""
            aside = "," if step.sender.pid is None and "," in step.sender.name else ""
            return f"{_who(step.sender)}{aside} sends {step.signal} to {to}{fate}"
        case Take():
            did = f"its handler for {step.signal} runs" if step.by_handler else f"{step.signal} has its default action"
            return f"{_who(step.process)}: {did}"
        case End():
            return f"{_who(step.process)} {f'dies of {step.by}' if step.by else 'exits'}"


def _parts(row: Row, xs: Mapping[Party, int], evidence: SignalEvidence) -> Iterator[Part]:
    """A step with its time, and the pause before it."""
    if row.pause_us:
        told = f"{moment(row.pause_us).removeprefix('+')} pass"
        yield Part(words=told, labels=(_at("pause", row.y - _ROW, told),))
    step, time, words = row.step, moment(row.us), _said(row.step, evidence)
    match step:
        case Send() if step.sender == step.receiver:
            shapes, labels = _loop(xs[step.sender], row.y, step.fate, words)
        case Send():
            shapes, labels = _arrow(xs, step, row.y, words)
        case Take():
            shapes, labels = _mark(xs[step.process], row.y, "handler" if step.by_handler else "default", words)
        case End():
            shapes, labels = _mark(xs[step.process], row.y, "end", words)
    yield Part(words=f"{time}: {_in_words(step)}", shapes=shapes, labels=(_at("time", row.y, time), *labels))


def _at(kind: str, y: int, text: str) -> Label:
    return Label(kind=kind, x=_GUTTER - _MARGIN, y=y + 4, text=text, size=11, anchor="end")


Drawn = tuple[tuple[Shape, ...], tuple[Label, ...]]


def _arrow(xs: Mapping[Party, int], step: Send, y: int, words: Sequence[str]) -> Drawn:
    """An arrow with its words in the space before the receiver, so that no lifeline runs through them."""
    start, tip = xs[step.sender], xs[step.receiver]
    way = 1 if tip > start else -1
    beside = (max if way > 0 else min)(x for x in xs.values() if (tip - x) * way > 0)
    labels = [
        Label(kind=kind, x=(beside + tip) // 2, y=y + below, text=text, size=size, anchor="middle")
        for text, (kind, below, size) in zip(words, _beside(step.fate, -7, 15), strict=False)
    ]
    end = _end(tip, way, step.fate)
    shaft = Shape(kind=f"arrow {step.fate}", d=f"M{start},{y} L{end},{y}")
    return (shaft, _tip(end, y, way, step.fate)), tuple(labels)


def _loop(x: int, y: int, fate: Fate, words: Sequence[str]) -> Drawn:
    aside = x + _LOOP + _PAD
    labels = [
        Label(kind=kind, x=aside, y=y + below, text=text, size=size)
        for text, (kind, below, size) in zip(words, _beside(fate, -2, 13), strict=False)
    ]
    end = _end(x, -1, fate)
    d = f"M{x},{y - 9} L{x + _LOOP},{y - 9} L{x + _LOOP},{y + 9} L{end},{y + 9}"
    return (Shape(kind=f"arrow {fate}", d=d), _tip(end, y + 9, -1, fate)), tuple(labels)


def _beside(fate: Fate, signal: int, told: int) -> tuple[tuple[str, int, int], ...]:
    """The kind, height and size of a signal's name, and of what became of it."""
    return (f"signal {fate}", signal, 12), (f"fate {fate}", told, 11)


def _end(x: int, way: int, fate: Fate) -> int:
    """Where an arrow ends: at the lifeline, or before it if nothing arrives."""
    return x - way * (11 if fate in (Fate.IGNORED, Fate.LOST) else 1)


def _tip(x: int, y: int, way: int, fate: Fate) -> Shape:
    """A full head for what arrives, an open one for what adds nothing to what is pending, a cross for what is lost."""
    if fate in (Fate.IGNORED, Fate.LOST):
        return Shape(kind=f"cross {fate}", d=_cross(x, y, 5))
    back = x - way * 9
    closed = " Z" if fate is Fate.DELIVERED else ""
    return Shape(kind=f"tip {fate}", d=f"M{back},{y - 5} L{x},{y} L{back},{y + 5}{closed}")


def _cross(x: int, y: int, arm: int) -> str:
    return f"M{x - arm},{y - arm} L{x + arm},{y + arm} M{x - arm},{y + arm} L{x + arm},{y - arm}"


def _mark(x: int, y: int, kind: str, words: Sequence[str]) -> Drawn:
    """A sign on a lifeline with its words beside it."""
    d = {
        "handler": f"M{x - 5},{y - 11} L{x + 5},{y - 11} L{x + 5},{y + 11} L{x - 5},{y + 11} Z",
        "default": f"M{x},{y - 8} L{x + 8},{y} L{x},{y + 8} L{x - 8},{y} Z",
        "end": _cross(x, y, 7),
    }[kind]
    labels = [Label(kind=kind, x=x + _ASIDE, y=y + 4, text=text) for text in words]
    return (Shape(kind=kind, d=d),), tuple(labels)


def _foot(result: Result, left: int, top: int, width: int) -> Part:
    symbol, colour = LOOKS[result.verdict]
    notes = [f"{left} more steps are not drawn"] if left else []
    notes += [f"one of {len(result.runs)} runs is drawn"] if len(result.runs) > 1 else []
    reason = wrapped(result.judgement.reason, _cells_in(width - 2 * _MARGIN, 13), _REASON_LINES)
    labels = [
        Label(kind=f"symbol {TONES[colour]}", x=_MARGIN, y=top + 28, text=symbol, size=16),
        Label(kind=f"verdict {TONES[colour]}", x=_MARGIN + 22, y=top + 28, text=result.verdict.value, size=15),
        *_stack("reason", reason, top + 51, 19, size=13),
        *_stack("note", notes, top + 51 + 19 * len(reason), 19),
    ]
    rule = Shape(kind="rule", d=f"M{_MARGIN},{top} L{width - _MARGIN},{top}")
    words = [f"{result.verdict}: {_flat(result.judgement.reason)}", *notes]
    return Part(words="; ".join(words), shapes=(rule,), labels=tuple(labels))
