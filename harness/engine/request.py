"""A request to an app whose end is held back, so that it stays in flight as long as wanted."""

from __future__ import annotations

import re
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from io import BytesIO
from typing import Final

from harness.core.errors import EngineFault

_ANSWER_S: Final = 10.0
_BODY: Final = b"x"
_PIECE: Final = 1 << 16
_HEAD_ENDS: Final = re.compile(rb"\r?\n\r?\n")
_ERRORS_FROM: Final = 400
"""RFC 9110: 4xx and 5xx are errors."""


class _Arrived:
    """What has arrived, as a socket that gives no more."""

    def __init__(self, arrived: bytes) -> None:
        self._arrived = arrived

    def makefile(self, _: str) -> BytesIO:
        """Return it to be read."""
        return BytesIO(self._arrived)


class HttpRequest:
    """A POST to a published port on 127.0.0.1 that has been sent but for its body, and whose answer has begun.

    The app begins its answer at once, and ends it when the body has come.

    Raises:
        EngineFault: nobody listens there, no answer began within 10 s, it is an error, or it does not say how long it
            will be, so that a complete one looks like one that breaks off.
    """

    def __init__(self, port: int, path: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=_ANSWER_S)
        self._arrived = b""
        try:
            self._connection.putrequest("POST", path)
            self._connection.putheader("Content-Length", str(len(_BODY)))
            self._connection.putheader("Connection", "close")
            self._connection.endheaders()
            while not _HEAD_ENDS.search(self._arrived) and self._receive():
                pass
            answer = self._answer()
        except (OSError, HTTPException) as error:
            self.close()
            raise EngineFault(f"the app does not answer on its published port: {error!r}") from error
        wrong = ""
        if answer.status >= _ERRORS_FROM:
            wrong = f"the app answers POST {path} with status {answer.status}: see path in [app.stop]"
        elif answer.length is None and not answer.chunked:
            wrong = "the app's answer has neither a length nor chunks, so its end cannot be detected"
        if wrong:
            self.close()
            raise EngineFault(wrong)

    def in_flight(self) -> bool:
        """Whether the answer is incomplete so far, and not broken off either."""
        ends = True
        self._connection.sock.settimeout(0)
        try:
            while self._receive():
                pass
        except BlockingIOError:
            ends = False
        except OSError:
            pass  # the app has broken it off
        self._connection.sock.settimeout(_ANSWER_S)
        return not ends and not self._complete()

    def finish(self) -> bool:
        """Send the body, and return whether the answer came complete."""
        with suppress(OSError, AttributeError):  # no socket any more: it was given up
            if self.in_flight():
                self._connection.sock.sendall(_BODY)
            while not self._complete() and self._receive():
                pass
        return self._complete()

    def close(self) -> None:
        """Abandon it."""
        self._connection.close()

    def _receive(self) -> bool:
        """Wait for more of the answer; whether there is."""
        piece: bytes = self._connection.sock.recv(_PIECE)
        self._arrived += piece
        return bool(piece)

    def _answer(self) -> HTTPResponse:
        answer = HTTPResponse(_Arrived(self._arrived), method="POST")  # type: ignore[arg-type]  # all it takes of one
        answer.begin()
        return answer

    def _complete(self) -> bool:
        try:
            self._answer().read()
        except HTTPException:
            return False
        return True
