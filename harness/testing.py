"""For tests of containers: a testcontainers container that sends signals and knows what arrived, and assertions.

with SignalContainer("my/app").with_env("MODE", "test") as container:
    container.send("SIGTERM")
    assert container.deliveries("SIGTERM") == 1
    assert container.wait_for_exit(5) == 0

assert_graceful_stop("my/app", within=5)
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import requests
from docker.errors import DockerException, ImageNotFound

from harness.asserting import assert_forwards, assert_graceful_stop, pattern
from harness.checking import ready_of
from harness.core.describe import describe_process
from harness.core.errors import EngineFault, EngineUnavailable, HarnessError, UsageError
from harness.core.evidence import EngineEvent, Ground
from harness.core.roll_call import roll_call
from harness.core.signals import parse_signal
from harness.core.subject import App, LogPattern, Quiescent
from harness.engine.bases import image_facts
from harness.engine.client import our_errors
from harness.engine.container import EngineContainer
from harness.engine.containers import labels
from harness.engine.docker_engine import engine_of
from harness.engine.kinds import kind_of
from harness.engine.removals import remove
from harness.report import rows
from harness.run.asking import STOP_SIGNAL
from harness.run.faults import CannotTest
from harness.run.inbox import Inbox
from harness.run.observation import Decision, Observation, Patience
from harness.run.rest import SignalDecider
from harness.run.waiting import until

try:
    from testcontainers.core.config import testcontainers_config
    from testcontainers.core.container import DockerContainer
except ModuleNotFoundError as missing:
    if missing.name != "testcontainers":
        raise
    raise ModuleNotFoundError(
        "harness.testing needs testcontainers: pip install 'signal-harness[testcontainers]'", name=missing.name
    ) from missing

if TYPE_CHECKING:
    import re

    import docker

    from harness.core.document import Call, Process
    from harness.core.evidence import SignalEvidence
    from harness.core.process import Tree
    from harness.core.signals import Signal
    from harness.core.subject import Ready
    from harness.engine.kinds import EngineKind
    from harness.engine.tracing import Tracer
    from harness.run.observation import InitialState

__all__ = ["Deliveries", "SignalContainer", "Stopped", "assert_forwards", "assert_graceful_stop"]

_DECIDE_S: Final = 30.0
_LATE_S: Final = 30.0
_NOT_RECORDED: Final = frozenset({"SIGCHLD", "SIGURG"})
"""Signals that the kernel's record leaves out, as they go with every process that ends, and with every busy Go app."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stopped:
    """How ``docker stop`` went: ``forced`` if the grace period ran out and SIGKILL ended it."""

    exit_code: int
    seconds: float
    forced: bool


class Deliveries(int):
    """How often the app has handled a signal, and the evidence, which pytest shows where it is not as asserted."""

    evidence: tuple[str, ...] = ()


