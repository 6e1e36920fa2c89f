"""Asking: one run of a question, in as many fresh containers as it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from harness.core.almost_json import why_not_json
from harness.core.errors import Disturbed, EngineFault
from harness.core.evidence import Untested
from harness.core.signals import parse_signal
from harness.run.faults import CannotTest
from harness.run.observation import Observation
from harness.run.side_by_side import one_after_another

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.core.evidence import Evidence
    from harness.core.facts import StartCommand
    from harness.core.question import Question
    from harness.core.signals import Signal
    from harness.core.subject import App
    from harness.run.observation import Patience
    from harness.run.protocol import Container, Engine, Launch
    from harness.run.side_by_side import Several
    from harness.run.turns import Turns

E = TypeVar("E", bound="Evidence | str | None")
STOP_SIGNAL: Final = "SIGTERM"
"""What the engine sends where an image has no STOPSIGNAL (Dockerfile reference)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Asking:
    """All that a probe needs to ask; ``start`` is what the image starts with the subject's options.

    Containers are started in ``turns``; what takes ``several`` is done side by side where there is time.
    """

    engine: Engine
    turns: Turns
    launch: Launch
    app: App
    patience: Patience
    question: Question
    start: StartCommand
    several: Several = one_after_another

    @property
    def signal(self) -> Signal:
        """The signal to send, or else the one that the engine's stop sends.

        Raises:
            UsageError: the image's STOPSIGNAL is not a signal that can be caught.
        """
        return signal_of(self.question, self.start)

    def see(self, launch: Launch, look: Callable[[Observation], E]) -> E | Untested:
        """Start a fresh container and look on.

        Returns:
            The evidence once it decides the verdict, or why the cell could not be tested.

        Raises:
            Disturbed: something of what the container did may have been missed.
            EngineUnavailable: the engine went away, or the connection to it broke.
        """
        with self.turns.turn() as give_back, self.engine.launch(launch) as container:
            observation = Observation(container, self.app, self.patience, opened=give_back)
            refused = self.started(container)  # there is nothing to verify of what did not run
            return self.watched(observation, look) if refused is None else refused

    def started(self, container: Container) -> Untested | None:
        """Start a container; why it cannot be tested where the engine refuses.

        Raises:
            Disturbed: something of what it did may have been missed.
            EngineUnavailable: the engine went away, or the connection to it broke.
        """
        try:
            container.start()
        except Disturbed:
            raise
        except EngineFault as refusal:
            return self._untested(refusal, container)
        return None

    def watched(self, observation: Observation, look: Callable[[Observation], E]) -> E | Untested:
        """Look on at a container that has been started; see `see`."""
        found: E | Untested
        container = observation.container
        try:
            found = look(observation)
            if not isinstance(found, Untested | str | None):
                observation.check_memory(found.seen)
        except Disturbed:
            raise
        except (EngineFault, CannotTest) as fault:
            found = self._untested(fault, container)
        container.verify()
        return found

    def _untested(self, fault: Exception, container: Container) -> Untested:
        return Untested(reason=f"{fault}{self._cause(container)}", logs=container.inbox.lines)

    def _cause(self, container: Container) -> str:
        """What is known to be wrong with a command, where the container has ended with an error."""
        died = container.inbox.died
        why = why_not_json(self.start) if died and died.exit_code else None
        return f": {why}" if why else ""


def signal_of(question: Question, start: StartCommand) -> Signal:
    """The signal that a question is about: the one to send, or else the one that the engine's stop sends.

    Raises:
        UsageError: the image's STOPSIGNAL is not a signal that can be caught.
    """
    return question.signal or parse_signal(start.stop_signal or STOP_SIGNAL)
