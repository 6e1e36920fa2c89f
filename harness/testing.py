"""For tests of single containers: a testcontainers container that sends signals and knows what arrived.

with SignalContainer("my-app:latest") as container:
container.send("SIGTERM")
container.assert_deliveries("SIGTERM", 1)
assert container.wait_for_exit(5) == 0
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import requests
from docker.errors import DockerException, ImageNotFound

from harness.core.describe import describe_process
from harness.core.errors import HarnessError, UsageError
from harness.core.signals import parse_signal
from harness.core.subject import App, LogPattern
from harness.engine.client import our_errors
from harness.engine.container import EngineContainer
from harness.engine.containers import labels
from harness.report.rows import log_end, processes
from harness.run.faults import CannotTest
from harness.run.inbox import Inbox
from harness.run.observation import Observation, Patience
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
    import docker

    from harness.run.observation import InitialState

READY: Final = r"Listening on port( \d+ pid=(?P<pid>\d+))?"
RECEIVED: Final = r"Received signal: (?P<signal>SIG[A-Z0-9+-]+)( pid=(?P<pid>\d+))?"
_DECIDE_S: Final = 30.0


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
    """A container that has no network, is ready when its app says so, and can be sent signals.

    Args:
        image: what to run; its ENTRYPOINT, CMD and STOPSIGNAL are left alone.
        ready: a regular expression for the line with which the app says that it is ready.
        received: one for the line with which it logs a signal, with a group ``signal``. Where lines of both kinds bear
            the PID of who writes them, in a group ``pid``, only the app's own count.
        ready_s: how long to wait for the ready line, in seconds.
        init: run it under the engine's init.
        **rest: as for testcontainers' ``DockerContainer``.

    Where Ryuk's image is not on the engine, it is done without, for the whole process; what a killed test leaves
    behind is then removed by the next run of the harness or by ``signal-harness clean``.
    """

    def __init__(
        self,
        image: str,
        *,
        ready: str = READY,
        received: str = RECEIVED,
        ready_s: float = 30,
        init: bool = False,
        **rest: Any,
    ) -> None:
        options = {"labels": labels("testing"), "init": init, **rest}
        if "network" not in options:
            options.setdefault("network_mode", "none")
        with our_errors():
            super().__init__(image, **options)
        self._app = App(ready=LogPattern(pattern=re.compile(ready)), receipts=LogPattern(pattern=re.compile(received)))
        self._ready_s = ready_s
        self._observation: Observation | None = None
        self._initial: InitialState | None = None
        self._decider: SignalDecider | None = None
        self._watched: EngineContainer | None = None
        self._kept_logs: tuple[bytes, bytes] | None = None
        self.stopped: Stopped | None = None

    def start(self) -> Self:
        """Start it and wait for the ready line.

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
            with our_errors():
                super().start()
        except HarnessError as fault:
            raise self._why_not_started(fault) from None
        try:
            self._watch()
        except BaseException:
            self.stop(force=True)
            raise
        return self

    def send(self, signal: str) -> None:
        """Send a signal (``SIGTERM``, ``TERM`` or ``15``), as ``docker kill --signal`` does.

        Raises:
            UsageError: there is no such signal, or it cannot be caught.
            EngineFault: the container has ended already.
        """
        sent = parse_signal(signal)
        began_ns = self._here.kill(sent)
        self._decider = SignalDecider(self._seen, self._begun, signal=sent, began_ns=began_ns)

    def deliveries(self, signal: str) -> Deliveries:
        """How often the app has handled a signal so far, once the container is at rest (or has ended).

        Raises:
            TimeoutError: it does not come to rest.
        """
        name = parse_signal(signal).name
        self._settle()
        deliveries = Deliveries(self._counted(name))
        deliveries.evidence = (f"the app handled {name} {_times(deliveries)}", *self._evidence())
        return deliveries

    def assert_deliveries(self, signal: str, times: int) -> None:
        """Assert how often the app has handled a signal so far, as `deliveries` counts.

        Raises:
            AssertionError: it was another number; the message holds the processes and the end of the log.
            TimeoutError: the container does not come to rest.
        """
        __tracebackhide__ = True  # for pytest
        found = self.deliveries(signal)
        if found != times:
            first, *rest = found.evidence
            raise AssertionError("\n".join([f"{first}, not {_times(times)}", *rest]))

    def _counted(self, name: str) -> int:
        receipts = self._seen.receipts(self._begun.lines) or ()
        written = Counter(receipt.pid for receipt in receipts if receipt.signal == name)
        apps = [app.inner_pid for app in self._begun.apps]
        if not any(pid is not None for pid in written) or apps == [None]:
            return sum(written.values())
        return max(written[pid] for pid in apps)

    def wait_for_exit(self, seconds: float) -> int:
        """Wait for the container to end; its exit code.

        Raises:
            TimeoutError: it still runs after so many seconds.
        """
        try:
            answer = self._api.wait(self.get_container_id(), timeout=seconds)  # type: ignore[arg-type]  # the stub knows whole seconds only
        except requests.RequestException:
            raise self._trouble(f"{self.image} still runs after {seconds:g} s", ended=False) from None
        return int(answer["StatusCode"])

    def stop(self, force: bool = False, delete_volume: bool = True, *, grace_s: int = 10) -> None:
        """Stop it as ``docker stop`` does, note in `stopped` how that went, and remove it.

        Args:
            force: remove it at once, as testcontainers' own ``stop`` does; leaving a ``with`` block does this.
            delete_volume: remove its anonymous volumes, too.
            grace_s: seconds from the stop signal to SIGKILL.
        """
        if self._container is not None and not force and self.stopped is None:
            began = time.monotonic()
            with our_errors():
                self._api.stop(self.get_container_id(), timeout=grace_s)
            seconds = time.monotonic() - began
            code = self.wait_for_exit(_DECIDE_S)
            killed = code == 128 + 9 and seconds >= grace_s
            self.stopped = Stopped(exit_code=code, seconds=seconds, forced=killed)
            until(lambda: self._here.inbox.closed or None, timeout_s=_DECIDE_S, time=self._here.inbox)
        if self._container is not None and self._kept_logs is None:
            self._kept_logs = self.get_logs()
            self._container.remove(force=True, v=delete_volume)
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

    def _settle(self) -> None:
        decider, inbox = self._decider, self._here.inbox
        if decider is None:
            return
        try:
            # Nobody tells of its end here but its output.
            settled = until(lambda: True if inbox.closed else decider.step(), timeout_s=_DECIDE_S, time=inbox)
        except CannotTest as fault:
            raise self._trouble(f"{self.image}: {fault}", ended=False) from None
        if settled is None:
            raise self._trouble(f"{self.image} did not come to rest within {_DECIDE_S:g} s", ended=False)

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

    def _watch(self) -> None:
        inbox = Inbox()
        container_id = self.get_container_id()
        self._watched = EngineContainer(_Alone(self._api), container_id, container_id[:12], inbox)
        stream = self._api.logs(container_id, stream=True, follow=True)

        def follow() -> None:
            with suppress(requests.RequestException, DockerException, OSError, ValueError):  # cut on removal
                for piece in stream:
                    inbox.write(piece)
            inbox.close()

        threading.Thread(target=follow, name=f"output of {container_id[:12]}", daemon=True).start()

        self._watched.locate()
        self._observation = Observation(self._watched, self._app, Patience(ready_s=self._ready_s))
        try:
            self._initial = self._observation.open()
        except CannotTest as fault:
            raise self._trouble(f"{self.image}: {fault}", ended=inbox.closed) from None

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
        """Its processes at the start and now, and the end of its log, in plain text."""
        before = self._initial.tree if self._initial else ()
        running = not self._here.inbox.closed
        trees = [
            [describe_process(process) for process in tree] for tree in (before, self._here.tree() if running else ())
        ]
        out, err = self.get_logs()
        log = (out + err).decode(errors="replace").splitlines()
        return [*processes(*trees, running=running), *log_end(log)]


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


@dataclass(frozen=True, slots=True)
class _Alone:
    """What a container asks of its engine, for a container that belongs to no run."""

    api: docker.APIClient
    tracer: None = None
    gone: bool = False
