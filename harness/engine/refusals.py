"""Why an engine does not start a container, in plain words where its own are a runtime's."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from harness.core.errors import EngineFault

if TYPE_CHECKING:
    from collections.abc import Iterator

# How runc words what execve(2) and the search on PATH refuse; docker run takes its exit codes from the same words
# (moby/moby, daemon/errors.go, translateContainerdStartErr).
_OF_COMMAND: Final = re.compile(r'exec: "(?P<command>[^"]*)": (?:stat [^:]+: )?(?P<why>[a-z][a-z $A-Z]+)')
_MEANINGS: Final = {
    "executable file not found in $PATH": "is not on the image's PATH (127 by docker run)",
    "no such file or directory": "is not in the image, or what its first line names is not (127 by docker run)",
    "not a directory": "is not in the image (127 by docker run)",
    "permission denied": "is not executable (126 by docker run)",
    "is a directory": "is a folder (126 by docker run)",
}


@contextmanager
def plainly() -> Iterator[None]:
    """Say first in plain words what the engine says of a command that it cannot run.

    Raises:
        EngineFault: the engine refused; what it said stands behind.
    """
    try:
        yield
    except EngineFault as fault:
        found = _OF_COMMAND.search(fault.message)
        meaning = _MEANINGS.get(found["why"].strip()) if found else None
        if found is None or meaning is None:
            raise
        raise EngineFault(f"the command `{found['command']}` {meaning}: {fault.message}") from fault
