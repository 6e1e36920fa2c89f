"""Marks behind a container's output: written where its PID 1 writes, so that they arrive after all that came before.

Needs root, and an engine on this machine.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

_OUTPUTS: Final = (1, 2)


def write_markers(pid: int, mark: bytes, *, tty: bool) -> int:
    """Write a mark into what a process has for standard output and error.

    On a terminal no key may be on its way that makes a signal: the kernel then throws away the output that nobody has
    read yet (termios(3), ``NOFLSH``), and the mark with it.

    Returns:
        How many marks will arrive: one where both are the same pipe or terminal; 0 where they are neither.

    Raises:
        OSError: one was not written, as the reader does not keep up, the process is gone, or this is not allowed; the
            other may have been.
    """
    outputs: dict[tuple[int, int], Path] = {}
    for number in _OUTPUTS:
        path = Path(f"/proc/{pid}/fd/{number}")
        found = path.stat()
        if not (stat.S_ISCHR(found.st_mode) if tty else stat.S_ISFIFO(found.st_mode)):
            return 0
        outputs.setdefault((found.st_dev, found.st_ino), path)
    for path in outputs.values():
        output = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        try:
            if os.write(output, mark) != len(mark):
                raise BlockingIOError("the mark was cut")
        finally:
            os.close(output)
    return len(outputs)
