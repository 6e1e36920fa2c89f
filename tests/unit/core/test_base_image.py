"""Which FROMs of a Dockerfile are put on the base that is asked for, and what is left as it is."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.base_image import Template, template
from harness.core.dockerfile import parse
from harness.core.errors import ExitCode, UsageError
from harness.core.references import same_image

if TYPE_CHECKING:
    from harness.core.dockerfile import Instruction

PIN: Final = "signal-harness/from:0123456789abcdef"


def put(text: str, target: str | None = None) -> Template:
    return template(text, place="a.Dockerfile", target=target)


def exchanged(text: str, target: str | None = None) -> list[tuple[int, str]]:
    return [(one.instruction.line, one.image) for one in put(text, target).exchanges]


ONE_FROM: Final = {
    "FROM node:24-alpine": ("node:24-alpine", f"FROM {PIN}"),
    "FROM node": ("node", f"FROM {PIN}"),
    "from node:24 as App": ("node:24", f"FROM {PIN} as App"),
    "FROM --platform=linux/amd64 node:24 AS app": ("node:24", f"FROM {PIN} AS app"),
    "FROM --platform=$BUILDPLATFORM node:24": ("node:24", f"FROM {PIN}"),
    "FROM r.example:5000/team/node:24@sha256:0f": ("r.example:5000/team/node:24@sha256:0f", f"FROM {PIN}"),
    "FROM 'node:24'": ("node:24", f"FROM {PIN}"),
    "FROM ${IMAGE:-node:24}": ("node:24", f"FROM {PIN}"),
    "  FROM\tnode:24   AS\tapp": ("node:24", f"FROM {PIN} AS\tapp"),
    "FROM \\\n# why\n  node:24 \\\n  AS app": ("node:24", f"FROM {PIN} AS app\n\n\n"),
    "FROM node:24\r\nCMD a\r": ("node:24", f"FROM {PIN}\nCMD a\r"),
    # What the build refuses, it still does.
    "FROM node:24 app": ("node:24", f"FROM {PIN} app"),
    "FROM --unknown=1 node:24": ("node:24", f"FROM --unknown=1 {PIN}"),
}


@pytest.mark.parametrize(("text", "image", "line"), [(text, *known) for text, known in ONE_FROM.items()])
def test_the_image_of_a_from_is_exchanged(text: str, image: str, line: str) -> None:
    made = put(text)
    assert [one.image for one in made.exchanges] == [image]
    assert made.on(PIN) == line
    assert not made.arguments(PIN)


WITH_ARGUMENTS: Final = {
    "ARG V=24\nFROM node:${V}-alpine": (2, "node:24-alpine"),
    "ARG IMAGE=node:24\nFROM $IMAGE": (2, "node:24"),
    "ARG NAME=node TAG=24\nFROM ${NAME}:${TAG:-22}": (2, "node:24"),
    'ARG V="24"\nARG IMAGE=node:${V}\nFROM ${IMAGE} AS app': (3, "node:24"),
    "ARG OTHER\nFROM node:24": (2, "node:24"),
    # A BASE that is no whole image is the file's own affair.
    "ARG BASE=24\nFROM node:${BASE}-alpine": (2, "node:24-alpine"),
    "ARG BASE=24\nFROM python:3 AS unused\nFROM node:$BASE": (3, "node:24"),
    "# escape=`\nARG V=24\nFROM `\n  node:${V}": (3, "node:24"),
    "# syntax=docker/dockerfile:1\n\nFROM node:24": (3, "node:24"),
}


@pytest.mark.parametrize(("text", "one"), WITH_ARGUMENTS.items())
def test_an_image_has_the_defaults_of_arguments(text: str, one: tuple[int, str]) -> None:
    assert exchanged(text) == [one]
    assert put(text).arguments(PIN) == {}
    (stage,) = parse(put(text).on(PIN)).stages[-1:]
    assert stage.base == PIN


AS_ARGUMENT: Final = {
    "ARG BASE\nFROM ${BASE}": [],
    "ARG BASE=node:24\nFROM ${BASE} AS app": [],
    "ARG BASE\nFROM --platform=linux/amd64 $BASE": [],
    "ARG BASE\nFROM ${BASE:-node:24}": [],
    "ARG BASE\nARG IMAGE=${BASE}\nFROM $IMAGE": [],
    "ARG BASE\nFROM golang:1 AS build\nFROM ${BASE}\nCOPY --from=build /a /a": [],
    # The default says which image it is, and another stage names that one.
    "ARG BASE=node:24\nFROM node:24 AS build\nFROM ${BASE}\nCOPY --from=build /a /a": [(2, "node:24")],
    # The build wants a name for each image, if it needs the stage or not.
    "ARG BASE\nFROM ${BASE} AS unused\nFROM node:24": [(3, "node:24")],
    # What runs is the last one.
    "ARG BASE\nFROM ${BASE} AS build\nFROM node:24\nCOPY --from=build /a /a": [(3, "node:24")],
}


@pytest.mark.parametrize(("text", "exchanges"), AS_ARGUMENT.items())
def test_a_base_may_be_taken_as_an_argument(text: str, exchanges: list[tuple[int, str]]) -> None:
    made = put(text)
    assert exchanged(text) == exchanges
    assert made.arguments(PIN) == {"BASE": PIN}
    assert (made.on(PIN) == text) is (not exchanges)


STAGES: Final = """\
FROM node:24 AS deps
RUN npm ci
FROM docker.io/library/node:24 AS unused
FROM golang:1 AS tool
FROM node:24-slim AS other
FROM deps AS build
COPY --from=tool /t /t
FROM node:24@sha256:0f
COPY --from=build /app /app
RUN --mount=type=bind,from=other,target=/o --mount=type=cache,target=/c ls
"""


def test_every_stage_that_is_needed_and_has_the_image_that_runs_is_exchanged() -> None:
    assert exchanged(STAGES) == [(1, "node:24"), (8, "node:24@sha256:0f")]
    assert put(STAGES).on(PIN).splitlines()[2:7] == STAGES.splitlines()[2:7]


def test_what_runs_is_what_the_target_is_built_on() -> None:
    assert exchanged(STAGES, "build") == [(1, "node:24")]
    assert exchanged(STAGES, "TOOL") == [(4, "golang:1")]
    assert exchanged(STAGES, "other") == [(5, "node:24-slim")]
    assert exchanged(STAGES, "unused") == [(3, "docker.io/library/node:24")]


SEVERAL: Final = {
    "a chain": ("FROM a:1 AS one\nFROM one AS two\nFROM two", [(1, "a:1")]),
    "a stage by its number": ("FROM a:1\nFROM b:1\nFROM a:1\nCOPY --from=0 /a /a", [(1, "a:1"), (3, "a:1")]),
    "a number that is no stage": ("FROM a:1\nFROM b:1\nCOPY --from=7 /a /a", [(2, "b:1")]),
    "a name that is another image": ("FROM a:1\nFROM b:1\nCOPY --from=a:1 /a /a", [(2, "b:1")]),
    "a stage that a stage that is read reads": (
        "FROM a:1 AS one\nFROM b:1 AS two\nCOPY --from=one / /\nFROM a:1\nCOPY --from=two / /",
        [(1, "a:1"), (4, "a:1")],
    ),
    "a stage that is mounted": (
        "FROM a:1 AS one\nFROM a:1\nRUN --mount=from=one,target=/a ls",
        [(1, "a:1"), (2, "a:1")],
    ),
    "a stage that ONBUILD reads": (
        "FROM a:1 AS src\nFROM a:1 AS kit\nONBUILD COPY --from=src / /\nFROM kit",
        [(1, "a:1"), (2, "a:1")],
    ),
    "a stage of a name that is there twice": (
        "FROM a:1 AS x\nFROM b:1 AS x\nFROM a:1\nCOPY --from=x / /",
        [(3, "a:1")],
    ),
    "a stage after is not read": ("FROM a:1\nCOPY --from=one / /\nFROM a:1 AS one", [(3, "a:1")]),
    "latest by name or not": (
        "FROM node AS one\nFROM node:latest\nCOPY --from=one / /",
        [(1, "node"), (2, "node:latest")],
    ),
    "a stage called as an image": ("FROM a:1 AS node\nFROM node", [(1, "a:1")]),
    "scratch is for building": ("FROM scratch AS one\nFROM a:1\nCOPY --from=one / /", [(2, "a:1")]),
    "what only the build knows is for building": ("ARG X\nFROM $X AS one\nFROM a:1\nCOPY --from=one / /", [(3, "a:1")]),
    "a FROM in a heredoc is none": ("FROM a:1\nRUN <<EOT\nFROM b:1\nEOT", [(1, "a:1")]),
}


@pytest.mark.parametrize(("text", "exchanges"), SEVERAL.values(), ids=SEVERAL)
def test_several_stages(text: str, exchanges: list[tuple[int, str]]) -> None:
    assert exchanged(text) == exchanges


REFUSED: Final = {
    "FROM scratch": "a.Dockerfile:1: FROM scratch: an empty image",
    "FROM a:1 AS build\nFROM scratch\nCOPY --from=build /a /a": "a.Dockerfile:2: FROM scratch: an empty image",
    "FROM scratch AS one\nFROM one": "a.Dockerfile:1: FROM scratch: an empty image",
    "ARG IMAGE\nFROM ${IMAGE}": "a.Dockerfile:2: FROM ${IMAGE}: which image that is",
    "ARG V\nFROM node:${V}": "a.Dockerfile:2: FROM node:${V}: which image that is",
    "FROM $BASE": "a.Dockerfile:1: FROM $BASE: which image that is",
    "FROM a:1\nARG BASE\nFROM ${BASE}": "a.Dockerfile:3: FROM ${BASE}: which image that is",
    "ARG BASE\nFROM ${BASE}-slim": "a.Dockerfile:2: FROM ${BASE}-slim: which image that is",
    "ARG BASE\nFROM $BASE AS one\nFROM $BASE-x\nCOPY --from=one / /": "a.Dockerfile:3: FROM ${BASE}-x: which image",
    "ARG IMAGE=\nFROM ${IMAGE}": "a.Dockerfile:2: FROM: which image that is",
    "FROM": "a.Dockerfile:1: FROM: which image that is",
    "": "a.Dockerfile has no FROM",
    "CMD node server.js": "a.Dockerfile has no FROM",
}


@pytest.mark.parametrize(("text", "message"), REFUSED.items())
def test_a_file_whose_base_cannot_be_exchanged_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError) as refusal:
        put(text)
    assert refusal.value.message.startswith(message)
    assert refusal.value.exit_code is ExitCode.USAGE
    assert refusal.value.remedy.endswith("`ARG BASE` above the first FROM, and `FROM ${BASE}`.")


@pytest.mark.parametrize(
    ("text", "remedy"), [("FROM a:1 AS one", "Stages with a name: one."), ("FROM a:1", "Stages with a name: none.")]
)
def test_a_stage_that_is_not_there_is_refused(text: str, remedy: str) -> None:
    with pytest.raises(UsageError) as refusal:
        put(text, "two")
    assert (refusal.value.message, refusal.value.remedy) == ("a.Dockerfile has no stage 'two'", remedy)


def test_a_byte_order_mark_is_dropped_as_the_build_drops_it() -> None:
    assert put("\ufeffFROM a:1\nCMD b").on(PIN) == f"FROM {PIN}\nCMD b"


SAME: Final = [
    ("node", "node:latest", True),
    ("docker.io/library/node:24", "node:24", True),
    ("library/node:24", "docker.io/node:24", True),
    ("node:24@sha256:a", "node:24", True),
    ("node:24@sha256:a", "node:22@sha256:a", True),
    ("node:24@sha256:a", "node:24@sha256:b", False),
    ("node@sha256:a", "node:24", False),
    ("node:24", "node:22", False),
    ("node:24", "r.example/node:24", False),
    ("r.example:5000/node", "r.example:5000/node:latest", True),
]


@pytest.mark.parametrize(("one", "other", "same"), SAME)
def test_two_references_may_name_one_image(one: str, other: str, same: bool) -> None:
    assert same_image(one, other) is same_image(other, one) is same


# ------------------------------------------------------------------------------------------------ any file

IMAGES: Final = [
    "node:24",
    "docker.io/library/node:24",
    "node:${V}",
    "golang:1",
    "${BASE}",
    "one",
    "two",
    "scratch",
    "$X",
]
INSTRUCTIONS: Final = [
    "CMD node server.js",
    'ENTRYPOINT ["tini", "--"]',
    "RUN <<EOT\nFROM golang:1\nEOT",
    "COPY --from=one / /",
    "COPY --from=0 / /",
    "RUN --mount=type=bind,from=two,target=/x a \\\n  # c\n  && b",
    "# FROM node:24",
    "",
    "ONBUILD RUN <<A\nFROM x\nA",
]


@st.composite
def froms(draw: st.DrawFn) -> str:
    words = ["FROM"]
    if draw(st.booleans()):
        words.append("--platform=linux/amd64")
    words.append(draw(st.sampled_from(IMAGES)))
    if draw(st.booleans()):
        words += [draw(st.sampled_from(["AS", "as"])), draw(st.sampled_from(["one", "two", "Three"]))]
    return draw(st.sampled_from([" ", "\t", " \\\n  ", " \\\n# c\n\n "])).join(words)


@st.composite
def files(draw: st.DrawFn) -> str:
    heads = draw(
        st.sampled_from(["", "ARG BASE\n", "ARG BASE=node:24\n", "ARG V=24\n", "# c\n\nARG V=24 BASE\n", "\ufeff"])
    )
    stages = draw(
        st.lists(st.tuples(froms(), st.lists(st.sampled_from(INSTRUCTIONS), max_size=3)), min_size=1, max_size=4)
    )
    lines = [line for start, rest in stages for line in (start, *rest)]
    return heads + draw(st.sampled_from(["\n", "\r\n"])).join(lines) + draw(st.sampled_from(["", "\n"]))


def but_for(instruction: Instruction, lines: set[int]) -> Instruction | int:
    return instruction.line if instruction.line in lines else replace(instruction, text=instruction.text.rstrip())


@given(files(), st.sampled_from([None, "one", "three"]))
def test_what_is_read_of_the_new_text_differs_in_the_exchanged_froms_alone(text: str, target: str | None) -> None:
    try:
        made = put(text, target)
    except UsageError:
        return
    before, after = parse(text), parse(made.on(PIN))
    lines = {one.instruction.line for one in made.exchanges}
    assert [but_for(one, lines) for one in after.instructions] == [but_for(one, lines) for one in before.instructions]
    for one in after.instructions:
        if one.line in lines:
            assert one.keyword == "FROM"
            assert one.value.split()[0] == PIN
            assert not one.flags
    assert [stage.name for stage in after.stages] == [stage.name for stage in before.stages]


@given(files(), st.sampled_from([None, "one", "three"]))
def test_what_runs_is_on_the_base_whatever_the_file(text: str, target: str | None) -> None:
    try:
        made = put(text, target)
    except UsageError:
        return
    stage = parse(made.on(PIN), made.arguments(PIN)).stage(target)
    assert stage is not None
    while stage.below:
        stage = stage.below
    assert stage.base == PIN


@given(st.text(), st.text())
def test_any_text_is_read_or_refused(text: str, target: str) -> None:
    with suppress(UsageError):
        put(f"FROM {text}", target).on(PIN)
