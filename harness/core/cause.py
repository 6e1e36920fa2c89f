"""Why a verdict may have changed: from what is recorded of two bases, and the processes on the signal's way. Pure.

A cause is likely, not proven: two recordings show what changed together. Where nothing explains it, that is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from harness.core.process import shown
from harness.core.program import PROGRAMS, Kind, kind_of, known_as, program, script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.core.baseline import Argv, Finding, Recording
    from harness.core.facts import BaseFacts, EngineFacts

SHELL: Final = "/bin/sh"
ENTRYPOINT: Final = "ENTRYPOINT"
COMMAND: Final = "CMD"
SCRIPT: Final = "the entrypoint's file"
KERNEL: Final = "the kernel"
_ENGINES_INIT: Final = "its init"
_FACTS: Final[Mapping[str, str]] = {
    **{name: known.label for name, known in PROGRAMS.items()},
    "su": "the system",
    "tini-static": PROGRAMS["tini"].label,
    "docker-init": _ENGINES_INIT,
    "catatonit": _ENGINES_INIT,
    "podman-init": _ENGINES_INIT,
    "sh": SHELL,
}
"""Which recorded fact says what a program is; that of an engine's own init is the engine's."""

_DIGITS: Final = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class Shift:
    """One fact that two recordings do not share; ``None`` where there is no such thing."""

    name: str
    old: str | None
    new: str | None

    def __str__(self) -> str:
        """The shift as a clause."""
        return f"{self.name} is now {self.new or 'absent'}, was {self.old or 'absent'}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """The likely cause of a change: ``text`` is the same for all cells that share it, ``detail`` is of one cell."""

    text: str
    detail: str = ""


def base_shifts(old: BaseFacts, new: BaseFacts) -> tuple[Shift, ...]:
    """What differs between two bases, beside their names and ids."""
    return _shifts(_base_facts(old), _base_facts(new))


def recorded_shifts(old: Recording, new: Recording) -> tuple[Shift, ...]:
    """What differs between what was recorded of two bases, or of two images as they are: these have a CMD, too.

    Nothing where it is known of but one image what it starts.
    """
    if (old.command is None) != (new.command is None):
        return ()
    commands = [{COMMAND: shown(one.command or ()) or None} for one in (old, new)]
    return (*base_shifts(old.base, new.base), *_shifts(*commands))


def engine_shifts(old: EngineFacts, new: EngineFacts) -> tuple[Shift, ...]:
    """What differs between two engines, or in how they could be seen."""
    return _shifts(_engine_facts(old), _engine_facts(new))


def image_shift(old: BaseFacts, new: BaseFacts) -> Shift | None:
    """Whether the bases are two images; by digest where both have one."""
    ids = (old.digest, new.digest) if old.digest and new.digest else (old.id, new.id)
    # A mirror has the same image under another name.
    if ids[0].rpartition("@")[-1] == ids[1].rpartition("@")[-1]:
        return None
    return Shift(name="the image", old=_short(ids[0]), new=_short(ids[1]))


def _short(digest: str) -> str:
    head, colon, number = digest.rpartition(":")
    return f"{head}{colon}{number[:_DIGITS]}"


def _base_facts(facts: BaseFacts) -> dict[str, str | None]:
    return {
        "the system": facts.os,
        "the C library": facts.libc,
        SHELL: facts.shell,
        **{PROGRAMS[name].label: facts.programs.get(name) for name in PROGRAMS},
        "STOPSIGNAL": facts.stop_signal,
        ENTRYPOINT: " ".join(facts.entrypoint) or None,
        SCRIPT: f"sha256:{facts.entrypoint_sha256[:_DIGITS]}" if facts.entrypoint_sha256 else None,
    }


def _engine_facts(facts: EngineFacts) -> dict[str, str | None]:
    return {
        "the engine": f"{facts.name} {facts.version}",
        "its runtime": facts.runtime,
        _ENGINES_INIT: facts.init,
        KERNEL: facts.kernel,
        "the builder": facts.builder,
        "the kernel's record of signals": "used" if facts.trace else "not used",
    }


def _shifts(old: Mapping[str, str | None], new: Mapping[str, str | None]) -> tuple[Shift, ...]:
    return tuple(Shift(name=name, old=old[name], new=new[name]) for name in old if old[name] != new[name])


def cause(old: Recording, new: Recording, variant: str, before: Finding, after: Finding) -> Cause:
    """The likely cause of a change in one cell.

    Args:
        old: what was recorded.
        new: what is found now.
        variant: the cell's variant.
        before: what was found in the cell.
        after: what is found in it now.
    """
    digests = old.variants.get(variant), new.variants.get(variant)
    if None not in digests and digests[0] != digests[1]:
        return Cause(
            text="the variant itself changed: its Dockerfile, its options or the app", detail=_main(before, after)
        )
    facts = _Facts(old, new)
    if before.signal != after.signal and before.signal and after.signal:
        why = facts.of("STOPSIGNAL")
        return Cause(
            text=f"the engine stops it with {after.signal}, not with {before.signal}{f': {why[0]}' if why else ''}"
        )
    if not before.chain or not after.chain:
        return Cause(text=facts.unexplained("which processes were on the signal's way is not recorded"))
    if list(map(_what, before.chain[:-1])) != list(map(_what, after.chain[:-1])):
        return _of_processes(before, after, facts)
    as_is = old.command is not None and new.command is not None
    if as_is and before.chain[-1] != after.chain[-1]:
        apps = f"the app is now `{shown(after.chain[-1])}`, was `{shown(before.chain[-1])}`"
        return Cause(text=facts.with_reasons(apps, COMMAND, ENTRYPOINT))
    if on_way := facts.on_way(after.chain):
        return Cause(text=f"{' and '.join(on_way)}; the processes are the same")
    return Cause(text=facts.unexplained("nothing on the signal's way changed"))


class _Facts:
    """What differs between two recordings, and what that has to do with a process."""

    def __init__(self, old: Recording, new: Recording) -> None:
        self._shifts = {shift.name: shift for shift in recorded_shifts(old, new)}
        self._engine = engine_shifts(old.engine, new.engine)
        self._other_image = image_shift(old.base, new.base) is not None
        self._what = "bases" if old.command is None else "images"
        self._scripts = {program(base.entrypoint) for base in (old.base, new.base)} - {""}

    def of(self, *names: str) -> list[str]:
        """Those of some facts that changed, as clauses."""
        return [str(self._shifts[name]) for name in names if name in self._shifts]

    def about(self, argv: Argv) -> list[str]:
        """What may let a process stay where it is: what it runs, and who starts it."""
        kind = kind_of(argv)
        by_entrypoint = kind in (Kind.INIT, Kind.OTHER) or self._is_entrypoint(argv)
        names = [
            _fact(argv),
            *([ENTRYPOINT] if by_entrypoint else []),
            *([SCRIPT] if self._is_entrypoint(argv) else []),
            COMMAND,
        ]
        return self.of(*names)

    def with_reasons(self, text: str, *names: str) -> str:
        """A clause, with those of some facts that changed behind it."""
        why = self.of(*names)
        return f"{text} ({'; '.join(why)})" if why else text

    def on_way(self, chain: Sequence[Argv]) -> list[str]:
        """What changed of the programs above the app; its own runtime if nothing else did."""
        shifts = self._shifts | {shift.name: shift for shift in self._engine}
        names: list[str] = []
        for argv in chain[:-1]:
            names += [_fact(argv), *([SCRIPT] if self._is_entrypoint(argv) else [])]
        clauses = [str(shifts[name]) for name in dict.fromkeys(names) if name in shifts]
        return clauses or self.of(_fact(chain[-1]))

    def _is_entrypoint(self, argv: Argv) -> bool:
        """Whether a process is the script that a base's ENTRYPOINT names."""
        return kind_of(argv) is Kind.SCRIPT and script(argv) in self._scripts

    def unexplained(self, why: str) -> str:
        """What differs where it explains nothing; ``why`` says so."""
        if self._engine:
            return "it was run elsewhere: " + "; ".join(map(str, self._engine))
        if self._shifts:
            return f"{why}; the {self._what} differ in this: " + "; ".join(map(str, self._shifts.values()))
        if self._other_image:
            return "the image changed, but nothing that is recorded of it differs"
        return "nothing that is recorded has changed"


