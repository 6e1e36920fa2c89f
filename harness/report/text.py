"""One cell in plain text: what was expected, what was seen, and the evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.core.signals import mask_signals
from harness.report.looks import printable, wanted_of

if TYPE_CHECKING:
    from harness.core.cause import Cause
    from harness.core.model import Process, Result, Tree, Verdict

_LOG_TAIL: Final = 12
_MANY: Final = 8


def failure(result: Result, recorded: Verdict | None, cause: Cause | None = None) -> str:
    """Give the message of a failed test.

    Args:
        result: the cell's result.
        recorded: what a baseline says of it.
        cause: why it is likely not what was recorded.
    """
    lines = [
        result.cell.id,
        f"  expected  {f'{recorded} (the baseline says so)' if recorded else _wanted(result)}",
        f"  observed  {_observed(result)}",
        f"  because   {printable(result.judgement.reason)}",
    ]
    if cause is not None:
        lines.append(f"  likely    {printable('; '.join(part for part in (cause.text, cause.detail) if part))}")
    if evidence := result.evidence:
        lines += ["  processes before the signal", *tree(evidence.before)]
        lines += ["  processes after it", *(tree(evidence.after) or ["    none: the container has ended"])]
    logs = result.shown.evidence.logs[-_LOG_TAIL:]
    lines += ["  end of the log", *(f"    {printable(line.text)}" for line in logs)]
    if result.reproduce:
        lines += ["  to see it by hand", *(f"    {command}" for command in result.reproduce)]
    return "\n".join(lines)


def _wanted(result: Result) -> str:
    return f"{wanted_of(result)} (the catalogue says: {result.expected})"


def _observed(result: Result) -> str:
    judgement = result.judgement
    delivery = f", delivery {judgement.delivery}" if judgement.delivery else ""
    return f"{result.verdict}{delivery}, outcome {judgement.outcome}"


def tree(processes: Tree) -> list[str]:
    """Give a process tree, children below and right of their parents, with what each handles."""
    depth: dict[int, int] = {}
    lines = []
    for process in processes:
        depth[process.pid] = depth.get(process.ppid, -1) + 1
        pid = process.inner_pid or process.pid
        lines.append(f"    {'  ' * depth[process.pid]}{pid} {printable(process.args)}  [{handles(process)}]")
    return lines


def handles(process: Process) -> str:
    """Say what a process does with signals, in their names."""
    parts = []
    for word, mask in (("catches", process.caught), ("ignores", process.ignored), ("blocks", process.blocked)):
        names = [signal.name.removeprefix("SIG") for signal in mask_signals(mask)]
        if names:
            more = f" and {len(names) - _MANY} more" if len(names) > _MANY else ""
            parts.append(f"{word} {' '.join(names[:_MANY])}{more}")
    if process.fetches_signals:
        parts.append("waits for signals")
    return "; ".join(parts) or "no handlers"
