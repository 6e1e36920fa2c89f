"""How far an attendee has come: tries and hints by lab. Records and JSON text; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from harness.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.workshop.lab.exercises import Exercise

_Count = Annotated[int, msgspec.Meta(ge=0)]


class State(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far one lab has come: checks that failed, hints shown, and whether it has been solved once."""

    tries: _Count = 0
    hints: _Count = 0
    solved: bool = False

    def failed(self, of: Exercise) -> State:
        """After a check that failed: one try, and one hint more. A lab that has been solved stays so."""
        return self if self.solved else msgspec.structs.replace(self.hinted(of), tries=self.tries + 1)

    def hinted(self, of: Exercise) -> State:
        """With one hint more, as long as there is one."""
        return msgspec.structs.replace(self, hints=min(self.hints + 1, len(of.hints)))

    def passed(self) -> State:
        """After a check that passed."""
        return msgspec.structs.replace(self, solved=True)

    def exhausted(self, of: Exercise) -> bool:
        """Whether there is no hint left to give."""
        return self.hints >= len(of.hints)

    def shown(self, of: Exercise) -> tuple[str, ...]:
        """The hints shown so far."""
        return of.hints[: self.hints]


Progress = dict[str, State]
"""States by the labs' keys; a lab that is not in it has not been tried."""


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    schema: Literal[1]
    labs: dict[str, State]


def encode(progress: Mapping[str, State]) -> bytes:
    """Progress as JSON text."""
    file = _File(schema=1, labs=dict(sorted(progress.items())))
    return msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n"


def decode(content: bytes, *, place: str, known: Sequence[Exercise]) -> Progress:
    """Read the content of a progress file; ``place`` is for messages.

    Raises:
        UsageError: it is malformed, or names a lab that does not exist.
    """
    remedy = "Remove it to begin anew, then: signal-harness lab start. Your other files stay as they are."
    try:
        progress = msgspec.json.decode(content, type=_File).labs
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{place} is not a valid progress file: {error}", remedy=remedy) from error
    if strange := progress.keys() - {exercise.key for exercise in known}:
        raise UsageError(f"{place} names {min(strange)!r}, which is not a lab", remedy=remedy)
    return progress


def following(exercises: Sequence[Exercise], progress: Mapping[str, State], after: int = 0) -> Exercise | None:
    """The lab to do next: the first unsolved one behind the one of a number, else the first of all; or ``None``."""
    unsolved = [exercise for exercise in exercises if not progress.get(exercise.key, State()).solved]
    return next((exercise for exercise in unsolved if exercise.number > after), next(iter(unsolved), None))
