"""The path of a signal as a picture: a lifeline for each who takes part, an arrow for each send, the verdict. Pure.

Where everything goes is computed here; how it looks is in ``templates/sequence.svg.j2``. The picture loads and runs
nothing, and what is drawn stands in it in words, too.
"""

from __future__ import annotations

import math
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from rich.cells import get_character_cell_size

from harness.core.document import Kind, Role
from harness.core.errors import UsageError
from harness.core.signal_path import who
from harness.core.trace import Fate
from harness.report.path_text import moment, pauses
from harness.report.rendering import environment
from harness.report.style import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from harness.core.document import Participant, Row, SignalPath, Step, SubjectFacts

_MOST_STEPS: Final = 60
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


class Shape(NamedTuple):
    """A path of straight lines; ``kind`` is its class in the template's style."""

    kind: str
    d: str


class Label(NamedTuple):
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


class Part(NamedTuple):
    """One thing of the drawing, and the same in words."""

    words: str
    shapes: tuple[Shape, ...] = ()
    labels: tuple[Label, ...] = ()


class Placed(NamedTuple):
    """A step at its height, and what is said of the time that passes before it, if that is long."""

    step: Step
    y: int
    pause: str


def render(row: Row, subject: SubjectFacts) -> str:
    """The path of a cell's signal as an SVG.

    Raises:
        UsageError: there is no path: no evidence, a probe that sends no signal, or no kernel's record of it.
    """
    if row.evidence.tree is None:
        raise UsageError(f"there is no path to draw, as the cell is {row.verdict}: {row.reason}")
    if row.signal is None:
        raise UsageError(f"there is no path to draw: the probe {row.probe} sends no signal")
    path = row.evidence.path
    if path is None or not path.steps:
        raise UsageError(f"there is no path to draw: the kernel's record of {row.signal} is missing or empty")
    template = environment(keep_trailing_newline=True).get_template("sequence.svg.j2")
    return template.render(drawing=_drawing(row, path, subject))


def _drawing(row: Row, path: SignalPath, subject: SubjectFacts) -> dict[str, Any]:
    """All there is to draw, laid out from the top down; ``words`` are the whole of it in words."""
    steps = path.steps[:_MOST_STEPS]
    xs, width = columns(len(path.participants), steps)
    head = _head(row, subject, width)
    names = [wrapped(participant.name, _cells_in(_BOX - 2 * _PAD), _NAME_LINES) for participant in path.participants]
    top = head.labels[-1].y + 22
    below = top + 24 + _LINE * max(map(len, names))
    placed = place(steps, below)
    end = placed[-1].y + _ROW // 2
    ends = {step.step.who: step.y for step in placed if step.step.kind is Kind.END}
    waits = [step.y - _ROW for step in placed if step.pause]
    lanes = [
        Part(
            _flat(who(participant)),
            (_box(participant, x, top, below), *_life(x, below, ends.get(number, end), waits)),
            _name(participant, names[number], x, top),
        )
        for number, (participant, x) in enumerate(zip(path.participants, xs, strict=True))
    ]
    parts = [part for step in placed for part in _parts(step, xs)]
    foot = _foot(row, len(path.steps) - len(steps), end + 10, width)
    return {
        "title": f"{_flat(row.title)}: {row.verdict}",
        "width": width,
        "height": foot.labels[-1].y + _MARGIN,
        "words": [part.words for part in (head, *parts, foot)],
        "parts": [
            ("head", head),
            *(("lane", lane) for lane in lanes),
            *(("step", part) for part in parts),
            ("foot", foot),
        ],
    }


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
    """A text in at most so many lines of so many columns, broken at spaces if possible; the rest is an ellipsis."""
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
        while _cells(lines[-1]) >= room:
            lines[-1] = lines[-1][:-1]
        lines[-1] += "…"
    return tuple(lines)


# Who, when and where.


