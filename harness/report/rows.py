"""One row of a results document in plain text: its name, what was expected, what was seen, and the evidence. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.core.judge import as_expected
from harness.core.process import depths
from harness.core.question import Probe
from harness.core.signals import Signal
from harness.core.subject import base_label
from harness.core.verdict import Expected, Outcome, Verdict
from harness.report.style import GOOD, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.core.cause import Cause
    from harness.core.comparison import Comparison
    from harness.report.document import Process, Row

_LOG_TAIL: Final = 12
_MANY: Final = 8
_NUMBERS: Final = {Signal(number).name: number for number in range(1, 65)}


def column_order(row: Row) -> tuple[int, int, str]:
    """A column's place and heading: signals by number, then the other probes."""
    number = _NUMBERS.get(row.question, len(_NUMBERS) + 1) if row.probe is Probe.SIGNAL else 0
    return list(Probe).index(row.probe), number, row.question


def by_base(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Sort rows by their base, in the order in which the bases come up."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.base, []).append(row)
    return found


def cell_id(row: Row) -> str:
    """A cell's name, as `harness.core.model.Cell.id` gives it."""
    return f"{base_label(row.base)}/{row.variant}/{row.question}"


def differs(row: Row, told: Mapping[str, Verdict]) -> bool:
    """Whether a cell is not as expected; one that could not be tested says nothing.

    Args:
        row: the cell.
        told: what is recorded of cells, by their ids.
    """
    return as_expected(row.expected, row.verdict, told.get(cell_id(row))) is False


def causes_of(comparisons: Iterable[Comparison]) -> dict[str, Cause]:
    """The likely causes of changes, by the ids of the cells that changed."""
    return {
        f"{base_label(comparison.new.base.reference)}/{'/'.join(difference.key)}": difference.cause
        for comparison in comparisons
        for difference in comparison.differences
        if difference.cause
    }


def story(row: Row, told: Verdict | None, cause: Cause | None) -> str:
    """Tell one cell in plain text: what was expected, what was seen, and the evidence.

    Args:
        row: the cell.
        told: what is recorded of it.
        cause: the likely cause, if it changed.
    """
    lines = [
        one_line(cell_id(row)),
        f"  expected  {wanted(row, told)}",
        f"  observed  {_observed(row)}",
        f"  because   {one_line(row.reason)}",
    ]
    if cause:
        lines.append(f"  likely    {one_line('; '.join(part for part in (cause.text, cause.detail) if part))}")
    return "\n".join([*lines, *(f"  {line}" for line in evidence(row))])


def wanted(row: Row, told: Verdict | None) -> str:
    """What is expected of a cell, in words, and who says so."""
    if told not in (None, Verdict.UNTESTED):
        return f"{told}, as recorded"
    good = GOOD[row.probe]
    words = {
        Expected.ALWAYS: good.value,
        Expected.NEVER: f"anything but {good}",
        Expected.DEPENDS: "what was recorded",
    }
    return f"{words[row.expected]} (the catalogue says: {row.expected})"


def _observed(row: Row) -> str:
    parts = (
        row.verdict.value,
        f"delivery {row.delivery}" if row.delivery else "",
        f"outcome {row.outcome}" if row.outcome else "",
        f"exit code {row.exit_code}" if row.exit_code is not None else "",
    )
    return ", ".join(part for part in parts if part)


def evidence(row: Row) -> list[str]:
    """What a cell's verdict rests on, line by line in plain text: processes, the end of the log, how to repeat it."""
    found = row.evidence
    lines = []
    if found.tree:
        gone = "none could be seen" if row.outcome is Outcome.RUNNING else "none: the container has ended"
        after = tree(found.tree.after) or [gone]
        lines += ["processes before", *_in(tree(found.tree.before)), "processes after", *_in(after)]
    if found.logs:
        lines += ["end of the log", *_in(one_line(line) for line in found.logs[-_LOG_TAIL:])]
    if found.reproduce:
        lines += ["to see it by hand", *_in(one_line(line) for line in found.reproduce)]
    return lines


def _in(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def tree(processes: Sequence[Process]) -> list[str]:
    """Give a process tree line by line, children right of their parents, with what each does with signals."""
    depth = depths(processes)
    lines = []
    for process in processes:
        pid = process.inner_pid or process.pid
        lines.append(f"{'  ' * depth[process.pid]}{pid} {one_line(process.args)}  [{_handles(process)}]")
    return lines


def _handles(process: Process) -> str:
    parts = []
    for word, signals in (("catches", process.caught), ("ignores", process.ignored), ("blocks", process.blocked)):
        if signals:
            names = [one_line(name.removeprefix("SIG")) for name in signals[:_MANY]]
            more = f" and {len(signals) - _MANY} more" if len(signals) > _MANY else ""
            parts.append(f"{word} {' '.join(names)}{more}")
    return "; ".join(parts) or "no handlers"


def one_line(text: str) -> str:
    """Spell out control characters, newlines among them: no text from a container passes for lines of the report."""
    return printable(text).replace("\n", "\\n")
