"""All programs that are wanted are checked ahead of their tests: by one command, as it takes several images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.command import command
from tests.support.program_images import images
from tests.support.programs import ALL, ALL_WANTED, SLOW_PATH

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.program import Program

GRACE_S, JOBS = 12 if ALL_WANTED else 8, 8
"""On a busy machine some take seconds for what is done in a tenth of one."""


Row = dict[str, Any]


@pytest.fixture(scope="session")
def checked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Program], Row]:
    """The row of a program."""
    wanted = [one for name in _wanted(request, "program") for one in (ALL[name], ALL[name].wrapped())]
    return _check(tmp_path_factory.mktemp("programs"), wanted)


@pytest.fixture(scope="session")
def checked_one(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Program], Row]:
    """The row of a program that is checked by itself."""
    return lambda program: _check(tmp_path_factory.mktemp(program.name), [program])(program)


@pytest.fixture(scope="session")
def stopped_at_work(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Program], Row]:
    """The row of a program that has two requests in flight."""
    wanted = [ALL[name] for name in _wanted(request, "server")]
    return _check(tmp_path_factory.mktemp("servers"), wanted, "--request", SLOW_PATH, "--in-flight", "2", "--no-try")


@pytest.fixture(scope="session")
def check_all(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Callable[[Program], Row]]:
    """Checks programs by one command, with options; what comes back gives the row of each."""
    return lambda programs, *options: _check(tmp_path_factory.mktemp("code"), programs, *options)


def _wanted(request: pytest.FixtureRequest, param: str) -> list[str]:
    """The names of the programs that tests are parametrized with."""
    ours = [item for item in request.session.items if item.path.parent == Path(__file__).parent]
    items = [item for item in ours if isinstance(item, pytest.Function) and hasattr(item, "callspec")]
    return list(dict.fromkeys(item.callspec.params[param] for item in items if param in item.callspec.params))


def _check(folder: Path, wanted: list[Program], *options: str) -> Callable[[Program], Row]:
    references, file = images(wanted), folder / "results.json"
    common = ("--stop-timeout", str(GRACE_S), "--jobs", str(JOBS), "--ready-timeout", "60", "--json", str(file))
    done = command("check", *references, *common, *options)
    assert done.returncode in (0, 1, 4), done.stdout + done.stderr
    rows = {row["subject"]: row for row in json.loads(file.read_text())["results"]}
    by_name = {program.name: rows[reference] for program, reference in zip(wanted, references, strict=True)}
    return lambda program: by_name[program.name]
