"""A run with a helper: from where there is no record, and however it ends. Needs root, and tracefs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

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
from tests.support.leftovers import containers_of, left_behind, owner

if TYPE_CHECKING:
    from pathlib import Path

MUSL = "local:musl-node24"
SOON_S = 30.0
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


def verdicts(*words: str, before: tuple[str, ...] = (), **environment: str) -> tuple[Verdicts, dict[str, Any], str]:
    """Verdicts, the facts of the engine, and what was said."""
    # Without a record no-handlers is left open (`tests.cli.test_probes`).
    chosen = ("--variant", "no-handlers", "--variant", "npm-start-tini", "--signal", "TERM")
    done = command("run", "--json", "-", "--base", MUSL, *chosen, *words, before=before, **environment)
    document = json.loads(done.stdout)
    (engine,) = document["engines"].values()
    return {(row["subject"], row["signal"]): row["verdict"] for row in document["results"]}, engine, done.stderr


def test_nobody_elsewhere_gets_the_verdicts_of_root_here(tmp_path: Path) -> None:
    """Without root, with an engine over TCP, and with a clock and a /proc that are not those of its machine."""
    here, _, _ = verdicts("--trace", "on")
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
        assert containers_of(run.pid) == []