def _what(argv: Argv) -> tuple[Kind, str]:
    """What a process is, whatever its arguments: a package manager starts scripts of random names."""
    return kind_of(argv), program(argv)


def _fact(argv: Argv) -> str:
    """The fact that says what program a process runs; empty if none does."""
    return _FACTS.get(known_as(argv), "")


def _of_processes(before: Finding, after: Finding, facts: _Facts) -> Cause:
    """The first process from PID 1 down that stays now and did not before, or the other way round."""
    main = _main(before, after)
    for stays, chain, other in ((True, after.chain, before.chain), (False, before.chain, after.chain)):
        left = list(map(_what, other[:-1]))
        for argv, below in pairwise(chain):
            if _what(argv) in left:
                left.remove(_what(argv))
                continue
            does = "is now" if stays else "was"
            return Cause(
                text=_staying(argv, facts, stays=stays),
                detail=main or f"`{shown(argv)}` {does} the parent of `{shown(below)}`",
            )
    return Cause(text="the same processes are started in another order", detail=main)


def _staying(argv: Argv, facts: _Facts, *, stays: bool) -> str:
    """Why a process may now stay above what it starts, or no longer."""
    kind, why = kind_of(argv), facts.about(argv)
    if kind is Kind.SHELL_FORM and (shell := facts.of(_fact(argv))):
        return f"{shell[0]}: it {'stays the parent of' if stays else 'becomes'} what it starts"
    aside = f" ({'; '.join(why)})" if why else ""
    return f"{_name(argv, kind)} {'now' if stays else 'no longer'} stays the parent of what it starts{aside}"


def _name(argv: Argv, kind: Kind) -> str:
    match kind:
        case Kind.SHELL_FORM:
            return "a shell"
        case Kind.SCRIPT:
            return f"the script `{script(argv) or shown(argv)}`"
        case _:
            return f"`{program(argv)}`"


def _main(before: Finding, after: Finding) -> str:
    """What took PID 1, if it is not what it was."""
    old, new = before.chain[:1], after.chain[:1]
    if not old or not new or _what(old[0]) == _what(new[0]):
        return ""
    return f"PID 1 was `{shown(old[0])}`, is `{shown(new[0])}`"
