"""Bringing up a Docker Engine on a bare Debian machine, and taking down what we brought up."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from harness.core.errors import EngineUnavailable
from harness.engine.client import REMEDY
from harness.engine.endpoint import DEFAULT_SOCKET, engine_url
from harness.engine.owner import lives
from harness.engine.registry import open_engine
from harness.run.inbox import Inbox
from harness.run.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

_FOLDER: Final = Path(".signal-harness") / "engine"
_PID: Final = _FOLDER / "dockerd.pid"
_LOG: Final = _FOLDER / "dockerd.log"
_WAIT_S: Final = 60
_CONTAINERD_PID: Final = Path("/var/run/docker/containerd/containerd.pid")


def up(say: Callable[[str], None]) -> str:
    """Make sure that an engine answers, installing and starting Debian's if none does; return a line that names it.

    Raises:
        EngineUnavailable: none answers, and none can be brought up here; the remedy has the commands to run.
    """
    try:
        return _answering()
    except EngineUnavailable:
        if engine_url() != DEFAULT_SOCKET:
            raise  # the user named another engine
        if not Path("/proc/self").exists() or os.geteuid() != 0 or shutil.which("apt-get") is None:
            reason = "no engine answers, and one can be installed by root on Debian only"
            raise EngineUnavailable(reason, remedy=REMEDY) from None
    if shutil.which("dockerd") is None:
        say("no engine answers: installing Debian's docker.io with apt-get")
        _install()
    say(f"starting dockerd; its log and pid are in {_FOLDER}")
    _start()
    return _answering()


def down() -> str:
    """Stop the engine that `up` started, and return a line that says what was done.

    Raises:
        EngineUnavailable: it does not stop.
    """
    pid = _ours()
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        if until(lambda: _ours() is None or None, timeout_s=_WAIT_S, time=Inbox()) is None:
            raise EngineUnavailable(f"dockerd (pid {pid}) did not stop", remedy=f"kill -9 {pid}")
    _PID.unlink(missing_ok=True)
    return "no engine of ours is running" if pid is None else f"stopped dockerd (pid {pid})"


def _ours() -> int | None:
    """The engine that this user has started from this folder, if it runs.

    The file may be anybody's, as in a folder that was unpacked or cloned: what it names is ours only if it was told to
    write this very file.
    """
    pid = _pid_of(_PID, "dockerd")
    try:
        process = Path(f"/proc/{pid}")
        started = process.stat().st_uid == os.geteuid() and _start_of(_PID) in process.joinpath("cmdline").read_bytes()
    except OSError:
        return None
    return pid if started else None


def _start_of(pid_file: Path) -> bytes:
    """What the command line of an engine of ours has, and no other's."""
    return b"\0--pidfile\0%s\0" % os.fsencode(pid_file.resolve())


def _answering() -> str:
    with closing(open_engine("docker")) as engine:
        return f"engine {engine.facts().version} answers at {engine.url}"


def _install() -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in ("apt-get update -q", "apt-get install -q -y --no-install-recommends docker.io"):
        done = subprocess.run(command.split(), env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise EngineUnavailable(f"{command} failed: {done.stderr.strip()[-400:]}", remedy="Install Docker by hand.")


def _start() -> None:
    _FOLDER.mkdir(parents=True, exist_ok=True)
    for pid_file, name in ((_PID, "dockerd"), (_CONTAINERD_PID, "containerd")):
        # A number that has passed to another process would keep dockerd from starting.
        if _pid_of(pid_file, name) is None:
            pid_file.unlink(missing_ok=True)
    command = ["dockerd", "--pidfile", str(_PID.resolve())]
    with _LOG.open("ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def look() -> bool | None:
        with suppress(EngineUnavailable):
            open_engine("docker").close()
            return True
        return False if process.poll() is not None else None

    if not until(look, timeout_s=_WAIT_S, time=Inbox()):
        tail = "\n".join(_LOG.read_text(encoding="utf-8", errors="replace").splitlines()[-8:])
        raise EngineUnavailable(f"dockerd did not come up; the end of {_LOG}:\n{tail}", remedy=REMEDY)


def _pid_of(pid_file: Path, name: str) -> int | None:
    """The process of a pid file, if it still runs and has that name."""
    try:
        pid = int(pid_file.read_text(encoding="ascii"))
        comm = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None
    return pid if comm == name and lives(pid) else None
