"""``.dockerignore``, as docker reads it; tests/engine/test_contexts.py compares it with docker's own command."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.dockerignore import Ignoring
from harness.core.errors import UsageError


@pytest.mark.parametrize(
    ("text", "out", "kept"),
    [
        ("", (), ("a",)),
        ("\ufeffsecret", ("secret", "secret/a"), ("a/secret", "secrets")),
        ("# a\n #b\n\n", ("#b",), ("a", "# a")),
        ("/a/\r\n b ", ("a", "a/b", "b"), ("c/a", "c/b")),
        ("*.log", ("a.log", ".log"), ("a/b.log", "a.logs")),
        ("**/*.log", ("a.log", "a/b/c.log"), ("a.logs",)),
        ("**.log", ("a.log", "a/b.log"), ("a.log.b",)),
        ("a/**", ("a/b", "a/b/c"), ("a", "ab")),
        ("a/**/b", ("a/b", "a/x/b", "a/x/y/b"), ("a/xb", "a")),
        ("**", ("a", "a/b"), ()),
        ("*\n!a\n!b/c", ("c", "b", "b/d"), ("a", "a/x", "b/c")),
        ("*\n!*.md\nREADME*", ("README.md", "a"), ("b.md",)),
        ("!a\na", ("a",), ("b",)),
        ("a?c", ("abc",), ("ac", "a/c")),
        ("[ab]c", ("ac", "bc"), ("cc", "[ab]c")),
        ("[^ab]c", ("cc",), ("ac",)),
        ("a.c", ("a.c",), ("abc",)),
        ("[a.]c*", (".c", "ac1"), ("bc",)),
        (r"\*", ("*",), ("a",)),
        (r"\[a]", ("[a]",), ("a",)),
        ("a/../b", ("b",), ("a",)),
        ("..", (), ("a",)),
        (".", (), ("a",)),
        ("!../../a", ("a",), ("b",)),
        ("*[[]*", ("a[b",), ("ab",)),
    ],
)
def test_a_path_is_left_out_or_kept(text: str, out: tuple[str, ...], kept: tuple[str, ...]) -> None:
    ignoring = Ignoring(text)
    assert [path for path in (*out, *kept) if ignoring.leaves_out(path)] == list(out)


@pytest.mark.parametrize(
    "line", ["!", "! ", "!/", "[", "a[", "[]", "[]a]", "[a-]", "[-a]", "a\\", "[^]", r"\pL", "[[:a:]]"]
)
def test_what_docker_cannot_read_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(UsageError, match=r"^\.dockerignore:2: "):
        Ignoring(f"a\n{line}\n")


@given(text=st.text(alphabet="ab*?[]!^-\\/.# \n\r\t&|~(){}+$é"), path=st.text(alphabet="ab/.-é", min_size=1))
def test_any_text_is_read_or_refused(text: str, path: str) -> None:
    try:
        ignoring = Ignoring(text)
    except UsageError:
        return
    assert ignoring.leaves_out(path) in (True, False)


def test_many_stars_take_no_time() -> None:
    ignoring = Ignoring("a*" * 30 + "b\n" + "*a" * 30 + "b")
    began = time.process_time()
    assert not ignoring.leaves_out("a" * 255)
    assert ignoring.leaves_out("a" * 254 + "b")
    assert time.process_time() - began < 0.5
