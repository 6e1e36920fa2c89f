"""Where a container's output and events arrive, from whichever thread reads them."""

from __future__ import annotations

import re
import secrets
import threading
import time
from typing import Final

from harness.core.errors import Abandoned, Disturbed
from harness.core.evidence import EngineEvent, LogLine

MOST_BYTES: Final = 1 << 20
# ECMA-48, 5.4: a control sequence; what spinners draw with.
_CONTROL: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[@-Z\\-_]")
# How a terminal echoes Ctrl-C (termios(3), ECHOCTL), in front of what is written next; one write of two bytes.
ECHO: Final = b"^C"
GIVEN_UP: Final = "given up before it could tell anything"
_BROKEN: Final = "its output broke off while it ran on"


class Inbox:
    """The output and events of one container, and a way to wait for news of them.

    Output is kept up to `MOST_BYTES`; what goes beyond is counted as a flood and dropped. ``marker`` is a mark that is
    taken out of the output and counted when it is written into it. With ``tty`` the output is that of a terminal: lines
    end as terminals end them, and control sequences and echoed keys are left out.
    """

    def __init__(self, *, tty: bool = False) -> None:
        self.tty: Final = tty
        # Nobody but us can know it, so no app can fake the end of its output.
        self.marker: Final = b"\x1esignal-harness " + secrets.token_hex(8).encode() + b"\x1e\n"
        self._news = threading.Condition()
        self._fresh = False
        self._partial: dict[int, bytes] = {}
        self._lines: list[LogLine] = []
        self._events: list[EngineEvent] = []
        self._bytes = 0
        self._markers = 0
        self._echoes = 0
        self._closed = False
        self._abandoned = False
        self._spoilt: str | None = None
        self._broken = False
        self._broke_ns: int | None = None
        self._died_ns: int | None = None

    def write(self, data: bytes, stream: int = 1) -> None:
        """Take in output of one stream, in pieces of any size."""
        at_ns = self.now_ns()
        with self._news:
            self._bytes += len(data)
            self._echoes += self.tty and data.count(ECHO)
            if not self.flooded:
                data = self._partial.get(stream, b"") + data
                *whole, rest = (data.replace(b"\r\n", b"\n") if self.tty else data).split(b"\n")
                carry = b""
                for piece in whole:
                    before, mark, after = (carry + piece + b"\n").partition(self.marker)
                    if mark:
                        self._markers += 1
                        carry = before + after
                    else:
                        self._lines.append(LogLine(at_ns=at_ns, text=self._text(carry + piece)))
                        carry = b""
                self._partial[stream] = carry + rest
            self._tell()

    def close(self) -> None:
        """Take in that the output has ended; a last line may lack its newline."""
        with self._news:
            for rest in self._partial.values():
                if rest:
                    self._lines.append(LogLine(at_ns=self.now_ns(), text=self._text(rest)))
            self._partial.clear()
            self._closed = True
            self._tell()

    def event(self, event: EngineEvent) -> None:
        """Take in an engine event."""
        with self._news:
            self._events.append(event)
            if event.action == "die" and self._died_ns is None:
                self._died_ns = self.now_ns()
            self._tell()

    def forget(self, lines: int) -> None:
        """Forget the lines after the first so many, and all events: what an earlier signal brought is no news."""
        with self._news:
            del self._lines[lines:]
            self._events.clear()

    def abandon(self) -> None:
        """Take in that nobody wants to know any more: who waits for news gets no further."""
        with self._news:
            self._abandoned = True
            self._tell()

    def spoil(self, reason: str) -> None:
        """Take in that something of this container may have been missed: who waits for news gets no further."""
        with self._news:
            self._spoilt = self._spoilt or reason
            self._tell()

    def break_off(self, *, within_s: float) -> None:
        """Take in that no more output comes, which is its end only if the container ends, too, within some seconds."""
        with self._news:
            self._broken = True
            self._broke_ns = self.now_ns()
            self._news.wait_for(lambda: self._closed or self._has_died, timeout=within_s)
            whole = self._closed or self._has_died
        if not whole:
            self.spoil(_BROKEN)
        self.close()

    def check(self) -> None:
        """Go no further where nobody wants to know any more, or where something may have been missed.

        Raises:
            Abandoned: it was given up.
            Disturbed: something may have been missed.
        """
        if self._abandoned:
            raise Abandoned(GIVEN_UP)
        if self._spoilt is not None:
            raise Disturbed(self._spoilt)

    def check_whole(self, *, within_s: float) -> None:
        """The same, and output that has come to an end is to be the container's: that is waited for.

        Raises:
            Abandoned: it was given up.
            Disturbed: something may have been missed.
        """
        self.check()
        with self._news:
            self._news.wait_for(
                lambda: not self._broken or self._has_died or self._abandoned or self._spoilt, timeout=within_s
            )
            whole = not self._broken or self._has_died
        self.check()
        if not whole:
            raise Disturbed(_BROKEN)

    def wait_for_end(self, *, within_s: float) -> bool:
        """Whether the event of the container's end comes within some seconds."""
        with self._news:
            return self._news.wait_for(lambda: self._has_died, timeout=within_s)

    @property
    def lines(self) -> tuple[LogLine, ...]:
        """The whole lines so far."""
        with self._news:
            return tuple(self._lines)

    @property
    def events(self) -> tuple[EngineEvent, ...]:
        """The engine events so far."""
        with self._news:
            return tuple(self._events)

    @property
    def closed(self) -> bool:
        """Whether the output has ended."""
        return self._closed

    @property
    def out_of_memory(self) -> bool:
        """Whether the engine has told that the kernel has killed a process of the container for lack of memory."""
        return any(event.action == "oom" for event in self.events)

    @property
    def flooded(self) -> bool:
        """Whether there was more output than is kept."""
        return self._bytes > MOST_BYTES

    @property
    def size(self) -> int:
        """How many bytes of output have arrived."""
        return self._bytes

    @property
    def silent_s(self) -> float:
        """For how many seconds its output had ended already as the container's end was told; 0 if it had not."""
        if self._broke_ns is None or self._died_ns is None:
            return 0.0
        return max(0.0, (self._died_ns - self._broke_ns) / 1e9)

    @property
    def unfinished(self) -> bool:
        """Whether there is a line that has begun, and not ended yet."""
        return any(self._partial.values())

    @property
    def markers(self) -> int:
        """How many marks have arrived."""
        return self._markers

    @property
    def echoes(self) -> int:
        """How often a terminal has echoed Ctrl-C, which it does once it has sent the signal (n_tty.c, ``isig``)."""
        return self._echoes

    @property
    def died(self) -> EngineEvent | None:
        """The event of the container's end."""
        return next((event for event in self.events if event.action == "die"), None)

    def now_ns(self) -> int:
        """The monotonic time in nanoseconds."""
        return time.monotonic_ns()

    def pause(self, seconds: float) -> None:
        """Return after so many seconds, or as soon as there is news that no pause has returned for.

        Raises:
            Abandoned: it was given up.
            Disturbed: something of the container may have been missed.
        """
        with self._news:
            self._news.wait_for(lambda: self._fresh, timeout=seconds)
            self._fresh = False
        self.check()

    @property
    def _has_died(self) -> bool:
        return any(event.action == "die" for event in self._events)

    def _tell(self) -> None:
        self._fresh = True
        self._news.notify_all()

    def _text(self, line: bytes) -> str:
        ends = line.rstrip(b"\r") if self.tty else line.removesuffix(b"\r")
        text = ends.decode("utf-8", errors="replace")
        return _CONTROL.sub("", text).removeprefix(ECHO.decode()) if self.tty else text
