"""``lint``: what is certain of Dockerfiles without running anything, for editors and hooks."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from harness.cli.config import config_options, found_config, policy_of
from harness.cli.help import OUTPUT, PATH, WHAT, Command
from harness.core.errors import ExitCode, UsageError
from harness.core.ignoring import comments
from harness.core.static import certain
from harness.core.subject import Folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.core.ignoring import Ignore
    from harness.core.policy import Policy
    from harness.core.static import Certain

_NAME: Final = "Dockerfile"
_CODES: Final = (
    "Exit codes",
    [("0", "nothing is certainly wrong"), ("1", "something is"), ("2", "usage error, or invalid input")],
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Told:
    """A finding in a file, and why it is left be, if it is."""

    path: str
    finding: Certain
    ignored: str | None


@click.command(
    cls=Command,
    examples=["signal-harness lint", "signal-harness lint Dockerfile.production --target web --github"],
    tables=[_CODES],
)
@click.argument("dockerfiles", nargs=-1, metavar="[DOCKERFILE…]", type=PATH)
@WHAT.option("--target", metavar="STAGE", help="The stage that is built. [default: the last]")
@WHAT.option("--context", type=PATH, metavar="DIR", help="The folder that it is built in. [default: the file's own]")
@OUTPUT.option("--github", is_flag=True, help="Print annotations for GitHub.")
@OUTPUT.option("--json", "as_json", is_flag=True, help="Print JSON.")
@config_options(defaults=False)
def lint(dockerfiles: tuple[Path, ...], target: str | None, context: Path | None, github: bool, as_json: bool) -> None:
    """Read off Dockerfiles what is certain.

    Needs no engine. The rules are those of check, though few of them can be told from the file alone; start scripts
    beside it are read, too. For a hook, or an editor: what really happens is for check to say.
    """
    from harness.report.github import annotation
    from harness.report.json import indented

    policy = policy_of(found_config(click.get_current_context()))
    told = [one for path in dockerfiles or (Path(_NAME),) for one in _found(path, target, context, policy)]
    counted = [one for one in told if one.ignored is None]
    if as_json:
        click.echo(indented([_data(one) for one in told]), nl=False)
    elif github:
        for one in counted:
            at, rule = one.finding.instruction, one.finding.rule
            place = {"file": one.path, "line": at.line, "endLine": at.last, "title": f"{rule} {rule.about.title}"}
            click.echo(annotation("error", place, f"{one.finding.why} — {rule.about.fix[0]} — {rule.page}"))
    else:
        _print(told, files=len(dockerfiles) or 1)
    sys.exit(ExitCode.DIFFERS if counted else ExitCode.OK)


def _found(path: Path, target: str | None, context: Path | None, policy: Policy) -> list[_Told]:
    """The findings in one file, with what is left be by a comment in it, or by the config."""
    from harness.engine.folders import context_files
    from harness.files import read_file, shown

    path = path / _NAME if path.is_dir() else path
    text, name = read_file(path).decode(errors="replace"), shown(path)
    root = (context or path.parent).resolve()
    folder = Folder(path=str(root), dockerfile=os.path.relpath(path.resolve(), root))
    try:
        found = certain(
            text,
            target=target,
            files=context_files(folder),
            read=lambda file: read_file(root / file).decode(errors="replace"),
        )
    except UsageError as fault:
        raise UsageError(f"{name}: {fault.message}", remedy=fault.remedy) from None
    ignores = [*comments(text, place=name, subject=name), *policy.ignores]
    return [_Told(path=name, finding=one, ignored=_why_ignored(one, name, ignores, policy)) for one in found]


def _why_ignored(one: Certain, name: str, ignores: Sequence[Ignore], policy: Policy) -> str | None:
    covering = (ignore for ignore in ignores if ignore.covers(one.rule, [name]) and not ignore.expired(policy.today))
    return next((f"{ignore.reason} ({ignore.place})" for ignore in covering), None)


def _data(one: _Told) -> dict[str, object]:
    at = one.finding.instruction
    return {
        "path": one.path,
        "line": at.line,
        "last": at.last,
        "rule": one.finding.rule.value,
        "why": one.finding.why,
        "ignored": one.ignored,
        "page": one.finding.rule.page,
    }


def _print(told: Sequence[_Told], *, files: int) -> None:
    from rich.text import Text

    from harness.report.style import counted, printable
    from harness.report.table import console

    people = console()
    for one in told:
        head = Text.assemble((f"{printable(one.path)}:{one.finding.instruction.line}: ", "bold"), one.finding.rule)
        people.print(head.append(f" {printable(one.finding.why)}"), soft_wrap=True)
        if one.ignored is not None:
            people.print(f"  Ignored: {printable(one.ignored)}", style="dim", markup=False, soft_wrap=True)
    open_ = [one for one in told if one.ignored is None]
    if open_:
        people.print(
            f"\n{counted(len(open_), 'finding')}. What each means: signal-harness rule {open_[0].finding.rule}"
        )
    else:
        people.print(f"{counted(files, 'file')}: nothing is certainly wrong. What really happens: signal-harness check")
