"""A run over dask workers, on workers in this process and an engine that follows a script."""

from __future__ import annotations

import io
import os
import tarfile
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from distributed import LocalCluster

import harness.distributed
from harness import __version__
from harness.cli.entry import cli
from harness.core.errors import EngineFault, EngineUnavailable, ExitCode, UsageError
from harness.core.judged import comparisons_of
from harness.core.signals import Signal
from harness.core.verdict import Verdict
from harness.distributed import Distributed
from harness.distributed_worker import Answer
from harness.distributed_worker import ask as ask_really
from harness.engine.registry import ENGINES
from harness.report.baseline import write
from harness.report.decoding import read_document
from harness.run.leaving import LEFT
from harness.session import Hooks, Selection, Session, TraceMode
from tests.support import engines
from tests.support.engines import ScriptedOpenEngine
from tests.support.evidence import changed
from tests.support.reports import FACTS, finding, recording
from tests.support.scripted import Script, ScriptedEngine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.core.document import Row

SELECTION = Selection(bases=("b:1", "b:2"), variants=("tini", "node-*-form"), signals=(Signal(1), Signal(15)), repeat=1)
CELLS = 2 * 3 * 2


class Alive(ScriptedEngine):
    def answers(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> ScriptedOpenEngine:
    """The engine beside each worker."""
    fault = Script(start_fault=EngineFault("no such command"))
    made = ScriptedOpenEngine(script_of=lambda _: fault, made_of=Alive)
    monkeypatch.setattr(engines, "installed", made, raising=False)
    monkeypatch.setitem(ENGINES, "docker", "tests.support.engines:installed")
    monkeypatch.setattr("harness.distributed._ANSWERS_S", 0.3)
    return made


@pytest.fixture(scope="module")
def workers() -> Iterator[LocalCluster]:
    with cluster(2) as made:
        yield made


@contextmanager
def cluster(workers: int) -> Iterator[LocalCluster]:
    with LocalCluster(
        n_workers=workers, threads_per_worker=2, processes=False, dashboard_address=":0", silence_logs=50
    ) as made:
        yield made


def test_it_is_the_run_of_a_session(workers: LocalCluster, engine: ScriptedOpenEngine) -> None:
    rows: list[Row] = []
    notes: list[str] = []
    with Distributed(SELECTION, Hooks(result=rows.append, note=notes.append), workers.scheduler_address) as run:
        found = [future.result() for future in run.run()]
        document, head = run.document(found), run.head()
        assert "2 busy dask workers" in str(LEFT)
    assert "dask" not in str(LEFT)
    assert engine.closed
    with Session(SELECTION) as session:
        here = session.document([future.result() for future in session.run()])
        assert run.cells == session.cells
        assert changed(head, document=here) == changed(session.head(), document=here)
    assert [row.id for row in document.results] == [cell.id for cell in session.cells]
    assert sorted(row.id for row in rows) == sorted(row.id for row in document.results)
    assert changed(document, started="", duration_s=0) == changed(here, started="", duration_s=0)
    assert {row.verdict for row in rows} == {Verdict.UNTESTED}
    assert any("there is no record" in note for note in notes)


def test_a_worker_keeps_the_catalogue_in_its_own_folder(workers: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    there: list[Path] = []

    def opened(selection: Selection, hooks: Hooks) -> Session:
        assert selection.catalogue is not None
        assert (selection.catalogue / "catalogue.toml").exists()
        there.append(selection.catalogue)
        return Session(selection, hooks)

    monkeypatch.setattr("harness.distributed_worker.Session", opened)
    with Distributed(SELECTION, Hooks(), workers.scheduler_address):
        own = {Path(worker.local_directory) for worker in workers.workers.values()}
        assert {folder.parents[1] for folder in there} <= own  # in one process, workers share a session
        assert there
    assert not any(folder.exists() for folder in there)


@pytest.mark.parametrize("part", [(), ("--shard", "2/2")])
def test_it_is_judged_as_a_run_here(workers: LocalCluster, tmp_path: Path, part: tuple[str, ...]) -> None:
    """Of one base more is recorded than is run, of the other nothing, and one is not run at all."""
    recorded = tmp_path / "recorded"
    recorded.mkdir()
    for name, keys in (("b:1", ("tini/SIGTERM", "tini/SIGINT", "gone/SIGTERM")), ("b:3", ("tini/SIGTERM",))):
        findings = {(key.split("/")[0], key.split("/")[1]): finding(Verdict.FORWARDED) for key in keys}
        known = recording(findings, base=changed(FACTS, reference=name))
        (recorded / f"{name[-1]}.json").write_text(write(known))
    words = ["run", "--base", "b:1", "--base", "b:2", "--variant", "tini", "--variant", "node-*-form"]
    words += ["--signal", "TERM", "--repeat", "1", "--baseline", str(recorded), *part]
    documents, printed = [], []
    for more in ((), ("--dask", workers.scheduler_address)):
        file = tmp_path / f"{len(documents)}.json"
        done = CliRunner().invoke(cli, [*words, *more, "--json", str(file)])
        assert done.exit_code == 4, done.output
        documents.append(changed(read_document(file.read_bytes(), place="r"), started="", duration_s=0))
        printed.append([line for line in done.stdout.splitlines() if str(tmp_path) not in line and " in 0" not in line])
    here, there = documents
    assert there == here
    assert here.judged is not None
    assert [one.base.reference for one in here.judged.recorded] == ["b:1"]
    told = [len(one.differences) for one in comparisons_of(here)]
    assert told == [len(one.differences) for one in comparisons_of(there)]
    assert any(told)
    assert printed[0] == printed[1]


def test_only_some_cells_are_run_where_others_are_known(workers: LocalCluster) -> None:
    with Distributed(SELECTION, Hooks(), workers.scheduler_address) as run:
        (row,) = (future.result() for future in run.run(run.cells[-1:]))
        assert row.id == run.cells[-1].id
        assert list(run.document([row]).subjects) == [row.subject]


def test_a_scheduler_that_does_not_answer_is_no_engine() -> None:
    with pytest.raises(EngineUnavailable) as refusal, Distributed(SELECTION, Hooks(), "tcp://127.0.0.1:1"):
        pass
    assert refusal.value.message == "no dask scheduler answers at tcp://127.0.0.1:1"
    assert refusal.value.exit_code == ExitCode.UNAVAILABLE
    assert "dask scheduler\n" in refusal.value.remedy


def test_what_is_no_address_is_told() -> None:
    with pytest.raises(UsageError, match="'what://x' is no address"), Distributed(SELECTION, Hooks(), "what://x"):
        pass


def test_a_scheduler_without_workers_is_no_engine() -> None:
    with (
        cluster(0) as empty,
        pytest.raises(EngineUnavailable, match="has no workers"),
        Distributed(SELECTION, Hooks(), empty.scheduler_address),
    ):
        pass


def test_another_version_is_refused_and_both_are_named(workers: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.distributed.__version__", "99.0")
    with pytest.raises(UsageError) as refusal, Distributed(SELECTION, Hooks(), workers.scheduler_address):
        pass
    assert f"has signal-harness {__version__}, and this is 99.0" in refusal.value.message
    assert "'signal-harness[distributed]==99.0'" in refusal.value.remedy


def test_a_worker_that_comes_later_is_asked_for_its_version_too(workers: LocalCluster) -> None:
    with Distributed(SELECTION, Hooks(), workers.scheduler_address) as run:
        run._what["version"] = "99.0"
        with pytest.raises(UsageError, match=r"this is 99\.0"):
            run.run()[0].result()


def test_a_worker_without_an_engine_is_named(workers: LocalCluster) -> None:
    selection = replace(SELECTION, trace=TraceMode.ON)
    with pytest.raises(EngineUnavailable) as refusal, Distributed(selection, Hooks(), workers.scheduler_address):
        pass
    assert refusal.value.message.startswith("the dask worker at inproc://")
    assert refusal.value.message.endswith("there is no record")
    assert refusal.value.remedy


BURNT: dict[str, int] = {}
"""The workers whose engines are gone, by their addresses; as many as are asked for, those that are asked first."""


def ask_until_burnt(cell: int, image: None, *, most: int, **what: Any) -> Answer:
    answer = ask_really(cell, image, **what)
    if answer.worker in BURNT or len(BURNT) < most:
        BURNT[answer.worker] = BURNT.get(answer.worker, 0) + 1
        return Answer(worker=answer.worker, gone="it burnt down")
    return answer


def test_cells_of_an_engine_that_is_gone_go_to_others(workers: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    BURNT.clear()
    monkeypatch.setattr(harness.distributed, "ask", partial(ask_until_burnt, most=1))
    notes: list[str] = []
    with Distributed(SELECTION, Hooks(note=notes.append), workers.scheduler_address) as run:
        assert len({future.result().id for future in run.run()}) == CELLS
    (bad,) = BURNT
    told = f"the dask worker at {bad} has no engine any more: it burnt down; its cells are run by others"
    assert notes.count(told) == 1


def test_where_no_engine_is_left_the_run_ends(workers: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    BURNT.clear()
    monkeypatch.setattr(harness.distributed, "ask", partial(ask_until_burnt, most=2))
    with Distributed(SELECTION, Hooks(), workers.scheduler_address) as run:
        futures = run.run()
        with pytest.raises(EngineUnavailable, match="no dask worker has an engine any more: it burnt down"):
            futures[-1].result()


def test_workers_that_do_not_agree_are_refused(workers: LocalCluster) -> None:
    with Distributed(SELECTION, Hooks(), workers.scheduler_address) as run:
        document = run.document([])
        (name, facts), *_ = document.engines.items()
        with pytest.raises(UsageError, match=r"engine Scripted: .*Scripted 2 in elsewhere"):
            run._meet("elsewhere", changed(document, engines={name: changed(facts, version="2")}))
        del run._heads["elsewhere"]
        with pytest.raises(UsageError, match="different engines: Other, Scripted"):
            run._meet("elsewhere", changed(document, engines={"Other": changed(facts, name="Other")}))
        del run._heads["elsewhere"]
        run._meet("elsewhere", changed(document, engines={name: changed(facts, kernel="6.2")}))
        assert run.engine_facts.kernel == "6.1, 6.2"


def test_where_no_worker_is_left_for_long_the_run_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.distributed._LOOKS_S", 0.05)
    monkeypatch.setattr("harness.distributed._NONE_S", 0.1)
    monkeypatch.setattr("harness.distributed.ask", lambda *_, **__: None)
    with cluster(1) as one, Distributed(SELECTION, Hooks(), one.scheduler_address) as run:
        one.scale(0)
        one.sync(one._correct_state)
        with pytest.raises(EngineUnavailable, match="no dask worker is left"):
            run.run()[0].result()


def names(archive: bytes) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {entry.name: entry.linkname for entry in tar.getmembers()}


def test_folders_are_sent_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "catalogue").mkdir()
    (tmp_path / "app" / "deep").mkdir(parents=True)
    (tmp_path / "secret").write_text("not asked for")
    (tmp_path / "app" / "run").write_text("#!/bin/sh\n")
    (tmp_path / "app" / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "app" / "pipe")
    sent = harness.distributed._archive([tmp_path / "catalogue", tmp_path / "catalogue" / ".." / "app"])
    assert names(sent) == {
        "app": "", "app/deep": "", "app/link": "/etc/passwd", "app/pipe": "", "app/run": "", "catalogue": "",
    }  # fmt: skip
    above = harness.distributed._archive([tmp_path / "catalogue", tmp_path])
    assert {"./secret", "./catalogue", "./app/run"} <= {*names(above)}
    assert len(names(above)) == len({*names(above)})


def test_what_is_too_much_is_not_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.distributed._MOST_BYTES", 1000)
    for name in "ab":
        (tmp_path / name).write_bytes(bytes(1000))
    with pytest.raises(UsageError, match="each dask worker gets all of it"):
        harness.distributed._archive([tmp_path])