def columns(lifelines: int, steps: Iterable[Step]) -> tuple[Sequence[int], int]:
    """Where the lifelines are, and how wide it all is: each has room on its right for what is written there."""
    rooms = [_BOX + _BETWEEN] * (lifelines - 1) + [_BOX // 2]
    for step in steps:
        words = max(map(_px, _labels(step)))
        if step.to is None:
            place, need = step.who, _ASIDE + words + _PAD
        elif step.to == step.who:
            place, need = step.who, _LOOP + _PAD + words + _PAD
        else:
            place, need = (step.to - 1 if step.who < step.to else step.to), words + 2 * _ASIDE
        rooms[place] = max(rooms[place], need)
    first = _GUTTER + _BOX // 2
    spare = max(0, _NARROWEST - _MARGIN - first - sum(rooms)) // len(rooms)
    *xs, right = accumulate((room + spare for room in rooms), initial=first)
    return xs, max(right + _MARGIN, _NARROWEST)


def place(steps: Sequence[Step], top: int) -> tuple[Placed, ...]:
    """Each step at its height, with room above it for a pause where much time passes."""
    said = list(pauses(steps))
    _, *heights = accumulate((2 * _ROW if pause else _ROW for pause in said), initial=top)
    return tuple(map(Placed, steps, heights, said))


# What is drawn.


def _head(row: Row, subject: SubjectFacts, width: int) -> Part:
    starts = [line.text for line in subject.starting]
    if not starts:
        sets = "sets neither ENTRYPOINT nor CMD; the base does"
        starts = [f"{subject.dockerfile} {sets}" if subject.dockerfile else "what the image says"]
    if subject.init:
        starts.append("run with --init")
    titles = wrapped(row.title, _cells_in(width - 2 * _MARGIN, 16), 2)
    lines = [line for start in starts for line in wrapped(start, _cells_in(width - 2 * _MARGIN), 1)]
    labels = (*_stack("title", titles, 34, 20, size=16), *_stack("start", lines, 34 + 20 * len(titles), 20))
    return Part(_flat("; ".join(starts)), labels=labels)


def _stack(
    kind: str, lines: Iterable[str], top: int, step: int, *, x: int = _MARGIN, size: int = 12, anchor: str = "start"
) -> Iterator[Label]:
    """Lines of text one below the other."""
    for number, line in enumerate(lines):
        yield Label(kind, x, top + step * number, line, size, anchor)


def _box(participant: Participant, x: int, top: int, below: int) -> Shape:
    left, right = x - _BOX // 2, x + _BOX // 2
    kind = "box" if participant.role is Role.PROCESS else "box outside"
    return Shape(kind, f"M{left},{top} L{right},{top} L{right},{below} L{left},{below} Z")


def _name(participant: Participant, lines: Sequence[str], x: int, top: int) -> tuple[Label, ...]:
    if participant.role is Role.PROCESS:
        head = f"PID {participant.pid}{', the app' if participant.app else ''}"
    else:
        head = "a process unknown" if participant.role is Role.UNKNOWN else "outside the container"
    pid = Label("pid", x, top + _LINE, head, 10, "middle")
    return pid, *_stack("name", lines, top + 2 * _LINE, _LINE, x=x, anchor="middle")


def _life(x: int, top: int, end: int, pauses: Iterable[int]) -> Iterator[Shape]:
    """A lifeline down to its end, dotted where much time passes."""
    for pause in pauses:
        if pause < end:
            yield Shape("life", f"M{x},{top} L{x},{pause - _LINE}")
            yield Shape("life waits", f"M{x},{pause - _LINE} L{x},{pause + _LINE}")
            top = pause + _LINE
    yield Shape("life", f"M{x},{top} L{x},{end}")


def _labels(step: Step) -> tuple[str, ...]:
    """What is written at a step."""
    return tuple(_flat(text) for text in (step.label, step.fate) if text)


def _parts(placed: Placed, xs: Sequence[int]) -> Iterator[Part]:
    """A step with its time, and the pause before it."""
    step, y = placed.step, placed.y
    if placed.pause:
        yield Part(placed.pause, labels=(_at("pause", y - _ROW, placed.pause),))
    time, words, x = moment(step.at_us), _labels(step), xs[step.who]
    if step.to is None or step.outcome is None:
        shapes, labels = _mark(x, y, step.kind, words)
    elif step.to == step.who:
        shapes, labels = _loop(x, y, step.outcome, words)
    else:
        shapes, labels = _arrow(xs, (x, xs[step.to]), y, step.outcome, words)
    yield Part(f"{time}: {_flat(step.words)}", shapes, (_at("time", y, time), *labels))


def _at(kind: str, y: int, text: str) -> Label:
    return Label(kind, _GUTTER - _MARGIN, y + 4, text, 11, "end")


Drawn = tuple[tuple[Shape, ...], tuple[Label, ...]]


def _arrow(xs: Sequence[int], ends: tuple[int, int], y: int, fate: Fate, words: Sequence[str]) -> Drawn:
    """An arrow with its words in the space before the receiver, so that no lifeline runs through them."""
    start, tip = ends
    way = 1 if tip > start else -1
    beside = (max if way > 0 else min)(x for x in xs if (tip - x) * way > 0)
    words_at = _beside(fate, words, (beside + tip) // 2, (y - 7, y + 15), "middle")
    return _to_lifeline(f"M{start},{y}", tip, y, way, fate), words_at


def _loop(x: int, y: int, fate: Fate, words: Sequence[str]) -> Drawn:
    out = f"M{x},{y - 9} L{x + _LOOP},{y - 9} L{x + _LOOP},{y + 9}"
    return _to_lifeline(out, x, y + 9, -1, fate), _beside(fate, words, x + _LOOP + _PAD, (y - 2, y + 13), "start")


def _beside(fate: Fate, words: Sequence[str], x: int, ys: tuple[int, int], anchor: str) -> tuple[Label, ...]:
    """A signal's name, and what became of it."""
    return tuple(
        Label(f"{kind} {fate}", x, y, text, size, anchor)
        for text, kind, size, y in zip(words, ("signal", "fate"), (12, 11), ys, strict=False)
    )


def _to_lifeline(begun: str, x: int, y: int, way: int, fate: Fate) -> tuple[Shape, Shape]:
    """The last stretch of an arrow, and its head.

    It is full for what arrives, open for what adds nothing to what is pending, a cross before it for what is lost.
    """
    if fate in (Fate.IGNORED, Fate.LOST):
        end = x - way * 11
        head = Shape(f"cross {fate}", _cross(end, y, 5))
    else:
        end, back, closed = x - way, x - way * 10, " Z" if fate is Fate.DELIVERED else ""
        head = Shape(f"tip {fate}", f"M{back},{y - 5} L{end},{y} L{back},{y + 5}{closed}")
    return Shape(f"arrow {fate}", f"{begun} L{end},{y}"), head


def _cross(x: int, y: int, arm: int) -> str:
    return f"M{x - arm},{y - arm} L{x + arm},{y + arm} M{x - arm},{y + arm} L{x + arm},{y - arm}"


def _mark(x: int, y: int, kind: Kind, words: Sequence[str]) -> Drawn:
    """A sign on a lifeline with its words beside it."""
    d = {
        Kind.HANDLER: f"M{x - 5},{y - 11} L{x + 5},{y - 11} L{x + 5},{y + 11} L{x - 5},{y + 11} Z",
        Kind.DEFAULT: f"M{x},{y - 8} L{x + 8},{y} L{x},{y + 8} L{x - 8},{y} Z",
        Kind.END: _cross(x, y, 7),
    }[kind]
    return (Shape(kind, d),), tuple(Label(kind, x + _ASIDE, y + 4, text) for text in words)


def _foot(row: Row, left: int, top: int, width: int) -> Part:
    symbol, tone = row.verdict.symbol, row.verdict.tone
    notes = [f"{left} more steps are not drawn"] if left else []
    notes += [f"one of {len(row.runs)} runs is drawn"] if len(row.runs) > 1 else []
    reason = wrapped(row.reason, _cells_in(width - 2 * _MARGIN, 13), _REASON_LINES)
    labels = [
        Label(f"symbol {tone}", _MARGIN, top + 28, symbol, size=16),
        Label(f"verdict {tone}", _MARGIN + 22, top + 28, row.verdict, size=15),
        *_stack("reason", reason, top + 51, 19, size=13),
        *_stack("note", notes, top + 51 + 19 * len(reason), 19),
    ]
    rule = Shape("rule", f"M{_MARGIN},{top} L{width - _MARGIN},{top}")
    return Part("; ".join([f"{row.verdict}: {_flat(row.reason)}", *notes]), (rule,), tuple(labels))
