"""What stops are expected to do to containers that run, for people; worded so that nobody takes it for measured."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from rich import box
from rich.table import Table
from rich.text import Text

from harness.core.forecast import Sure
from harness.core.verdict import Verdict
from harness.report.style import colour, counted, plain, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType

    from harness.core.audit import Audit, Audited

_MOST_NAMES: Final = 4
_MOST_OF_A_NAME: Final = 24
NEXT: Final = "To measure it, each in a container of its own:"


def render(audit: Audit) -> RenderableType:
    """A table, the worst first."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False)
    table.add_column("container", overflow="fold", max_width=_MOST_OF_A_NAME)
    table.add_column("a stop would be", no_wrap=True)
    table.add_column("because", overflow="fold", ratio=1)
    for one in audit.containers:
        why = plain(one.reason)
        for note in one.notes:
            why.append(f"\n{printable(note)}", style="dim")
        style = colour(one.expected or Verdict.UNTESTED)
        table.add_row(plain(one.name), Text(expected(one), style=style), why)
    return table


def expected(one: Audited) -> str:
    """What a stop would do and how sure that is, in few words."""
    return Sure.OPEN.value if one.expected is None else f"{one.expected} ({one.sure})"


def commands(audit: Audit) -> list[str]:
    """The commands that measure what is not expected to end well, each once, with the containers that it is for."""
    names: dict[str, list[str]] = {}
    for one in audit.containers:
        if one.check is not None and one.expected is not Verdict.GRACEFUL:
            names.setdefault(one.check, []).append(one.name)
    return [printable(f"{command}   # {_listed(some)}") for command, some in names.items()]


def summary(audit: Audit) -> str:
    """One line: how many containers, what is expected of them, and which are not in the table."""
    counts = Counter(map(expected, audit.containers))
    tally = ", ".join(f"{number} {words}" for words, number in counts.items())
    parts = [f"{counted(len(audit.containers), 'container')} in {audit.duration_s:.1f} s: {tally or 'none'}"]
    if audit.left_out:
        parts.append(f"{len(audit.left_out)} of signal-harness's own left out: {_listed(audit.left_out)}")
    if audit.ended:
        parts.append(f"{len(audit.ended)} ended meanwhile: {_listed(audit.ended)}")
    return printable("; ".join(parts))


def changes(before: Audit | None, after: Audit) -> Iterator[str]:
    """A line for each container of which something else is expected than before, that came, or that went."""
    known = {one.id: one for one in before.containers} if before else {}
    for one in after.containers:
        was = known.pop(one.id, None)
        if was is None or (was.expected, was.sure, was.reason) != (one.expected, one.sure, one.reason):
            yield printable(f"{one.name}: {expected(one)}: {one.reason}")
    for one in known.values():
        yield printable(f"{one.name}: gone")


def _listed(names: Iterable[str]) -> str:
    """Names in a sentence; of many, the first."""
    some = list(names)
    more = [f"{len(some) - _MOST_NAMES} more"] if len(some) > _MOST_NAMES else []
    return ", ".join([*some[:_MOST_NAMES], *more])
