"""What is seen of one container beside its processes: commands, log, and the path of the signal."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from harness.core.question import Probe
from harness.report.path_text import moment, step_line
from harness.report.style import printable
from harness.workshop.demo.live import Phase

if TYPE_CHECKING:
    from rich.console import RenderableType

    from harness.core.document import SignalPath
    from harness.workshop.demo.live import Snapshot


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
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="dim", no_wrap=True, min_width=8)
    table.add_column(overflow="fold")
    for step in path.steps[:count]:
        table.add_row(moment(step.at_us), step_line(step, path))
    return table
