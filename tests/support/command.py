"""The command as a user runs it."""

from __future__ import annotations

import atexit
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.support.forking import NUMBER

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST_S: Final = 600
_ROOT: Final = Path(__file__).parents[2]
_OF_INTERPRETERS: Final = ("PYTHON", "LC_", "LANG")
"""What the names of variables begin with that an interpreter reads as it starts, and never again."""


def command(
    *words: str, before: tuple[str, ...] = (), here: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run it to its end, in the folder ``here``, with ``before`` it as a prefix; a traceback is never an answer.

    It is a fork of a process that has imported all (`tests.support.forking`), where an interpreter of its own would
    make no difference.
    """
    whole = {**surroundings(), "NO_COLOR": "1", **environment}
    if before or any(name.startswith(_OF_INTERPRETERS) for name in environment):
        done = process_of_its_own(*words, before=before, here=here, environment=whole)
    else:
        done = forked(*words, here=here, environment=whole)
    assert "Traceback" not in done.stderr + done.stdout, done.stderr + done.stdout
    return done


def surroundings() -> dict[str, str]:
    """The variables of this process, one by one: pytest takes one away between tests, while threads go on."""
    values = {name: os.environ.get(name) for name in tuple(os.environ)}
    return {name: value for name, value in values.items() if value is not None}


def process_of_its_own(
    *words: str, environment: Mapping[str, str], before: tuple[str, ...] = (), here: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run it to its end as a shell does, in an interpreter that is started for it."""
    return subprocess.run(
        [*before, sys.executable, "-m", "harness", *words],
        env=environment,
        cwd=here,
        capture_output=True,
        text=True,
        check=False,
        timeout=_MOST_S,
    )


def forked(*words: str, environment: Mapping[str, str], here: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run it to its end in a fork."""
    order = {"words": words, "environment": dict(environment), "folder": str(here or Path.cwd())}
    ours, line = socket.socketpair()
    out, into_out = os.pipe()
    err, into_err = os.pipe()
    try:
        socket.send_fds(_orders(), [b"\0"], [0, into_out, into_err, line.fileno()])
    finally:
        line.close()
        os.close(into_out)
        os.close(into_err)
    with ours, os.fdopen(out, "rb") as stdout, os.fdopen(err, "rb") as stderr:
        ours.sendall(json.dumps(order).encode())
        ours.shutdown(socket.SHUT_WR)
        told = _all_of(ours.fileno(), stdout.fileno(), stderr.fileno())
    status = NUMBER.unpack(told[0][NUMBER.size :])[0]
    texts = (text.decode().replace("\r\n", "\n") for text in told[1:])
    return subprocess.CompletedProcess(["harness", *words], os.waitstatus_to_exitcode(status), *texts)


def _all_of(*descriptors: int) -> list[bytes]:
    """All that is written to them, until nobody can write any more; the first is the line of a fork.

    Raises:
        TimeoutError: it did not end, and has been killed.
    """
    told = dict.fromkeys(descriptors, b"")
    deadline = time.monotonic() + _MOST_S
    with selectors.DefaultSelector() as waiting:
        for descriptor in descriptors:
            waiting.register(descriptor, selectors.EVENT_READ)
        while waiting.get_map():
            ready = waiting.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                os.kill(NUMBER.unpack(told[descriptors[0]][: NUMBER.size])[0], signal.SIGKILL)
                raise TimeoutError(f"it has not ended within {_MOST_S} s")
            for key, _ in ready:
                if piece := os.read(key.fd, 1 << 16):
                    told[key.fd] += piece
                else:
                    waiting.unregister(key.fd)
    return list(told.values())


@cache
def _orders() -> socket.socket:
    """Where a process that forks takes orders; it ends with us."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.forking", str(theirs.fileno())],
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours
