"""Which lines of a Dockerfile decide what is started."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.dockerfile import Instruction, parse, starting, telling

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


def lines(target: str | None = None) -> list[tuple[int, str]]:
    return [(instruction.line, instruction.text) for instruction in starting(STAGES, target)]


def test_the_last_stage_is_the_one_that_is_built() -> None:
    assert lines() == [(14, "CMD node other.js")]


def test_a_stage_starts_what_the_one_below_it_starts_until_it_says_otherwise() -> None:
    assert lines("production") == [(4, 'ENTRYPOINT ["tini", "--"]'), (5, 'CMD ["node", "base.js"]')]
    assert [line for line, _ in lines("dev")] == [4, 8]


def test_names_of_stages_are_the_same_in_any_case() -> None:
    assert lines("DEV") == lines("dev")


def test_the_last_instruction_of_a_kind_holds() -> None:
    assert starting("FROM x\nCMD a\nCMD b\n") == (Instruction(line=3, text="CMD b"),)


def test_an_entrypoint_takes_away_the_cmd_of_the_stage_below() -> None:
    text = "FROM x AS a\nCMD a\nFROM a\nENTRYPOINT b\n"
    assert [part.text for part in starting(text)] == ["ENTRYPOINT b"]


def test_a_cmd_of_the_same_stage_stays_wherever_it_is() -> None:
    assert [part.text for part in starting("FROM x\nCMD a\nENTRYPOINT b\n")] == ["CMD a", "ENTRYPOINT b"]


SH = ("/bin/sh", "-c")
BASH = ("bash", "-c")

STARTED = {
    "the last of each": ('FROM x\nCMD a\nENTRYPOINT ["e"]\nCMD ["b"]\nENTRYPOINT f', [("b",), (*SH, "f")]),
    "what is in a heredoc is not an instruction": (
        'FROM x\nCMD a\nRUN <<EOT\nENTRYPOINT ["x"]\nCMD y\nEOT',
        [(*SH, "a")],
    ),
    "a health check is not a CMD": ("FROM x\nHEALTHCHECK CMD h", []),
    "an empty CMD is a CMD": ("FROM x\nCMD a\nCMD []", [()]),
    "an empty ENTRYPOINT takes away the CMD too": ("FROM x AS a\nCMD a\nFROM a\nENTRYPOINT []", [()]),
    "an ENTRYPOINT leaves the CMD of its stage": ("FROM x AS a\nCMD a\nFROM a\nCMD b\nENTRYPOINT []", [(*SH, "b"), ()]),
    "a CMD leaves the ENTRYPOINT below": ("FROM x AS a\nENTRYPOINT e\nFROM a\nCMD b", [(*SH, "e"), (*SH, "b")]),
    "two stages below": ("FROM x AS a\nCMD a\nFROM a AS b\nFROM b", [(*SH, "a")]),
    "a stage of the same name later": ("FROM x AS a\nCMD a\nFROM a AS a\nENTRYPOINT e\nFROM a", [(*SH, "e")]),
    "a stage after is not below": ("FROM a\nFROM x AS a\nCMD a\nFROM b", []),
    "a stage has no number": ("FROM x\nCMD a\nFROM 0", []),
    "FROM in any spelling": ("from x aS A\ncmd a\nfrom --platform=$BUILDPLATFORM \\\n # c\n a", [(*SH, "a")]),
    "almost JSON is for the shell": ("FROM x\nCMD ['node', 'a.js']", [(*SH, "['node', 'a.js']")]),
    "a SHELL from where it stands": ('FROM x\nENTRYPOINT e\nSHELL ["bash", "-c"]\nCMD a', [(*SH, "e"), (*BASH, "a")]),
    "a SHELL does not change exec form": ('FROM x\nSHELL ["bash", "-c"]\nCMD ["a"]', [("a",)]),
    "a SHELL is inherited": ('FROM x AS a\nSHELL ["bash", "-c"]\nFROM a\nCMD a', [(*BASH, "a")]),
    "a SHELL is of its stage": ('FROM x AS a\nSHELL ["bash", "-c"]\nFROM x\nCMD a', [(*SH, "a")]),
    "a SHELL does not change what is inherited": ('FROM x AS a\nCMD a\nFROM a\nSHELL ["bash", "-c"]', [(*SH, "a")]),
    "ONBUILD is for the stages above": ("FROM x AS a\nONBUILD CMD a", []),
    "ONBUILD comes first": (
        "FROM x AS a\nONBUILD CMD a\nONBUILD ENTRYPOINT e\nFROM a\nCMD b",
        [(*SH, "e"), (*SH, "b")],
    ),
    "ONBUILD sets a CMD": ("FROM x AS a\nonbuild cmd a\nFROM a\nENTRYPOINT e", [(*SH, "a"), (*SH, "e")]),
    "ONBUILD is done once": ("FROM x AS a\nONBUILD CMD a\nFROM a AS b\nCMD c\nFROM b", [(*SH, "c")]),
    "ONBUILD sets a SHELL": ('FROM x AS a\nONBUILD SHELL ["bash", "-c"]\nFROM a\nCMD a', [(*BASH, "a")]),
    "ONBUILD takes the SHELL above": (
        'FROM x AS a\nONBUILD CMD a\nSHELL ["bash", "-c"]\nFROM a\nSHELL ["zsh"]',
        [(*BASH, "a")],
    ),
    "a heredoc of ONBUILD": ("FROM x AS a\nONBUILD RUN <<A\nCMD no\nA\nFROM a", []),
}


@pytest.mark.parametrize(("text", "commands"), STARTED.values(), ids=STARTED)
def test_what_is_started(text: str, commands: list[tuple[str, ...]]) -> None:
    assert [instruction.command for instruction in starting(text)] == commands


BASES = {
    "FROM node:24": "node:24",
    "ARG V=24\nFROM node:${V}-slim": "node:24-slim",
    "ARG V=24\nFROM node:$V": "node:24",
    'ARG A="x y" B=\'$A\' V=2"4"\nFROM node:$V$B': "node:24$A",
    "ARG V=1\nARG V=24\nARG V\nFROM node:$V": "node:24",
    "ARG A=24\nARG V=$A\nFROM node:$V": "node:24",
    "FROM ${X:-y}": "y",
    "FROM ${X-y}": "y",
    "ARG X=\nFROM ${X:-y}": "y",
    "ARG X=\nFROM y${X-z}": "y",
    "ARG X=x\nFROM ${X:-y}": "x",
    "ARG X=x\nFROM y${X:+z}": "yz",
    "FROM y${X+z}": "y",
    "ARG X=x\nFROM ${Y:-${X}}": "x",
    "ARG X=x\nFROM ${Y:-${Z:-$X}}": "x",
    "ARG X=${Y:-x}\nFROM $X": "x",
    "FROM 'x'": "x",
    'FROM "x"': "x",
    "FROM x\\y": "xy",
    "# escape=`\nFROM x`y": "xy",
    "ARG V='${W}'\nFROM node:${V}": "node:${W}",
    # Only the build knows these.
    "ARG BASE\nFROM ${BASE}": "${BASE}",
    "FROM a$BASE/${B}": "a$BASE/${B}",
    # BuildKit makes it x; a name that is cut out of another is left alone here.
    "ARG X=x\nFROM ${X#y}": "${X#y}",
}


@pytest.mark.parametrize(("text", "base"), BASES.items())
def test_the_base_has_the_defaults_of_arguments(text: str, base: str) -> None:
    (stage,) = parse(text).stages
    assert stage.base == base


def test_an_argument_in_a_stage_is_not_for_from() -> None:
    assert [stage.base for stage in parse("FROM x\nARG V=1\nFROM y${V:-2}").stages] == ["x", "y2"]


def test_a_stage_is_below_by_the_default_of_an_argument() -> None:
    text = "ARG BELOW=a\nFROM x AS a\nCMD a\nFROM ${BELOW} AS b"
    assert [(stage.name, stage.base) for stage in parse(text).stages] == [("a", "x"), ("b", "a")]
    assert [part.text for part in starting(text)] == ["CMD a"]


def test_an_instruction_of_onbuild_is_where_it_was_left() -> None:
    text = "FROM x AS a\n\nonbuild \\\n  CMD a \\\n  b\nFROM a"
    (command,) = starting(text)
    assert (command.line, command.value) == (3, "a   b")


@pytest.mark.parametrize("text", ["", "FROM x\n", "FROM x\nRUN CMD\n"])
def test_a_file_that_starts_nothing(text: str) -> None:
    assert starting(text) == ()


def test_a_stage_that_is_not_there() -> None:
    assert starting(STAGES, "nope") == ()


@given(st.text())
def test_any_text_is_read_without_an_error(text: str) -> None:
    starting(text)


MATTERS = {
    None: "FROM node:24\n…\nCMD node other.js",
    "production": 'FROM node:24\n…\nENTRYPOINT ["tini", "--"]\nCMD ["node", "base.js"]',
    "dev": 'FROM node:24\n…\nENTRYPOINT ["tini", "--"]\nCMD ["node", \\\n  "dev.js"]',
    "nope": "FROM node:24\n…",
}


@pytest.mark.parametrize(("target", "text"), MATTERS.items())
def test_what_matters_of_a_file_is_its_base_and_what_it_starts(target: str | None, text: str) -> None:
    assert telling(STAGES, "node:24", target) == text


def test_the_base_that_is_shown_is_the_one_that_is_asked_for() -> None:
    assert telling("FROM scratch\nRUN x\nCMD a\n", "local:b") == "FROM local:b\n…\nCMD a"


def test_a_file_that_starts_nothing_has_its_base_alone() -> None:
    assert telling("", "b") == "FROM b\n…"


@given(st.text(), st.text())
def test_what_matters_of_any_text_is_told_without_an_error(text: str, base: str) -> None:
    assert telling(text, base).startswith(f"FROM {base}\n…")


def test_a_stage_may_go_by_its_number() -> None:
    file = parse(STAGES)
    assert file.stage("0") == file.stages[0]
    assert file.stage("3") == file.stages[3]
    assert file.stage("4") is None


def test_the_images_that_stages_are_built_on_and_copy_from() -> None:
    text = (
        "ARG TAG=1\nFROM base:$TAG AS Build\nFROM scratch\nCOPY --from=build /a /a\nCOPY --from=0 /a /a\n"
        "COPY --from=other:2 /b /b\nRUN --mount=type=bind,from=third,target=/x true\nFROM base:1\n"
    )
    assert parse(text).images == ("base:1", "scratch", "other:2", "third")
    assert parse(text, {"TAG": "9"}).images == ("base:9", "scratch", "base:1", "other:2", "third")
