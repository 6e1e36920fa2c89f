"""Commands that were meant to be JSON, what is wrong with them, and what to write instead."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.almost_json import why_not_json
from tests.support.facts import start_command
from tests.support.reports import FORWARDED, SWALLOWED, result

if TYPE_CHECKING:
    from harness.core.facts import StartCommand

SH = ("/bin/sh", "-c")


def shell(text: str) -> StartCommand:
    """An image with a CMD in shell form."""
    return start_command(command=(*SH, text))


FLAWS = {
    "['node', 'server.js']": "single quotes",
    "[ 'node', 'server.js' ]": "single quotes",
    "\"node\", 'server.js']": "single quotes",
    '["node", "server.js",]': "a trailing comma",
    '["node", "server.js" , ]': "a trailing comma",
    "[“node”, “server.js”]": "smart quotes",
    "[\u2018node\u2019, \u2018server.js\u2019]": "smart quotes",
    "[„node“, „server.js“]": "smart quotes",
    '["node", "server.js"': "no closing bracket",
    '"node", "server.js"]': "no opening bracket",
    '{"node", "server.js"}': "no opening bracket",
    '["node" "server.js"]': "a missing comma",
    "[node, server.js]": "a word without quotes",
    '["node", server.js]': "a word without quotes",
}


@pytest.mark.parametrize(("text", "flaw"), FLAWS.items())
def test_what_is_wrong_is_named_with_what_to_write(text: str, flaw: str) -> None:
    assert why_not_json(shell(text)) == (
        f"`CMD {text}` is not valid JSON ({flaw}), so /bin/sh runs the text as a command; "
        'write `CMD ["node", "server.js"]`'
    )


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ('["node", "server.js"] # starts it', " (text after the closing bracket)"),
        ('["node", "server.js"] && true', " (text after the closing bracket)"),
        ('["node", "server.js"];', " (text after the closing bracket)"),
        ('["C:\\node", "a"]', ""),
        ("['node', '$FILE']", " (single quotes)"),
    ],
)
def test_what_cannot_be_put_right_by_rule_is_not(text: str, flaw: str) -> None:
    assert why_not_json(shell(text)) == f"`CMD {text}` is not valid JSON{flaw}, so /bin/sh runs the text as a command"


@pytest.mark.parametrize(
    "text",
    [
        "node server.js",
        "[ -f server.js ] && exec node server.js",
        "[[ -n $A ]] && node server.js",
        '"npm" "start"',
        "'/opt/my app/run' --all",
        'exec "$@"',
        "",
    ],
)
def test_what_was_meant_for_the_shell_is_left_alone(text: str) -> None:
    assert why_not_json(shell(text)) is None


@given(st.lists(st.text(), min_size=1))
def test_what_is_json_is_left_alone(words: list[str]) -> None:
    assert why_not_json(start_command(entrypoint=("tini", "--"), command=tuple(words))) is None or words[1:2] == ["-c"]


def test_an_entrypoint_is_named_as_such() -> None:
    start = start_command(entrypoint=(*SH, "['tini', '--']"), command=("node", "server.js"))
    assert why_not_json(start) == (
        "`ENTRYPOINT ['tini', '--']` is not valid JSON (single quotes), so /bin/sh runs the text as a command; "
        'write `ENTRYPOINT ["tini", "--"]`'
    )


@pytest.mark.parametrize("words", [("/bin/bash", "-o", "pipefail", "-c"), ("ash", "-lc"), ("sh", "-eu", "-c")])
def test_the_shell_may_be_another_one(words: tuple[str, ...]) -> None:
    why = why_not_json(start_command(command=(*words, "['node']")))
    assert why is not None
    assert f"so {words[0]} runs" in why


@pytest.mark.parametrize("words", [("env", "-c", "['node']"), ("sh", "-c"), ("['node']",), ("sh", "-x", "['node']")])
def test_what_no_shell_runs_is_left_alone(words: tuple[str, ...]) -> None:
    assert why_not_json(start_command(command=words)) is None


@given(st.lists(st.from_regex(r"[a-z./-]+( [a-z]+)?", fullmatch=True), min_size=1))
def test_what_to_write_has_the_same_words(words: list[str]) -> None:
    quoted = [f"'{word}'" for word in words]
    why = why_not_json(shell(f"[{', '.join(quoted)}]"))
    assert why is not None
    assert why.endswith(f"write `CMD {json.dumps(words)}`")


def test_it_is_what_to_change_where_a_signal_was_lost() -> None:
    (line,) = result("v", SWALLOWED, start=shell("['node', 'server.js']")).advice
    assert line.startswith("`CMD ['node', 'server.js']` is not valid JSON")
    assert line.endswith('write `CMD ["node", "server.js"]`.')
    assert "JSON" not in "\n".join(result("v", SWALLOWED, start=shell("node server.js")).advice)
    assert "JSON" not in "\n".join(result("v", FORWARDED, start=shell("['node', 'server.js']")).advice)
