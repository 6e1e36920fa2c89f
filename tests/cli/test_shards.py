"""A run in two parts, merged, is the run as a whole."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.command import command

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.engine, pytest.mark.cli]
SIGNALS = ("--signal", "TERM", "--signal", "HUP", "--jobs", "1")


def verdicts(document: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(row["subject"], row["signal"], row["verdict"]) for row in document["results"]]


def test_two_parts_merged_are_the_run_as_a_whole(tmp_path: Path) -> None:
    words = ("--base", "local:musl-node24", "--variant", "node-exec-form", "--variant", "node-shell-form", *SIGNALS)
    files = {part: tmp_path / f"{part[0]}.json" for part in ("1/2", "2/2")}
    more = [("--json", "-"), *(("--shard", part, "--json", str(file)) for part, file in files.items())]
    with ThreadPoolExecutor() as machines:
        first, *others = machines.map(lambda options: command("run", *words, *options), more)
    whole = json.loads(first.stdout)
    for part, done in zip(files, others, strict=True):
        assert f"This is part {part[0]} of 2, with 2 of the run's 4 planned cells." in done.stdout, done.stderr
    parts = [json.loads(file.read_text()) for file in files.values()]
    assert [{subject for subject, *_ in verdicts(part)} for part in parts] == [{"node-shell-form"}, {"node-exec-form"}]
    merged = command("merge", *map(str, reversed(files.values())), "--json", "-")
    document = json.loads(merged.stdout)
    assert verdicts(document) == verdicts(whole)
    assert len(verdicts(document)) == 4
    assert (document["shard"], document["cut"]) == (None, None)
    lacking = command("merge", str(files["1/2"]), "--json", "-")
    assert lacking.returncode == 4
    assert "missing: musl-node24/node-exec-form/SIGHUP" in lacking.stderr
