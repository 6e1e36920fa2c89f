"""A run in two parts, merged, is the run as a whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.test_own_catalogue import catalogue
from tests.support.command import command

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.engine, pytest.mark.cli]


def verdicts(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(row["subject"], row["signal"], row["verdict"]) for row in document["results"]]


def test_two_parts_merged_are_the_run_as_a_whole(tmp_path: Path) -> None:
    folder = catalogue(tmp_path, good="depends", silent="never")
    words = ("--catalogue", str(folder), "--base", "local:musl-node24", "--signal", "TERM", "--signal", "HUP")
    files = {part: tmp_path / f"{part[0]}.json" for part in ("1/2", "2/2")}
    whole = json.loads(command("run", *words, "--jobs", "2", "--json", "-").stdout)
    for part, file in files.items():
        done = command("run", *words, "--jobs", "2", "--shard", part, "--json", str(file))
        assert f"This is part {part[0]} of 2, with 2 of the run's 4 planned cells." in done.stdout, done.stderr
    parts = [json.loads(file.read_text()) for file in files.values()]
    assert [{subject for subject, *_ in verdicts(part)} for part in parts] == [{"good"}, {"silent"}]
    merged = command("merge", *map(str, reversed(files.values())), "--json", "-")
    document = json.loads(merged.stdout)
    assert verdicts(document) == verdicts(whole)
    assert len(verdicts(document)) == 4
    assert (document["shard"], document["cut"]) == (None, None)
    lacking = command("merge", str(files["1/2"]), "--json", "-")
    assert lacking.returncode == 4
    assert "missing: musl-node24/silent/SIGHUP" in lacking.stderr
