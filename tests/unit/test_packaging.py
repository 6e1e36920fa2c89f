"""What a plain install is: the command works without what the extras bring, and says how to get it."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

import harness

ROOT = Path(__file__).parents[2]
EXTRAS = {
    "pytest": "pytest",
    "testcontainers": "testcontainers",
    "workshop": "prompt_toolkit",
    "distributed": "distributed",
}
NEED_AN_EXTRA = {
    "harness.distributed",
    "harness.distributed_worker",
    "harness.pytest_plugin",
    "harness.pytest_workers",
    "harness.testing",
    "harness.workshop.demo.keys",
}

# A finder that comes first, and finds nothing of what an extra brings.
WITHOUT_EXTRAS = f"""
import importlib, sys

class Plain:
    def find_spec(self, name, path=None, target=None):
        if name in {sorted(EXTRAS.values())}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Plain())
"""


def plain(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run some code where no extra is installed."""
    command = [sys.executable, "-W", "error", "-c", WITHOUT_EXTRAS + code, *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return plain("from harness.cli.entry import main; main()", *words)


def test_every_other_module_does_without_extras() -> None:
    names = {module.name for module in pkgutil.walk_packages(harness.__path__, "harness.")}
    assert names > NEED_AN_EXTRA
    wanted = sorted(names - NEED_AN_EXTRA)
    done = plain("for name in sys.argv[1:]: importlib.import_module(name)", *wanted)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", sorted(NEED_AN_EXTRA))
def test_the_modules_that_need_an_extra_are_known_as_such(name: str) -> None:
    done = plain("importlib.import_module(sys.argv[1])", name)
    assert done.returncode == 1
    assert "ModuleNotFoundError" in done.stderr


def test_a_command_runs_without_extras() -> None:
    done = command("list")
    assert done.returncode == 0, done.stderr
    assert "npm-start" in done.stdout


def test_a_demo_says_how_to_install_what_it_needs() -> None:
    done = command("demo", "--plain")
    assert done.returncode == 2
    assert done.stderr == (
        "signal-harness: the demo needs prompt_toolkit, which is not installed\n"
        "  pip install 'signal-harness[workshop]'\n"
    )


def test_a_run_on_dask_workers_says_how_to_install_what_it_needs() -> None:
    done = command("run", "--dask", "tcp://127.0.0.1:8786")
    assert done.returncode == 2
    assert done.stderr == (
        "signal-harness: --dask needs dask.distributed, which is not installed\n"
        "  pip install 'signal-harness[distributed]'\n"
    )


def test_the_test_api_says_how_to_install_what_it_needs() -> None:
    done = plain("import harness.testing")
    assert done.stderr.splitlines()[-1] == (
        "ModuleNotFoundError: harness.testing needs testcontainers: pip install 'signal-harness[testcontainers]'"
    )


def test_all_is_every_extra() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert extras.pop("all") == [f"signal-harness[{','.join(extras)}]"]
    assert list(extras) == list(EXTRAS)


CTRL_C_AT_IMPORT = """
import os, signal, sys

class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "harness.core.signals":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Slow())
signal.signal(signal.SIGINT, signal.default_int_handler)
from harness.__main__ import main
main()
"""


def test_ctrl_c_before_anything_has_begun_is_no_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CTRL_C_AT_IMPORT, "list"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_both_ways_to_the_command_are_one() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert scripts == {"signal-harness": "harness.__main__:main"}


def test_the_version_is_looked_up_only_as_it_is_asked_for() -> None:
    """All that is installed is searched for it: a start that prints no document does without."""
    code = "import sys, harness.session, harness.checking, harness.auditing, harness.cli.run; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "importlib.metadata" not in done.stdout.split()
    assert harness.__version__ == version("signal-harness")
    with pytest.raises(AttributeError, match="module 'harness' has no attribute 'no_such_thing'"):
        _ = harness.no_such_thing
