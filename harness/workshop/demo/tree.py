"""The process tree of a container, with what each process does with a signal, and what has become of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.table import Table
from rich.text import Text

from harness.core.describe import describe_process
from harness.core.document import Kind
from harness.core.process import depths
from harness.core.trace import Fate
from harness.core.verdict import Outcome
from harness.report.style import printable
from harness.workshop.demo.presentation import path_length

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from harness.core.document import Process, SignalPath
    from harness.core.signals import Signal
    from harness.workshop.demo.live import Snapshot

_FATES: Final = {Fate.MERGED: ", merges", Fate.LOST: ", lost", Fate.IGNORED: ", dropped"}


def tree(snapshot: Snapshot, signal: Signal | None, count: int) -> RenderableType:
    """The process tree, with what each process did in the first ``count`` steps of the signal's path."""
    row = snapshot.row
    length = path_length(row) if row else 0
    processes: Sequence[Process] = [describe_process(process) for process in snapshot.tree]
    if row is not None and row.evidence.tree is not None:
        processes = row.evidence.tree.before if length else row.evidence.tree.after
    over = row is not None and row.tested and row.outcome is not Outcome.RUNNING and count >= length
    end = Text(f"the container has ended, with exit code {row.exit_code}", "red") if over and row else None
    if not processes:
        return end or Text("none yet", style="dim")
    notes, gone = _notes(row.evidence.path, count) if row and row.evidence.path else ({}, set())
    marked = row.finding.marked if row and row.finding else {}
    lines: list[tuple[str, Text, Text, Text]] = []
    depth = depths(processes)
    for process in processes:
        mark = marked.get(process.pid)
        remark = notes.get(process.number, Text()) if mark is None else Text(mark, "yellow")
        branch = "  " * depth[process.pid] + ("└ " if depth[process.pid] else "")
        name = Text(printable(branch + process.command), no_wrap=True, overflow="ellipsis")
        if process.number in gone:
            name.stylize("dim strike")
        lines.append((str(process.number), name, _attitude(process, signal), remark))
    table = Table.grid(padding=(0, 2))
    for column in range(4):
        # What is too long for the screen is cut from the commands alone.
        width = None if column == 1 else max(len(line[column]) for line in lines)
        table.add_column(justify="left" if column else "right", width=width)
    for line in lines:
        table.add_row(*line)
    return Group(table, end) if end else table


def _attitude(process: Process, signal: Signal | None) -> Text:
    """What a process would do with the signal; without one, whether it lives."""
    if not process.alive:
        return Text("zombie", style="red")
    if signal is None:
        return Text("lives", style="dim")
    if process.fetches or signal.name in process.blocked:
        return Text("waits for it", style="green")
    if signal.name in process.caught:
        return Text("handler", style="green")
    return Text("ignores it" if signal.name in process.ignored else "no handler", style="red")


def _notes(path: SignalPath, count: int) -> tuple[dict[int, Text], set[int]]:
    """By PID in the container: what a path says last of a process, its last step marked; and those that have ended."""
    notes: dict[int, Text] = {}
    gone: set[int] = set()
    handled: Counter[tuple[int, str | None]] = Counter()
    steps = path.steps[:count]
    for step in steps:
        pid = path.participants[step.who if step.to is None else step.to].pid
        if pid is None or pid in gone:
            continue
        match step.kind:
            case Kind.SEND:
                words = f"◀ {step.signal}{_FATES.get(step.outcome, '') if step.outcome else ''}"
                style = "red" if step.outcome is Fate.IGNORED else "cyan"
            case Kind.END:
                words, style = step.label, "red"
                gone.add(pid)
            case Kind.HANDLER:
                handled[pid, step.signal] += 1
                times = handled[pid, step.signal]
                words, style = f"handles {step.signal}" + (f" ×{times}" if times > 1 else ""), "green"
            case Kind.DEFAULT:
                words, style = f"{step.signal}: default action", "red"
        notes[pid] = Text(words, f"bold reverse {style}" if step is steps[-1] else style)
    return notes, gone
