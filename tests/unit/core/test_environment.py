"""Variables as ``docker run`` reads them."""

from __future__ import annotations

import pytest

from harness.core.environment import variables, variables_of_file
from harness.core.errors import UsageError

OWN = {"HOME": "/home/me", "EMPTY": ""}


def test_a_value_may_have_anything_in_it() -> None:
    assert variables(["A=b=c d", "B="], own=OWN) == {"A": "b=c d", "B": ""}


def test_a_name_alone_stands_for_the_value_of_the_own_environment() -> None:
    assert variables(["HOME", "EMPTY", "NOT_SET"], own=OWN) == {"HOME": "/home/me", "EMPTY": ""}


def test_a_file_is_read_as_docker_reads_it() -> None:
    content = b'\xef\xbb\xbfA=1\r\n\n  # a comment\n\t B = two \nHOME\nNOT_SET\nC="quoted" # not a comment\n'.replace(
        b"B =", b"B="
    )
    assert variables_of_file(content, place="f", own=OWN) == {
        "A": "1",
        "B": " two ",
        "HOME": "/home/me",
        "C": '"quoted" # not a comment',
    }


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"A=1\n=b\n", "f:2: '=b' has no name"),
        (b"A B=1\n", "f:1: the name 'A B' has a blank in it"),
        (b"A=\xff\n", "f is not UTF-8"),
    ],
)
def test_what_docker_refuses_is_refused_with_its_line(content: bytes, told: str) -> None:
    with pytest.raises(UsageError, match=told) as refused:
        variables_of_file(content, place="f", own=OWN)
    assert refused.value.remedy.startswith("A line is NAME=VALUE, or NAME")
