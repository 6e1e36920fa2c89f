"""``audit``: what a stop would do to containers that run anyway."""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import datetime
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Final

import click

from harness.cli.help import HOW, OUTPUT, Command
from harness.cli.output import Output, write_all
from harness.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from typing import NoReturn

    from rich.console import Console

    from harness.auditing import Auditing
    from harness.core.audit import Audit

AGAIN_S: Final = 2.0
"""How long after one look the next one begins."""

EXIT_CODES: Final = (
    "Exit codes",
    [
        (str(ExitCode.OK.value), "none would be stopped badly, as far as can be told"),
        (str(ExitCode.DIFFERS.value), "one would be: forced or abrupt"),
        (str(ExitCode.USAGE.value), "usage error, or no such container"),
        (str(ExitCode.UNAVAILABLE.value), "no engine"),
        (str(ExitCode.INTERRUPTED.value), "interrupted, as --watch always is"),
    ],
)
WORDS: Final = (
    "What a stop would be",
    [
        ("forced", "the whole grace period is lost, then SIGKILL"),
        ("abrupt", "it ends before the app is done"),
        ("graceful", "the app has a handler, and time to end"),
        ("certain", "by a rule of the kernel"),
        ("likely", "by what is known of the programs, or as far as the app's handler does its work"),
        ("cannot tell", "only a stop would: see the command that measures it"),
    ],
)


@click.command(
    cls=Command,
    examples=[
        "signal-harness audit",
        "signal-harness audit web db",
        "signal-harness audit --json audit.json",
        "signal-harness audit --watch",
    ],
    tables=[WORDS, EXIT_CODES],
)
@click.argument("containers", nargs=-1, metavar="[CONTAINER]...")
@HOW.option("--watch", is_flag=True, help="Look again and again, until Ctrl-C; in a pipe, changes alone are printed.")
@OUTPUT.option("--json", "json_file", metavar="F", help="Write JSON; - is standard output.")
def audit(containers: tuple[str, ...], *, watch: bool, json_file: str | None) -> None:
    """Foretell what a stop would do.

    Looks at the containers that run now, all or those that are named, and touches none: nothing is sent to them and
    nothing is run in them. What is foretold follows from their processes, their signal masks and their settings.
    """
    from harness.auditing import Auditing
    from harness.engine.registry import open_engine

    if watch and json_file is not None:
        raise UsageError("--watch and --json do not go together", remedy="Leave out one of them.")
    output = Output(json_file)
    with closing(open_engine(note=partial(click.echo, err=True))) as engine:
        auditing = Auditing(engine, containers)
        if watch:
            _watch(auditing)
        _once(auditing.look(), output)


def _once(found: Audit, output: Output) -> NoReturn:
    from harness.report import table
    from harness.report.json import indented

    people = table.console(stderr=output.standard)
    _show(found, people)
    write_all([("JSON", output, lambda: indented(found))], tell=partial(people.print, soft_wrap=True, markup=False))
    sys.exit(ExitCode.DIFFERS if any(one.bad for one in found.containers) else ExitCode.OK)


def _show(found: Audit, people: Console) -> None:
    from rich.text import Text

    from harness.report import audit_table

    if found.containers:
        people.print(audit_table.render(found))
    if commands := audit_table.commands(found):
        people.print(Text(f"\n{audit_table.NEXT}", style="bold"))
        for command in commands:
            people.print(f"  {command}", markup=False, soft_wrap=True)
    people.print(f"{'' if not found.containers else chr(10)}{audit_table.summary(found)}", markup=False)


def _watch(auditing: Auditing) -> NoReturn:
    """Look until Ctrl-C: a terminal is drawn anew, a pipe gets a line for each change."""
    from harness.report import audit_table, table

    people, pause = table.console(), Event()
    before: Audit | None = None
    while True:
        found = auditing.look()
        if people.is_terminal:
            people.clear()
            _show(found, people)
        else:
            at = datetime.now().astimezone().isoformat(timespec="seconds")
            for line in audit_table.changes(before, found):
                click.echo(f"{at} {line}")
        before = found
        pause.wait(AGAIN_S)
