"""How help is laid out: options and commands in groups, tables of what they mean, and an example for each command."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
from click.core import ParameterSource

from harness.core.errors import ExitCode, UsageError
from harness.core.question import Probe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

F = TypeVar("F", bound="Callable[..., Any]")
Rows = list[tuple[str, str]]

PREFIX: Final = "SIGNAL_HARNESS"
"""What the names of our variables in the environment begin with."""

SUMMARY: Final = 45
"""How long the summary of a command may be: next to the longest name, it fits into 80 columns."""
_FIRST_COLUMN: Final = 30
_HELP: Final = {"help_option_names": ["-h", "--help"]}
"""On every command, not on the first one alone: click keeps the option that a command made when it was first called."""

EXIT_CODES: Final = (
    "Exit codes",
    [
        (str(ExitCode.OK.value), "as expected"),
        (str(ExitCode.DIFFERS.value), "a verdict differs from what is expected, required or recorded"),
        (str(ExitCode.USAGE.value), "usage error, or invalid input"),
        (str(ExitCode.UNAVAILABLE.value), "no engine, or no base"),
        (str(ExitCode.UNTESTED.value), "some cells are untested or not compared, and none differs"),
        (str(ExitCode.INTERRUPTED.value), "interrupted"),
    ],
)
PROBES: Final = ("Probes", [(probe.value, probe.about) for probe in Probe])


class Defaults(dict[str, Any]):
    """What takes the place of defaults of options, by the names of parameters; ``places`` are where that is said."""

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[str, str] = {}


def long_name(param: click.Parameter) -> str:
    """The name of an option as people write it, without the dashes."""
    return next((name for name in param.opts if name.startswith("--")), param.opts[0]).lstrip("-")


def variable(ctx: click.Context, param: click.Parameter) -> str:
    """The variable of the environment that sets an option: that of ``check --ready`` is SIGNAL_HARNESS_CHECK_READY."""
    words, at = [long_name(param)], ctx
    while at.parent is not None:
        words.insert(0, str(at.info_name))
        at = at.parent
    return "_".join([PREFIX, *words]).replace("-", "_").upper()


class Option(click.Option):
    """An option that stands in a group of the help, and that a variable of the environment can set."""

    def __init__(self, *names: Any, group: str, **attributes: Any) -> None:
        super().__init__(*names, **{"show_default": "default" in attributes, **attributes})
        self.group = group

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """What the environment says of it; an empty variable says nothing."""
        return os.environ.get(variable(ctx, self)) or None


class Section(str):
    """A group of options in the help, by its title."""

    __slots__ = ()

    def option(self, *names: str, **attributes: Any) -> Callable[[F], F]:
        """`click.option`, in this group."""
        return click.option(*names, cls=Option, group=self, **attributes)


WHAT: Final = Section("What to run")
HOW: Final = Section("How to run it")
JUDGE: Final = Section("Judging")
OUTPUT: Final = Section("Output")
WHERE: Final = Section("Files and images")
PATH: Final = click.Path(path_type=Path)


class Command(click.Command):
    """A command whose help ends with examples, which are lines to copy, and tables of terms."""

    def __init__(
        self, *names: Any, examples: Sequence[str], tables: Sequence[tuple[str, Rows]] = (), **attributes: Any
    ) -> None:
        attributes["context_settings"] = {**_HELP, **(attributes.get("context_settings") or {})}
        super().__init__(*names, **attributes)
        self.examples = examples
        self.tables = tables

    def get_help_option_names(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """``-h``, too, whatever stands above the command: click keeps the names from the first time it asks."""
        return ["-h", "--help"]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options; what is wrong with one that nobody typed names the place that it is from."""
        try:
            return super().parse_args(ctx, args)
        except click.BadParameter as error:
            param = error.param
            source = ctx.get_parameter_source(str(param.name)) if param is not None else None
            if param is not None and source is ParameterSource.ENVIRONMENT:
                raise UsageError(f"{variable(ctx, param)}: {error.message}") from error
            if source is ParameterSource.DEFAULT_MAP and param is not None and isinstance(ctx.default_map, Defaults):
                raise UsageError(f"{ctx.default_map.places[str(param.name)]}: {error.message}") from error
            raise

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, group by group; what every command has comes last."""
        groups: dict[str, Rows] = {}
        common: Rows = []
        for param in self.get_params(ctx):
            # Arguments stand in the usage line; the text says what they are.
            if isinstance(param, click.Option) and (record := param.get_help_record(ctx)):
                rows = groups.setdefault(param.group, []) if isinstance(param, Option) else common
                rows.append(record)
        _write(formatter, {**groups, "Other options" if groups else "Options": common})

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's
        """Write the examples, which are never wrapped, and the tables."""
        with formatter.section("Examples"):
            for example in self.examples:
                formatter.write(f"{'':{formatter.current_indent}}{example}\n")
        for title, rows in self.tables:
            _write(formatter, {title: rows})


class Group(Command, click.Group):
    """A group that lists its commands in the order of their definition.

    One with ``sections`` says in each, by the names of its commands, where they are: ``module:attribute``. A command is
    imported once it is asked for, as one needs what another does not.
    """

    command_class = Command

    def __init__(self, *names: Any, sections: Mapping[str, Mapping[str, str]] | None = None, **attributes: Any) -> None:
        self.sections = sections or {}
        self._places = {name: place for section in self.sections.values() for name, place in section.items()}
        super().__init__(*names, **attributes)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """The names of the commands, in the order of their definition."""
        return list(self._places or self.commands)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a name; ``None`` if there is none."""
        if cmd_name in self._places and cmd_name not in self.commands:
            module, _, attribute = self._places[cmd_name].partition(":")
            self.add_command(getattr(import_module(module), attribute), cmd_name)
        return super().get_command(ctx, cmd_name)

    def all_commands(self, ctx: click.Context) -> dict[str, click.Command]:
        """All commands by their names, in the order of their definition."""
        found = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        return {name: command for name, command in found.items() if command is not None}

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, and then the options."""
        self.format_commands(ctx, formatter)
        super().format_options(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, section by section."""
        commands = self.all_commands(ctx)
        sections: Mapping[str, Iterable[str]] = self.sections or {"Commands": commands}
        _write(
            formatter,
            {
                title: [(name, commands[name].get_short_help_str(SUMMARY)) for name in names]
                for title, names in sections.items()
            },
        )


def _write(formatter: click.HelpFormatter, sections: Mapping[str, Rows]) -> None:
    """Write sections whose second columns are in line with each other."""
    longest = max(len(term) for rows in sections.values() for term, _ in rows)
    for title, rows in sections.items():
        with formatter.section(title):
            formatter.write_dl([(f"{term:{min(longest, _FIRST_COLUMN)}}", text) for term, text in rows], _FIRST_COLUMN)
