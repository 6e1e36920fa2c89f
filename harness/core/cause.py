"""Why a verdict may have changed: from what is recorded of two bases, and the processes on the signal's way. Pure.

A cause is likely, not proven: two recordings show what changed together. Where nothing explains it, that is said.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from harness.core.program import Kind, kind_of, program

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from harness.core.baseline import Finding, Recording
    from harness.core.model import BaseFacts, EngineFacts

SHELL: Final = "/bin/sh"
SCRIPT: Final = "the entrypoint's file"
_OWN_INITS: Final = {"tini": "tini", "tini-static": "tini", "dumb-init": "dumb-init"}
_DIGITS: Final = 12
_FACTS_OF: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.SHELL_FORM: (SHELL,),
    Kind.SCRIPT: (SHELL, "ENTRYPOINT", SCRIPT),
    Kind.NPM: ("npm",),
    Kind.NODE_RUN: ("Node",),
    Kind.NODE_WATCH: ("Node",),
    Kind.SU: ("the system",),
    Kind.INIT: ("tini", "dumb-init", "ENTRYPOINT"),
    Kind.OTHER: ("ENTRYPOINT",),
}
"""Which recorded facts say what such a process is, the nearest one first."""


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


def engine_shifts(old: EngineFacts, new: EngineFacts) -> tuple[Shift, ...]:
    """What differs between two engines, or in how they could be seen."""
    return _shifts(_engine_facts(old), _engine_facts(new))


def image_shift(old: BaseFacts, new: BaseFacts) -> Shift | None:
    """Whether the bases are two images; by digest where both have one."""
    told = (old.digest, new.digest) if old.digest and new.digest else (old.id, new.id)
    before, after = (_short(text) for text in told)
    return Shift(name="the image", old=before, new=after) if told[0] != told[1] else None


def _short(digest: str) -> str:
    head, colon, number = digest.rpartition(":")
    return f"{head}{colon}{number[:_DIGITS]}"


def _base_facts(facts: BaseFacts) -> dict[str, str | None]:
    return {
        "the system": facts.os,
        "the C library": facts.libc,
        SHELL: facts.shell,
        "Node": facts.node,
        "npm": facts.npm,
        "tini": facts.tini,
        "dumb-init": facts.dumb_init,
        "STOPSIGNAL": facts.stop_signal,
        "ENTRYPOINT": " ".join(facts.entrypoint) or None,
        SCRIPT: f"sha256:{facts.entrypoint_sha256[:_DIGITS]}" if facts.entrypoint_sha256 else None,
    }


def _engine_facts(facts: EngineFacts) -> dict[str, str | None]:
    return {
        "the engine": f"{facts.name} {facts.version}",
        "its runtime": facts.runtime,
        "its init": facts.init,
        "the kernel": facts.kernel,
        "the builder": facts.builder,
        "the kernel's record of signals": "used" if facts.trace else "not used",
    }


def _shifts(old: Mapping[str, str | None], new: Mapping[str, str | None]) -> tuple[Shift, ...]:
    return tuple(Shift(name=name, old=old[name], new=new[name]) for name in old if old[name] != new[name])


def cause(old: Recording, new: Recording, variant: str, before: Finding, after: Finding) -> Cause:
    """Give the likely cause of a change in one cell.

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
            text="the variant itself is another: its Dockerfile, its options or the app", detail=_pid1(before, after)
        )
    shifts = {shift.name: shift for shift in base_shifts(old.base, new.base)}
    if before.signal != after.signal and before.signal and after.signal:
        why = f": {shifts['STOPSIGNAL']}" if "STOPSIGNAL" in shifts else ""
        return Cause(text=f"the engine stops it with {after.signal}, not with {before.signal}{why}")
    if before.chain != after.chain and before.chain and after.chain:
        return _of_processes(before, after, shifts)
    on_way = list(_on_way(after.chain or before.chain, shifts, old.engine, new.engine))
    if on_way:
        return Cause(text=f"{' and '.join(map(str, on_way))}; the processes are the same")
    return Cause(text=_unexplained(old, new, list(shifts.values())))


def _of_processes(before: Finding, after: Finding, shifts: Mapping[str, Shift]) -> Cause:
    """The first process from PID 1 down that stays now and did not before, or the other way round."""
    pid1 = _pid1(before, after)
    for stays, chain, other in ((True, after.chain, before.chain), (False, before.chain, after.chain)):
        for args, below in pairwise(chain):
            if args not in other:
                text = _staying(args, shifts) if stays else _leaving(args, shifts)
                return Cause(
                    text=text, detail=pid1 or f"`{args}` {'is now' if stays else 'was'} the parent of `{below}`"
                )
    return Cause(text=f"other processes are started{_named(shifts, *shifts)}", detail=pid1)


def _staying(args: str, shifts: Mapping[str, Shift]) -> str:
    """Say why a process may now stay above what it starts."""
    kind = kind_of(args)
    if kind is Kind.SHELL_FORM and SHELL in shifts:
        return f"{shifts[SHELL]}: it stays the parent of what it starts"
    return f"{_name(args, kind)} now stays the parent of what it starts{_named(shifts, *_FACTS_OF[kind])}"


def _leaving(args: str, shifts: Mapping[str, Shift]) -> str:
    """Say why a process may no longer stay above what it starts."""
    kind = kind_of(args)
    if kind is Kind.SHELL_FORM and SHELL in shifts:
        return f"{shifts[SHELL]}: it becomes what it starts"
    return f"{_name(args, kind)} no longer stays the parent of what it starts{_named(shifts, *_FACTS_OF[kind])}"


def _name(args: str, kind: Kind) -> str:
    words = args.split()
    match kind:
        case Kind.SHELL_FORM:
            return "a shell"
        case Kind.SCRIPT:
            return f"the script `{program(words[1:]) or args}`"
        case _:
            return f"`{program(words)}`"


def _named(shifts: Mapping[str, Shift], *names: str) -> str:
    told = [str(shifts[name]) for name in names if name in shifts]
    return f" ({'; '.join(told)})" if told else ""


def _pid1(before: Finding, after: Finding) -> str:
    old, new = before.chain[:1], after.chain[:1]
    return f"PID 1 was `{old[0]}`, is `{new[0]}`" if old and new and old != new else ""


def _on_way(chain: Sequence[str], shifts: Mapping[str, Shift], old: EngineFacts, new: EngineFacts) -> Iterator[Shift]:
    """What changed of the programs that stand between PID 1 and the app; the app's own runtime if nothing else did."""
    engine = {shift.name: shift for shift in engine_shifts(old, new)}
    found = False
    for args in chain[:-1]:
        name = _fact(args)
        shift = shifts.get(name) or engine.get(name)
        if shift is not None:
            found = True
            yield shift
    if not found and "Node" in shifts:
        yield shifts["Node"]


def _fact(args: str) -> str:
    """The fact that tells which program a process runs; empty if none does."""
    kind = kind_of(args)
    if kind is Kind.INIT:
        return _OWN_INITS.get(program(args.split()), "its init")
    return next(iter(_FACTS_OF[kind]), "")


def _unexplained(old: Recording, new: Recording, shifts: Sequence[Shift]) -> str:
    if others := engine_shifts(old.engine, new.engine):
        return "it was run elsewhere: " + "; ".join(map(str, others))
    if shifts:
        return "nothing on the signal's way is another; the bases differ in this: " + "; ".join(map(str, shifts))
    if image_shift(old.base, new.base):
        return "the image is another, but nothing that is recorded of it differs"
    return "nothing that is recorded has changed"
