"""The config as options of a command: below what is typed and what the environment says, above the defaults."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from harness.cli.help import PATH, WHAT, Defaults, long_name
from harness.cli.options import together
from harness.core.errors import UsageError
from harness.core.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from harness.configs import Found
    from harness.core.config import ConfigSubject
    from harness.core.ignoring import Ignore

F = TypeVar("F", bound="Callable[..., Any]")

_FOUND: Final = "harness.config"
_NONE: Final = "harness.no-config"
_OUR_PATHS: Final = ("file", "env-file")


def _refuse(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    ctx.meta[_NONE] = value
    if value and ctx.meta.get(_FOUND) is not None:
        raise UsageError("--config and --no-config exclude each other")


def _read(ctx: click.Context, _: click.Parameter, value: Path | None, *, defaults: bool) -> None:
    """Read it once, and let its options be the defaults; contexts of single subjects come with theirs."""
    from harness.configs import read_config

    if ctx.default_map is not None or ctx.resilient_parsing:
        return
    if ctx.meta.get(_NONE):
        if value is not None:
            raise UsageError("--config and --no-config exclude each other")
        return
    found = read_config(value)
    ctx.meta[_FOUND] = found
    if found is not None and defaults:
        ctx.default_map = _defaults(ctx.command, found, None)


def config_options(*, defaults: bool) -> Callable[[F], F]:
    """Which config is read; with ``defaults``, all other options take theirs from it, so that it is read first."""
    return together(
        WHAT.option(
            "--no-config", is_flag=True, is_eager=True, expose_value=False, callback=_refuse, help="Read no config."
        ),
        WHAT.option(
            "--config",
            type=PATH,
            is_eager=True,
            expose_value=False,
            callback=partial(_read, defaults=defaults),
            metavar="F",
            help="Read a config. [default: signal-harness.toml, or [tool.signal-harness] of pyproject.toml, here or "
            "above]",
        ),
    )


def found_config(ctx: click.Context) -> Found | None:
    """The config that the options of a command were read with."""
    found: Found | None = ctx.meta.get(_FOUND)
    return found


def policy_of(found: Found | None, *further: Ignore) -> Policy:
    """What a config leaves be, and what is left be elsewhere, as of today."""
    own = found.config.ignores if found else ()
    return Policy(ignores=(*own, *further), today=dt.datetime.now().astimezone().date())


def options_of(ctx: click.Context, found: Found, subject: ConfigSubject, words: list[str]) -> dict[str, Any]:
    """The options of a command for one subject of the config: ``words`` are what was typed, and go before.

    Raises:
        UsageError: an option in the config cannot be read; the message names its place.
    """
    made = ctx.command.make_context(
        ctx.info_name, list(words), parent=ctx.parent, default_map=_defaults(ctx.command, found, subject)
    )
    return made.params


def _defaults(command: click.Command, found: Found, subject: ConfigSubject | None) -> Defaults:
    """What the config says of the options of a command, by the names of its parameters, and where it does."""
    config = found.config
    sources: list[tuple[str, Mapping[str, Any]]] = [(f"{config.place}, check", config.options)]
    if subject is not None:
        sources.append((subject.place, subject.options))
    sources.append((f"{config.place}, output", {name: found.path(value) for name, value in config.outputs.items()}))
    made = Defaults()
    by_name = {long_name(param): param for param in command.params if isinstance(param, click.Option)}
    for place, options in sources:
        for name, value in options.items():
            param = by_name[name]
            made[str(param.name)] = _as_typed(found, param, name, value)
            made.places[str(param.name)] = f"{place}, {name}"
    return made


def _as_typed(found: Found, param: click.Option, name: str, value: Any) -> Any:
    """A value of the config as the option takes it from a command line."""
    if isinstance(value, dict):
        return [f"{key}={text}" for key, text in value.items()]
    if name in _OUR_PATHS:
        return found.path(value) if isinstance(value, str) else [found.path(one) for one in value]
    if param.is_flag and param.flag_value is False:
        return not value
    return list(value) if isinstance(value, tuple) else value
