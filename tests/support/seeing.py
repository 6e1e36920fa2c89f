"""One run of a cell on a scripted container, and the processes and lines that scripts are made of."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeVar

from harness.core.evidence import Evidence, Untested
from harness.core.question import Probe, Question
from harness.core.signals import Signal
from harness.core.subject import App, ExitSetting, LaunchOptions, LogPattern, StopSetting
from harness.run.asking import Asking
from harness.run.observation import Patience
from harness.run.probes import module_of
from harness.run.protocol import Launch
from harness.run.turns import Turns
from tests.support.facts import start_command
from tests.support.scripted import Happening, ScriptedEngine, process

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.core.facts import StartCommand
    from harness.core.process import Process, Tree
    from tests.support.scripted import Script, ScriptedContainer

TERM, INT = Signal(15), Signal(2)
APP = App(
    ready=LogPattern(pattern=re.compile(r"^Listening on port \d+ pid=(?P<pid>\d+)")),
    receipts=LogPattern(pattern=re.compile(r"Received signal: (?P<signal>SIG[A-Z0-9]+)( t=(?P<t>\d+))?")),
    done=LogPattern(pattern=re.compile(r"^Shutdown complete")),
    stop=StopSetting(environment={"SHUTDOWN_AFTER_MS": "0"}, port=3000, path="/hold"),
    exit_code=ExitSetting(environment={"EXIT_AFTER_MS": "300", "EXIT_CODE": "{code}"}),
)
NODE = process(7, "node server.js", parent=1, catches=("TERM", "HUP", "INT"))
NODE_1 = process(1, "node server.js", catches=("TERM", "HUP", "INT"))
SHELL_1 = process(1, "/bin/sh -c node server.js", wchan="do_wait")
INIT_1 = process(1, "dumb-init node server.js", catches=("TERM", "HUP", "INT"))
NPM_1 = process(1, "npm start", catches=("TERM", "INT"))
READY = b"Listening on port 3000 pid=%d\n"
RECEIVED = b"Received signal: SIGTERM\n"
DONE = b"Shutdown complete\n"
PATIENCE = Patience()
IMAGE = Launch(image="image", options=LaunchOptions(environment={"LANG": "C"}))
_BEGAN_NS = 1_000_000_000
E = TypeVar("E", bound=Evidence)


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What came out of a run, and the containers that it took."""

    evidence: Evidence | Untested
    containers: tuple[ScriptedContainer, ...]

    @property
    def container(self) -> ScriptedContainer:
        """The last container of the run."""
        return self.containers[-1]

    @property
    def passed_s(self) -> float:
        """How long the last container took, on its own clock."""
        return (self.container.clock.now_ns() - _BEGAN_NS) / 1e9

    @property
    def decided_s(self) -> float:
        """How long the decision took."""
        assert not isinstance(self.evidence, Untested), self.evidence
        return (self.evidence.seen.decided_ns - self.evidence.seen.began_ns) / 1e9

    @property
    def reason(self) -> str:
        """Why nothing can be said."""
        assert isinstance(self.evidence, Untested), self.evidence
        return self.evidence.reason

    def of(self, kind: type[E]) -> E:
        """The evidence, which is of this kind."""
        assert isinstance(self.evidence, kind), self.evidence
        return self.evidence


SENT_S: Final = 1.053
"""About when a scripted container that is up gets its signal, by its clock."""


def up(*tree: Process, app: int = 7) -> tuple[Happening, ...]:
    """The start of a container whose app gets ready, and then rests."""
    return (Happening(after_s=0.05, output=READY % app, tree=tree),)


def see(
    script: Script | Callable[[Launch], Script],
    patience: Patience = PATIENCE,
    *,
    probe: Probe = Probe.SIGNAL,
    signal: Signal = TERM,
    app: App = APP,
    start: StartCommand | None = None,
    publish: int | None = None,
) -> Look:
    """Run a cell once on containers that follow a script."""
    engine = ScriptedEngine(script if callable(script) else lambda _: script)
    evidence = module_of(probe).ask(
        Asking(
            engine=engine,
            turns=Turns(1),
            launch=replace(IMAGE, publish=publish),
            app=app,
            patience=patience,
            question=Question(signal=signal),
            start=start or start_command(),
        )
    )
    assert not engine.present
    return Look(evidence=evidence, containers=tuple(engine.containers))


def without(tree: Tree, gone: int) -> Tree:
    """A tree without one process, by its PID in the container."""
    return tuple(one for one in tree if one.inner_pid != gone)
