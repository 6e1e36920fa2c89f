"""Patches as replacements of lines: who makes them in the old text gets the new one."""

from __future__ import annotations

from difflib import unified_diff
from re import findall

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.report.replacements import Replacement, replacements
from tests.support.reports import PATCH

TEXTS = st.lists(st.sampled_from(["FROM x", "- a/x", "-- a/x", "++ b/y", "@@ -1 +1 @@", "\\ No", "", "CMD y"])).map(
    "\n".join
)


def diff(old: str, new: str, path: str = "Dockerfile") -> str:
    """As `harness.core.patch` writes it."""
    lines = unified_diff(*(findall(r"[^\n]*\n|[^\n]+", text) for text in (old, new)), f"a/{path}", f"b/{path}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def made(old: str, changes: list[Replacement]) -> str:
    """The text in which replacements are made, by the places that SARIF gives them."""
    lines = old.split("\n")
    starts = [sum(len(line) + 1 for line in lines[:number]) for number in range(len(lines) + 1)]
    for one in reversed(changes):
        begin = starts[one.first - 1]
        if one.last is None:
            end = begin
        elif one.text is None:
            end = starts[one.last]
        else:
            end = starts[one.last - 1] + len(lines[one.last - 1].removesuffix("\r"))
        old = old[:begin] + (one.text or "") + old[end:]
    return old


def test_a_line_that_makes_way() -> None:
    assert replacements(PATCH) == {
        "Dockerfile": [Replacement(first=2, last=2, text='CMD ["node", "server.js"]')],
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("FROM x\nCMD y\n", "FROM x\nCMD z\n"),
        ("FROM x\nCMD y", "FROM x\nCMD z"),
        ("FROM x\nCMD y", "FROM x\nCMD z\n"),
        ("FROM x\r\nCMD y\r\n", "FROM x\r\nCMD z\r\n"),
        ("FROM x\r\nCMD y\r\n", "FROM x\r\nUSER a\r\nCMD y\r\n"),
        ("FROM x\r\n", "FROM x\r\nCMD z\r\n"),
        ("FROM x\n", "FROM x\nCMD z\n"),
        ("FROM x", "FROM x\nCMD z"),
        ("", "FROM x\n"),
        ("FROM x\nRUN \\\n  a\nCMD y\nUSER z\n", "FROM x\nCMD y\n"),
        ("\n".join("abcdefghijklmnop"), "\n".join("aBcdefghijklmnoP")),
    ],
)
def test_what_a_patch_does_is_done(old: str, new: str) -> None:
    assert made(old, replacements(diff(old, new)).get("Dockerfile", [])) == new


@given(old=TEXTS, new=TEXTS)
@example(old="-- a/x\n", new="++ b/y\n")
def test_whatever_stands_in_the_lines(old: str, new: str) -> None:
    old, new = f"{old}\n", f"{new}\n"
    assert made(old, replacements(diff(old, new)).get("Dockerfile", [])) == new


def test_several_files() -> None:
    patch = diff("a\n", "b\n") + diff("c\n", "c\nd\n", "bin/start.sh")
    assert replacements(patch) == {
        "Dockerfile": [Replacement(first=1, last=1, text="b")],
        "bin/start.sh": [Replacement(first=1, last=1, text="c\nd")],
    }
