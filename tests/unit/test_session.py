"""A session and what else stands on an open engine, on one that follows a script."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from harness import doctor
from harness.cli import machine
from harness.core.document import Line, Shard
from harness.core.errors import BaseUnavailable, EngineFault, EngineUnavailable, UsageError
from harness.core.rules import Rule
from harness.core.sharding import Share
from harness.core.signals import Signal
from harness.core.verdict import Verdict
from harness.doctor import Finding, examine
from harness.engine.registry import ENGINES
from harness.session import Hooks, Selection, Session, TraceMode, refuse_unmet
from tests.support import engines
from tests.support.engines import ScriptedOpenEngine
from tests.support.facts import base_facts
from tests.support.scripted import Script

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.core.document import Row
    from harness.engine.protocol import OpenEngine

    Install = Callable[[ScriptedOpenEngine], ScriptedOpenEngine]

ONE = Selection(bases=("b:1",), variants=("node-exec-form",), signals=(Signal(15),), jobs=1, repeat=1)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Puts an engine in the place of the default one."""

    def put(engine: ScriptedOpenEngine) -> ScriptedOpenEngine:
        checked: OpenEngine = engine  # that it satisfies the protocol is the type checker's to say
        monkeypatch.setattr(engines, "installed", checked, raising=False)
        monkeypatch.setitem(ENGINES, "docker", "tests.support.engines:installed")
        return engine

    return put


def test_a_session_needs_no_more_of_an_engine_than_the_protocol_says(install: Install) -> None:
    engine = install(ScriptedOpenEngine(script_of=lambda _: Script(start_fault=EngineFault("no such command"))))
    rows: list[Row] = []
    with Session(ONE, Hooks(result=rows.append)) as session:
        futures = session.run()
        assert [future.result() for future in futures] == rows
        document = session.document(rows)
        assert not engine.closed
    assert engine.closed
    assert engine.made[0].gotten == ["b:1"]
    assert [(row.base, row.subject, row.verdict) for row in rows] == [("b:1", "node-exec-form", Verdict.UNTESTED)]
    assert "no such command" in rows[0].reason
    assert list(document.engines) == ["Scripted"]
    assert list(document.bases) == ["b:1"]


def test_comments_in_the_dockerfiles_of_variants_leave_rules_be(install: Install, tmp_path: Path) -> None:
    install(ScriptedOpenEngine())
    (tmp_path / "app").mkdir()
    rows = ['schema = 1\ncontext = "app"\n[app]\nready = "r"\nreceived = "(?P<signal>SIG)"\n']
    for name, comment in (("plain", ""), ("batch", "# signal-harness ignore=SH003 holds no state\n")):
        (tmp_path / f"{name}.Dockerfile").write_text(f"{comment}ARG BASE\nFROM ${{BASE}}\nCMD node app.js\n")
        dockerfile, expect = f'dockerfile = "{name}.Dockerfile"', 'expect = { forwards = "never" }'
        rows.append(f'[[variant]]\nname = "{name}"\ntitle = "{name}"\n{dockerfile}\n{expect}\n')
    (tmp_path / "catalogue.toml").write_text("".join(rows))
    with Session(replace(ONE, variants=(), catalogue=tmp_path)) as session:
        (ignore,) = session.ignores
    assert (ignore.rule, ignore.subject, ignore.reason) == (Rule.APP_DROPS, "batch", "holds no state")
    assert ignore.place.endswith("batch.Dockerfile:1")
    with Session(replace(ONE, variants=("plain",), catalogue=tmp_path)) as session:
        assert session.ignores == ()


def test_a_base_without_what_every_variant_needs_is_refused(install: Install) -> None:
    engine = install(ScriptedOpenEngine(programs={"tini": "0.19.0"}))
    with pytest.raises(BaseUnavailable) as refusal, Session(ONE):
        pass
    assert refusal.value.message == "b:1 has no node on its PATH, and the sample app needs it"
    assert refusal.value.remedy == "Choose a base with Node, such as node:24.11.1-alpine3.22 or local:musl-node24."
    assert engine.closed


@pytest.mark.parametrize(
    ("requires", "message"),
    [
        ({}, None),
        ({"node": "*"}, None),
        ({"node": ">=22"}, None),
        ({"node": ">=26"}, "b:1 cannot carry the variants: it needs node >=26, and the base has 24.1.0"),
        ({"deno": ">=2"}, "b:1 has no deno on its PATH, and the sample app needs it"),
        ({"node": ">=26", "deno": ""}, "b:1 has no deno on its PATH, and the sample app needs it"),
    ],
)
def test_a_base_is_held_to_what_is_required(requires: dict[str, str], message: str | None) -> None:
    facts = base_facts(reference="b:1", id="sha256:1", programs={"node": "24.1.0"})
    if message is None:
        refuse_unmet(requires, facts, examples="b:2")
        return
    with pytest.raises(BaseUnavailable) as refusal:
        refuse_unmet(requires, facts, examples="b:2")
    assert refusal.value.message == message
    assert refusal.value.remedy.endswith("such as b:2.")


