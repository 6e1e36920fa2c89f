"""docs/gallery.md: each case has its report, a command and what that prints; each folder is of a case."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.gallery import FOLDER, PAGE, STAND_INS, VARIABLE, alike
from tests.support.pasted import commands

TEXT = PAGE.read_text(encoding="utf-8")
_, *CASES = re.split(r"^## ", TEXT, flags=re.MULTILINE)
OUTPUT = "1 cut; new requests: accepting for 0.00 s after the signal, then\nreset; {} of 19 new ones\nwere lost\n\nrest"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.partition("\n")[0])
def test_a_case_has_its_report_a_command_and_an_output(case: str) -> None:
    assert re.search(r"\]\(https://github\.com/[\w-]+/[\w-]+/(issues|pull)/\d+\)", case)
    assert case.count("```sh\nsignal-harness ") == case.count("```text\n") > 0


def test_every_output_was_pasted() -> None:
    assert [command.line for command in commands(PAGE) if not command.pasted] == []


def test_every_folder_is_of_a_case() -> None:
    folders = {path.name for path in FOLDER.iterdir()}
    assert folders == set(STAND_INS)
    assert {name for name in folders if f"./docs/gallery/{name}" in TEXT} == folders


@pytest.mark.parametrize("name", STAND_INS)
def test_a_folder_is_built_on_what_its_argument_names(name: str) -> None:
    dockerfile = FOLDER.joinpath(name, "Dockerfile").read_text(encoding="utf-8")
    argument, _ = STAND_INS[name]
    assert re.search(rf"^ARG {argument}=(\S+)\nFROM \$\{{{argument}\}}$", dockerfile, re.MULTILINE)


def test_make_runs_them_all() -> None:
    makefile = Path(__file__).parents[2].joinpath("Makefile").read_text(encoding="utf-8")
    assert f"{VARIABLE}=all $(BIN)/python -m pytest tests/docs/test_gallery.py\n" in makefile


def test_outputs_are_alike_whatever_is_lost_of_new_requests_and_nothing_else() -> None:
    assert alike(OUTPUT.format(3)) == alike(OUTPUT.format(12))
    assert alike(OUTPUT.format(3)) != alike(OUTPUT.format(3).replace("1 cut", "1 answered"))
