"""The famous cases of docs/gallery.md happen again: each command ends and prints as is said.

By itself this runs those that are quick; ``make gallery`` (SIGNAL_HARNESS_GALLERY=all) runs all.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.support.gallery import alike, run_all, wanted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.pasted import Command, Ran

pytestmark = [
    pytest.mark.engine,
    pytest.mark.cli,
    pytest.mark.skipif(os.geteuid() != 0, reason="who told whom is in the kernel's record, which needs root"),
]


@pytest.fixture(scope="module")
def ran() -> Mapping[str, Ran]:
    return run_all(wanted())


@pytest.mark.parametrize("command", wanted(), ids=lambda command: command.line)
def test_a_case_happens_again(command: Command, ran: Mapping[str, Ran]) -> None:
    done = ran[command.line]
    assert done.exit_code == command.exit_code, done.output + done.errors
    assert command.pasted is not None
    assert alike(done.output) == alike(command.pasted), f"make outputs pastes it anew\n{done.output}"
