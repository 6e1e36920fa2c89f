"""All programs that are wanted are checked ahead of their tests: by one command, as it takes several images."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.command import command
from tests.support.program_images import images
from tests.support.programs import ALL, ALL_WANTED, Program

if TYPE_CHECKING:
    from collections.abc import Callable

GRACE_S, JOBS = 12 if ALL_WANTED else 8, 8
"""On a busy machine some take seconds for what is done in a tenth of one."""


@pytest.fixture(scope="session")
def checked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Program], dict[str, Any]]:
    """The row of a program."""
    wanted: dict[str, Program] = {}
    for item in request.session.items:
        params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        if isinstance(name := params.get("program"), str):
            wanted |= {name: ALL[name], f"{name}-wrapped": ALL[name].wrapped()}
    references = images(list(wanted.values()))
    file = tmp_path_factory.mktemp("programs") / "results.json"
    options = ("--stop-timeout", str(GRACE_S), "--jobs", str(JOBS), "--ready-timeout", "60", "--json", str(file))
    done = command("check", *references, *options)
    assert done.returncode in (0, 1, 4), done.stdout + done.stderr
    rows = {row["subject"]: row for row in json.loads(file.read_text())["results"]}
    by_name = {name: rows[reference] for name, reference in zip(wanted, references, strict=True)}
    return lambda program: by_name[program.name]
