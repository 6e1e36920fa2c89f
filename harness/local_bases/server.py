"""Bringing up a Docker Engine on a bare Debian machine, and taking down what we brought up."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.core.errors import EngineUnavailable
from harness.engine.client import DEFAULT_SOCKET, REMEDY, connect, engine_url
from harness.run.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER: Final = Path(".signal-harness") / "engine"
_START_S: Final = 60
_STOP_S: Final = 60
_CONTAINERD_PID: Final = Path("/var/run/docker/containerd/containerd.pid")


class _Clock:
    """Real time for waits that nothing wakes."""

    def now_ns(self) -> int:
        return time.monotonic_ns()

    def pause(self, seconds: float) -> None:
        # The engine tells nobody when it is up; it must be asked again.
        time.sleep(seconds)  # noqa: TID251


def up(say: Callable[[str], None]) -> str:
    """Make sure that an engine answers, installing and starting Debian's where none does.

    Args:
        say: called with one line before each step.

    Returns:
        A line that says which engine answers.

    Raises:
        EngineUnavailable: none answers, and none can be brought up here; the remedy holds the commands to run.
    """
    try:
        return _answering()
    except EngineUnavailable:
        if engine_url() != DEFAULT_SOCKET:
            raise  # the user named an engine; starting another one would not be it
        _check_means()
    if shutil.which("dockerd") is None:
        say("no engine answers: installing Debian's docker.io with apt-get")
        _install()
    say(f"starting dockerd; its log and pid are in {FOLDER}")
    _start()
    return _answering()


def down() -> str:
    """Stop the engine that `up` started, and say what was done."""
    pid_file = FOLDER / "dockerd.pid"
    pid = _pid_of(pid_file, "dockerd")
    if pid is None:
        pid_file.unlink(missing_ok=True)
        return "no engine of ours is running"
    os.kill(pid, signal.SIGTERM)
    if until(lambda: _pid_of(pid_file, "dockerd") is None or None, timeout_s=_STOP_S, time=_Clock()) is None:
        raise EngineUnavailable(f"dockerd (pid {pid}) did not stop", remedy=f"kill -9 {pid}")
    pid_file.unlink(missing_ok=True)
    return f"stopped dockerd (pid {pid})"


def _answering() -> str:
    api = connect()
    version = api.version()
    api.close()
    return f"engine {version['Version']} answers at {engine_url()}"


def _check_means() -> None:
    if not Path("/proc/self").exists() or os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise EngineUnavailable("no engine answers, and one can be installed by root on Debian only", remedy=REMEDY)


def _install() -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["apt-get", "update", "-q"],
        ["apt-get", "install", "-q", "-y", "--no-install-recommends", "docker.io"],
    ):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise EngineUnavailable(
                f"{' '.join(command)} failed: {done.stderr.strip()[-400:]}", remedy="Install Docker by hand."
            )


def _start() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    pid_file, log_file = FOLDER / "dockerd.pid", FOLDER / "dockerd.log"
    for stale, name in ((pid_file, "dockerd"), (_CONTAINERD_PID, "containerd")):
        # A number that has passed to another process would keep dockerd from starting.
        if stale.exists() and _pid_of(stale, name) is None:
            stale.unlink(missing_ok=True)
    with log_file.open("ab") as log:
        process = subprocess.Popen(
            ["dockerd", "--pidfile", str(pid_file.resolve())],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def look() -> bool | None:
        with suppress(EngineUnavailable):
            connect().close()
            return True
        return False if process.poll() is not None else None

    if not until(look, timeout_s=_START_S, time=_Clock()):
        tail = "\n".join(log_file.read_text(encoding="utf-8", errors="replace").splitlines()[-8:])
        raise EngineUnavailable(f"dockerd did not come up; the end of {log_file}:\n{tail}", remedy=REMEDY)


def _pid_of(pid_file: Path, name: str) -> int | None:
    """The process of a pid file, if it still runs and is what it should be."""
    try:
        pid = int(pid_file.read_text(encoding="ascii"))
        comm = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except (OSError, ValueError):
        return None
    return pid if comm == name and state != "Z" else None
