"""A process that has imported what the command imports, and becomes the command anew in a fork for each who asks.

To start an interpreter and to import takes longer than most of what tests ask of the command. A fork has all that, and
nothing else that a process of its own would not have: it has one thread, standard streams, environment, folder and
words as it is told. It leaves as an interpreter does, but that it does not take its modules apart, which would copy all
the memory that it shares.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import socket
import struct
import sys
import threading
import time
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import TYPE_CHECKING, Any, Final, NoReturn

import harness

if TYPE_CHECKING:
    from collections.abc import Iterator

STREAMS: Final = 3
"""Standard input, output and error, which come with each order, and after them the line that it is told on."""
NUMBER: Final = struct.Struct("=i")
"""What is told on the line: the process, as it begins, and its status as `os.waitpid` has it, as it has ended."""

_THREADS: Final = Path("/proc/self/task")
_RUN: Final = "harness.__main__"
_OF_EXTRAS: Final = ("harness.distributed", "harness.pytest_", "harness.subject_run", "harness.testing")


def main() -> None:
    """Serve orders on the socket whose number is the one argument; in a fork, become what was ordered."""
    for name in _modules():
        import_module(name)
    if len(list(_THREADS.iterdir())) > 1:
        raise RuntimeError("what has several threads cannot become another by a fork")
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as orders:
        order = _next(orders)
    if order is not None:
        _become(order)


def _modules() -> Iterator[str]:
    """The modules that a command may import, but for those of extras that few have."""
    for module in walk_packages(harness.__path__, "harness."):
        if module.name != _RUN and not module.name.startswith(_OF_EXTRAS):
            yield module.name


def _next(orders: socket.socket) -> dict[str, Any] | None:
    """In a fork, what was ordered, with its streams in place; ``None`` where nobody orders any more."""
    while True:
        _, descriptors, _, _ = socket.recv_fds(orders, 1, STREAMS + 1)
        if not descriptors:
            return None
        if os.fork() == 0:
            return _watched(descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        _forget_the_ended()


def _watched(descriptors: list[int]) -> dict[str, Any]:
    """In a fork of the fork, what was ordered; who has made that waits for it, and tells how it ended."""
    *streams, number = descriptors
    with socket.socket(fileno=number) as line:
        if pid := os.fork():
            for stream in streams:
                os.close(stream)
            line.sendall(NUMBER.pack(pid))
            line.sendall(NUMBER.pack(os.waitpid(pid, 0)[1]))
            os._exit(0)
        with line.makefile("rb") as text:
            order: dict[str, Any] = json.load(text)
    for place, stream in enumerate(streams):
        os.dup2(stream, place)
        os.close(stream)
    return order


def _forget_the_ended() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _become(order: dict[str, Any]) -> None:
    """Do as ``python -m harness`` does.

    Raises:
        SystemExit: other threads than those that end with us are there, for which an interpreter waits.
    """
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    time.tzset()
    sys.path[0] = order["folder"]
    sys.argv = ["harness", *order["words"]]
    try:
        runpy.run_module("harness", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if isinstance(end.code, int) and _alone():
            _leave(end.code)
        raise


def _alone() -> bool:
    """Whether there is no other thread but such as end with us."""
    return all(thread.daemon or thread is threading.main_thread() for thread in threading.enumerate())


def _leave(code: int) -> NoReturn:
    """End: what is to be done at exit is done, and what is still in a buffer written."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
