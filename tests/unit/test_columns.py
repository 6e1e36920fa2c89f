"""One run on several engines, each of which follows a script."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from harness.cli.entry import cli
from harness.columns import Columns
from harness.core.errors import BaseUnavailable, EngineFault, EngineUnavailable, UsageError
from harness.core.journal import image_of
from harness.core.judged import comparisons_of
from harness.core.ranking import Change
from harness.core.verdict import Verdict
from harness.engine.registry import ENGINES
from harness.report.baseline import write
from harness.report.decoding import read_document
from harness.session import Hooks, Selection
from tests.support import engines
from tests.support.engines import ScriptedOpenEngine
from tests.support.evidence import changed
from tests.support.facts import base_facts
from tests.support.reports import finding, recording
from tests.support.scripted import Script
from tests.unit.test_session import ONE

if TYPE_CHECKING:
    from click.testing import Result

    from harness.core.document import Row

BOTH = ("docker", "podman")
BASE = base_facts(reference="b:1", id="sha256:recorded", programs={"node": "24.1.0"})


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> tuple[ScriptedOpenEngine, ScriptedOpenEngine]:
    """A Docker and a Podman, on which no container starts."""
    script = Script(start_fault=EngineFault("no such command"))
    made = tuple(ScriptedOpenEngine(script_of=lambda _: script, name=name) for name in ("Docker Engine", "Podman"))
    for name, engine in zip(BOTH, made, strict=True):
        monkeypatch.setattr(engines, f"installed_{name}", engine, raising=False)
        monkeypatch.setitem(ENGINES, name, f"tests.support.engines:installed_{name}")
    return made[0], made[1]


def cells(*words: str) -> list[str]:
    return [f"{engine}/b:1/{word}/SIGTERM" for engine in BOTH for word in words]


def test_the_engines_run_the_same_cells_one_after_the_other(
    opened: tuple[ScriptedOpenEngine, ScriptedOpenEngine],
) -> None:
    rows: list[Row] = []
    notes: list[str] = []
    selection = replace(ONE, variants=("node-exec-form", "tini"))
    with Columns(selection, BOTH, Hooks(result=rows.append, note=notes.append)) as run:
        assert [cell.id for cell in run.cells] == cells("node-exec-form", "tini")
        futures = run.run()
        first = [next(futures).result(), next(futures).result()]
        assert rows == first, "the second engine has not begun"
        rest = [future.result() for future in futures]
        document = run.document([*first, *rest])
        head = run.head()
        assert not any(engine.closed for engine in opened)
    assert all(engine.closed for engine in opened)
    assert [row.id for row in document.results] == cells("node-exec-form", "tini")
    assert list(document.engines) == [row.engine for row in document.results[::2]] == ["Docker Engine", "Podman"]
    assert list(document.bases) == ["b:1"]
    assert list(head.cells) == cells("node-exec-form", "tini")
    images = [head.facts[image_of(place)] for place in ("docker/b:1", "podman/b:1")]
    assert len(set(images)) == 2, "a base has an id of its own on each engine"
    assert {note.partition(":")[0] for note in notes} == {"docker", "podman"}


def test_an_engine_that_does_not_answer_ends_it_before_anything_runs(
    opened: tuple[ScriptedOpenEngine, ScriptedOpenEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent() -> None:
        raise EngineUnavailable("no Podman answers")

    monkeypatch.setattr(engines, "installed_podman", absent)
    with pytest.raises(EngineUnavailable, match="no Podman answers"), Columns(ONE, BOTH):
        pass
    assert opened[0].closed
    assert opened[0].made == []


def test_an_engine_is_named_once(
    opened: tuple[ScriptedOpenEngine, ScriptedOpenEngine], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match=r"^docker is named twice$"), Columns(ONE, ("docker", "docker")):
        pass
    monkeypatch.setattr(engines, "installed_podman", opened[0])
    with pytest.raises(UsageError, match=r"^docker and podman are one engine$"), Columns(ONE, BOTH):
        pass
    assert opened[0].closed


def test_a_base_that_is_another_image_on_the_second_engine_is_refused(
    opened: tuple[ScriptedOpenEngine, ScriptedOpenEngine],
) -> None:
    opened[1].programs = {"node": "25.0.0"}
    with pytest.raises(BaseUnavailable) as refusal, Columns(ONE, BOTH):
        pass
    assert refusal.value.message == "b:1 is not the same image on docker and podman: Node 24.1.0 and 25.0.0"
    assert all(engine.closed for engine in opened)


def run(*words: str) -> Result:
    done = CliRunner().invoke(cli, [*words, "--base", "b:1", "--signal", "TERM", "--repeat", "1"])
    assert done.exit_code in (0, 4), done.output
    return done


@pytest.mark.usefixtures("opened")
def test_run_shows_a_column_for_each_engine(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    words = ["run", "--variant", "node-exec-form", "--json", str(file), "--markdown", str(tmp_path / "m.md")]
    words += [
        "--html",
        str(tmp_path / "h.html"),
        "--junit",
        str(tmp_path / "j.xml"),
        "--sarif",
        str(tmp_path / "s.json"),
    ]
    done = run(*words, "--engine", "docker", "--engine", "podman")
    assert "docker: Docker Engine 1, none, its init no init" in done.output
    assert "podman: Podman 1" in done.output
    heading = next(number for number, line in enumerate(done.output.splitlines()) if line.count("SIGTERM") == 2)
    assert done.output.splitlines()[heading + 1].split() == ["variant", "docker", "podman"]
    document = read_document(file.read_bytes(), place="r")
    assert [row.column for row in document.results] == ["docker", "podman"]
    assert "| variant | SIGTERM docker | SIGTERM podman |" in (tmp_path / "m.md").read_text()
    page = (tmp_path / "h.html").read_text()
    assert [f'data-engine="{name}"' in page for name in BOTH] == [True, True]
    suites = (tmp_path / "j.xml").read_text()
    assert [f'<testsuite name="b:1 ({name})"' in suites for name in BOTH] == [True, True]
    assert all(f'classname="{name}/b:1"' in suites for name in BOTH)
    told = json.loads((tmp_path / "s.json").read_text())["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    assert [one["properties"]["engines"] for one in told] == [["Docker Engine"], ["Podman"]]
    compared = run(*words[:3], "--table", "compared", "--engine", "docker", "--engine", "podman")
    assert "b:1      b:1" in compared.output or "docker" in compared.output.split("Each cell")[1]


@pytest.mark.usefixtures("opened")
def test_one_engine_looks_as_it_does_without_a_name(tmp_path: Path) -> None:
    texts = []
    for number, words in enumerate(([], ["--engine", "docker"])):
        file = tmp_path / f"{number}.json"
        done = run("run", "--variant", "node-exec-form", "--json", str(file), *words)
        assert "Engine" not in done.output
        document = json.loads(file.read_text())
        assert [row["column"] for row in document["results"]] == [None]
        texts.append(done.output.split(" in ")[0].replace(f"{number}.json", ""))
    assert texts[0] == texts[1]


@pytest.mark.usefixtures("opened")
def test_diff_compares_the_same_cells_on_two_engines(tmp_path: Path) -> None:
    done = run("diff", "--engine", "docker", "--engine", "podman", "--variant", "node-exec-form", "--json", "-")
    (compared,) = json.loads(done.stdout)["comparisons"]
    assert compared["engines"] == ["docker", "podman"]
    assert [one["change"] for one in compared["changed"]] == ["unknown"]
    assert "b:1: docker → podman" in done.stderr
    for words, message in (
        (["--engine", "a", "--engine", "b", "--engine", "c"], "3 engines are named"),
        (["x:1", "y:1", "--engine", "a", "--engine", "b"], "'x:1' and two engines are named"),
        (["--as-is", "--engine", "a", "--engine", "b"], "--as-is is for two images on one engine"),
        ([], "OLD"),
        (["x:1"], "NEW"),
    ):
        refused = CliRunner().invoke(cli, ["diff", *words])
        assert refused.exit_code == 2 or isinstance(refused.exception, UsageError)
        assert message in f"{refused.output}{refused.exception}"


@pytest.mark.usefixtures("opened")
def test_a_baseline_is_kept_for_each_engine(tmp_path: Path) -> None:
    words = ("baseline", "update", "--variant", "node-exec-form", "--dir", str(tmp_path))
    run(*words, "--engine", "docker", "--engine", "podman")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b_1.docker.json", "b_1.podman.json"]
    run(*words)
    assert (tmp_path / "b_1.json").exists()


@pytest.mark.usefixtures("opened")
def test_a_run_on_several_engines_is_taken_up_again(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    words = ["run", "--variant", "node-exec-form", "--json", str(file), "--engine", "docker", "--engine", "podman"]
    selection = Selection(bases=("b:1",), variants=("node-exec-form",), signals=ONE.signals, repeat=1)
    from harness.journals import OpenJournal

    with OpenJournal(file, resume=False) as journal, Columns(selection, BOTH) as killed:
        journal.begin(killed.head())
        journal.keep(next(killed.run()).result())
    done = run(*words, "--resume")
    assert "1 of 2 cells have run already, 1 are run now" in done.output
    assert [row.column for row in read_document(file.read_bytes(), place="r").results] == ["docker", "podman"]


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize("part", [(), ("--shard", "1/2"), ("--shard", "2/2")])
def test_each_engine_is_judged_against_its_own_recording(tmp_path: Path, part: tuple[str, ...]) -> None:
    """Of each, other cells are recorded: those of the engine that runs count, and in a part its own of these."""
    facts = {name: ScriptedOpenEngine(name=name).facts() for name in ("Docker Engine", "Podman", "Other")}
    folder = tmp_path / "recorded"
    folder.mkdir()
    for number, (name, variant) in enumerate(
        (("Docker Engine", "tini"), ("Podman", "node-exec-form"), ("Other", "tini"))
    ):
        known = recording({(variant, "SIGTERM"): finding(Verdict.FORWARDED)}, base=BASE, engine=facts[name])
        (folder / f"{number}.json").write_text(write(known))
    file = tmp_path / "results.json"
    words = ["run", "--variant", "node-exec-form", "--variant", "tini", "--json", str(file), "--baseline", str(folder)]
    run(*words, *part, "--engine", "docker", "--engine", "podman")
    document = read_document(file.read_bytes(), place="r")
    own = {row.subject for row in document.results}
    assert {row.column for row in document.results} == set(BOTH)
    assert document.judged is not None
    told = {(one.engine.name, cell) for one in document.judged.recorded for cell in one.cells}
    wanted = {("Docker Engine", "tini"), ("Podman", "node-exec-form")}
    assert told == {(name, f"{variant}/SIGTERM") for name, variant in wanted if variant in own}
    differing = {one.cell_id(each): each.change for one in comparisons_of(document) for each in one.differences}
    assert {cell for cell, change in differing.items() if change is Change.UNKNOWN} == {
        f"{'docker' if name == 'Docker Engine' else 'podman'}/b:1/{variant}/SIGTERM"
        for name, variant in wanted
        if variant in own
    }
    assert not [cell for cell, change in differing.items() if change is Change.GONE]


def parts(folder: Path, *engines: tuple[str, ...], count: int = 2) -> list[str]:
    """The files of a run's parts, each on some engines, in that order."""
    files = [str(folder / f"{number}.json") for number in range(1, count + 1)]
    for number, (file, names) in enumerate(zip(files, engines, strict=True), start=1):
        chosen = [word for name in names for word in ("--engine", name)]
        run("run", *TWO, "--json", file, "--shard", f"{number}/{count}", *chosen)
    return files


