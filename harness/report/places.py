"""Where in a repository a finding is: the Dockerfile, and the instruction that starts what is at fault. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.core.program import Kind, kind_of, program

if TYPE_CHECKING:
    from harness.core.document import Line, Row, SubjectFacts


def path_of(subject: SubjectFacts) -> str:
    """The path of a subject's Dockerfile, below the root whatever a document says; empty where it has none."""
    return "/".join(part for part in (subject.dockerfile or "").split("/") if part not in ("", ".", ".."))


def instruction_of(subject: SubjectFacts, row: Row) -> Line | None:
    """The instruction that starts what is at fault; ``None`` if the Dockerfile has none."""
    wanted = "ENTRYPOINT" if _by_entrypoint(row) else "CMD"
    starting = subject.starting
    named = (line for line in starting if line.text.upper().startswith(wanted))
    return next(named, starting[-1] if starting else None)


def _by_entrypoint(row: Row) -> bool:
    """Whether the first process that is not an init, or the app where all are, comes from the ENTRYPOINT."""
    entrypoint = row.start.entrypoint if row.start else ()
    chain = row.evidence.chain or ((row.evidence.main,) if row.evidence.main else ())
    argv = next((argv for argv in chain if kind_of(argv) is not Kind.INIT), ())
    return bool(set(entrypoint) & set(argv)) or (bool(argv) and program(entrypoint) == program(argv))
