"""``rule``: what each kind of finding means, and how to fix it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from harness.cli.help import OUTPUT, Command
from harness.core.rules import Rule, find_rule

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


def _complete(_ctx: click.Context, _param: click.Parameter, start: str) -> list[CompletionItem]:
    """Complete the id of a rule; its title stands beside it."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(rule.value, help=rule.about.title) for rule in Rule if rule.startswith(start.upper())]


@click.command(
    cls=Command,
    examples=["signal-harness rule", "signal-harness rule SH003", "signal-harness rule ctrl-c-twice --json"],
)
@click.argument("name", metavar="[RULE]", required=False, shell_complete=_complete)
@OUTPUT.option("--json", "as_json", is_flag=True, help="Print JSON.")
def rule(name: str | None, as_json: bool) -> None:
    """Explain a kind of finding: SH001 and others.

    Each bad verdict comes to one rule, whose id stays. Without a RULE, lists all.
    """
    from harness.report.json import indented
    from harness.report.rule_text import as_data, rule_story, rules_table
    from harness.report.table import console

    if name is None and as_json:
        click.echo(indented([as_data(each) for each in Rule]), nl=False)
    elif name is None:
        console().print(rules_table(Rule))
    elif as_json:
        click.echo(indented(as_data(find_rule(name))), nl=False)
    else:
        console().print(rule_story(find_rule(name)))
