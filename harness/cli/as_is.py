"""``--as-is``, for commands that compare bases: images themselves in their place, run as ``check`` runs them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from click.core import ParameterSource

from harness.cli.check import APP, READY, RUN, check_of
from harness.cli.help import WHAT, Option, Section, long_name
from harness.cli.options import CHECK_PROBES, together
from harness.cli.requests import request_options
from harness.core.errors import UsageError
from harness.core.question import Probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import click

    from harness.checking import Check

F = TypeVar("F", bound="Callable[..., Any]")

AS_IS: Final = Section("How to run images as they are (--as-is)")
_LEAVE_OUT: Final = "Leave it out, or leave out --as-is."
_INSTEAD: Final = {
    "--grace": "Their grace period is --stop-timeout.",
    "--base": "Name images, not bases.",
    "--base-file": "Name images, not bases: --image-file.",
}
_NOT_BUILT: Final = {"file": None, "target": None, "build_args": ()}


as_is_flag = WHAT.option(
    "--as-is", is_flag=True, help="Run images themselves, as check does; nothing is built on them."
)


def as_is_options(command: F) -> F:
    """The options of ``check`` that say how an image is run, in a group of their own."""
    known = len(_params(command))
    command = together(APP, *READY, request_options, *RUN)(command)
    for param in _params(command)[known:]:
        if isinstance(param, Option):
            param.group = AS_IS
    return command


def _params(command: Callable[..., Any]) -> list[click.Parameter]:
    """The parameters that a function was decorated with so far."""
    params: list[click.Parameter] = getattr(command, "__click_params__", [])
    return params


def without_as_is(ctx: click.Context, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """What the options say, without those that are for images as they are alone."""
    ours = {param.name for param in ctx.command.params if isinstance(param, Option) and param.group is AS_IS}
    return {name: value for name, value in chosen.items() if name not in ours}


def refuse(ctx: click.Context, *, as_is: bool, others: Iterable[str], own: Iterable[str] = ()) -> None:
    """Refuse options that were typed, but have no meaning here.

    Args:
        ctx: of the command.
        as_is: whether images are run as they are.
        others: the parameters that are not for such images.
        own: those that are for nothing else, beside `as_is_options`.

    Raises:
        UsageError: one was typed; the message names it.
    """
    own = set(own)
    for param in ctx.command.params:
        if ctx.get_parameter_source(str(param.name)) is not ParameterSource.COMMANDLINE:
            continue
        name = f"--{long_name(param)}"
        if as_is and param.name in others:
            raise UsageError(f"{name} is not for images as they are", remedy=_INSTEAD.get(name, _LEAVE_OUT))
        if not as_is and (param.name in own or (isinstance(param, Option) and param.group is AS_IS)):
            raise UsageError(f"{name} is for images as they are", remedy="Add --as-is, or leave it out.")


def need_different(images: Sequence[str]) -> None:
    """Refuse images of which one is there twice.

    Raises:
        UsageError: one is.
    """
    if twice := next((image for image in images if images.count(image) > 1), None):
        raise UsageError(f"{twice} is named twice", remedy="Name different images.")


def check_as_is(images: tuple[str, ...], chosen: Mapping[str, Any]) -> Check:
    """The check of images that the options ask for; nothing is tried that may help.

    Raises:
        UsageError: an option cannot be read, or a probe is none for a given image.
    """
    if odd := next((probe for probe in chosen["probes"] if probe not in (*CHECK_PROBES, "all")), None):
        others = ", ".join(probe for probe in CHECK_PROBES if probe is not Probe.SIGNAL)
        raise UsageError(
            f"{odd} cannot be asked of an image as it is: how its app is made to exit, nobody says",
            remedy=f"Ask for a signal, or for one of {others}.",
        )
    return replace(check_of("", {**chosen, **_NOT_BUILT, "tries": False}, None), images=images)
