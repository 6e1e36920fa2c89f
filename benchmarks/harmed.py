"""Runs of the harness that harm is done to, and what comes of them: verdicts, how they end, and what they leave."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from harness.engine.endpoint import engine_url
from harness.journals import beside
from harness.run.inbox import Inbox
from harness.run.waiting import until
from tests.support.harm import Harm, Proxy, proxy
from tests.support.leftovers import left_behind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

BASE: Final = "local:musl-node24"
VARIANTS: Final = ("node-exec-form", "npm-start-exec", "entrypoint-no-exec", "tini", "no-handlers")
_ASKED: Final = ("--signal", "SIGHUP", "--signal", "SIGUSR2", "--probe", "signal", "--probe", "stop")
_LONG_S: Final = 900
_CLEARED_S: Final = 30
_TEXT: Final = 1500
"""How much of a traceback is shown."""

_OPEN: Final = ("untested", "unstable")


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A fault, and when it is done: ``harm`` to requests, or all is frozen after some seconds, for some seconds."""

    name: str
    harm: Callable[[random.Random], Harm] = lambda _: lambda _: None
    frozen_s: float = 0.0
    frozen_after_s: float = 0.0


NO_FAULT: Final = Fault(name="none")


@dataclass(kw_only=True)
class Outcome:
    """What came of a run: verdicts by cell, how it ended, and what it left."""

    verdicts: Mapping[str, str]
    reasons: Mapping[str, str]
    code: int
    took_s: float
    left: list[str]
    harmed: int = 0
    said: str = ""
    wrong: list[str] = field(default_factory=list)

    @property
    def unsaid(self) -> list[str]:
        """What it left without saying that it could not be removed."""
        return [] if "could not be removed" in self.said else self.left

    @property
    def untested(self) -> list[str]:
        """The cells of which it says nothing."""
        return [name for name, verdict in self.verdicts.items() if verdict in _OPEN]

    def held_against(self, truth: Outcome) -> Outcome:
        """With the cells whose verdict is another, and which are not open."""
        self.wrong = [
            f"{name}: {verdict}, and not {truth.verdicts.get(name)}: {self.reasons[name]}"
            for name, verdict in self.verdicts.items()
            if verdict not in (*_OPEN, truth.verdicts.get(name))
        ]
        return self


def _nothing(_: int) -> AbstractContextManager[None]:
    return nullcontext()


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['subject']}/{row['signal'] if row['probe'] == 'signal' else row['probe']}"


