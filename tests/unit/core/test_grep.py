"""Patterns for grep say what Python's say, or nothing."""

from __future__ import annotations

import re
import subprocess

import pytest

from harness.core.grep import as_grep


@pytest.mark.parametrize(
    ("pattern", "line", "other"),
    [
        (r"Listening on port \d+ pid=(?P<pid>\d+)", "Listening on port 3000 pid=7", "Listening on port x"),
        (r"^ready$", "ready", "not ready"),
        (r"(?:up|ready)\s+[\d.]+s", "up 1.5s", "up s"),
        (r"[\w-]+\.js \[ok\]", "a-b.js [ok]", "a-bxjs [ok]"),
        (r"it's \S{2,3}!", "it's up!", "it's u!"),
        (r'"msg":"(?P<m>[^"]+)"', '{"msg":"up"}', '{"msg":""}'),
    ],
)
def test_grep_finds_the_same_lines(pattern: str, line: str, other: str) -> None:
    words = as_grep(re.compile(pattern))
    assert words is not None
    for text in (line, other):
        done = subprocess.run(["grep", "-Eq", words], input=f"{text}\n", text=True, check=False)
        assert (done.returncode == 0) is (re.search(pattern, text) is not None)
    assert re.search(pattern, line)
    assert not re.search(pattern, other)


@pytest.mark.parametrize(
    "pattern", [r"a+?b", r"(?=up)", r"(?i:up)", r"\bup\b", r"(?P<q>.)\1", r"\x41", r"[\n]", "a\tb"]
)
def test_what_grep_cannot_say_is_not_said(pattern: str) -> None:
    assert as_grep(re.compile(pattern)) is None
