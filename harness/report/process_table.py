"""Processes as people read them: a table, and the words for a process's state and for what it does with signals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich import box
from rich.table import Table
from rich.text import Text

from harness.core.process import depths
from harness.core.signals import mask_signals
from harness.report.style import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from harness.core.document import Process

_STATES: Final = {"R": "runs", "S": "sleeps", "D": "waits", "T": "stopped", "Z": "zombie"}
_STANDARD: Final = tuple(signal.name.removeprefix("SIG") for signal in mask_signals((1 << 31) - 1))
_MANY: Final = 24


def processes(tree: Sequence[Process]) -> RenderableType:
    """A process tree as a table: children below their parents, and what each does with signals."""
    if not tree:
        return Text("none could be seen")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
    table.add_column("PID", justify="right")
    table.add_column("command", overflow="fold")
    table.add_column("state", no_wrap=True)
    table.add_column("catches", overflow="fold", ratio=1)
    depth = depths(tree)
    for process in tree:
        command = plain("  " * depth[process.pid] + process.command)
        table.add_row(str(process.number), command, state(process), catches(process))
    return table


def state(process: Process) -> str:
    """What a process is doing, in one word."""
    return _STATES.get(process.state[:1], "–")


def catches(process: Process) -> str:
    """What a process does with signals: the handled ones first, by their short names."""
    others = {"ignores": short_names(process.ignored), "blocks": short_names(process.blocked)}
    parts = [short_names(process.caught) or "nothing", *(f"{word} {names}" for word, names in others.items() if names)]
    return "; ".join([*parts, *(["fetches signals with sigwait"] if process.fetches else [])])


def short_names(signals: Iterable[str]) -> str:
    """Signals by their short names; where they are many, those that are missing."""
    names = [name.removeprefix("SIG") for name in signals if name.startswith("SIG")]
    if len(names) <= _MANY:
        return " ".join(names)
    missing = [name for name in _STANDARD if name not in names]
    return f"all but {' '.join(missing)}" if missing else "all"
