"""The benchmarks in a short form: that they start and say what they measured, not what that was."""

from __future__ import annotations

import os
import re
import signal as os_signal
from typing import TYPE_CHECKING

import pytest

from benchmarks import audit_many, faults, files, floor, life, scale, truth_apps, usual_ways
from harness.report.formats import Format, render
from tests.support.cases import DEBIAN
from tests.support.reports import FORWARDED, KEPT, SWALLOWED, report, result

if TYPE_CHECKING:
    from pathlib import Path

from harness.core.question import Probe
from harness.core.verdict import Delivery

needs_record = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="the record needs root")


@pytest.mark.engine
@needs_record
def test_a_run_is_measured_against_the_floor(capsys: pytest.CaptureFixture[str]) -> None:
    floor.main(["--rounds", "1", "--variant", "node-exec-form"])
    output = capsys.readouterr().out
    assert re.search(r"^4 cells on .+; 1 rounds; building images first$", output, re.MULTILINE)
    assert re.search(r"^round 1: floor \d+\.\d\d s \(\d at once\), run \d+\.\d\d s, ", output, re.MULTILINE)
    assert re.search(r", by a helper \d+\.\d\d s with 0 other verdicts$", output, re.MULTILINE)
    assert len(re.findall(r"^ratio .+: \d+\.\d\d \(rounds: \d+\.\d\d\)$", output, re.MULTILINE)) == 4
    assert re.search(r"^  forwarded  n= +\d+  median +\d+\.\d  p95 +\d+\.\d$", output, re.MULTILINE)


@pytest.mark.engine
@needs_record
def test_a_run_is_measured_against_the_usual_ways(capsys: pytest.CaptureFixture[str]) -> None:
    usual_ways.main(["--rounds", "1", "--cells", "1"])
    first, *ways = capsys.readouterr().out.splitlines()
    assert first == "1 cells, 1 with one right answer, 1 rounds"
    figures = [
        re.fullmatch(r"(.+): median .+ s, ratio (.+) \(rounds: .+\), wrong answers \d of 1", line) for line in ways
    ]
    assert [figure and figure[1] for figure in figures] == ["signal-harness run", "a shell script", "testcontainers"]


def test_an_answer_is_wrong_where_the_record_says_otherwise() -> None:
    truth = {"a": Delivery.ONCE, "b": Delivery.NONE}
    answers = {"a": Delivery.DUPLICATE, "b": None, "luck": Delivery.ONCE}
    assert usual_ways.Way(seconds=1, answers=answers).wrong(truth) == 1
    assert usual_ways.Way(seconds=1, answers=truth).wrong(truth) == 0


@pytest.mark.engine
@needs_record
def test_verdicts_on_apps_are_compared_with_the_record(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        truth_apps.main(["--repeats", "1", "--app", "node-json", "--base", DEBIAN])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1 app in 5 forms, with the kernel's record and without"
    assert re.fullmatch(r"10 cells, 10 runs in \d+ s", lines[1])
    figures = [int(line.split()[0]) for line in lines if re.match(r"  \d+ cells?: ", line)]
    assert (len(figures), sum(figures)) == (3, 10)


@pytest.mark.engine
@needs_record
def test_a_check_is_measured_against_a_life_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    life.main(["--rounds", "1"])
    first, *sides, last = capsys.readouterr().out.splitlines()
    assert first == "a graceful app on local:musl-node24, 1 rounds"
    figures = [re.fullmatch(r"(.+): median \d\.\d{3} s, ratio (\d+\.\d\d) \(rounds: .+\)", line) for line in sides]
    assert [figure and figure[1].partition(" ")[0] for figure in figures] == ["by", "a", "a"]
    assert re.fullmatch(r"a bad app: 2 changes tried at once took \d\.\d\d s; the slowest alone \d\.\d\d s", last)


@pytest.mark.engine
def test_an_audit_of_several_containers_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    audit_many.main(["--containers", "2", "--rounds", "1"])
    figures = r"audit of 2 containers: median \d+\.\d\d s \(rounds: \d+\.\d\d\)\n"
    assert re.fullmatch(figures, capsys.readouterr().out)


def test_files_are_compared_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = tmp_path / "results.json"
    rows = (result("a", SWALLOWED), result("b", FORWARDED), result("a", KEPT, probe=Probe.EXIT_CODE))
    results.write_text(render(Format.JSON, report(*rows)))
    files.main([str(results), "--cells", "30"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" (")[0] for line in lines] == [
        "diff of two results files, 30 cells each",
        "diff of two baselines, 30 cells each",
        "HTML of 6 cells",
    ]
    assert all(re.search(r"MB\): \d+\.\d\d s, \d+\.\d\d times json\.loads of the same$", line) for line in lines)


@pytest.mark.engine
@pytest.mark.parametrize(("side", "number"), [("scripted", 20), ("real", 2)])
def test_many_cells_are_measured(side: str, number: int, capsys: pytest.CaptureFixture[str]) -> None:
    scale.main(["--side", side, "--cells", str(number)])
    first, planned, *ended, last = capsys.readouterr().out.splitlines()
    assert first == f"{side}, {number} cells"
    assert re.fullmatch(r"  \d+ cells planned \d+\.\d\d s after the start", planned)
    figures = r"after +\d+\.\d s: +\d+ MB \(peak +\d+ MB\), +\d+ threads, +\d+ files"
    assert len(ended) == min(number, 10)
    assert all(re.fullmatch(rf" +\d+ cells {figures}", line) for line in ended), ended
    assert re.fullmatch(rf"  {number} cells in \d+\.\d s: \d+ .+", last)


@pytest.mark.engine
def test_a_run_makes_nothing_wrong_of_faults(capsys: pytest.CaptureFixture[str]) -> None:
    hit = "every 10th connection is closed"
    chosen = ["--fault", hit, "--variant", "node-exec-form", "--trace", "off", "--times", "0", "--seed", "7"]
    with pytest.raises(SystemExit) as done:
        faults.main(chosen)
    output = capsys.readouterr()
    assert done.value.code == 0, output
    ((name, harmed),) = re.findall(r"^\| (.+) \| (\d+) \| 0 \| \d+ \| 0 \| 0 \| \d+\.\d \|$", output.out, re.MULTILINE)
    assert name == hit
    assert int(harmed) > 0


@pytest.mark.engine
def test_ctrl_c_ends_a_run_on_an_engine_that_hangs_and_says_what_it_leaves(tmp_path: Path) -> None:
    found = faults.Bench(tmp_path, more=("--repeat", "50")).interrupt(os_signal.SIGINT, 3.0, hung=True)
    assert not found.over
    assert found.left == []
    assert found.ended_s is not None
    assert found.ended_s < 20
    assert "clearing up has got no further for 8 s; it may have left" in found.said
    assert "to remove that: signal-harness clean" in found.said
