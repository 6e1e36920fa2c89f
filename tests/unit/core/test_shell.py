"""The text behind ``-c``: which commands it has, and when nothing is said of it."""

from __future__ import annotations

import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.shell import commands


@pytest.mark.parametrize(
    ("text", "argvs"),
    [
        ("node server.js", [("node", "server.js")]),
        ('"npm" "start"', [("npm", "start")]),
        ("node -e 'a \"b\" c'", [("node", "-e", 'a "b" c')]),
        ("/srv/my\\ app/run 'a b'", [("/srv/my app/run", "a b")]),
        ("migrate && node a.js || exit 1", [("migrate",), ("node", "a.js"), ("exit", "1")]),
        ("trap '' TERM; node a.js\necho end", [("trap", "", "TERM"), ("node", "a.js"), ("echo", "end")]),
        ("node a.js | tee /x", [("node", "a.js"), ("tee", "/x")]),
        ("A=1 B='2 3' node a.js >/x 2>&1 </dev/null", [("node", "a.js")]),
        ("exec node $ARGS", [("node", "$ARGS")]),
        ('cd "$(dirname x)" && ./run.sh', [("cd", "$(dirname x)"), ("./run.sh",)]),
        ("side & node a.js", [("side",), ("node", "a.js")]),
        ("node a.js;", [("node", "a.js")]),
    ],
)
def test_a_list_of_simple_commands(text: str, argvs: list[tuple[str, ...]]) -> None:
    assert [command.argv for command in commands(text)] == argvs


@pytest.mark.parametrize(
    "text",
    [
        "if true; then node a.js; fi",
        "while :; do node a.js; done",
        "(node a.js)",
        "{ node a.js; }",
        "run() { node a.js; }; run",
        "cat <<E\nnode a.js\nE",
        "node 'a.js",
        "node a.js # for now",
        "",
    ],
)
def test_nothing_is_said_of_more_than_that(text: str) -> None:
    assert commands(text) == ()


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("node server.js", True),
        ("node 'a $b' \"c d\"", True),
        ("node --a=b:c,d@e+f%", True),
        ("node $A", False),
        ('node "$A"', False),
        ("node *.js", False),
        ("node ~/a.js", False),
        ("A=1 node a.js", False),
        ("node a.js >/x", False),
        ("node a\\ b.js", False),
        ("node {a,b}.js", False),
    ],
)
def test_words_that_need_no_shell(text: str, plain: bool) -> None:
    (command,) = commands(text)
    assert command.plain is plain


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1))
def test_quoted_words_come_back(words: list[str]) -> None:
    found = commands(shlex.join(["run", *words]))
    assert [command.argv for command in found] in ([("run", *words)], [])


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    assert all(text[command.start : command.end] for command in commands(text))
