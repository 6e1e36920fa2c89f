"""A stop under way: what tells that its signal has been sent, how long it took, and whether SIGKILL ended it.

Docker's events tell all that. Of an engine whose events do not, the kernel's record does; without one, the engine's
word that it is stopping the container, and the exit code and the time, as far as they go.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.core.trace import sends
from harness.run.faults import CannotTest

if TYPE_CHECKING:
    from harness.core.evidence import EngineEvent
    from harness.core.process import Process
    from harness.core.signals import Signal
    from harness.core.trace import Sent
    from harness.run.observation import Observation

_SIGKILL: Final = 9
_BY_SIGKILL: Final = 128 + _SIGKILL
"""The exit code of who ends by it (docker-run(1), exit status)."""

_SILENCE: Final = "the engine does not tell of its stop"


class Stopping:
    """A stop that the engine has been asked for.

    Args:
        observation: of the container.
        main: its main process, which the engine signals.
        signal: that the stop sends.
        grace_s: whole seconds from it to SIGKILL.
    """

    def __init__(self, observation: Observation, main: Process, *, signal: Signal, grace_s: int) -> None:
        self._observation = observation
        self._ids = {main.pid} | main.threads
        self._signal = signal
        self._grace_s = grace_s
        self._tells = observation.container.tells
        self.began_ns: Final = observation.container.stop(grace_s)

    def wait_for_signal(self) -> int:
        """Wait until something says that the signal has been sent, or is about to be; the monotonic time then, in ns.

        Raises:
            CannotTest: nothing says so.
        """
        self._observation.wait_for_signal(self._told, silence=_SILENCE)
        return self._observation.inbox.now_ns()

    @property
    def sending_is_known(self) -> bool:
        """Whether what told of the signal did so once it had been sent, and not before."""
        return bool(self._event("kill")) if self._tells else bool(self._sent(self._signal.number))

    def forced(self) -> bool:
        """Whether the engine sent SIGKILL, once the container has ended.

        Raises:
            CannotTest: that is not known.
        """
        if self._tells:
            return any(one.action == "kill" and one.signal == _SIGKILL for one in self._observation.inbox.events)
        if self._observation.trace_since(self.began_ns) is not None:
            return bool(self._sent(_SIGKILL))
        died = self._observation.inbox.died
        code = None if died is None else died.exit_code
        took_s, forced = self.took_s(), code == _BY_SIGKILL
        if forced != (took_s >= self._grace_s):
            raise CannotTest(
                f"the container ended after {took_s:.1f} s of {self._grace_s} s of grace, with exit code {code}, and "
                "whether the engine sent SIGKILL is not known without the kernel's record"
            )
        return forced

    def took_s(self) -> float:
        """From the stop signal to the end, in seconds: by the engine's clock or the kernel's, which have both.

        Else by ours, from before the engine was asked until the end was seen.
        """
        kill, die = self._event("kill"), self._event("die")
        if self._tells and kill is not None and die is not None and die.time_ns >= kill.time_ns > 0:
            return (die.time_ns - kill.time_ns) / 1e9
        container = self._observation.container
        sent = self._sent(self._signal.number)
        ended = [life.ended_s for life in container.lives() if life.pid in self._ids and life.ended_s is not None]
        if sent and ended:
            return max(ended) - sent[0].time_s
        return (self._observation.inbox.now_ns() - self.began_ns) / 1e9

    def _told(self) -> bool:
        if self._tells or self._observation.trace_since(self.began_ns) is not None:
            return self.sending_is_known
        return self._observation.container.stopping()

    def _sent(self, number: int) -> list[Sent]:
        """The kernel's record of signals of a number that came to the main process from outside."""
        trace = self._observation.trace_since(self.began_ns) or ()
        return [one for one in sends(trace, number) if one.from_outside and one.target_pid in self._ids]

    def _event(self, action: str) -> EngineEvent | None:
        """The engine's first event of a kind."""
        return next((event for event in self._observation.inbox.events if event.action == action), None)
