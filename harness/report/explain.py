"""The story of one cell for people: what was started, what the signal did step by step, and what to change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from harness.core.advice import advice
from harness.core.claims import claim_of, lint
from harness.core.process import depths
from harness.core.signal_path import End, Send, signal_path
from harness.core.signals import mask_signals
from harness.core.trace import Fate
from harness.report.describe import decided_ms, latency_ms
from harness.report.style import look, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import RenderableType

    from harness.core.dockerfile import Instruction
    from harness.core.evidence import Seen
    from harness.core.process import Process, Tree
    from harness.core.result import Result
    from harness.core.signal_path import Party, Step

from harness.core.evidence import ExitEvidence, ReapEvidence, SignalEvidence, StopEvidence

_LOG_TAIL: Final = 16
_MANY: Final = 24
_WIDE: Final = 32
_MS_US: Final = 1000
_MS_IN_S: Final = 1000
_S_US: Final = 1_000_000
FATES: Final = {
    Fate.DELIVERED: "",
    Fate.IGNORED: "dropped by the kernel",
    Fate.MERGED: "merges with a pending one",
    Fate.LOST: "lost: the queue is full",
}
"""What is said of a signal that was sent, where it did not simply arrive."""


def render(result: Result, instructions: Sequence[Instruction]) -> RenderableType:
    """Give the whole story of one cell.

    Args:
        result: the cell's result.
        instructions: the ENTRYPOINT and CMD lines of its Dockerfile.
    """
    cell, evidence = result.cell, result.evidence
    head = Text()
    head.append(printable(f"{cell.variant.name} on {cell.base}, {cell.question}: "), style="bold")
    head.append_text(look(result.verdict))
    head.append(f"\n{printable(result.judgement.reason)}")
    if len(result.runs) > 1:
        head.append(f"\n{len(result.runs)} runs; what follows is one of them", style="dim")
    parts: list[RenderableType] = [head]
    parts += _section("The Dockerfile starts", _started(result, instructions))
    if evidence is not None:
        parts += _section("Processes before", [processes(evidence.before)])
        if isinstance(evidence, SignalEvidence):
            parts += _section("The path of the signal", [path_table(evidence)])
        if told := found(evidence):
            parts += _section("What was found", [Text(told)])
        parts += _section(
            "Processes after", [processes(evidence.after) if evidence.running else Text(_ended(evidence))]
        )
    logs = result.shown.evidence.logs[-_LOG_TAIL:]
    if logs:
        parts += _section("The log", [_plain(line.text) for line in logs])
    if said := _said(result):
        parts += _section("What others say", [_plain(said)])
    if result.reproduce:
        parts.append(Text("\nTo see it by hand", style="bold"))
        parts += [Text(f"  {printable(command)}", no_wrap=True, overflow="ignore") for command in result.reproduce]
    parts += _section("To mend it" if not result.verdict.good else "To change", [_plain("\n".join(advice(result)))])
    return Group(*parts)


def _section(title: str, body: Iterable[RenderableType]) -> list[RenderableType]:
    return [Text(f"\n{title}", style="bold"), Padding(Group(*body), (0, 0, 0, 2))]


def _plain(text: str) -> Text:
    """Text from a container or a file: no markup, no control characters, and no word cut off."""
    return Text(printable(text), overflow="fold")


def _started(result: Result, instructions: Sequence[Instruction]) -> list[RenderableType]:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    file = result.cell.variant.dockerfile
    for instruction in instructions:
        table.add_row(f"{file}:{instruction.line}", _plain(instruction.text))
    if not instructions:
        table.add_row(file, "sets neither ENTRYPOINT nor CMD; the base does")
    if start := result.start:
        words = {"ENTRYPOINT": start.entrypoint, "CMD": start.command}
        told = "  ".join(f"{name} {json.dumps(list(value))}" for name, value in words.items() if value)
        table.add_row("the image says", _plain(told))
    if result.cell.variant.init:
        table.add_row("run with", "--init")
    if result.evidence and result.evidence.pid1:
        table.add_row("PID 1 became", _plain(result.evidence.pid1.args))
    return [table]


def processes(tree: Tree) -> RenderableType:
    """A process tree as a table: children below their parents, and what each catches."""
    if not tree:
        return Text("none could be seen")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
    table.add_column("PID", justify="right")
    table.add_column("command", overflow="fold")
    table.add_column("state", no_wrap=True)
    table.add_column("catches", overflow="fold", ratio=1)
    depth = depths(tree)
    for process in tree:
        table.add_row(
            str(process.inner_pid or process.pid),
            _plain("  " * depth[process.pid] + process.args),
            _state(process),
            _catches(process),
        )
    return table


def _state(process: Process) -> str:
    return {"R": "runs", "S": "sleeps", "D": "waits", "T": "stopped", "Z": "zombie"}.get(process.state[:1], "–")


def _catches(process: Process) -> str:
    names = [
        signal.name.removeprefix("SIG") for signal in mask_signals(process.caught) if signal.name.startswith("SIG")
    ]
    told = " ".join(names) if len(names) <= _MANY else f"all but {_others(names)}"
    parts = [told or "nothing"]
    ignored = [name.removeprefix("SIG") for name in map(str, mask_signals(process.ignored)) if name.startswith("SIG")]
    if ignored:
        parts.append(f"ignores {' '.join(ignored)}")
    if process.fetches_signals:
        parts.append("fetches signals with sigwait")
    return "; ".join(parts)


def _others(caught: Sequence[str]) -> str:
    every = [signal.name.removeprefix("SIG") for signal in mask_signals((1 << 31) - 1)]
    return " ".join(name for name in every if name not in caught)


def path_table(evidence: SignalEvidence) -> RenderableType:
    """The way of the signal step by step, and how long it took."""
    steps = signal_path(evidence)
    if steps is None:
        return Text("There is no kernel's record of it here; the trees and the log are what there is.")
    table = Table.grid(padding=(0, 2))
    table.add_column(justify="right", style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for step in steps:
        table.add_row(moment(step.at_us), step_line(step))
    told: list[RenderableType] = [table]
    if (ms := latency_ms(evidence)) is not None:
        told.append(Text(f"{ms:.2f} ms from the request to send it to the app's handler", style="dim"))
    told.append(Text(f"decided after {decided_ms(evidence):.0f} ms", style="dim"))
    return Group(*told)


def moment(at_us: int) -> str:
    """When a step was, after the first one, in a unit that is easy to read."""
    if at_us < _MS_US:
        return f"+{at_us} µs"
    tenths = round(at_us * 10 / _MS_US)
    return f"+{tenths / 10:.1f} ms" if tenths < _MS_IN_S * 10 else f"+{at_us / _S_US:.2f} s"


def step_line(step: Step) -> Text:
    """One step of a signal's path: an arrow from sender to receiver, a handler that runs, an end."""
    if isinstance(step, Send):
        text = Text(f"{_party(step.sender)} ")
        text.append(f"──{step.signal}──▶", style="cyan").append(f" {_party(step.receiver)}")
        if fate := FATES[step.fate]:
            text.append(f"   {fate}", style="red")
        return text
    if isinstance(step, End):
        return Text(f"{_party(step.process)} {f'dies of {step.by}' if step.by else 'exits'}", style="red")
    action = "its handler for {} runs" if step.by_handler else "{} has its default action"
    return Text(f"{_party(step.process)}: {action.format(step.signal)}", style="green" if step.by_handler else "red")


