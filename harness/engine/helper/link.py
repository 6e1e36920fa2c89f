"""Requests to a helper and its answers, over one connection, from any thread."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from harness.core.errors import Disturbed, EngineFault, EngineUnavailable
from harness.engine.helper.clock import Clock
from harness.engine.helper.wire import BOOT_ID, HELLO, SILENCE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_ANSWER_S: Final = 30.0
_OUTPUT: Final = 1
"""The number of the frames of standard output; those of the error output have another (API, ``attach``)."""

_MOST_SAID: Final = 2000


class _Asked(NamedTuple):
    """A request under way."""

    answer: Future[Mapping[str, Any]]
    sent_ns: int


class Link:
    """A connection to a helper.

    Args:
        send: sends bytes to its input; it may raise `OSError`.
        frames: what it writes: the number of the output, and bytes. It ends as the helper does, and may raise
            `OSError` or `ValueError`.
        answer_s: for how long an answer is waited for.
    """

    def __init__(
        self, send: Callable[[bytes], object], frames: Iterable[tuple[int, bytes]], *, answer_s: float = _ANSWER_S
    ) -> None:
        self._send = send
        self._frames = frames
        self._answer_s = answer_s
        self._sending = threading.Lock()
        self._under_way: deque[_Asked] = deque()
        self._hello: Future[Mapping[str, Any]] = Future()
        self._over = threading.Event()
        self._errors = ""
        self.clock = Clock()
        threading.Thread(target=self._receive, name="helper", daemon=True).start()

    @property
    def ended(self) -> bool:
        """Whether the helper has ended, or is reached no more."""
        return self._over.is_set()

    def wait_for_end(self, within_s: float) -> bool:
        """Whether it ends within some seconds."""
        return self._over.wait(within_s)

    def open(self, sources: Mapping[str, str]) -> None:
        """Give the helper its program, wait until it runs, and hold its clock against ours from then on.

        Raises:
            EngineFault: it does not run; the message says why.
        """
        self._write(json.dumps(sources).encode("ascii"))
        self._result(self._hello)
        self.clock = Clock(same=self.ask("boot") == _boot())
        for _ in range(4):
            self.ask("now")
        threading.Thread(target=self._keep, name="helper-kept", daemon=True).start()

    def ask(self, do: str, **words: Any) -> Any:
        """Have the helper do something, and return the value that it answers.

        Raises:
            EngineUnavailable: what was asked for is not available there.
            OSError: the machine's kernel refused.
            EngineFault: the helper has ended, or does not answer; that is `Disturbed`.
        """
        asked: Future[Mapping[str, Any]] = Future()
        line = json.dumps({"do": do, **words}).encode("ascii")
        with self._sending:
            self._under_way.append(_Asked(asked, time.monotonic_ns()))
            self._write(line)
        said = self._result(asked)
        if "unavailable" in said:
            raise EngineUnavailable(str(said["unavailable"]))
        if "errno" in said:
            raise OSError(int(said["errno"]), str(said.get("error")))
        if "error" in said:
            raise EngineFault(f"the helper says: {said['error']}")
        return said.get("value")

    def end(self) -> None:
        """Have the helper end; nothing is waited for."""
        with suppress(EngineFault):
            self.ask("end")

    def _write(self, line: bytes) -> None:
        if self._over.is_set():
            raise self._gone()
        try:
            self._send(line + b"\n")
        except (OSError, ValueError) as error:
            raise self._gone() from error

    def _result(self, asked: Future[Mapping[str, Any]]) -> Mapping[str, Any]:
        try:
            return asked.result(timeout=self._answer_s)
        except TimeoutError:
            raise Disturbed(f"the helper has not answered for {self._answer_s:g} s") from None

    @property
    def why_ended(self) -> str:
        """What to say of a helper that has ended, with the last line of its error output."""
        said = self._errors.strip().splitlines()[-1:]
        return ": ".join(["the helper that reads the kernel's record has ended", *said])

    def _gone(self) -> Disturbed:
        return Disturbed(self.why_ended)

    def _receive(self) -> None:
        rest = b""
        # It is cut, or what came is not a helper's.
        with suppress(OSError, KeyError, TypeError, ValueError):
            for number, data in self._frames:
                if number != _OUTPUT:
                    self._errors = (self._errors + data.decode("utf-8", "replace"))[-_MOST_SAID:]
                    continue
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self._take(line)
        with self._sending:
            self._over.set()
            waiting = [asked.answer for asked in self._under_way]
            self._under_way.clear()
        for answer in (self._hello, *waiting):
            if not answer.done():
                answer.set_exception(self._gone())

    def _take(self, line: bytes) -> None:
        if not self._hello.done():
            if line.strip() != HELLO.encode("ascii"):
                raise ValueError(line)
            self._hello.set_result({})
            return
        received_ns = time.monotonic_ns()
        said = json.loads(line)
        if not (isinstance(said, dict) and self._under_way):
            raise ValueError(line)
        there_ns = int(said["now_ns"])
        asked = self._under_way.popleft()
        self.clock.take(asked.sent_ns, there_ns, received_ns)
        asked.answer.set_result(said)

    def _keep(self) -> None:
        """Ask something now and then: a helper that hears nothing ends, and clocks go apart."""
        while not self._over.wait(SILENCE_S / 9):
            with suppress(EngineFault, OSError):
                self.ask("now")


def _boot() -> str | None:
    """What names this start of this machine (proc_sys_kernel(5)), where it is Linux."""
    with suppress(OSError):
        return BOOT_ID.read_text(encoding="ascii").strip()
    return None
