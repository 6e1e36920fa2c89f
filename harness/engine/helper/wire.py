"""Samples of processes in the words of JSON, for the way from a helper to the harness. Both sides run it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harness.core.process import Process, Tree, Wait

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HELLO: Final = "signal-harness"
"""What a helper says first; it is ready then."""

SILENCE_S: Final = 90.0
"""After how long without a request a helper ends: nobody is there any more."""

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
"""What names a start of a machine (proc_sys_kernel(5)): two that have the same are one."""

_PLAIN: Final = tuple(field.name for field in fields(Process) if field.name not in ("argv", "threads", "waits"))


def packed(tree: Tree) -> list[dict[str, Any]]:
    """A sample in the words of JSON."""
    return [
        {
            **{name: getattr(process, name) for name in _PLAIN},
            "argv": list(process.argv),
            "threads": sorted(process.threads),
            "waits": None if process.waits is None else [(wait.length_ns, wait.until_ns) for wait in process.waits],
        }
        for process in tree
    ]


def unpacked(found: Iterable[Mapping[str, Any]], *, ahead_ns: int = 0) -> Tree:
    """The sample that was packed where the monotonic clock is so far ahead of ours.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    return tuple(
        Process(
            **{name: each[name] for name in _PLAIN},
            argv=tuple(map(str, each["argv"])),
            threads=frozenset(map(int, each["threads"])),
            waits=None if each["waits"] is None else tuple(_ours(wait, ahead_ns) for wait in each["waits"]),
        )
        for each in found
    )


def _ours(wait: tuple[int | None, int | None], ahead_ns: int) -> Wait:
    length_ns, until_ns = wait
    return Wait(length_ns=length_ns, until_ns=None if until_ns is None else until_ns - ahead_ns)
