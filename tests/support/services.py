"""Twelve apps that are not the sample app, each started in five ways: a catalogue for `benchmarks.truth_apps`."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.support.cases import NOTHING, READY_ONLY, RIGHT, SAMPLE, WRONG
from tests.support.field import APPS, Form, Row

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_COMPILE_S: Final = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """An app: its command, the file among the words of the process that is the app, and the patterns for its log."""

    name: str
    command: str
    file: str
    words: str
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def needs_debian(self) -> bool:
        """Whether only the base with Python can run it."""
        return self.command.startswith("python3")

    @property
    def rows(self) -> tuple[Row, ...]:
        """It in every form: under npm if it is a Node program, else under a script that stays."""
        wrapper = Form.NPM if self.command.startswith("node") else Form.SCRIPT
        return tuple(
            Row(name=self.name, command=tuple(self.command.split()), form=form, environment=self.environment)
            for form in (Form.EXEC, Form.SHELL, wrapper, Form.TINI, Form.INIT)
        )


def _node(name: str, file: str, words: str, app: str = "", **environment: str) -> Service:
    return Service(name=name, command=f"node {file}", file=app or file, words=words, environment=environment)


SERVICES: Final = (
    _node("node-words", "orders.js", READY_ONLY),
    _node("node-json", "orders.js", RIGHT, JSON="1"),
    _node("node-silent", "orders.js", WRONG, QUIET="1"),
    Service(name="python", command="python3 orders.py", file="orders.py", words=NOTHING),
    Service(name="python-u", command="python3 -u orders.py", file="orders.py", words=RIGHT),
    Service(name="shell", command="sh service.sh", file="service.sh", words=WRONG),
    Service(name="compiled", command="./service", file="service", words=READY_ONLY),
    _node("timers", "timers.js", READY_ONLY),
    _node("slow-drain", "slow-drain.js", RIGHT, AFTER="3000"),
    _node("to-file", "orders-to-file.js", NOTHING),
    _node("late-wrapper", "late-kill.js", SAMPLE, app="server.js", WAIT="1600"),
    _node("liar", "forged-receipts.js", SAMPLE, EVERY="100"),
)


def compile_service(context: Path) -> None:
    """Put the compiled app into a build context, for this machine's architecture and any C library."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise RuntimeError("a C compiler is missing: apt-get install gcc libc6-dev")
    command = [compiler, "-static", "-O2", "-s", "-o", str(context / "service"), str(APPS / "services" / "service.c")]
    subprocess.run(command, check=True, timeout=_COMPILE_S)
