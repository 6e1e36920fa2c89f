"""A run with a helper: from where there is no record, and however it ends. Needs root, and tracefs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import EngineUnavailable
from harness.engine import tracefs
from harness.engine.containers import HELPER
from harness.engine.registry import open_engine
from harness.files import cache_folder
from harness.local_bases.helper.image import REFERENCE, HelperImage
from harness.run.inbox import Inbox
from harness.run.waiting import until
from tests.support.command import command
from tests.support.elsewhere import NAMESPACES, elsewhere
from tests.support.harm import proxy
from tests.support.leftovers import containers_of, left_behind, owner, swept, wait_for_a_signal

MUSL = "local:musl-node24"
SOON_S = 30.0
LONG_S = 120.0
Verdicts = dict[tuple[str, str], str]


def has_record() -> bool:
    try:
        return tracefs._tracefs().exists()
    except EngineUnavailable:
        return False


pytestmark = [
    pytest.mark.engine,
    pytest.mark.cli,
    pytest.mark.skipif(not has_record(), reason="it is the engine's machine that must have a record"),
]


@pytest.fixture(scope="module", autouse=True)
def image() -> None:
    """Make it at once, not while a test counts the seconds."""
    with closing(open_engine()) as engine:
        bases = engine.bases(defaults=(), providers=(HelperImage(cache_folder()),), report=lambda _: None)
        bases.get(REFERENCE)


# Without a record no-handlers is left open (`tests.cli.test_probes`).
CHOSEN = ("--base", MUSL, "--variant", "no-handlers", "--variant", "npm-start-tini", "--signal", "TERM")


def verdicts(*words: str, before: tuple[str, ...] = (), **environment: str) -> tuple[Verdicts, dict[str, Any], str]:
    """Verdicts, the facts of the engine, and what was said."""
    done = command("run", "--json", "-", *CHOSEN, *words, before=before, **environment)
    document = json.loads(done.stdout)
    (engine,) = document["engines"].values()
    return found(document), engine, done.stderr


def found(document: dict[str, Any]) -> Verdicts:
    return {(row["subject"], row["signal"]): row["verdict"] for row in document["results"]}


@pytest.fixture(scope="module")
def here() -> Verdicts:
    """Those of root on the engine's own machine."""
    return verdicts("--trace", "on")[0]


def test_nobody_elsewhere_gets_the_verdicts_of_root_here(tmp_path: Path, here: Verdicts) -> None:
    """Without root, with an engine over TCP, and with a clock and a /proc that are not those of its machine."""
    nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    readable = ("--inh-caps", "+dac_read_search", "--ambient-caps", "+dac_read_search")
    tmp_path.chmod(0o777)
    alone = {"PYTHONDONTWRITEBYTECODE": "1", "HOME": str(tmp_path)}
    with elsewhere() as address:
        before = (*NAMESPACES, *nobody, *readable)
        far, engine, told = verdicts("--trace", "helper", before=before, DOCKER_HOST=address, **alone)
    assert "--trace helper: a privileged container" in told.splitlines()[0]
    assert "has a clock of its own, known to within" in told
    assert engine["trace"] is True
    assert far == here
    assert "untested" not in far.values()


@pytest.mark.parametrize("harm", ["killed", "cut"])
def test_another_one_takes_the_place_of_one_that_ends_before_its_time(
    harm: str, tmp_path: Path, here: Verdicts
) -> None:
    """The cells under way are run again, and the verdicts are those of a run that nothing happens to."""
    socket = tmp_path / "engine.sock"
    with (
        proxy(socket, Path("/var/run/docker.sock")) as way,
        subprocess.Popen(
            [sys.executable, "-m", "harness", "run", *CHOSEN, "--trace", "helper", "--repeat", "2", "--json", "a.json"],
            cwd=tmp_path,
            env={**os.environ, "DOCKER_HOST": f"unix://{socket}"},
            stderr=subprocess.PIPE,
            text=True,
        ) as run,
        closing(open_engine()) as engine,
    ):
        api = engine._api

        def helpers() -> list[str]:
            found = api.containers(filters={"label": [HELPER, owner(run.pid)]})
            return [str(one["Id"]) for one in found]

        def cells() -> list[str]:
            return [one for one in containers_of(run.pid) if one not in helpers()]

        assert until(lambda: (helpers() and cells()) or None, timeout_s=SOON_S, time=Inbox())
        (first,) = helpers()
        pid = int(api.inspect_container(first)["State"]["Pid"])
        wait_for_a_signal(run.pid)
        if harm == "killed":
            api.kill(first, "SIGKILL")
        else:
            assert way.cut(HELPER.replace(".", "-")) == 1
        assert until(lambda: (helpers() and first not in helpers()) or None, timeout_s=SOON_S, time=Inbox())
        _, said = run.communicate(timeout=LONG_S)
        assert helpers() == []
    assert "the helper that reads the kernel's record has ended" in said
    assert found(json.loads((tmp_path / "a.json").read_text())) == here
    assert swept(pid)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_it_is_gone_with_its_run_however_that_ends(number: signal.Signals, tmp_path: Path) -> None:
    words = ("run", "--base", MUSL, "--variant", "tini", "--trace", "helper", "--repeat", "50", "--json", "a.json")
    with (
        subprocess.Popen([sys.executable, "-m", "harness", *words], cwd=tmp_path, stderr=subprocess.PIPE) as run,
        closing(open_engine()) as engine,
    ):
        api = engine._api

        def helpers() -> list[Any]:
            return list(api.containers(all=True, filters={"label": [HELPER, owner(run.pid)]}))

        assert until(lambda: (helpers() and len(containers_of(run.pid)) > 1) or None, timeout_s=SOON_S, time=Inbox())
        pid = int(api.inspect_container(helpers()[0]["Id"])["State"]["Pid"])
        assert len(left_behind(pid)) == 1
        run.send_signal(number)
        run.communicate()
        assert until(lambda: not helpers() or None, timeout_s=SOON_S, time=Inbox())
        assert left_behind(pid) == []
        engine.sweep()
        assert swept(run.pid)