class Bench:
    """Where runs are made: a socket of the engine's, and a folder; ``enter`` stands before commands that are run."""

    def __init__(
        self, folder: Path, *, variants: Sequence[str] = VARIANTS, more: Sequence[str] = (), enter: Sequence[str] = ()
    ) -> None:
        self.folder = folder
        self._enter = enter
        self.engine = Path(urlsplit(engine_url()).path)
        self._words = [word for variant in variants for word in ("--variant", variant)]
        self._words = ["run", "--base", BASE, *self._words, *_ASKED, "--jobs", "4", *more]

    @contextmanager
    def started(
        self, socket: Path, results: Path, *, terminal: Terminal | None = None
    ) -> Iterator[subprocess.Popen[str]]:
        """A run under way, on a terminal if one is given; it is killed on leaving, if it still goes on."""
        scratch = self.folder / "tmp"
        scratch.mkdir(exist_ok=True)
        for left in (results, beside(results)):  # a journal of a run that was cut short would have to be taken up
            left.unlink(missing_ok=True)
        environment = {**os.environ, "DOCKER_HOST": f"unix://{socket}", "TMPDIR": str(scratch), "NO_COLOR": "1"}
        command = [*self._enter, sys.executable, "-m", "harness", *self._words, "--json", str(results)]
        with (self.folder / "said").open("w", encoding="utf-8") as said:
            if terminal is not None:
                run = terminal.start(command, environment)
            else:
                run = subprocess.Popen(command, env=environment, stdout=said, stderr=subprocess.STDOUT, text=True)
        try:
            yield run
        finally:
            if run.poll() is None:
                run.kill()
            run.wait()

    def left(self, pid: int) -> list[str]:
        """What a run left: containers, trace instances, temporary files."""
        scratch = self.folder / "tmp"
        return [*left_behind(pid), *(path.name for path in scratch.iterdir())]

    def run(self, fault: Fault = NO_FAULT, *, seed: int = 0) -> Outcome:
        """Make a run to its end, with a fault or without."""
        with proxy(self.folder / "engine.sock", self.engine, fault.harm(random.Random(seed))) as way:
            found = self.straight(lambda _: frozen(way, fault), self.folder / "engine.sock")
        return replace(found, harmed=way.harmed)

    def straight(
        self, meanwhile: Callable[[int], AbstractContextManager[None]] = _nothing, socket: Path | None = None
    ) -> Outcome:
        """Make a run to its end while something is done, on the engine itself unless another way to it is named.

        ``meanwhile`` is given the PID of the run.
        """
        results = self.folder / "results.json"
        began_s = time.monotonic()
        with self.started(socket or self.engine, results) as run, meanwhile(run.pid):
            code = run.wait(timeout=_LONG_S)
        took_s = time.monotonic() - began_s
        rows: list[Any] = json.loads(results.read_text(encoding="utf-8"))["results"] if results.exists() else []
        return Outcome(
            verdicts={_name(row): row["verdict"] for row in rows},
            reasons={_name(row): row["reason"] for row in rows},
            code=code,
            took_s=took_s,
            left=self.left(run.pid),
            said=(self.folder / "said").read_text(encoding="utf-8"),
        )

    def interrupt(self, number: signal.Signals | None, after_s: float, *, hung: bool = False) -> Interrupted:
        """Send a running harness a signal after some seconds, and see what it leaves.

        ``None`` closes the terminal that it runs on; ``hung``: the engine hangs, so many seconds after the first cells
        began.
        """
        socket, results = self.folder / "engine.sock", self.folder / "results.json"
        with ExitStack() as stack:
            way = stack.enter_context(proxy(socket, self.engine))
            terminal = stack.enter_context(Terminal()) if number is None else None
            run = stack.enter_context(self.started(socket, results, terminal=terminal))
            if hung:
                journal = beside(results)
                until(lambda: journal.exists() or run.poll() is not None or None, timeout_s=_LONG_S, time=Inbox())
            with suppress(subprocess.TimeoutExpired):
                run.wait(timeout=after_s)
            if hung:
                way.freeze()
            began_s, over = time.monotonic(), run.poll() is not None
            if terminal is not None:
                terminal.close()
            elif number is not None:
                run.send_signal(number)
            try:
                run.wait(timeout=_CLEARED_S)
            except subprocess.TimeoutExpired:
                return Interrupted(number=number, ended_s=None, left=["itself"], over=over)
            ended_s = time.monotonic() - began_s
            way.thaw()
        said = (self.folder / "said").read_text(encoding="utf-8")
        if number is signal.SIGKILL or hung:
            subprocess.run([sys.executable, "-m", "harness", "clean"], check=True, capture_output=True)
        left = self.left(run.pid)
        for path in (self.folder / "tmp").iterdir():
            path.unlink()
        _, traceback, text = said.partition("Traceback")
        bad = [f"a traceback: …{text[-_TEXT:]}"] if traceback else []
        return Interrupted(number=number, ended_s=ended_s, left=[*left, *bad], over=over, said=said)


@dataclass(frozen=True, kw_only=True, slots=True)
class Interrupted:
    """What came of a signal: after how many seconds the run ended (``None``: it did not), and what it left.

    ``over`` says whether it had ended before.
    """

    number: signal.Signals | None
    ended_s: float | None
    left: list[str]
    over: bool
    said: str = ""


class Terminal:
    """A terminal that is closed while a program runs on it; a context manager."""

    def __init__(self) -> None:
        ours, self._theirs = os.openpty()
        # Whoever reads what comes is who has it open: it is closed as that ends.
        self._reader = subprocess.Popen(["cat"], stdin=ours, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(ours)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
        """Start a command in a session of its own, whose terminal it is."""
        end = self._theirs
        words = ["setsid", "--ctty", *command]
        run = subprocess.Popen(words, env=environment, stdin=end, stdout=end, stderr=end, text=True)
        os.close(end)
        return run

    def close(self) -> None:
        """Close it: the kernel sends SIGHUP to the session's first process (tty_io.c, __tty_hangup)."""
        self._reader.kill()
        self._reader.wait()


@contextmanager
def frozen(way: Proxy, fault: Fault) -> Iterator[None]:
    """Freeze the way for as long as a fault says, while a run goes on."""
    over = threading.Event()

    def freeze() -> None:
        if not over.wait(fault.frozen_after_s):
            way.freeze()
            over.wait(fault.frozen_s)
            way.thaw()

    if not fault.frozen_s:
        yield
        return
    freezing = threading.Thread(target=freeze, daemon=True)
    freezing.start()
    try:
        yield
    finally:
        over.set()
        freezing.join()
