"""Which file of a build context a file of the image is."""

from __future__ import annotations

import pytest

from harness.core.copied import origin
from harness.core.dockerfile import parse

FILES = ("Dockerfile", "docker/run.sh", "docker/other.sh", "run.sh", "src/server.js")


def found(script: str, *lines: str, files: tuple[str, ...] = FILES) -> str | None:
    stage = parse("\n".join(["FROM x", *lines])).stage()
    assert stage is not None
    return origin(script, stage, files)


@pytest.mark.parametrize(
    ("script", "lines"),
    [
        ("/run.sh", ["COPY run.sh /run.sh"]),
        ("/run.sh", ["COPY run.sh /"]),
        ("/run.sh", ["ADD --chmod=755 --chown=1:1 ./run.sh /run.sh"]),
        ("/run.sh", ['COPY ["run.sh", "/run.sh"]']),
        ("/app/run.sh", ["COPY . /app"]),
        ("/app/run.sh", ["WORKDIR /app", "COPY . ."]),
        ("/app/run.sh", ["WORKDIR /", "WORKDIR app", "COPY run.sh ./"]),
        ("./run.sh", ["WORKDIR /app", "COPY run.sh ."]),
        ("run.sh", ["WORKDIR /app", "COPY . /app"]),
        ("run.sh", ["COPY run.sh /usr/local/bin/"]),
        ("run.sh", ["COPY run.sh /usr/local/bin"]),
        ("/usr/local/bin/start", ["COPY run.sh /usr/local/bin/start"]),
        ("/run.sh", ["COPY docker/run.sh /run.sh", "COPY run.sh /run.sh"]),
        ("/usr/src/run.sh", ["COPY run.sh ."]),
        ("./run.sh", ["COPY run.sh ."]),
        ("/s/run.sh", ["COPY *.sh /s/"]),
    ],
)
def test_a_file_that_was_copied_is_found(script: str, lines: list[str]) -> None:
    assert found(script, *lines) == "run.sh"


def test_a_folder_is_copied_with_what_is_in_it() -> None:
    assert found("/run.sh", "COPY docker /") == "docker/run.sh"
    assert found("/x/docker/run.sh", "COPY . /x") == "docker/run.sh"
    assert found("/x/run.sh", "COPY d*r/ /x") == "docker/run.sh"


def test_a_stage_below_counts() -> None:
    stage = parse("FROM x AS a\nWORKDIR /a\nCOPY run.sh .\nFROM y AS b\nCOPY run.sh /b/\nFROM a\n").stage()
    assert stage is not None
    assert origin("/a/run.sh", stage, FILES) == "run.sh"
    assert origin("/b/run.sh", stage, FILES) is None


@pytest.mark.parametrize(
    ("script", "lines"),
    [
        ("/run.sh", []),
        ("/run.sh", ["COPY run.sh /other/"]),
        ("/run.sh", ["COPY --from=build run.sh /run.sh"]),
        ("/run.sh", ["COPY $FILE /run.sh"]),
        ("/run.sh", ["COPY <<EOF /run.sh", "text", "EOF"]),
        ("run.sh", ["COPY run.sh /opt/"]),
        ("/x/run.sh", ["COPY src /x"]),
        ("/run.sh", ["COPY"]),
        ("/run.sh", ["RUN cp run.sh /run.sh"]),
    ],
)
def test_what_cannot_be_known_is_not_guessed(script: str, lines: list[str]) -> None:
    assert found(script, *lines) is None
