"""What there is to say of the rules: all as a table, one for people, and one as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.console import Group
from rich.text import Text

from harness.core.handlers import by_language
from harness.core.signals import Signal
from harness.report.style import look, pairs, plain, section

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from harness.core.rules import Rule

_TERM: Final = Signal(15)


def rules_table(rules: Iterable[Rule]) -> RenderableType:
    """Rules, one a line."""
    return pairs((f"{rule}", Text(f"{rule.about.slug}: {rule.about.title}")) for rule in rules)


def rule_story(rule: Rule) -> RenderableType:
    """All that there is to say of a rule."""
    about = rule.about
    verdicts = Text(", ").join(look(verdict) for verdict in about.verdicts)
    found = Text.assemble("Verdicts: ", verdicts) if about.verdicts else Text("Found by: signal-harness lint")
    parts: list[RenderableType] = [
        Text.assemble((f"{rule} {about.slug}: ", "bold"), about.title),
        *section("What is seen", Text(about.seen), found),
        *section("Why it matters", Text(about.why)),
        *section("How to fix it", *(Text(line) for line in about.fix)),
    ]
    if about.in_app:
        handlers = ((label, plain("\n".join(code))) for label, code in by_language(_TERM).items())
        parts += section(f"A handler of {_TERM}, by language", pairs(handlers))
    return Group(*parts, Text(f"\nMore on it: {rule.page}", style="dim"))


def as_data(rule: Rule) -> dict[str, Any]:
    """A rule as data, for other programs."""
    about = rule.about
    return {
        "id": rule.value,
        "slug": about.slug,
        "title": about.title,
        "seen": about.seen,
        "why": about.why,
        "fix": list(about.fix),
        "verdicts": list(about.verdicts),
        "handlers": {label: list(code) for label, code in by_language(_TERM).items()} if about.in_app else {},
        "page": rule.page,
    }
