"""One container on an engine: attached to, watched, signalled, stopped."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from harness.core.errors import Disturbed, EngineFault, EngineUnavailable
from harness.core.evidence import EngineEvent
from harness.engine.client import REMEDY, our_errors
from harness.engine.machine import THIS_MACHINE
from harness.engine.output import frames
from harness.engine.owner import lives
from harness.engine.ports import taken
from harness.engine.processes import top_tree, with_wchan
from harness.engine.reach import Address, reach
from harness.engine.refusals import plainly
from harness.engine.request import HttpRequest
from harness.engine.requests import HttpRequests, status_of
from harness.run.inbox import Inbox
from harness.run.waiting import until

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import docker

    from harness.core.process import Process, Tree
    from harness.core.signals import Signal
    from harness.core.trace import Life, TraceRecord
    from harness.engine.kinds import EngineKind
    from harness.engine.machine import Machine
    from harness.engine.tracing import Tracer

_WAIT_S: Final = 30
_END_S: Final = 5.0
"""How long the event of an end may take after the end of the output."""

_AT_ONCE_S: Final = 0.05
"""Within how many seconds after the end of the output the end of a container is told, unless one of them was cut."""

_SLOW_S: Final = 0.2
_HELD_BACK_S: Final = 0.5
_FROZEN_S: Final = 5.0
"""After how many seconds an answer is so late that output may have been held back, too; for how long that is then
looked for; and after how many seconds nothing is believed."""

_ENDED: Final = ("stopped", "exited")


class Surroundings(Protocol):
    """What a container needs of the engine that it is on."""

    @property
    def api(self) -> docker.APIClient:
        """The engine."""

    @property
    def tracer(self) -> Tracer | None:
        """The kernel's signal record, if there is one."""

    @property
    def gone(self) -> bool:
        """Whether the engine went away."""

    @property
    def kind(self) -> EngineKind:
        """Which kind of engine it is."""


