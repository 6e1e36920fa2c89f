"""The commands of the README, docs/your-own-image.md and docs/audit.md, run: each ends and prints as is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.pasted import PAGES, Command, Ran, commands, likened, run_all

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = [pytest.mark.engine, pytest.mark.cli]

COMMANDS = [(page.name, command) for page in PAGES for command in commands(page)]


@pytest.fixture(scope="module")
def ran() -> Mapping[str, Ran]:
    return run_all(command for _, command in COMMANDS)


@pytest.mark.parametrize(("page", "command"), COMMANDS, ids=[f"{page}: {one.line}" for page, one in COMMANDS])
def test_a_command_of_the_docs_does_what_they_say(page: str, command: Command, ran: Mapping[str, Ran]) -> None:
    done = ran[command.line]
    assert "Traceback" not in done.errors
    assert done.exit_code == command.exit_code, done.output + done.errors
    assert command.pasted is None or likened(done.output) == likened(command.pasted), (
        f"{page} has another output: make outputs pastes it anew\n{done.output}"
    )


def test_the_readme_begins_with_the_readers_own_image() -> None:
    assert commands(PAGES[0])[0].line == "signal-harness check my/app"


def test_pasted_outputs_fit_into_100_columns() -> None:
    wide = [line for _, command in COMMANDS for line in (command.pasted or "").splitlines() if len(line) > 100]
    assert wide == []
