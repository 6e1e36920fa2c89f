"""The base of a Dockerfile, exchanged for the one that is asked for. Text in, text out; pure.

The image that a target is built on in the end is the one that runs, so it is the one to exchange: in every stage that
the target needs, whether it is built on it or copies from it. A stage on another image, there for building, stays.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from harness.core.dockerfile import GAP, Instruction, parse
from harness.core.errors import UsageError
from harness.core.references import same_image

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.core.dockerfile import Dockerfile, Stage

ARGUMENT: Final = "BASE"
"""The build argument by which a Dockerfile may take its base: ``ARG BASE``, ``FROM ${BASE}``."""

_GIVEN: Final = "\0"
"""What stands for the base while the file is read; no image is called so."""

_AS_ARGUMENT: Final = f"`ARG {ARGUMENT}` above the first FROM, and `FROM ${{{ARGUMENT}}}`"


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """A FROM whose image is exchanged, and that image, with the defaults of ARGs put in."""

    instruction: Instruction
    image: str

    def on(self, base: str) -> list[str]:
        """The FROM on a base, and as many blank lines as keep the others where they are.

        Its ``--platform`` is that of the image that it named.
        """
        flags = [flag for flag in self.instruction.flags if not flag.startswith("--platform")]
        _, *naming = GAP.split(self.instruction.value, maxsplit=1)
        return [" ".join(["FROM", *flags, base, *naming]), *[""] * self.instruction.text.count("\n")]


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """A Dockerfile whose base is chosen as it is built; ``takes_argument`` says whether as the build argument."""

    text: str
    takes_argument: bool
    exchanges: tuple[Exchange, ...]

    def on(self, base: str) -> str:
        """The Dockerfile on a base, line by line where it was."""
        lines = self.text.split("\n")
        for exchange in self.exchanges:
            lines[exchange.instruction.line - 1 : exchange.instruction.last] = exchange.on(base)
        return "\n".join(lines)

    def arguments(self, base: str) -> dict[str, str]:
        """The build arguments with which it is built on a base."""
        return {ARGUMENT: base} if self.takes_argument else {}


def template(text: str, *, place: str, target: str | None = None) -> Template:
    """A Dockerfile to be built on a base, up to a stage; to the last one if there is none.

    Args:
        text: the whole text.
        place: the file's name, for messages.
        target: the stage.

    Raises:
        UsageError: it is not built on an image that could be exchanged.
    """
    text = text.removeprefix("\ufeff")
    by_default = parse(text)
    file = parse(text, {ARGUMENT: _GIVEN})
    takes_argument = any(stage.base == _GIVEN for stage in file.stages)
    if not takes_argument:
        file = by_default
    wanted = _target(file, target, place)
    root = _root(wanted)
    if root.base != _GIVEN:
        _refuse_unknown(root, place)
    image = by_default.stages[file.stages.index(root)].base
    return Template(
        text=text,
        takes_argument=takes_argument,
        exchanges=tuple(
            Exchange(instruction=_origin(stage), image=stage.base)
            for stage in _needed(file, wanted)
            if not stage.below and stage.base != _GIVEN and same_image(stage.base, image)
        ),
    )


def _target(file: Dockerfile, target: str | None, place: str) -> Stage:
    if stage := file.stage(target):
        return stage
    if not file.stages:
        raise UsageError(f"{place} has no FROM", remedy=f"Name the image that it is built on: {_AS_ARGUMENT}.")
    names = ", ".join(stage.name for stage in file.stages if stage.name)
    raise UsageError(f"{place} has no stage {target!r}", remedy=f"Stages with a name: {names or 'none'}.")


def _origin(stage: Stage) -> Instruction:
    """The FROM that begins a stage."""
    return stage.instructions[0]


def _root(stage: Stage) -> Stage:
    while stage.below:
        stage = stage.below
    return stage


def _refuse_unknown(root: Stage, place: str) -> None:
    where = f"{place}:{_origin(root).line}: FROM {root.base.replace(_GIVEN, f'${{{ARGUMENT}}}')}".rstrip()
    if root.base == "scratch":
        raise UsageError(
            f"{where}: an empty image has nothing that a base could take the place of",
            remedy=f"Build the stage on an image, or name another stage as target. To choose the base: {_AS_ARGUMENT}.",
        )
    if "$" in root.base or _GIVEN in root.base or not root.base:
        raise UsageError(
            f"{where}: which image that is, only the build knows",
            remedy=f"Give its ARG a default. To choose the base: {_AS_ARGUMENT}.",
        )


def _needed(file: Dockerfile, target: Stage) -> list[Stage]:
    """The stages that a build of a stage carries out, in the order of the file: its own, those below, those read."""
    places, waiting = set[int](), [target]
    while waiting:
        stage = waiting.pop()
        place = file.stages.index(stage)
        if place not in places:
            places.add(place)
            waiting += [stage.below] if stage.below else []
            waiting += _read(stage, file.stages[:place])
    return [file.stages[place] for place in sorted(places)]


def _read(stage: Stage, earlier: Sequence[Stage]) -> Iterator[Stage]:
    """The stages that a stage copies from or mounts: by name, else by number."""
    named = {one.name: one for one in earlier if one.name}
    for name in stage.sources:
        if name.lower() in named:
            yield named[name.lower()]
        elif name.isascii() and name.isdigit() and int(name) < len(earlier):
            yield earlier[int(name)]
