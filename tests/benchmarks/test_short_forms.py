"""The benchmarks in a short form: that they start and say what they measured, not what that was."""

from __future__ import annotations

import os
import re
import shutil
import signal as os_signal
from contextlib import ExitStack, closing, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import docker
import pytest

from benchmarks import (
    audit_many,
    engines,
    faults,
    files,
    floor,
    hostile,
    isolation,
    life,
    scale,
    truth_apps,
    usual_ways,
)
from benchmarks.harmed import Bench
from harness.core.question import Probe
from harness.core.verdict import Delivery
from harness.engine.endpoint import engine_url
from harness.engine.registry import open_engine
from harness.files import cache_folder
from harness.report.formats import Format, render
from harness.session import open_bases
from tests.support.cases import DEBIAN
from tests.support.own_engine import own_engine
from tests.support.reports import FORWARDED, KEPT, SWALLOWED, report, result

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    assert len(re.findall(r"^  forwarded  n= +\d+(;?  median +\d+\.\d  p95 +\d+\.\d){2}$", output, re.MULTILINE)) == 2


@pytest.mark.engine
@needs_record
def test_one_container_for_several_signals_is_measured_against_fresh_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as done:
        isolation.main(["--variant", "node-exec-form", "--signal", "HUP", "--signal", "TERM", "--signal", "USR2"])
    output = capsys.readouterr().out
    assert re.search(r"^round 1: 3 cells, 3 containers in \d+\.\d s, or [123] in \d+\.\d s$", output, re.MULTILINE)
    assert re.search(r"^fresh/shared: \d+\.\d\d \(rounds: \d+\.\d\d\)$", output, re.MULTILINE)
    assert output.endswith("\n0 verdicts differ\n")
    assert done.value.code == 0


def test_verdicts_that_differ_are_named() -> None:
    fresh, shared = report(result("a", FORWARDED)).results, report(result("a", SWALLOWED)).results
    (told,) = isolation.differing(fresh, shared)
    assert ": forwarded in a fresh container, swallowed after" in told
    assert isolation.differing(fresh, fresh) == []


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
    chosen = ["--fault", hit, "--variant", "node-exec-form", "--trace", "off", "--seed", "7"]
    chosen += ["--times", "0", "--harnesses", "0"]
    with pytest.raises(SystemExit) as done:
        faults.main(chosen)
    output = capsys.readouterr()
    assert done.value.code == 0, output
    ((name, harmed),) = re.findall(r"^\| (.+) \| (\d+) \| 0 \| \d+ \| 0 \| 0 \| \d+\.\d \|$", output.out, re.MULTILINE)
    assert name == hit
    assert int(harmed) > 0


HOSTILE = ("escapes", "forged", "stopped", "good-0")


@pytest.mark.engine
def test_hostile_containers_are_judged_rightly_or_not_at_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(open_engine()) as engine:
        open_bases(engine, lambda _: None).get(hostile.BASE)
    chosen = [one for one in hostile.CONTAINERS if one.name in HOSTILE]
    assert hostile.measure(tmp_path, engine_url(), "auto", chosen) == 0
    head, *rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|") and "--" not in line]
    assert head == "| container | right | verdict |"
    assert [row.split(" | ")[2].removesuffix(" |") for row in rows][-1] == "graceful"
    assert len(rows) == len(HOSTILE)


@pytest.mark.parametrize(
    ("verdict", "said", "bad"),
    [
        ("graceful", "", 0),
        ("untested", "", 0),
        ("forced", "", 1),
        ("graceful", "\x1b[2J", 1),
        ("graceful", "\u202e", 1),
    ],
)
def test_what_is_wrong_on_a_hostile_container_is_counted(
    verdict: str, said: str, bad: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (good,) = (one for one in hostile.CONTAINERS if one.name == "good-0")
    rows = {"hostile/good-0": {"verdict": verdict}}
    monkeypatch.setattr(hostile, "_tagged", lambda *_: nullcontext())
    monkeypatch.setattr(hostile, "_checked", lambda *_: (rows, said, 50, 1.0))
    assert hostile.measure(tmp_path, "unix:///nowhere", "off", [good]) == bad


@pytest.mark.engine
@needs_record
def test_an_engine_of_its_own_bears_real_harm_and_leaves_nothing() -> None:
    with own_engine(200) as engine:
        with closing(docker.APIClient(base_url=engine.url)) as api:
            before = api.info()["ID"]
        engine.kill()
        assert not engine.answers()
        engine.start()
        engine.fill()
        assert shutil.disk_usage(engine.folder / "data").free < 1 << 20
        engine.empty()
        assert shutil.disk_usage(engine.folder / "data").free > 50 << 20
        with closing(docker.APIClient(base_url=engine.url)) as api:
            assert api.info()["ID"] == before
    assert not engine.folder.exists()
    assert str(engine.folder) not in Path("/proc/mounts").read_text()


@pytest.mark.engine
def test_a_terminal_that_is_closed_leaves_nothing(tmp_path: Path) -> None:
    found = Bench(tmp_path, variants=("node-exec-form",), more=("--repeat", "50")).interrupt(None, 2.5)
    assert not found.over
    assert found.left == []


@pytest.mark.engine
def test_ctrl_c_ends_a_run_on_an_engine_that_hangs_and_says_what_it_leaves(tmp_path: Path) -> None:
    found = Bench(tmp_path, more=("--repeat", "50")).interrupt(os_signal.SIGINT, 3.0, hung=True)
    assert not found.over
    assert found.left == []
    assert found.ended_s is not None
    assert found.ended_s < 20
    assert "clearing up has got no further for 8 s; it may have left" in found.said
    assert "to remove that: signal-harness clean" in found.said


@pytest.mark.engine
@needs_record
def test_engines_are_compared(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def this_one(_: engines.Kind) -> Iterator[engines.Up]:
        yield engines.Up(url=engine_url(), pid=os.getpid())

    monkeypatch.setattr(engines, "engine", this_one)
    with pytest.raises(SystemExit) as done:
        engines.main(["--kind", "docker-12-runc", "--", "--variant", "node-exec-form", "--signal", "TERM"])
    assert done.value.code == 0
    assert re.search(
        r"^\| Docker Engine \S+ \| runc \S+ \| .+ \| 1 \| 0 \| \d+ \|$", capsys.readouterr().out, re.MULTILINE
    )


ROOT = cache_folder() / "engines-debian12"


@pytest.mark.engine
@needs_record
@pytest.mark.skipif(not ROOT.is_dir(), reason="the engines of Debian 12 have not been made here: make engines")
@pytest.mark.parametrize("program", ["docker", "podman"])
def test_an_engine_of_its_own_comes_up_and_leaves_nothing(program: str) -> None:
    (kind,) = (one for one in engines.KINDS if one.name == f"{program}-12-runc")
    with ExitStack() as kept:
        with engines.engine(kind) as up:
            with closing(open_engine(up.url)) as engine:
                assert engine.facts().cli == program
                assert engine.shares_kernel
            place = kept.enter_context(engines.held(Path(f"/proc/{up.pid}/ns/mnt")))
            assert place in namespaces()
        assert place not in namespaces()
    assert not Path(up.url.removeprefix("unix://")).parent.exists()


def namespaces() -> set[Path]:
    """The mount namespaces that processes are in."""
    found = set()
    for one in Path("/proc").glob("[0-9]*/ns/mnt"):
        try:
            found.add(one.readlink())
        except OSError:  # it has ended
            continue
    return found