class SignalContainer(DockerContainer):
    """A container of any image that can be sent signals, and tells what each of its processes did with them.

    It has no network unless a network or ports are asked for. What testcontainers' ``DockerContainer`` has works:
    ``with_env``, ``with_command``, ``with_exposed_ports``, ``waiting_for`` and the rest.

    Args:
        image: what to run; its ENTRYPOINT, CMD and STOPSIGNAL are left alone.
        ready: a regular expression for the line with which the app says that it is ready. Without one, and without a
            wait strategy (``waiting_for``), the image's HEALTHCHECK tells, else that its EXPOSEd ports are listened on,
            else that all its processes rest.
        received: one for the line with which the app logs a signal, with a group ``signal``. Without one the kernel's
            record tells what was handled, which needs root on the engine's own Linux host. Where lines of both kinds
            bear the PID of who writes them, in a group ``pid``, only the app's own count.
        app: one for the app's command line; by default it is the process whose PID the ready line bears, else the first
            that is no shell, init or package manager.
        ready_s: how long the app may take to get ready, in seconds; a wait strategy has a time of its own.
        init: run it under the engine's init.
        **rest: as for testcontainers' ``DockerContainer``.

    Where Ryuk's image is not on the engine, it is done without, for the whole process; what a killed test leaves
    behind is then removed by the next run of the harness or by ``signal-harness clean``.
    """

    def __init__(
        self,
        image: str,
        *,
        ready: str | None = None,
        received: str | None = None,
        app: str | None = None,
        ready_s: float = 30,
        init: bool = False,
        **rest: Any,
    ) -> None:
        self._ready = None if ready is None else pattern("ready", ready)
        self._received = None if received is None else LogPattern(pattern=_with_signal(pattern("received", received)))
        self._process = None if app is None else pattern("app", app)
        self._init = init
        with our_errors():
            super().__init__(image, **rest)
        self._ready_s = ready_s
        self._observation: Observation | None = None
        self._initial: InitialState | None = None
        self._opened_ns = 0
        self._sent: list[tuple[Signal, int]] = []
        self._decider: SignalDecider | None = None
        self._decision: Decision | None = None
        self._watched: EngineContainer | None = None
        self._recording = ExitStack()
        self._no_record = ""
        self._kept_logs: tuple[bytes, bytes] | None = None
        self._kept_calls: tuple[Call, ...] | None = None
        self.stopped: Stopped | None = None

    def start(self) -> Self:
        """Start it and wait until the app is ready.

        Raises:
            TimeoutError: the app did not get ready in time; the message ends with its processes and its log.
            RuntimeError: the container ended instead.
            UsageError: the engine has no such image, and cannot pull it.
        """
        try:
            self._api.inspect_image(testcontainers_config.ryuk_image)
        except ImageNotFound:  # testcontainers' reaper would have to be pulled first
            testcontainers_config.ryuk_disabled = True
        try:
            self._start()
        except BaseException:
            self.stop(force=True)
            raise
        return self

    def send(self, signal: str) -> None:
        """Send a signal (``SIGTERM``, ``TERM`` or ``15``) to the main process, as ``docker kill --signal`` does.

        Raises:
            UsageError: there is no such signal, or it cannot be caught.
            EngineFault: the container has ended already.
        """
        sent = parse_signal(signal)
        began_ns = self._here.kill(sent)
        self._sent.append((sent, began_ns))
        self._decider = SignalDecider(self._seen, self._begun, signal=sent, began_ns=began_ns)
        self._decision = None

    def deliveries(self, signal: str) -> Deliveries:
        """How often the app has handled a signal since it was ready, once the container is at rest (or has ended).

        By the app's log if ``received`` was given, else by the kernel's record.

        Raises:
            UsageError: neither tells; the message says what is missing.
            TimeoutError: it does not come to rest.
        """
        asked = parse_signal(signal)
        self._settle()
        count = self._recorded(asked) if self._received is None else self._counted(asked.name)
        if count is None:
            raise UsageError(self._why_unknown(asked))
        deliveries = Deliveries(count)
        deliveries.evidence = (f"the app handled {asked.name} {_times(deliveries)}", *self._evidence())
        return deliveries

    def assert_deliveries(self, signal: str, times: int) -> None:
        """Assert how often the app has handled a signal so far, as `deliveries` counts.

        Raises:
            AssertionError: it was another number; the message holds the roll call, the processes, the end of the log.
            UsageError: nothing tells how often; the message says what is missing.
            TimeoutError: the container does not come to rest.
        """
        __tracebackhide__ = True  # for pytest
        found = self.deliveries(signal)
        if found != times:
            first, *rest = found.evidence
            raise AssertionError("\n".join([f"{first}, not {_times(times)}", *rest]))

    def roll_call(self) -> tuple[Call, ...]:
        """Every process, parents before their children: was it told, by whom, what did it do, how did it end?

        It is about the signal that was sent last, once the container is at rest (or has ended). By the kernel's record
        where there is one; else ``inferred`` from signal masks, samples and the container's end.

        Raises:
            RuntimeError: no signal has been sent yet.
            TimeoutError: the container does not come to rest.
        """
        if not self._sent:
            raise RuntimeError("no signal has been sent yet: there is nothing to call a roll of")
        if self._kept_calls is None:
            self._settle()
        return self._calls()

    def process_tree(self) -> tuple[Process, ...]:
        """Its processes now, parents before their children, each with its signal masks by name; none once it ended."""
        return tuple(map(describe_process, self._tree()))

    def wait_for_exit(self, seconds: float) -> int:
        """Wait for the container to end; its exit code.

        Raises:
            TimeoutError: it still runs after so many seconds.
        """
        if self.stopped is not None:
            return self.stopped.exit_code
        try:
            answer = self._api.wait(self.get_container_id(), timeout=seconds)  # type: ignore[arg-type]  # the stub knows whole seconds only
        except requests.RequestException:
            raise self._trouble(f"{self.image} still runs after {seconds:g} s", ended=False) from None
        return int(answer["StatusCode"])

    def stop_gracefully(self, grace: int = 10) -> Stopped:
        """Stop it as ``docker stop`` does, and tell how that went; it is not removed, so that all can be asked of it.

        Args:
            grace: whole seconds from the stop signal to SIGKILL.

        Raises:
            EngineFault: the engine could not stop it.
        """
        if self.stopped is None:
            running = not self._here.inbox.closed
            began_ns, began = time.monotonic_ns(), time.monotonic()
            with our_errors():
                self._api.stop(self.get_container_id(), timeout=grace)
            seconds = time.monotonic() - began
            code = self.wait_for_exit(_DECIDE_S)
            if running and (signal := self._stop_signal()) is not None:
                self._sent.append((signal, began_ns))
                self._decider = self._decision = None
            self.stopped = Stopped(exit_code=code, seconds=seconds, forced=code == 128 + 9 and seconds >= grace)
            until(lambda: self._here.inbox.closed or None, timeout_s=_LATE_S, time=self._here.inbox)
        return self.stopped

    def stop(self, force: bool = False, delete_volume: bool = True, *, grace_s: int = 10) -> None:
        """Stop it as `stop_gracefully` does, note in `stopped` how that went, and remove it.

        Args:
            force: remove it at once, as testcontainers' own ``stop`` does; leaving a ``with`` block does this.
            delete_volume: remove its anonymous volumes, too.
            grace_s: seconds from the stop signal to SIGKILL.
        """
        try:
            if self._container is not None and self._kept_logs is None:
                try:
                    if not force:
                        self.stop_gracefully(grace_s)
                    self._keep()
                finally:
                    remove(self._api, self.get_container_id(), volumes=delete_volume)
        finally:
            self._recording.close()
            self._api.close()

    def __exit__(self, *_: object) -> None:
        """Remove it at once."""
        self.stop(force=True)

    def get_logs(self) -> tuple[bytes, bytes]:
        """Its standard output and error so far, without the marks of the harness; also once it has been removed."""
        if self._kept_logs is not None:
            return self._kept_logs
        out, err = super().get_logs()
        mark = self._here.inbox.marker if self._watched else b"\0"
        return out.replace(mark, b""), err.replace(mark, b"")

    @property
    def _api(self) -> docker.APIClient:
        return self.get_docker_client().client.api

    @property
    def _here(self) -> EngineContainer:
        if self._watched is None:
            raise RuntimeError("the container has not been started")
        return self._watched

    @property
    def _seen(self) -> Observation:
        if self._observation is None:
            raise RuntimeError("the container has not been started")
        return self._observation

    @property
    def _begun(self) -> InitialState:
        if self._initial is None:
            raise RuntimeError("the container has not been started")
        return self._initial

    def _start(self) -> None:
        """Start it and look on until the app is ready."""
        # What `with_kwargs` was given has taken the place of what the constructor was.
        self._kwargs["labels"] = {**self._kwargs.get("labels", {}), **labels("testing")}
        if self._init:
            self._kwargs["init"] = True
        if "network" not in self._kwargs and self._network is None and not self.ports:
            self._kwargs.setdefault("network_mode", "none")
        tracer = self._record()
        began_s = time.monotonic()
        try:
            with our_errors():
                super().start()
        except HarnessError as fault:
            raise self._why_not_started(fault) from None
        self._watch(tracer, began_s)

    def _record(self) -> Tracer | None:
        """The kernel's record of signals, from before the container starts, if there is one."""
        try:
            tracer = self._recording.enter_context(engine_of(self._api).record(()))
            tracer.wait()
        except EngineUnavailable as why:
            self._no_record = why.message
            return None
        return tracer

    def _watch(self, tracer: Tracer | None, began_s: float) -> None:
        inbox, container_id = Inbox(), self.get_container_id()
        with our_errors():
            kind = kind_of(self._api.version())
        self._watched = EngineContainer(
            _Alone(self._api, tracer, kind), container_id, container_id[:12], inbox, started_s=began_s
        )
        stream = self._api.logs(container_id, stream=True, follow=True)

        def follow() -> None:
            with suppress(requests.RequestException, DockerException, OSError, ValueError):  # cut on removal
                for piece in stream:
                    inbox.write(piece)
                code = int(self._api.wait(container_id, timeout=_DECIDE_S)["StatusCode"])  # type: ignore[arg-type]
                inbox.event(EngineEvent(action="die", time_ns=0, exit_code=code))
            inbox.close()

        threading.Thread(target=follow, name=f"output of {container_id[:12]}", daemon=True).start()

        self._watched.locate()
        self._observation = Observation(self._watched, self._app(), Patience(ready_s=self._ready_s))
        try:
            self._initial = self._observation.open()
        except CannotTest as fault:
            raise self._trouble(f"{self.image}: {fault}", ended=inbox.closed) from None
        except EngineFault as fault:
            remedy = "give ready=…, or say it by .waiting_for(…)"
            raise self._trouble(f"{self.image}: {fault.message}; {remedy}", ended=inbox.closed) from None
        self._opened_ns = inbox.now_ns()

    def _app(self) -> App:
        named = self._ready is not None and "pid" in self._ready.groupindex and self._process is None
        return App(ready=self._readiness(), receipts=self._received, below_wrappers=not named, process=self._process)

    def _readiness(self) -> Ready:
        if self._ready is not None:
            return LogPattern(pattern=self._ready)
        if self._wait_strategy is not None:  # which has said so already
            return Quiescent()
        with our_errors():
            return ready_of(image_facts(self.image, self._api.inspect_container(self.get_container_id())))

    def _stop_signal(self) -> Signal | None:
        """The signal that the engine's stop sends; ``None`` for one that no process can catch."""
        with our_errors():
            config = self._api.inspect_container(self.get_container_id())["Config"]
        try:
            return parse_signal(config.get("StopSignal") or STOP_SIGNAL)
        except UsageError:
            return None

    def _keep(self) -> None:
        """Keep what can be asked of it after its removal."""
        if self._initial is not None:
            self._kept_calls = self._calls()
        if self._watched is not None:
            self._watched.keep_trace()
        self._kept_logs = self.get_logs()

    def _tree(self) -> Tree:
        ended = self._kept_logs is not None or self._here.inbox.closed
        return () if ended else self._here.tree()

    def _calls(self) -> tuple[Call, ...]:
        """The roll call as of now."""
        if self._kept_calls is not None or not self._sent:
            return self._kept_calls or ()
        signal, began_ns = self._sent[-1]
        return roll_call(self._evidence_of(signal, began_ns))

    def _evidence_of(self, signal: Signal, since_ns: int) -> SignalEvidence:
        """What is known of a signal since a moment."""
        once = [sent for sent, _ in self._sent] == [signal]
        decided = self._decision if once and self._decision is not None else None
        ended = self._here.inbox.closed
        ground = decided.ground if decided else Ground.ENDED if ended else Ground.SETTLED
        return self._seen.signalled(self._begun, Decision(ground, self._tree()), signal=signal, began_ns=since_ns)

    def _recorded(self, signal: Signal) -> int | None:
        """How often the app has handled a signal by the kernel's record; ``None`` if that is not known."""
        if signal.name in _NOT_RECORDED:
            return None
        apps = self._evidence_of(signal, self._opened_ns).per_app
        # An end that lets expect it is no count.
        found = [None if app.seen.trace is None and app.by_its_end else app.deliveries for app in apps]
        return max((count for count in found if count is not None), default=None)

    def _counted(self, name: str) -> int:
        """How often the app says that it has handled a signal."""
        receipts = self._seen.receipts(self._begun.lines) or ()
        written = Counter(receipt.pid for receipt in receipts if receipt.signal == name)
        apps = [app.inner_pid for app in self._begun.apps]
        if not any(pid is not None for pid in written) or apps == [None]:
            return sum(written.values())
        return max(written[pid] for pid in apps)

    def _why_unknown(self, signal: Signal) -> str:
        if signal.name in _NOT_RECORDED:
            why = "the kernel's record leaves it out"
        else:
            why = f"there is no kernel's record ({self._no_record})" if self._no_record else "the record has gaps"
        return (
            f"nothing tells how often the app handled {signal.name}: {why}, and no pattern reads it in the log. "
            "Give received=…, a regular expression with a group `signal` for the line with which the app logs a "
            "signal, or run as root on the engine's own Linux host"
        )

    def _settle(self) -> None:
        decider, inbox = self._decider, self._here.inbox
        if decider is None or self._kept_logs is not None:
            return

        def look() -> Decision | None:
            # Nobody tells of its end here but its output.
            return Decision(Ground.ENDED, ()) if inbox.closed else decider.step()

        try:
            self._decision = until(look, timeout_s=_DECIDE_S, time=inbox)
        except CannotTest as fault:
            raise self._trouble(f"{self.image}: {fault}", ended=False) from None
        if self._decision is None:
            raise self._trouble(f"{self.image} did not come to rest within {_DECIDE_S:g} s", ended=False)

    def _why_not_started(self, fault: HarnessError) -> HarnessError:
        """What kept it from starting; where its image is missing, what to do."""
        with our_errors():
            try:
                self._api.inspect_image(self.image)
            except ImageNotFound:
                steps = f"build it first (docker build -t {self.image} .) or check its name (docker images)"
                return UsageError(f"there is no image {self.image!r}: {steps}; {fault.message}")
        return fault

    def _trouble(self, text: str, *, ended: bool) -> Exception:
        """Why it cannot be used, with the evidence."""
        return (RuntimeError if ended else TimeoutError)("\n".join([text, *self._evidence()]))

    def _evidence(self) -> list[str]:
        """The roll call, its processes at the start and now, and the end of its log, in plain text."""
        before = self._initial.tree if self._initial else ()
        calls = self._calls() if self._initial else ()
        trees = [[describe_process(process) for process in tree] for tree in (before, self._tree())]
        running = not self._here.inbox.closed
        out, err = self.get_logs()
        log = (out + err).decode(errors="replace").splitlines()
        return [*rows.roll_call(calls), *rows.processes(*trees, running=running), *rows.log_end(log)]


def _with_signal(received: re.Pattern[str]) -> re.Pattern[str]:
    """A pattern that reads which signal was received.

    Raises:
        UsageError: it has no group for that.
    """
    if "signal" not in received.groupindex:
        raise UsageError(f"received={received.pattern!r} has no group `signal`, as in (?P<signal>SIG[A-Z]+)")
    return received


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


@dataclass(frozen=True, slots=True)
class _Alone:
    """What a container asks of its engine, for a container that belongs to no run."""

    api: docker.APIClient
    tracer: Tracer | None
    kind: EngineKind
    gone: bool = False