def test_a_record_that_is_asked_for_and_not_there_ends_the_session(install: Install) -> None:
    engine = install(ScriptedOpenEngine())
    with (
        pytest.raises(EngineUnavailable, match="there is no record") as refusal,
        Session(replace(ONE, trace=TraceMode.ON)),
    ):
        pass
    assert refusal.value.remedy == "Run as root on the engine's own Linux host, or leave out --trace on."
    assert engine.closed


@pytest.mark.parametrize(
    ("recorded", "mode", "used", "notes"),
    [
        (True, TraceMode.AUTO, True, []),
        (True, TraceMode.OFF, False, []),
        (False, TraceMode.OFF, False, []),
        (False, TraceMode.AUTO, False, ["there is no record; verdicts rest on log, process tree and events"]),
    ],
)
def test_the_record_is_used_where_there_is_one(
    recorded: bool, mode: TraceMode, used: bool, notes: list[str], install: Install
) -> None:
    install(ScriptedOpenEngine(recorded=recorded))
    said: list[str] = []
    with Session(replace(ONE, trace=mode), Hooks(note=said.append)) as session:
        assert session.engine_facts.trace is used
    assert said == notes


def test_a_helper_runs_where_it_is_asked_for_and_that_is_said_before(install: Install) -> None:
    engine = install(ScriptedOpenEngine(helps=True))
    said: list[str] = []

    def note(text: str) -> None:
        assert engine.helped_by == []
        said.append(text)

    with Session(replace(ONE, trace=TraceMode.HELPER), Hooks(note=note)) as session:
        assert session.engine_facts.trace
        assert engine.helped_by == ["kept/local:helper"]
    assert engine.helped_by == []
    (text,) = said
    assert text.startswith("--trace helper: a privileged container (the PID namespace of the engine's machine")


@pytest.mark.parametrize("mode", [TraceMode.AUTO, TraceMode.OFF])
def test_no_helper_runs_that_nobody_asked_for(mode: TraceMode, install: Install) -> None:
    engine = install(ScriptedOpenEngine(recorded=False, helps=True))
    with Session(replace(ONE, trace=mode)) as session:
        assert (session.engine_facts.trace, engine.helped_by) == (False, [])


def test_a_helper_that_is_refused_ends_the_session(install: Install) -> None:
    engine = install(ScriptedOpenEngine(recorded=True))
    with (
        pytest.raises(EngineUnavailable, match="no privileged container") as refusal,
        Session(replace(ONE, trace=TraceMode.HELPER)),
    ):
        pass
    assert refusal.value.remedy.endswith("or leave out --trace helper.")
    assert engine.closed


# The other commands that stand on an engine.


def test_a_doctor_looks_at_everything_in_order(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 5e9}))
    engine = install(ScriptedOpenEngine(present=frozenset({"local:musl-node24"}), left=["a"]))
    assert list(examine()) == [
        Finding(subject="engine", good=True, text="Scripted 1 at nowhere"),
        Finding(subject="API", good=True, text="version 2, none, init no init"),
        Finding(
            subject="builder",
            good=False,
            text="classic",
            remedy="Variants with cache mounts will be untested; use Docker 18.09 or newer.",
        ),
        Finding(subject="bases", good=True, text="local:musl-node24"),
        Finding(subject="build", good=True, text="an image was built on kept/local:musl-node24"),
        Finding(subject="container", good=True, text="one ran, with a network and a port"),
        Finding(
            subject="/proc",
            good=False,
            text="process trees come from scripted top",
            remedy="Verdicts take longer. Run as root on the engine's own Linux host to see /proc.",
        ),
        Finding(
            subject="tracepoints",
            good=False,
            text="there is no record",
            remedy="Verdicts rest on the other evidence. With --trace helper, a privileged container reads the record.",
        ),
        Finding(subject="disk", good=True, text="5.0 GB free"),
        Finding(subject="leftovers", good=False, text="1 containers of killed runs", remedy="signal-harness clean"),
    ]
    assert engine.closed


def test_a_doctor_without_a_base_tries_nothing(install: Install) -> None:
    install(ScriptedOpenEngine(refused=frozenset({"build", "network"})))
    assert not {"build", "container"} & {finding.subject for finding in examine()}


@pytest.mark.parametrize(
    ("refused", "subject", "text", "needed"),
    [
        ({"build"}, "build", "no image can be built: the engine says: no build", True),
        ({"network"}, "container", "none gets a network: the engine says: no network", False),
        ({"network", "container"}, "container", "none runs: the engine says: no container", True),
    ],
)
def test_a_doctor_says_what_failed_and_what_to_do(
    refused: set[str], subject: str, text: str, needed: bool, install: Install
) -> None:
    install(ScriptedOpenEngine(present=frozenset({"local:musl-node24"}), refused=frozenset(refused)))
    bad = next(finding for finding in examine() if finding.subject == subject)
    assert (bad.good, bad.text, bad.needed) == (False, text, needed)
    assert "To reproduce it by hand:\n  " in bad.remedy
    assert "kept/local:musl-node24" in bad.remedy
    assert CliRunner().invoke(machine.doctor).exit_code == (3 if needed else 0)


