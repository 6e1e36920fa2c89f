"""Advice about code, taken at its word: programs without handlers, and the same with the lines that ``check`` prints.

By itself this runs those that need no compiler and no more packages; ``make programs`` runs all.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.followed import changes
from tests.support.language_programs import JAVA, QUICK, SLOW
from tests.support.programs import ALL_WANTED, SLOW_PATH

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.support.language_programs import Sample
    from tests.support.program import Program

pytestmark = [
    pytest.mark.engine,
    pytest.mark.cli,
    pytest.mark.skipif(os.geteuid() != 0, reason="that a runtime raises a signal again is in the kernel's record"),
]

Row = dict[str, Any]
SAMPLES: Final = (*QUICK, *(SLOW if ALL_WANTED else ()))
AT_WORK: Final = [one for one in (*SAMPLES, JAVA) if one.program.name in ("code-node", "code-go", "code-java")]
NO_TRY: Final = ("--no-try", "--stop-timeout", "2")
BUSY: Final = ("--no-try", "--stop-timeout", "8", "--request", SLOW_PATH, "--in-flight", "2")


def followed(samples: Sequence[Sample], rows: Callable[[Program], Row]) -> dict[str, Program]:
    """The programs with the code that they were advised, by their names."""
    programs = {}
    for sample in samples:
        row = rows(sample.program)
        assert row["verdict"] in ("forced", "abrupt"), row["reason"]
        (change,) = changes(row["advice"])
        assert (change.dockerfile, change.options, change.scripts) == ([], [], {}), row["advice"]
        programs[sample.program.name] = sample.followed(change.app)
    return programs


def test_code_that_is_advised_makes_a_stop_graceful(check_all: Callable[..., Callable[[Program], Row]]) -> None:
    before = check_all([sample.program for sample in SAMPLES], *NO_TRY)
    programs = followed(SAMPLES, before)
    after = check_all(list(programs.values()), *NO_TRY)
    ends = {name: after(program) for name, program in programs.items()}
    found = {name: (row["verdict"], row["exit_code"]) for name, row in ends.items()}
    # The script ends as what it has waited for, which has no handler.
    assert found == {name: ("graceful", 143 if name == "code-sh" else 0) for name in programs}, found


@pytest.mark.skipif(not ALL_WANTED, reason="Go and Java take long to download")
def test_it_answers_what_is_under_way_where_it_stops_a_server(
    check_all: Callable[..., Callable[[Program], Row]],
) -> None:
    """A Java VM handles SIGTERM by itself, and answers nothing then."""
    before = check_all([sample.program for sample in AT_WORK], *BUSY)
    programs = followed(AT_WORK, before)
    after = check_all(list(programs.values()), *BUSY)
    assert {name: after(program)["verdict"] for name, program in programs.items()} == dict.fromkeys(
        programs, "graceful"
    )
