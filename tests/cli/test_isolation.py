"""``--isolation``: the same verdicts, whether each signal has a fresh container or the one that was left as it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.command import command

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.cli

VARIANTS: Final = ("node-exec-form", "node-shell-form", "tini", "no-handlers", "npm-start")
WORDS: Final = (
    "run",
    *("--base", "local:musl-node24", "--json", "-", "--trace", "on"),
    *(word for variant in VARIANTS for word in ("--variant", variant)),
    *(word for signal in ("HUP", "TERM", "USR2") for word in ("--signal", signal)),
)
Rows = dict[tuple[str, str], dict[str, Any]]


def rows(*words: str) -> Rows:
    done = command(*WORDS, *words)
    return {(row["subject"], row["signal"]): row for row in json.loads(done.stdout)["results"]}


@pytest.fixture(scope="module")
def shared() -> Rows:
    return rows()


@pytest.mark.engine
def test_the_verdicts_are_those_of_fresh_containers(shared: Rows) -> None:
    fresh = rows("--isolation", "run")
    assert {row["runs"][0]["earlier"] == [] for row in fresh.values()} == {True}
    assert {cell: (row["verdict"], row["deliveries"]) for cell, row in shared.items()} == {
        cell: (row["verdict"], row["deliveries"]) for cell, row in fresh.items()
    }


@pytest.mark.engine
def test_containers_that_are_as_they_were_are_sent_more(shared: Rows) -> None:
    sent = {cell: row["runs"][0]["earlier"] for cell, row in shared.items() if row["runs"][0]["earlier"]}
    assert sent
    for (subject, signal), earlier in sent.items():
        assert signal not in earlier
        assert all(shared[subject, name]["outcome"] == "running" for name in earlier)


def test_who_has_not_said_that_the_app_only_logs_is_told_how(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\n")
    (tmp_path / "catalogue.toml").write_text(
        'schema = 1\ncontext = "."\n[app]\n[[variant]]\nname = "a"\ntitle = "a"\ndockerfile = "Dockerfile"\n'
    )
    done = command("run", "--catalogue", str(tmp_path), "--isolation", "variant")
    assert done.returncode == 2
    assert "--isolation variant needs an app that a signal leaves as it was" in done.stderr
    assert "say `only-logs = true` in [app]" in " ".join(done.stderr.split())


def test_only_logs_needs_the_words_that_it_logs(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}\n")
    (tmp_path / "catalogue.toml").write_text(
        'schema = 1\ncontext = "."\n[app]\nonly-logs = true\n'
        '[[variant]]\nname = "a"\ntitle = "a"\ndockerfile = "Dockerfile"\n'
    )
    done = command("run", "--catalogue", str(tmp_path))
    assert done.returncode == 2
    assert "app: received is missing: only-logs needs to see what the app logs" in done.stderr
