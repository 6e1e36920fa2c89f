"""Workers of pytest-xdist: what each has found out beside its tests, and the process that they work for has to tell.

A worker has no terminal, its exit code counts for nothing, and it may die; see pytest-xdist, ``xdist/dsession.py``.
Without workers, all is one process, which tells itself.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import pytest

from harness.core.errors import HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEY: Final = "signal-harness"
_UNASSERTED: Final = "signals_unasserted"


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is a worker, which gets to know which tests are its own only as they come."""
    return hasattr(config, "workerinput")


class Told:
    """What there is to tell at the end of a run, whichever process has found it out; a plugin of pytest's.

    ``unasserted`` are cells whose verdict nobody has asserted, ``missing`` those that are recorded and not run, and
    ``notes`` lines on what takes long or is out of the ordinary: what is written in between, pytest captures.
    """

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._notes: dict[str, None] = {}
        self._summed_up = False
        self._missing: dict[str, None] = {}
        self._died = False
        self.unasserted: list[str] = []

    @property
    def missing(self) -> tuple[str, ...]:
        """The recorded cells that are not run, in their order; each once, as every worker finds them all."""
        return tuple(self._missing)

    def miss(self, cells: Iterable[str]) -> None:
        """Take in recorded cells that are not run."""
        self._missing |= dict.fromkeys(cells)

    @property
    def notes(self) -> tuple[str, ...]:
        """The lines for people so far; each once. What is noted from now on is written at once."""
        self._summed_up = True
        return tuple(self._notes)

    def note(self, line: str) -> None:
        """Take in a line for people."""
        self._notes[line] = None
        terminal = self._config.pluginmanager.get_plugin("terminalreporter")
        if self._summed_up and terminal is not None:
            terminal.write_line(line)

    def hand_on(self, refusal: HarnessError | None) -> None:
        """In a worker: leave what it has found out, and why it could not begin, where the other process gets it."""
        if is_worker(self._config):
            told: dict[str, Any] = {"notes": [*self._notes], "missing": [*self._missing]}
            if refusal is not None:
                told |= {"refusal": told_of(refusal), "exit_code": int(refusal.exit_code)}
            vars(self._config)["workeroutput"][_KEY] = told

    def sweep(self) -> None:
        """Remove what workers have left that died: a process that ended cannot."""
        if not self._died:
            return
        from harness.engine.registry import open_engine

        try:
            with closing(open_engine()) as engine:
                engine.sweep()
        except HarnessError as error:
            self.note(f"a worker died, and what it left could not be removed: {error}; later: signal-harness clean")

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Take in what a worker that has ended has found out, and end the run where it could not begin."""
        self._died = self._died or error is not None
        told: dict[str, Any] = getattr(node, "workeroutput", {}).get(_KEY, {})
        self.miss(told.get("missing", ()))
        for line in told.get("notes", ()):
            self.note(line)
        if "refusal" in told:
            refuse(told["refusal"], told["exit_code"])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in what a test has found, in the process that has run it and in that which gets its report."""
        self.unasserted += vars(report).get(_UNASSERTED, ())


def mark_unasserted(report: pytest.TestReport, cell: str) -> None:
    """Have the report of a test say that nobody has asserted what it found."""
    vars(report)[_UNASSERTED] = [cell]


def told_of(error: HarnessError) -> str:
    """What went wrong, and what to do."""
    return f"{error.message}\n{error.remedy}" if error.remedy else error.message


def refuse(why: str, exit_code: int) -> None:
    """End a run that cannot begin: an absent engine is a failure, never a skip."""
    pytest.exit(f"signal-harness: {why}", returncode=exit_code)
