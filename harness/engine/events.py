"""The stream of an engine's events, taken up again where it breaks.

An engine keeps some of its last events (Docker 256, of all its containers; moby, daemon/events) and tells them again
from a time on. So a stream that broke is begun anew from a moment before the last event seen, and what was told already
is left out. Where that last event does not come again, events before the next one may have been lost.
"""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from harness.core.errors import Disturbed, EngineFault, EngineUnavailable
from harness.engine.client import our_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Event: TypeAlias = dict[str, Any]

_OVERLAP_NS: Final = 1_000_000_000
"""Events of one moment are not told in the order of their times: they get those before they get in line."""

_PAUSE_S: Final = 0.05
_JOIN_S: Final = 5.0
_NS: Final = 1_000_000_000
_MANY: Final = 1024


class Stream(Protocol):
    """A stream under way: pieces of bytes, which need not be whole events."""

    def __iter__(self) -> Iterator[bytes]:
        """The pieces."""
        ...

    def close(self) -> None:
        """End it; who reads it gets no further."""
        ...


class Events:
    """Events of an engine, each told once and in order, whatever becomes of the connections that they come by.

    Args:
        begin: begins a stream of events from a time on, in seconds since the epoch with nine decimals; it raises
            `HarnessError` if it cannot.
        tell: called with each event, in one thread.
        answers: whether the engine answers, or does so soon; if not, it is gone.
        resumed: called as a stream has been taken up again.
        missed: called where events may have been lost.
        gone: called as the engine is gone; nothing more is told.
    """

    def __init__(
        self,
        begin: Callable[[str], Stream],
        tell: Callable[[Event], None],
        *,
        answers: Callable[[], bool],
        resumed: Callable[[], None] = lambda: None,
        missed: Callable[[], None] = lambda: None,
        gone: Callable[[], None] = lambda: None,
    ) -> None:
        self._begin = begin
        self._tell = tell
        self._answers = answers
        self._resumed = resumed
        self._missed = missed
        self._gone = gone
        self._leaving = threading.Event()
        self._known: dict[tuple[Any, ...], int] = {}
        self._last: tuple[Any, ...] | None = None
        self._awaited: tuple[Any, ...] | None = None
        self._since_ns = 0
        self._thread = threading.Thread(target=self._follow, name="engine-events", daemon=True)

    def start(self, since_s: int) -> None:
        """Begin listening, from a time in whole seconds since the epoch on.

        Raises:
            HarnessError: the engine does not tell.
        """
        self._since_ns = since_s * _NS
        self._stream = self._opened()
        self._thread.start()

    def close(self) -> None:
        """Listen no more; it waits for the thread, but not for an engine that hangs."""
        self._leaving.set()
        self._end(self._stream)
        self._thread.join(timeout=_JOIN_S)

    def _follow(self) -> None:
        while not self._leaving.is_set():
            self._read(self._stream)
            if not self._take_up():
                break
        self._end(self._stream)
        if not self._leaving.is_set():
            self._gone()

    def _take_up(self) -> bool:
        """Begin the stream again; whether it is going on."""
        self._end(self._stream)
        self._awaited = self._last
        while not self._leaving.wait(_PAUSE_S):
            if not self._answers():
                return False
            with suppress(EngineFault, EngineUnavailable):
                self._stream = self._opened()
                self._resumed()
                return True
        return False

    def _opened(self) -> Stream:
        with our_errors():
            return self._begin(f"{self._since_ns // _NS}.{self._since_ns % _NS:09d}")

    def _read(self, stream: Stream) -> None:
        """Tell what comes until the stream breaks; half an event at its end comes again."""
        rest = b""
        with (
            suppress(Disturbed, EngineFault, EngineUnavailable, OSError, ValueError, AttributeError, TypeError),
            our_errors(),
        ):
            for piece in stream:
                *lines, rest = (rest + piece).split(b"\n")
                for line in filter(None, map(bytes.strip, lines)):
                    self._take(json.loads(line))

    def _take(self, event: Event) -> None:
        actor, at_ns = event.get("Actor", {}), int(event.get("timeNano", 0))
        key = (at_ns, actor.get("ID"), event.get("Action"), actor.get("Attributes", {}).get("signal"))
        if key == self._awaited:
            self._awaited = None
        if key in self._known:
            return
        if self._awaited is not None:
            self._awaited = None
            self._missed()
        self._last = key
        self._known[key] = at_ns
        self._since_ns = max(self._since_ns, at_ns - _OVERLAP_NS)
        if len(self._known) > _MANY:
            self._known = {one: told_ns for one, told_ns in self._known.items() if told_ns >= self._since_ns}
        self._tell(event)

    def _end(self, stream: Stream) -> None:
        with suppress(OSError, AttributeError, ValueError):  # docker-py digs in a connection that may be gone
            stream.close()
