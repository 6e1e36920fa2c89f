"""Findings that are left be, with a reason: by a config, or by a comment in a Dockerfile. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Final

from harness.core.errors import UsageError
from harness.core.rules import Rule, find_rule

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

_COMMENT: Final = re.compile(r"^\s*#\s*signal-harness\s+(?P<word>[\w-]+)\s*=\s*(?P<rules>\S*)\s*(?P<reason>.*)$")
_WORD: Final = "ignore"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ignore:
    """A rule that is left be for subjects that match a glob, and why.

    ``until`` is the last day on which it counts, ``place`` where it is said.
    """

    rule: Rule
    subject: str
    reason: str
    place: str
    until: dt.date | None = None

    def covers(self, rule: Rule | None, names: Iterable[str]) -> bool:
        """Whether it is about a finding of a subject, by any of the names that the subject has."""
        return rule is self.rule and any(fnmatchcase(name, self.subject) for name in names)

    def expired(self, today: dt.date) -> bool:
        """Whether it counts no more."""
        return self.until is not None and today > self.until


def comments(text: str, *, place: str, subject: str) -> tuple[Ignore, ...]:
    """The comments of a Dockerfile that leave rules be: ``# signal-harness ignore=SH003,SH005 reason``.

    Args:
        text: the Dockerfile.
        place: its name, for messages.
        subject: what is built of it.

    Raises:
        UsageError: a comment says something else than ``ignore``, names no rule or an unknown one, or gives no reason.
    """
    found: list[Ignore] = []
    # In a glob, "[" begins a set: a name that has one would not match itself.
    exactly = re.sub(r"([*?\[])", r"[\1]", subject)
    for number, line in enumerate(text.splitlines(), start=1):
        if (comment := _COMMENT.match(line)) is None:
            continue
        at = f"{place}:{number}"
        if comment["word"] != _WORD:
            raise UsageError(
                f"{at}: {comment['word']!r} is nothing that a comment can say", remedy=f"Did you mean {_WORD!r}?"
            )
        reason = comment["reason"].strip()
        for name in comment["rules"].split(","):
            try:
                rule = find_rule(name)
            except UsageError as error:
                raise UsageError(f"{at}: {error.message}", remedy=error.remedy) from error
            if not reason:
                raise UsageError(
                    f"{at}: a reason is missing", remedy=f"For instance: # signal-harness ignore={rule} why it is right"
                )
            found.append(Ignore(rule=rule, subject=exactly, reason=reason, place=at))
    return tuple(found)
