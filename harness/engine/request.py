"""A request to an app whose end is held back, so that it stays in flight as long as wanted."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException
from typing import Final

from harness.core.errors import EngineFault

_ANSWER_S: Final = 10.0
_BODY: Final = b"x"


class HttpRequest:
    """A POST to a published port on 127.0.0.1 that has been sent but for its body, and whose answer has begun.

    The app begins its answer at once, and ends it when the body has come.

    Raises:
        EngineFault: nobody listens there, no answer began within 10 s, or the answer does not say how long it will be,
            so that a complete one looks like one that breaks off.
    """

    def __init__(self, port: int, path: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=_ANSWER_S)
        try:
            self._connection.putrequest("POST", path)
            self._connection.putheader("Content-Length", str(len(_BODY)))
            self._connection.putheader("Connection", "close")
            self._connection.endheaders()
            # getresponse() lets go of a connection that will be closed; the rest of the request must still be sent.
            self._socket = self._connection.sock
            self._answer = self._connection.getresponse()
        except (OSError, HTTPException) as error:
            self._connection.close()
            raise EngineFault(f"the app does not answer on its published port: {error!r}") from error
        if self._answer.length is None and not self._answer.chunked:
            self.close()
            raise EngineFault("the app's answer has neither a length nor chunks, so its end cannot be detected")

    def finish(self) -> bool:
        """Send the body, and return whether the answer came complete and without an error status."""
        try:
            self._socket.sendall(_BODY)
            self._answer.read()
        except (OSError, HTTPException):
            return False
        return self._answer.status < 400  # noqa: PLR2004  RFC 9110: 4xx and 5xx are errors

    def close(self) -> None:
        """Abandon it."""
        self._answer.close()
        self._connection.close()
