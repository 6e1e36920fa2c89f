"""``rule``: what each kind of finding means, as text and as JSON."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from harness.cli.rule import rule
from harness.core.errors import UsageError
from harness.core.rules import Rule

ZOMBIES = """\
SH015 not-reaped: PID 1 does not wait for orphans: they stay as zombies

What is seen
  A process whose parent was gone ended, and is still in the process table: PID 1, its new parent,
  does not wait for it.
  Verdicts: ○ zombie

Why it matters
  Entries of the process table are never given back; in the end no process can be started.

How to fix it
  Put an init in front that waits for orphans: docker run --init, or tini as ENTRYPOINT.
  Let the app wait for the children of its children, where it starts any.

More on it: https://github.com/your-org/signal-harness/blob/main/docs/rules/SH015.md
"""


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """100 columns."""
    monkeypatch.setenv("COLUMNS", "100")


def asked(*words: str) -> Result:
    return CliRunner().invoke(rule, words, catch_exceptions=False)


@pytest.mark.parametrize("name", ["SH015", "sh015", "not-reaped"])
def test_a_rule_is_explained_whole(name: str) -> None:
    assert asked(name).output == ZOMBIES


def test_where_the_app_has_to_change_handlers_stand_by_language() -> None:
    text = asked("SH003").output
    assert "A handler of SIGTERM, by language" in text
    assert "signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))" in text


def test_without_a_rule_all_are_listed() -> None:
    lines = asked().output.splitlines()
    assert len(lines) == len(Rule)
    assert lines[14] == "SH015  not-reaped: PID 1 does not wait for orphans: they stay as zombies"


def test_json_has_all_that_the_table_has() -> None:
    one = json.loads(asked("SH015", "--json").output)
    assert one == {
        "id": "SH015",
        "slug": "not-reaped",
        "title": Rule.NOT_REAPED.about.title,
        "seen": Rule.NOT_REAPED.about.seen,
        "why": Rule.NOT_REAPED.about.why,
        "fix": list(Rule.NOT_REAPED.about.fix),
        "verdicts": ["zombie"],
        "handlers": {},
        "page": Rule.NOT_REAPED.page,
    }
    every = json.loads(asked("--json").output)
    assert [each["id"] for each in every] == [*Rule]
    assert every[14] == one
    assert "Python" in every[2]["handlers"]


def test_an_unknown_rule_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        asked("SH015x")
    assert (caught.value.message, caught.value.remedy) == ("'SH015x' is not a rule", "Did you mean SH015?")
    assert caught.value.exit_code == 2
