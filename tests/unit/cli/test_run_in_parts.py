"""`run --shard` with a baseline: a part is compared with its own cells alone, and the parts with what the run is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from harness.cli.entry import cli
from harness.core.errors import EngineFault
from harness.core.verdict import Verdict
from harness.engine.registry import ENGINES
from harness.report.baseline import write
from tests.support import engines
from tests.support.engines import ScriptedOpenEngine
from tests.support.evidence import changed
from tests.support.reports import FACTS, finding, recording
from tests.support.scripted import Script

if TYPE_CHECKING:
    from pathlib import Path

VARIANTS = ("node-shell-form", "node-exec-form", "tini")
KEYS = [(variant, name) for variant in (*VARIANTS, "gone") for name in ("SIGHUP", "SIGTERM")]


@pytest.fixture
def baselines(tmp_path: Path) -> Path:
    """What is recorded of two bases that run and one that does not: two cells of each are of no variant any more."""
    folder = tmp_path / "recorded"
    folder.mkdir()
    for number in (1, 2, 3):
        known = recording(
            {key: finding(Verdict.FORWARDED) for key in KEYS}, base=changed(FACTS, reference=f"b:{number}")
        )
        (folder / f"b_{number}.json").write_text(write(known))
    return folder


def run(monkeypatch: pytest.MonkeyPatch, file: Path, *words: str) -> dict[str, Any]:
    engine = ScriptedOpenEngine(script_of=lambda _: Script(start_fault=EngineFault("no such command")))
    monkeypatch.setattr(engines, "installed", engine, raising=False)
    monkeypatch.setitem(ENGINES, "docker", "tests.support.engines:installed")
    which = [word for name in VARIANTS for word in ("--variant", name)]
    done = CliRunner().invoke(cli, ["run", *which, "--signal", "TERM", "--json", str(file), "--repeat", "1", *words])
    assert done.exit_code == 4, done.output
    return json.loads(file.read_text())  # type: ignore[no-any-return]


def recorded(document: dict[str, Any]) -> dict[str, list[str]]:
    return {one["base"]["reference"]: sorted(one["cells"]) for one in document["judged"]["recorded"]}


@pytest.mark.parametrize("bases", [("b:1",), ("b:1", "b:2"), ("b:1", "b:4")])
@pytest.mark.parametrize("of", [1, 2, 3])
def test_a_part_is_judged_against_its_own_cells(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, baselines: Path, bases: tuple[str, ...], of: int
) -> None:
    words = [word for base in bases for word in ("--base", base)]
    words += ["--baseline", str(baselines)]
    whole = run(monkeypatch, tmp_path / "whole.json", *words)
    files = [tmp_path / f"{number}.json" for number in range(1, of + 1)]
    for number, file in enumerate(files, start=1):
        document = run(monkeypatch, file, *words, "--shard", f"{number}/{of}")
        own = {(row["base"], f"{row['subject']}/{row['signal']}") for row in document["results"]}
        told = {(base, cell) for base, cells in recorded(document).items() for cell in cells}
        assert told == {(base, cell) for base, cell in own if base != "b:4"}
        assert document["shard"]["parts"] == [number]
        assert len(document["shard"]["planned"]) == len(whole["results"])
    merged = tmp_path / "merged.json"
    done = CliRunner().invoke(cli, ["merge", *map(str, files), "--json", str(merged)])
    assert done.exit_code == 4, done.output
    document = json.loads(merged.read_text())
    assert [row["base"] for row in document["results"]] == [row["base"] for row in whole["results"]]
    assert [row["subject"] for row in document["results"]] == [row["subject"] for row in whole["results"]]
    assert (document["cut"], document["shard"]) == (None, None)
    run_of = {base: [cell for cell in cells if not cell.startswith("gone")] for base, cells in recorded(whole).items()}
    assert recorded(document) == run_of


def test_one_base_of_two_is_no_counterpart_of_the_only_recording(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, baselines: Path
) -> None:
    words = ("--base", "b:1", "--base", "b:2", "--baseline", str(baselines / "b_3.json"))
    document = run(monkeypatch, tmp_path / "x.json", *words, "--shard", "1/6")
    assert recorded(document) == {}
    alone = run(monkeypatch, tmp_path / "x.json", *words[:2], *words[4:], "--shard", "1/3")
    assert recorded(alone) == {"b:3": ["node-shell-form/SIGTERM"]}