def _party(party: Party) -> str:
    name = party.name if len(party.name) <= _WIDE else f"{party.name[: _WIDE - 1]}…"
    return printable(f"{party.pid} {name}" if party.pid else name)


def found(evidence: Seen) -> str:
    """What a probe that is not about a signal's path alone has found, in words; empty if there is nothing to add."""
    match evidence:
        case StopEvidence():
            request = f"; the request in flight was {evidence.request}" if evidence.request else ""
            how = "SIGKILL" if evidence.forced else "the end came by itself"
            return (
                f"docker stop with {evidence.grace_s} s of grace: {how}, after {evidence.took_s:.2f} s, "
                f"exit code {evidence.exit_code}{request}"
            )
        case ExitEvidence():
            return "\n".join(
                f"the app exits with {given}: docker wait says {'nothing, it runs on' if seen is None else seen}"
                for given, seen in evidence.codes
            )
        case ReapEvidence():
            return f"the orphan {'is a zombie' if evidence.zombie else 'is gone'}"
        case _:
            return ""


def _ended(evidence: Seen) -> str:
    return f"none: the container has ended, with exit code {evidence.exit_code}"


def _said(result: Result) -> str:
    lines = []
    if claim := result.cell.variant.claim:
        held = claim_of(result)
        told = f": {held} on {result.cell.base}" if held else ", which says nothing of this cell"
        lines.append(f"“{claim.text}” ({claim.source}){told}")
    if result.start and (rule := lint(result.start)):
        lines.append(f"a linter warns of the shell form ({rule})")
    return "\n".join(lines)