TWO = ("--variant", "node-exec-form", "--variant", "tini")


@pytest.mark.usefixtures("opened")
def test_parts_of_a_run_on_several_engines_are_merged(tmp_path: Path) -> None:
    whole, merged = tmp_path / "whole.json", tmp_path / "merged.json"
    run("run", *TWO, "--json", str(whole), "--engine", "docker", "--engine", "podman")
    files = parts(tmp_path, BOTH, BOTH)
    for file in files:
        assert {row.column for row in read_document(Path(file).read_bytes(), place="r").results} == set(BOTH)
    done = CliRunner().invoke(cli, ["merge", *reversed(files), "--json", str(merged)])
    assert done.exit_code == 4, done.output
    expected, found = (read_document(file.read_bytes(), place="r") for file in (whole, merged))
    assert [row.id for row in found.results] == cells("node-exec-form", "tini")
    assert changed(found, started="", duration_s=0) == changed(expected, started="", duration_s=0)


@pytest.mark.usefixtures("opened")
def test_a_part_of_a_run_on_several_engines_that_is_missing_is_named_for_each(tmp_path: Path) -> None:
    first, _ = parts(tmp_path, BOTH, BOTH)
    done = CliRunner().invoke(cli, ["merge", first, "--json", str(tmp_path / "merged.json")])
    assert done.exit_code == 4
    there = {row.id for row in read_document(Path(first).read_bytes(), place="r").results}
    lacking = [name for name in cells("node-exec-form", "tini") if name not in there]
    assert len(lacking) == len(there) == 2
    assert [line for line in done.stderr.splitlines() if "missing" in line] == [f"missing: {name}" for name in lacking]
    assert "part 2 of 2 is in no file" in done.stderr


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize(
    ("engines", "told"),
    [
        ((BOTH, ("docker",)), "is a part of a run on Docker Engine alone"),
        ((BOTH, ("podman", "docker")), "of another, of 4 cells in 2 parts"),
        ((("docker",), ("podman",)), "is a part of a run on"),
    ],
    ids=["one lacks", "another order", "one each"],
)
def test_parts_of_runs_on_other_engines_are_refused(
    tmp_path: Path, engines: tuple[tuple[str, ...], ...], told: str
) -> None:
    files = parts(tmp_path, *engines)
    done = CliRunner().invoke(cli, ["merge", *files, "--json", str(tmp_path / "merged.json")])
    assert isinstance(done.exception, UsageError)
    assert told in done.exception.message
    assert not (tmp_path / "merged.json").exists()


def test_parts_on_engines_of_other_versions_are_refused(
    opened: tuple[ScriptedOpenEngine, ScriptedOpenEngine], tmp_path: Path
) -> None:
    first, second = parts(tmp_path, BOTH, BOTH)
    opened[1].version = "2"
    run("run", *TWO, "--json", second, "--shard", "2/2", "--engine", "docker", "--engine", "podman")
    refused = CliRunner().invoke(cli, ["merge", first, second, "--json", str(tmp_path / "m.json")]).exception
    assert isinstance(refused, UsageError)
    told = {f"Podman 1 in {first}", f"Podman 2 in {second}"}
    (line,) = (line for line in refused.message.splitlines() if "engine Podman: the engine is " in line)
    assert set(line.partition(" is ")[2].split(", ")) == told
