"""When the app of a fresh container is ready: by its log, health check, ports, a request or a command; or at rest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from harness.core.subject import Answering, Healthy, Listening, LogPattern, Quiescent, Succeeding
from harness.run.faults import CannotTest
from harness.run.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.core.subject import Ready
    from harness.run.protocol import Container

OUTPUT_S: Final = 10.0
"""How long what is certain to come may take: the end of the output, an event of the engine."""

_MEMORY_S: Final = 0.5
"""How much later than the end of a container it may be told that memory ran out."""

_NO_PROGRAM: Final = re.compile(r"(standard_init_linux\.go:\d+: )?exec .*: exec format error")
_MOST_SHOWN: Final = 200
_HEALTHY: Final = "healthy"
_GOOD: Final = range(200, 400)
"""RFC 9110, 15: 2xx is success, 3xx sends on to elsewhere."""


def wait_until_ready(container: Container, ready: Ready, *, timeout_s: float) -> None:
    """Wait until the app is ready; one that is so when all rests is not waited for here.

    Raises:
        CannotTest: it is not within ``timeout_s`` seconds, or the container ended before.
    """
    inbox = container.inbox
    check = _check(container, ready)
    if check is None:
        return

    def look() -> bool | None:
        if inbox.flooded:
            raise CannotTest("the app floods its log: over 1 MiB before it was ready")
        # The state is read before the lines: what was written before the end is then among them.
        ended = inbox.closed
        if check():
            return True
        if ended:
            raise CannotTest(f"the container ended before the app was ready{exit_text(container)}")
        return None

    if until(look, timeout_s=timeout_s, time=inbox) is None:
        raise CannotTest(f"{_missed(container, ready)} within {timeout_s:g} s{_end_of_log(container, ready)}")


def exit_text(container: Container) -> str:
    """With which exit code a container has ended, and whether memory ran out; empty if that does not get known."""
    inbox = container.inbox
    died = until(lambda: inbox.died, timeout_s=OUTPUT_S, time=inbox)
    if died is None:
        return ""
    return f", with exit code {died.exit_code}{_cause(container)}"


def ran_out_of_memory(container: Container) -> bool:
    """Whether the engine says that the kernel has killed a process of a container that failed for lack of memory.

    Ends and lack of memory come to it by two ways: one in 80 containers told of the latter last, 39 ms late, on a busy
    machine with Docker 20.10.
    """
    inbox = container.inbox
    return until(lambda: inbox.out_of_memory or None, timeout_s=_MEMORY_S, time=inbox) or False


def _cause(container: Container) -> str:
    """Why a container has ended, where the engine or its runtime says so."""
    if ran_out_of_memory(container):
        return ": out of memory, the kernel has killed a process of it"
    lines = container.inbox.lines
    # All that runc writes to the output of a container whose program execve(2) refuses with ENOEXEC.
    if len(lines) == 1 and _NO_PROGRAM.fullmatch(lines[0].text):
        return ": its command is for another kind of machine, or is a script without a #! line"
    return ""


def _check(container: Container, ready: Ready) -> Callable[[], bool] | None:
    """What to ask again and again."""
    match ready:
        case LogPattern(pattern=pattern):
            return lambda: any(pattern.search(line.text) for line in container.inbox.lines)
        case Healthy():
            return lambda: container.health() == _HEALTHY
        case Listening(ports=ports):
            return lambda: container.listens(ports)
        case Answering(path=path):
            return lambda: container.inbox.died is None and container.answers(path) in _GOOD
        case Succeeding(command=command):
            return lambda: container.inbox.died is None and container.execute(command)[0] == 0
        case Quiescent():
            return None


def _missed(container: Container, ready: Ready) -> str:
    match ready:
        case LogPattern():
            return "no ready line"
        case Healthy():
            return f"its HEALTHCHECK says {container.health()!r}, and not {_HEALTHY!r},"
        case Listening(ports=ports):
            return f"nothing listens on {' and '.join(f'port {port}' for port in ports)}"
        case Answering(path=path, port=port):
            status = container.answers(path)
            if status is None:
                return f"nothing answers GET {path} on port {port}"
            return f"GET {path} on port {port} is answered with status {status}, and not with 2xx or 3xx,"
        case Succeeding(command=command):
            return f"`{' '.join(command)}` did not succeed"
        case Quiescent():
            return "not at rest"


def _end_of_log(container: Container, ready: Ready) -> str:
    lines = container.inbox.lines
    log = "its log is empty" if not lines else f"the last line of its log is {lines[-1].text[:_MOST_SHOWN]!r}"
    if isinstance(ready, LogPattern):
        return f": no line matches {ready.pattern.pattern!r}, and {log}"
    return f"; {log}"
