"""Which lines of a Dockerfile decide what is started."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.dockerfile import Instruction, starting, telling

STAGES = """\
# A comment: CMD not this one
ARG BASE
FROM ${BASE} AS base
ENTRYPOINT ["tini", "--"]
CMD ["node", "base.js"]

FROM base AS dev
CMD ["node", \\
  "dev.js"]

FROM --platform=linux/amd64 base as production

FROM ${BASE} AS other
CMD node other.js
"""


def told(target: str | None = None) -> list[tuple[int, str]]:
    return [(instruction.line, instruction.text) for instruction in starting(STAGES, target)]


def test_the_last_stage_is_the_one_that_is_built() -> None:
    assert told() == [(14, "CMD node other.js")]


def test_a_stage_starts_what_the_one_below_it_starts_until_it_says_otherwise() -> None:
    assert told("production") == [(4, 'ENTRYPOINT ["tini", "--"]'), (5, 'CMD ["node", "base.js"]')]
    assert [line for line, _ in told("dev")] == [4, 8]


def test_names_of_stages_are_the_same_in_any_case() -> None:
    assert told("DEV") == told("dev")


def test_the_last_instruction_of_a_kind_holds() -> None:
    assert starting("FROM x\nCMD a\nCMD b\n") == (Instruction(line=3, text="CMD b"),)


def test_an_entrypoint_takes_away_the_cmd_of_the_stage_below() -> None:
    text = "FROM x AS a\nCMD a\nFROM a\nENTRYPOINT b\n"
    assert [part.text for part in starting(text)] == ["ENTRYPOINT b"]


def test_a_cmd_of_the_same_stage_stays_wherever_it_is() -> None:
    assert [part.text for part in starting("FROM x\nCMD a\nENTRYPOINT b\n")] == ["CMD a", "ENTRYPOINT b"]


@pytest.mark.parametrize("text", ["", "FROM x\n", "FROM x\nRUN CMD\n"])
def test_a_file_that_starts_nothing(text: str) -> None:
    assert starting(text) == ()


def test_a_stage_that_is_not_there() -> None:
    assert starting(STAGES, "nope") == ()


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    starting(text)


TOLD = {
    None: "FROM node:24\n…\nCMD node other.js",
    "production": 'FROM node:24\n…\nENTRYPOINT ["tini", "--"]\nCMD ["node", "base.js"]',
    "dev": 'FROM node:24\n…\nENTRYPOINT ["tini", "--"]\nCMD ["node", \\\n  "dev.js"]',
    "nope": "FROM node:24\n…",
}


@pytest.mark.parametrize(("target", "text"), TOLD.items())
def test_what_matters_of_a_file_is_its_base_and_what_it_starts(target: str | None, text: str) -> None:
    assert telling(STAGES, "node:24", target) == text


def test_the_base_that_is_shown_is_the_one_that_is_asked_for() -> None:
    assert telling("FROM scratch\nRUN x\nCMD a\n", "local:b") == "FROM local:b\n…\nCMD a"


def test_a_file_that_starts_nothing_has_its_base_alone() -> None:
    assert telling("", "b") == "FROM b\n…"


@given(st.text(), st.text())
def test_what_matters_of_any_text_is_told_without_an_error(text: str, base: str) -> None:
    assert telling(text, base).startswith(f"FROM {base}\n…")
