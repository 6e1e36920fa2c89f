"""What is seen of one container: commands, processes and what became of them, log, and the path of the signal."""

from __future__ import annotations

import shlex
from collections import Counter
from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.table import Column, Table
from rich.text import Text

from harness.core.describe import describe_process
from harness.core.document import Kind
from harness.core.process import depths
from harness.core.question import Probe
from harness.core.trace import Fate
from harness.core.verdict import Outcome
from harness.report.path_text import moment, step_line
from harness.report.style import printable
from harness.workshop.demo.live import Phase
from harness.workshop.demo.presentation import path_length

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import RenderableType

    from harness.core.document import Process, SignalPath
    from harness.core.signals import Signal
    from harness.workshop.demo.live import Snapshot


_FATES: Final = {Fate.MERGED: ", merges", Fate.LOST: ", lost", Fate.IGNORED: ", dropped"}


def commands(snapshot: Snapshot, *, low: bool = False) -> RenderableType:
    """The commands that were run, and the one that waits; ``low`` gives each of the former a single line."""
    lines = [run_line(snapshot), *(typed(taken.action.command, "bold") for taken in snapshot.actions)]
    if snapshot.held is not None:
        lines.append(typed(snapshot.held.command, "bold yellow").append("  ◀ next", "yellow"))
    elif snapshot.phase is Phase.UNDER_WAY:
        lines[-1].append(f"   {snapshot.elapsed_s:.1f} s", "yellow")
    for line in lines:
        cut = low and line is not lines[-1]
        line.no_wrap, line.overflow = cut, "ellipsis" if cut else "fold"
    if again := once_more(snapshot):
        lines.append(Text(again, "dim"))
    return Group(*lines)


def once_more(snapshot: Snapshot) -> str:
    """Why there is more than one container, if there is."""
    if snapshot.run <= 1:
        return ""
    exits = snapshot.cell.question.probe is Probe.EXIT_CODE
    why = "to exit in another way" if exits else "as luck may have a hand in it"
    return f"once more, {why}: container {snapshot.run}"


def run_line(snapshot: Snapshot) -> Text:
    """The command that started the container."""
    launch = snapshot.launch
    if launch is None:
        return Text("the image is being built …", style="dim")
    words = ["docker", "run", "-d", "--name", snapshot.container, *(["--init"] if launch.options.init else [])]
    words += ["-p", f"127.0.0.1::{launch.publish}"] if launch.publish else ["--network", "none"]
    words += [word for name, value in launch.options.environment.items() for word in ("-e", f"{name}={value}")]
    words += [launch.image]
    return typed(shlex.join(words))


def typed(command: str, style: str = "") -> Text:
    """A command behind its prompt."""
    return Text().append("$ ", "dim").append(printable(command), style)


def log(snapshot: Snapshot) -> RenderableType:
    """What the container has written so far."""
    lines = [line.text for line in snapshot.lines if line.text.strip()]
    return Group(*map(log_line, lines)) if lines else Text("nothing yet", style="dim")


def log_line(text: str) -> Text:
    """One line of a container's log; what cannot be shown is spelled out, what is too long is cut."""
    line = Text(printable(text), no_wrap=True, overflow="ellipsis")
    line.highlight_regex(r"SIG[A-Z0-9+-]+", "bold green")
    return line


def path_lines(path: SignalPath, count: int) -> RenderableType:
    """The first steps of a signal's path."""
    when = Column(justify="right", style="dim", no_wrap=True, min_width=8)
    table = Table.grid(when, Column(overflow="fold"), padding=(0, 2))
    for step in path.steps[:count]:
        table.add_row(moment(step.at_us), step_line(step, path))
    return table


def tree(snapshot: Snapshot, signal: Signal | None, count: int) -> RenderableType:
    """The process tree, with what each process did in the first ``count`` steps of the signal's path."""
    row, end = snapshot.row, None
    processes: Sequence[Process] = [describe_process(process) for process in snapshot.tree]
    if row is not None:
        length = path_length(row)
        if row.evidence.tree is not None:
            processes = row.evidence.tree.before if length else row.evidence.tree.after
        if row.tested and row.outcome is not Outcome.RUNNING and count >= length:
            end = Text(f"the container has ended, with exit code {row.exit_code}", "red")
    if not processes:
        return end or Text("none yet", style="dim")
    notes, gone = _notes(row.evidence.path, count) if row and row.evidence.path else ({}, set())
    marked = row.finding.marked if row and row.finding else {}
    lines, depth = [], depths(processes)
    for process in processes:
        mark = marked.get(process.pid)
        note = notes.get(process.number, Text()) if mark is None else Text(mark, "yellow")
        branch = "  " * depth[process.pid] + ("└ " if depth[process.pid] else "")
        name = Text(printable(branch + process.command), no_wrap=True, overflow="ellipsis")
        if process.number in gone:
            name.stylize("dim strike")
        lines.append((str(process.number), name, _attitude(process, signal), note))
    # What is too long for the screen is cut from the commands alone.
    number, _, attitude, remark = (max(map(len, column)) for column in zip(*lines, strict=True))
    columns = Column(justify="right", width=number), "", Column(width=attitude), Column(width=remark)
    table = Table.grid(*columns, padding=(0, 2))
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
