"""All runs of a cell and what they come to, as the runner gives it; `harness.core.describe` makes a row of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.core.evidence import Untested

if TYPE_CHECKING:
    from harness.core.evidence import Evidence
    from harness.core.facts import StartCommand
    from harness.core.subject import Cell
    from harness.core.verdict import Expected, Judgement, Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """One execution of a cell: its evidence (or why there is none) and what it means."""

    evidence: Evidence | Untested
    judgement: Judgement


@dataclass(frozen=True, kw_only=True, slots=True)
class Result:
    """All runs of a cell and the verdict over them; ``shown`` is the run that speaks for it."""

    cell: Cell
    runs: tuple[Run, ...]
    judgement: Judgement
    shown: Run
    expected: Expected
    start: StartCommand | None = None
    reproduce: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The verdict over all runs."""
        return self.judgement.verdict

    @property
    def evidence(self) -> Evidence | None:
        """The evidence of the run that speaks for the cell."""
        return None if isinstance(self.shown.evidence, Untested) else self.shown.evidence