class EngineContainer:
    """One container; see `harness.run.protocol.Container`."""

    def __init__(
        self,
        engine: Surroundings,
        container_id: str,
        name: str,
        inbox: Inbox,
        *,
        port: int | None = None,
        started_s: float = 0.0,
    ) -> None:
        self._engine = engine
        self._api = engine.api
        self.id = container_id
        self.name = name
        self.inbox = inbox
        self._machine = self._recorded_on()
        self._pid1: int | None = None
        self._here = False
        self._heard: tuple[object, ...] = ()
        self._learnt_s = 0.0
        self._markable = True
        self._ids: set[int] = set()
        self._sampled: dict[int, Process] = {}
        self._words: tuple[str, ...] = ()
        self._started_s = started_s
        self._kept: tuple[tuple[TraceRecord, ...] | None, tuple[Life, ...]] | None = None
        self._port = port
        self._terminal: Any = None

    @property
    def cli(self) -> str:
        """The command with which a person talks to its engine."""
        return self._engine.kind.cli

    @property
    def tells(self) -> bool:
        """Whether the engine's events tell of the signals that it sends, and of ends."""
        return self._engine.kind.tells

    def attach(self) -> None:
        """Follow its output from the first byte, in a thread that ends with the container."""
        tty = self.inbox.tty
        stream = self._api.attach_socket(self.id, params={"stdin": int(tty), "stdout": 1, "stderr": 1, "stream": 1})
        # Of the two kinds of stream that docker-py gives, one is a file around the socket.
        self._terminal = getattr(stream, "_sock", stream) if tty else None

        def follow() -> None:
            with suppress(OSError, ValueError):  # the connection is cut on removal
                for number, data in frames(stream, tty=tty):
                    self.inbox.write(data, number)
            if not self.tells:
                self._ask_for_end()
            self.inbox.break_off(within_s=_END_S)
            stream.close()

        threading.Thread(target=follow, name=f"output of {self.name}", daemon=True).start()

    def _recorded_on(self) -> Machine:
        """The way to the machine by which the kernel's record comes now."""
        return self._engine.tracer.machine if self._engine.tracer else THIS_MACHINE

    def start(self) -> None:
        """Start it."""
        self._machine = self._recorded_on()
        self._started_s = time.monotonic()
        with plainly(), our_errors():
            self._api.start(self.id)
        self.locate()

    def locate(self) -> None:
        """Find its PID 1 in the machine's /proc, once it runs; else the engine is asked for its processes."""
        with our_errors():
            facts = self._api.inspect_container(self.id)
        self._words = (facts["Path"], *facts["Args"])
        pid = int(facts["State"]["Pid"])
        if pid and self._machine.sees(self.id, pid):
            self._pid1 = pid
            self._here = THIS_MACHINE.sees(self.id, pid)

    def tree(self) -> Tree:
        """Sample its processes."""
        if self._engine.gone:
            raise EngineUnavailable("its events are heard no more", remedy=REMEDY)
        if self._pid1 is None:
            if self._engine.kind.tops:
                tree = top_tree(self._api, self.id, self._words)
            elif self._has_ended():
                tree = ()  # before it could be found in /proc
            else:
                raise EngineFault(f"{self._engine.kind.name} shows no signal masks, and this machine's /proc neither")
        else:
            tree = self._machine.tree(self._pid1)
            if not self._machine.sees_all and self._engine.kind.tops:
                tree = with_wchan(tree, top_tree(self._api, self.id))
        for process in tree:
            self._ids |= {process.pid} | process.threads
            if process.has_words or process.pid not in self._sampled:
                self._sampled[process.pid] = process
        self._learn()
        return tree

    def kill(self, signal: Signal) -> int:
        """Send a signal as ``docker kill`` does."""
        before_ns = time.monotonic_ns()
        with our_errors():
            self._api.kill(self.id, signal.number)
        self._learn()
        return before_ns

    def stop(self, grace_s: int) -> int:
        """Have the engine stop it, in a thread: its answer comes only once the container has ended."""

        def stop() -> None:
            # Whether it worked is seen by the container's end; whether it was asked for at all, by nothing.
            with suppress(EngineFault):
                try:
                    with our_errors():
                        self._api.stop(self.id, timeout=grace_s)
                except (Disturbed, EngineUnavailable) as fault:
                    self.inbox.spoil(str(fault))

        before_ns = time.monotonic_ns()
        threading.Thread(target=stop, name=f"stop of {self.name}", daemon=True).start()
        return before_ns

    def stopping(self) -> bool:
        """Whether the engine says that it is stopping it, or has."""
        with our_errors():
            status = self._state()["Status"]
        self._learn()
        return status in ("stopping", *_ENDED)

    def _state(self) -> dict[str, Any]:
        state: dict[str, Any] = self._api.inspect_container(self.id)["State"]
        return state

    def _ended(self) -> dict[str, Any] | None:
        """Its state once it has ended."""
        state = self._state()
        return state if state["Status"] in _ENDED else None

    def _has_ended(self) -> bool:
        with our_errors():
            return self._ended() is not None

    def _waited(self) -> dict[str, Any]:
        """Its state once the engine says that it has ended, however long that takes."""
        self._api.wait(self.id)
        return self._state()

    def _ask_for_end(self) -> None:
        """Wait for the end of what has closed its output, and take it in as the engine's state has it."""
        with suppress(EngineFault, EngineUnavailable), our_errors():
            # Its answer to `wait` comes up to 250 ms late (pkg/api/handlers/utils/containers.go).
            state = until(self._ended, timeout_s=_WAIT_S, time=Inbox()) or self._waited()
            ended_ns = round(datetime.fromisoformat(state["FinishedAt"]).timestamp() * 1e9)
            if state.get("OOMKilled"):
                self.inbox.event(EngineEvent(action="oom", time_ns=ended_ns))
            self.inbox.event(EngineEvent(action="die", time_ns=ended_ns, exit_code=int(state["ExitCode"])))

    def tell(self, process: Process, signal: Signal) -> None:
        """Send a signal to one of its processes: by its machine's kernel, or else by a ``kill`` that the image has."""
        if self._pid1 is not None:
            with suppress(PermissionError):
                try:
                    self._machine.tell(process.pid, signal.number)
                except ProcessLookupError as error:
                    raise EngineFault(f"`{process.command}` is gone") from error
                self._learn()
                return
        if process.inner_pid is None:
            raise EngineFault(f"the PID of `{process.command}` in the container is not known")
        code, output = self.execute(("kill", f"-{signal.number}", str(process.inner_pid)))
        if code != 0:
            raise EngineFault(f"the image's kill fails: {output.strip() or f'exit code {code}'}")

    def type(self, keys: bytes) -> int:
        """Type keys on its terminal."""
        before_ns = time.monotonic_ns()
        try:
            self._terminal.sendall(keys)
        except (OSError, AttributeError) as error:
            raise EngineFault(f"the container's terminal takes no keys: {error}") from error
        self._learn()
        return before_ns

    def execute(self, command: Sequence[str]) -> tuple[int, str]:
        """Run a command in it."""
        with our_errors():
            execution = self._api.exec_create(self.id, list(command))["Id"]
            output = self._api.exec_start(execution)
            code = self._api.exec_inspect(execution)["ExitCode"]
        self._learn()
        return int(code), output.decode("utf-8", "replace")

    def request(self, path: str) -> HttpRequest:
        """Begin a request to its published port."""
        with our_errors():
            ports = self._api.inspect_container(self.id)["NetworkSettings"]["Ports"]
        bound = ports.get(f"{self._port}/tcp") or [{}]
        return HttpRequest(int(bound[0].get("HostPort", 0)), path)

    def requests(self, path: str, number: int) -> HttpRequests:
        """Send requests to its published port."""
        address, pid = self._address(), self._pid1
        if address is None:
            raise EngineFault(f"port {self._port} of the container is published nowhere any more: it has ended")
        if address.proxied or pid is None or not self._here:
            return HttpRequests(address, path, number)
        # Its address may be another container's as soon as it has ended.
        return HttpRequests(address, path, number, taken=lambda: taken(pid, address.port), there=lambda: lives(pid))

    def answers(self, path: str) -> int | None:
        """The status with which it answers a GET."""
        address = self._address()
        return None if address is None else status_of(address, path)

    def _address(self) -> Address | None:
        """Where its published port is reached; ``None`` once it has ended."""
        if self._port is None:
            raise EngineFault("the container has no published port")
        with our_errors():
            settings = self._api.inspect_container(self.id)["NetworkSettings"]
        return reach(settings, self._port, here=self._here)

    def health(self) -> str | None:
        """What its HEALTHCHECK says."""
        with our_errors():
            health = self._state().get("Health")
        return str(health["Status"]) if health else None

    def listens(self, ports: Sequence[int]) -> bool:
        """Whether its ports are listened on, by its own network namespace in /proc."""
        if self._pid1 is None:
            raise EngineFault("the container's ports cannot be seen from here: choose another --ready")
        return set(ports) <= self._machine.listening(self._pid1)

    def serving(self, tree: Tree, ports: Collection[int]) -> frozenset[int]:
        """Who listens on one of its ports, by their files in /proc."""
        if self._pid1 is None:
            return frozenset()
        return self._machine.holders([process.pid for process in tree], ports)

    def exit_code(self) -> int:
        """What ``docker wait`` says."""
        with our_errors():
            return int(self._api.wait(self.id, timeout=_WAIT_S)["StatusCode"])

    def write_marker(self) -> int:
        """Write a mark into PID 1's standard output and error; needs to be root on its machine."""
        if self._pid1 is None or not self._markable:
            return 0
        try:
            return self._machine.write_marks(self._pid1, self.inbox.marker, tty=self.inbox.tty)
        except OSError:
            # Nothing can be concluded then, and a mark in the other output must not count later.
            self._markable = False
            return 0

    def verify(self) -> None:
        """Ask the engine something: where it hung, it comes to light, with what it has held back.

        Where what reads the record has ended since the start, that has a gap, whatever has been read of it.
        """
        if self._machine.ended or self._machine is not self._recorded_on():
            raise Disturbed("what reads the kernel's record broke off while it ran")
        self.inbox.check_whole(within_s=_END_S)
        if self.inbox.died is not None:
            if self.inbox.silent_s > _AT_ONCE_S:
                self._compare_output()
            return
        lines, began = len(self.inbox.lines), time.monotonic()
        with our_errors():
            self._api.ping()
        took = time.monotonic() - began
        if took > _SLOW_S:
            until(lambda: len(self.inbox.lines) != lines or None, timeout_s=_HELD_BACK_S, time=self.inbox)
        if took > _FROZEN_S or (took > _SLOW_S and len(self.inbox.lines) != lines):
            raise Disturbed(f"the engine hung for {took:.1f} s, and what the app wrote may have come too late")

    def _compare_output(self) -> None:
        """Hold the output against the engine's log, where it may have been cut before the end that it came close to."""
        with our_errors():
            kept = len(self._api.logs(self.id, stdout=True, stderr=True))
        if kept > self.inbox.size:
            raise Disturbed("its output broke off before its end")

    def keep_trace(self) -> None:
        """Keep the kernel's record as it is now, for when nothing is recorded any more."""
        self._kept = self.trace(), self.lives()

    def trace(self) -> tuple[TraceRecord, ...] | None:
        """The kernel's record of its signals."""
        if self._kept is not None:
            return self._kept[0]
        if self._engine.tracer is None or self._pid1 is None:
            return None
        return self._engine.tracer.records(self._ids, since_s=self._started_s, as_of_s=self._as_of_s())

    def lives(self) -> tuple[Life, ...]:
        """Its processes by the kernel's record, with the command lines that samples have shown."""
        if self._kept is not None:
            return self._kept[1]
        if self._engine.tracer is None or self._pid1 is None:
            return ()
        lives = self._engine.tracer.lives(self._ids, since_s=self._started_s, as_of_s=self._as_of_s())
        names = {life.pid: life.name for life in lives}
        return tuple(self._known(life, names.get(life.parent)) for life in lives)

    def _as_of_s(self) -> float:
        """As of when the kernel's record is to be: whatever has been learnt of it otherwise came before that."""
        heard = (self.inbox.size, len(self.inbox.events), self.inbox.closed)
        if heard != self._heard:
            self._heard = heard
            self._learn()
        return max(self._learnt_s, time.monotonic() - self._machine.lag_s)

    def _learn(self) -> None:
        """Take in that something has just been learnt of it, or done to it."""
        self._learnt_s = time.monotonic()

    def _known(self, life: Life, parent_name: str | None) -> Life:
        process, parent = self._sampled.get(life.pid), self._sampled.get(life.parent)
        if process is None:
            return life
        # A fork has its parent's command line until it runs another program, which no sample may have shown.
        forked = parent is not None and parent.argv == process.argv and parent_name not in (None, life.name)
        return replace(life, argv=process.argv if process.has_words and not forked else (), inner_pid=process.inner_pid)
