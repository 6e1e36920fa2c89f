"""What others say of a variant (a linter, the article, common advice), compared with what was measured. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.core.question import Probe
from harness.core.subject import in_column
from harness.core.verdict import Expected, Holds, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.core.dockerfile import Instruction
    from harness.core.document import Row
    from harness.core.result import Result

LINT_RULE: Final = "JSONArgsRecommended"
"""BuildKit's build check for a CMD or ENTRYPOINT in shell form; hadolint calls it DL3025."""


def lint(starting: Iterable[Instruction]) -> str | None:
    """The rule by which a linter warns of the instructions that start an image, as it sees a Dockerfile and no more.

    The rule says that an app that is started in shell form does not receive signals. Where a SHELL is set, BuildKit
    takes the shell for wanted, and says nothing; an array that names a shell is no shell form (Docker's documentation,
    build check JSONArgsRecommended).
    """
    return LINT_RULE if any(one.form == "shell" and one.shell is None for one in starting) else None


def held(result: Result) -> Holds | None:
    """Whether the claim on a cell's subject held in this cell; ``None`` if it says nothing of it, or it is untested."""
    claim = result.cell.subject.claim
    said = claim.forwards.of(result.cell.question) if claim else None
    if said is None or said is Expected.DEPENDS or result.verdict is Verdict.UNTESTED:
        return None
    return Holds.HELD if result.verdict.good is (said is Expected.ALWAYS) else Holds.REFUTED


def together(findings: Iterable[Holds | None]) -> Holds | None:
    """Whether a claim held in several cells: refuted by one, it is refuted."""
    found = {finding for finding in findings if finding is not None}
    return Holds.REFUTED if Holds.REFUTED in found else Holds.HELD if found else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """How claims and linter did on one base, counted in variants.

    ``claims`` of which ``held``; ``warned`` of by the linter, of which ``justified`` (something was lost); and
    ``missed``, of which it said nothing although something was lost.
    """

    claims: int
    held: int
    warned: int
    justified: int
    missed: int


def tally(rows: Iterable[Row]) -> Mapping[str, Tally]:
    """Count by base, and by engine where there are several, in the order in which these first come."""
    by_base: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        if row.base is not None:
            by_base.setdefault(f"{row.base}{in_column(row.column)}", {}).setdefault(row.subject, []).append(row)
    return {base: _tally(list(subjects.values())) for base, subjects in by_base.items()}


def _tally(subjects: list[list[Row]]) -> Tally:
    claims = [finding for cells in subjects if (finding := together(cell.claim.held for cell in cells if cell.claim))]
    linted = [
        (any(cell.linter for cell in cells), any(_loses(cell) for cell in cells))
        for cells in subjects
        if any(cell.start for cell in cells)
    ]
    return Tally(
        claims=len(claims),
        held=claims.count(Holds.HELD),
        warned=sum(warned for warned, _ in linted),
        justified=linted.count((True, True)),
        missed=linted.count((False, True)),
    )


def _loses(row: Row) -> bool:
    """Whether a cell shows what the linter's rule warns of: a signal that does not get the app to do its part."""
    about_signals = row.probe in (Probe.SIGNAL, Probe.STOP)
    return about_signals and row.verdict is not Verdict.UNTESTED and not row.verdict.good
