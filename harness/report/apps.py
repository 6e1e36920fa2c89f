"""Which processes are taken for the app of a cell, and why: a line each, or one for those that are alike. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.report.style import clipped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.core.document import Chosen

_MOST: Final = 72


def app_lines(apps: Iterable[Chosen]) -> list[str]:
    """Such as ``server --all (PID 7): first process below sh that does more than start another``.

    Long commands are cut; the document has all of them.
    """
    alike: dict[tuple[str, str], list[int]] = {}
    for app in apps:
        alike.setdefault((app.command, app.why), []).append(app.pid)
    return [f"{clipped(command, _MOST)} ({_numbers(pids)}): {why}" for (command, why), pids in alike.items()]


def _numbers(pids: list[int]) -> str:
    *first, last = map(str, pids)
    return f"PIDs {', '.join(first)} and {last}" if first else f"PID {last}"