def test_a_doctor_without_an_engine_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> OpenEngine:
        raise EngineUnavailable("no engine answers", remedy="Start one.")

    monkeypatch.setattr(doctor, "open_engine", refuse)
    assert list(examine()) == [
        Finding(subject="engine", good=False, text="no engine answers", remedy="Start one.", needed=True)
    ]


@pytest.mark.parametrize(
    ("words", "output"),
    [
        ([], "2 containers, 2 trace instances and 1 temporary folder removed\n"),
        (["--images"], "2 containers, 2 trace instances and 1 temporary folder removed\n3 images removed\n"),
    ],
)
def test_cleaning_says_what_was_removed(words: list[str], output: str, install: Install) -> None:
    engine = install(ScriptedOpenEngine(left=["a", "b"]))
    assert CliRunner().invoke(machine.clean, words).output == output
    assert engine.closed


@pytest.mark.parametrize(
    ("words", "gotten"),
    [
        (["get"], ["node:24.11.1-alpine3.22", "node:24.11.1-bookworm-slim"]),
        (["build"], ["local:musl-node24", "local:debian12-node24"]),
        (["build", "b:1", "b:2"], ["b:1", "b:2"]),
    ],
)
def test_bases_that_are_wanted_are_gotten_and_named(words: list[str], gotten: list[str], install: Install) -> None:
    engine = install(ScriptedOpenEngine())
    assert CliRunner().invoke(machine.bases, words).output.split() == gotten
    assert engine.made[0].gotten == gotten
    assert engine.closed


# Dockerfiles of one's own.

CATALOGUE = """
schema = 1
context = "."
[app]
ready = "ready"
[[variant]]
name = "v"
title = "v"
dockerfile = "v.Dockerfile"
[[variant]]
name = "w"
title = "w"
dockerfile = "w"
"""


def own(folder: Path, dockerfile: str) -> Selection:
    (folder / "catalogue.toml").write_text(CATALOGUE)
    (folder / "v.Dockerfile").write_text(dockerfile)
    (folder / "w").mkdir()
    return replace(ONE, catalogue=folder, variants=("v",))


def test_what_was_exchanged_is_in_the_results(install: Install, tmp_path: Path) -> None:
    install(ScriptedOpenEngine(script_of=lambda _: Script(start_fault=EngineFault("no")), programs={}))
    with Session(own(tmp_path, "FROM python:3.13-slim\nCMD a\n")) as session:
        rows = [future.result() for future in session.run()]
        assert session.document(rows).subjects["v"].exchanged == (Line(line=1, text="FROM python:3.13-slim"),)


@pytest.mark.parametrize("wanted", ["v", "w", "*"])
def test_what_cannot_be_put_on_a_base_is_refused_before_there_is_an_engine(
    wanted: str, install: Install, tmp_path: Path
) -> None:
    engine = install(ScriptedOpenEngine())
    with pytest.raises(UsageError), Session(replace(own(tmp_path, "FROM scratch\n"), variants=(wanted,))):
        pass
    assert not engine.made


def test_who_needs_a_program_is_said(install: Install, tmp_path: Path) -> None:
    install(ScriptedOpenEngine(programs={}))
    selection = own(tmp_path, "FROM a\n")
    (tmp_path / "catalogue.toml").write_text(CATALOGUE.replace("[app]", 'requires = { npm = "*" }\n[app]'))
    with (
        pytest.raises(BaseUnavailable, match="b:1 has no npm on its PATH, and the catalogue requires it"),
        Session(selection),
    ):
        pass


def test_parts_of_a_run_are_all_its_cells_and_get_no_more_bases_than_they_need(install: Install) -> None:
    selection = replace(ONE, bases=("b:1", "b:2"), signals=(Signal(1), Signal(15)))
    install(ScriptedOpenEngine())
    with Session(selection) as whole:
        cells = [cell.id for cell in whole.cells]
    found: list[str] = []
    for number, base in enumerate(selection.bases, start=1):
        engine = install(ScriptedOpenEngine())
        with Session(replace(selection, share=Share(number, 2))) as session:
            document = session.document(())
            found += [cell.id for cell in session.cells]
        assert engine.made[0].gotten == [base]
        assert document.shard == Shard(parts=(number,), of=2, planned=tuple(cells))
        assert list(document.bases) == [base]
    assert found == cells


def test_more_parts_than_images_are_refused_before_a_base_is_fetched(install: Install) -> None:
    engine = install(ScriptedOpenEngine())
    with (
        pytest.raises(UsageError, match="2 parts are too many: the run has 1 image"),
        Session(replace(ONE, share=Share(1, 2))),
    ):
        pass
    assert engine.made[0].gotten == []
    assert engine.closed
