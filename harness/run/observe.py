"""One run of a cell: a fresh container, the probe that is asked for, and the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from harness.core.errors import EngineFault
from harness.core.evidence import Evidence, Untested
from harness.core.question import Probe
from harness.run.observation import CannotTest, Observation
from harness.run.probes import exit_code, reap, signal, stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.core.signals import Signal
    from harness.core.subject import App
    from harness.run.observation import Patience
    from harness.run.protocol import Engine, Launch

E = TypeVar("E", bound=Evidence)


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """What is asked of a container; ``signal`` is the one to send, or the one that the engine's stop sends."""

    probe: Probe
    signal: Signal


def observe(engine: Engine, launch: Launch, question: Question, app: App, patience: Patience) -> Evidence | Untested:
    """Run one cell once.

    Returns:
        The evidence once it decides the verdict, or why the cell could not be tested.

    Raises:
        EngineUnavailable: the engine went away.
    """

    def ask(how: Launch, probe: Callable[[Observation], E]) -> E | Untested:
        with engine.launch(how) as container:
            observation = Observation(container, app, patience)
            try:
                container.start()
                return probe(observation)
            except (EngineFault, CannotTest) as fault:
                return Untested(reason=str(fault), logs=container.inbox.lines)

    match question.probe:
        case Probe.SIGNAL:
            return ask(launch, lambda observation: signal.send(observation, question.signal))
        case Probe.TTY:
            return ask(signal.with_terminal(launch), signal.press_ctrl_c)
        case Probe.REAP:
            return ask(launch, reap.reap)
        case Probe.STOP:
            setting = app.stop
            if setting is None:
                return Untested(reason="the catalogue does not tell how the app is made to shut down: [app.stop]")
            return ask(
                stop.with_shutdown(launch, setting),
                lambda observation: stop.stop(observation, question.signal, setting),
            )
        case Probe.EXIT_CODE:
            if app.exit_code is None:
                return Untested(reason="the catalogue does not tell how the app is made to exit: [app.exit-code]")
            parts = []
            for code in exit_code.CODES:
                part = ask(exit_code.exiting(launch, app.exit_code, code), partial(exit_code.see_exit, code=code))
                if isinstance(part, Untested):
                    return part
                parts.append(part)
            return exit_code.together(parts)
