"""The matrix on Docker and Podman of two releases of Debian, with runc and with crun: which verdicts differ.

Each engine comes from a root of its own, made of that release's packages by mmdebstrap and kept. It runs there in a
mount namespace and a network namespace of its own, with its state in a folder that goes with it: the engine of this
machine is not touched but for the base, which all of them get from it, so that the images have the same content. One
engine after the other is started, runs the matrix as ``signal-harness run`` does, and is stopped. Needs Linux, root and
mmdebstrap.
"""

from __future__ import annotations

import argparse
import os
import select
import shutil
import signal
import subprocess
import sys
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from harness.core.errors import EngineUnavailable
from harness.engine.client import connect
from harness.engine.registry import open_engine
from harness.files import cache_folder
from harness.local_bases.recipe import parse_recipe
from harness.report.decoding import read_document
from harness.run.inbox import Inbox
from harness.run.waiting import until
from harness.session import open_bases

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.core.document import Document, Row

BASE: Final = "local:musl-node24"
SUITES: Final = {"12": "bookworm", "13": "trixie"}
"""Releases of Debian by number."""

PACKAGES: Final = (
    *("docker.io", "podman", "runc", "crun", "catatonit", "netavark", "containernetworking-plugins"),
    *("ca-certificates", "iproute2", "iptables", "nftables"),
)
_STARTS_S: Final = 60
_ENDS_S: Final = 60
_RAN: Final = (0, 1, 4)
"""Exit codes of a run that came to its end."""

# In a mount namespace of its own: nothing of this reaches the machine. Its root becomes that of the namespace: what is
# started in a container that runs finds itself in the root of the container's namespace, which would be the machine's.
_INSIDE: Final = """
set -e
ip link set lo up
mount --bind "$1" "$1"
for part in proc sys dev; do mount --rbind "/$part" "$1/$part"; done
# crun runs with either version of cgroups, and refuses both at once; nobody needs the second version here.
if mountpoint -q "$1/sys/fs/cgroup/unified"; then umount "$1/sys/fs/cgroup/unified"; fi
mount -t tmpfs tmpfs "$1/run"
mount -t tmpfs tmpfs "$1/tmp"
mount -t tmpfs tmpfs "$1/dev/shm"
mkdir -p "$1$2"
mount --bind "$2" "$1$2"
cd "$1"
shift 2
mkdir run/machine
pivot_root . run/machine
exec chroot . "$@"
"""

_CONTAINERS_CONF: Final = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "{runtime}"
lock_type = "file"
tmp_dir = "{state}/tmp"
"""
"""What Podman needs where root lacks CAP_SYS_RESOURCE, and no systemd runs (docs/engines.md)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """An engine: what it is, of which release of Debian, and with which runtime."""

    program: str
    release: str
    runtime: str

    @property
    def name(self) -> str:
        return f"{self.program}-{self.release}-{self.runtime}"

    def command(self, state: Path) -> list[str]:
        """What starts it, with all that it keeps in a folder."""
        if self.program == "docker":
            return [
                *("dockerd", "--data-root", f"{state}/data", "--exec-root", f"{state}/exec"),
                *("--pidfile", f"{state}/pid", "-H", f"unix://{state}/engine.sock"),
                *(
                    ("--add-runtime", "crun=/usr/bin/crun", "--default-runtime", "crun")
                    if self.runtime == "crun"
                    else ()
                ),
            ]
        (state / "containers.conf").write_text(_CONTAINERS_CONF.format(runtime=self.runtime, state=state))
        return [
            *("env", f"CONTAINERS_CONF={state}/containers.conf", "PODMAN_IGNORE_CGROUPSV1_WARNING=1"),
            *("podman", "--root", f"{state}/data", "--runroot", f"{state}/run"),
            *("system", "service", "--time", "0", f"unix://{state}/engine.sock"),
        ]


KINDS: Final = tuple(
    Kind(program=program, release=release, runtime=runtime)
    for runtime in ("runc", "crun")
    for program in ("docker", "podman")
    for release in SUITES
)


def root_of(release: str) -> Path:
    """The root file system of a release with both engines, made unless it is there."""
    root = cache_folder() / f"engines-debian{release}"
    if root.is_dir():
        return root
    program = shutil.which("mmdebstrap")
    if program is None:
        raise EngineUnavailable("engines are made with mmdebstrap", remedy="apt-get install -y mmdebstrap")
    hook = Path(program).resolve().parent.parent / "share/mmdebstrap/hooks/maybe-merged-usr"
    made = root.with_name(f"{root.name}.part")
    shutil.rmtree(made, ignore_errors=True)
    made.parent.mkdir(parents=True, exist_ok=True)
    print(f"making a root of Debian {release} with Docker and Podman in {root}", flush=True)
    options = ["--variant=essential", f"--include={','.join(PACKAGES)}", f"--hook-dir={hook}", "--quiet"]
    subprocess.run([program, *options, SUITES[release], str(made)], check=True)
    return made.rename(root)


@dataclass(frozen=True, kw_only=True, slots=True)
class Up:
    """An engine that runs: where it answers, and the process whose network namespace is its own."""

    url: str
    pid: int

    def inside(self, *words: str) -> list[str]:
        """A command as it is run where the engine's network is."""
        return ["nsenter", f"--net=/proc/{self.pid}/ns/net", "--", *words]


@contextmanager
def engine(kind: Kind) -> Iterator[Up]:
    """Start an engine with nothing in its store; stop it again, and leave nothing of it."""
    root = root_of(kind.release)
    with TemporaryDirectory(prefix=f"signal-harness-{kind.name}-") as name:
        state = Path(name)
        (state / "tmp").mkdir()
        url = f"unix://{state}/engine.sock"
        with state.joinpath("log").open("wb") as log:
            process = subprocess.Popen(
                ["unshare", "--mount", "--net", "sh", "-c", _INSIDE, "sh", str(root), name, *kind.command(state)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        inside = Path(f"/proc/{process.pid}/ns/mnt")
        try:
            if not until(lambda: _answers(url, process), timeout_s=_STARTS_S, time=Inbox()):
                said = state.joinpath("log").read_text(errors="replace").strip()[-800:]
                raise EngineUnavailable(f"{kind.name} does not come up: {said}")
            yield Up(url=url, pid=process.pid)
        finally:
            with held(inside) as place:
                process.terminate()
                try:
                    process.wait(_ENDS_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
                end_all(place)


@contextmanager
def held(namespace: Path) -> Iterator[Path | None]:
    """Keep a namespace, whose number another one may else have as soon as nobody is in it; ``None`` if it is gone."""
    try:
        descriptor = os.open(namespace, os.O_RDONLY)
    except OSError:
        yield None
        return
    try:
        yield Path(f"/proc/self/fd/{descriptor}").readlink()
    finally:
        os.close(descriptor)


def end_all(place: Path | None) -> None:
    """End what an engine has left in its mount namespace, and wait for it: Podman's monitors stay for five minutes."""
    if place in (None, Path("/proc/self/ns/mnt").readlink()):
        return
    while left := [int(process.name) for process in Path("/proc").glob("[0-9]*") if _is_in(process, place)]:
        for pid in left:
            with suppress(ProcessLookupError):
                end(pid)


def end(pid: int) -> None:
    """Kill a process that need not be a child, and wait until it has ended (pidfd_open(2))."""
    descriptor = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        select.select([descriptor], [], [])
    finally:
        os.close(descriptor)


def _is_in(process: Path, place: Path) -> bool:
    with suppress(OSError):  # it has ended, or is a kernel's own
        return (process / "ns" / "mnt").readlink() == place
    return False


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool | None:
    """Whether the engine answers; ``None`` for not yet."""
    if process.poll() is not None:
        return False
    try:
        connect(url).close()
    except EngineUnavailable:
        return None
    return True


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """What came of a run on one engine."""

    kind: Kind
    document: Document


def save_base(file: Path) -> None:
    """Have this machine's engine make the base, and save the image to a file, from which all engines get it."""
    with closing(open_engine()) as engine:
        open_bases(engine, print).get(BASE)
    with closing(connect()) as api, file.open("wb") as sink:
        for piece in api.get_image(parse_recipe(BASE).tag):
            sink.write(piece)


def run(kind: Kind, base: Path, more: Sequence[str], file: Path) -> Ran:
    """Run the matrix on an engine that is brought up for it; what is in its results file already is not run again.

    Raises:
        EngineUnavailable: it does not come up, or the run does not come to its end.
    """
    if file.exists() and (document := read_document(file.read_bytes(), place=kind.name)).cut is None:
        return Ran(kind=kind, document=document)
    with engine(kind) as up:
        with closing(connect(up.url)) as api, base.open("rb") as image:
            said = list(api.load_image(image))
        if any("error" in line for line in said):
            raise EngineUnavailable(f"{kind.name} does not take the base: {said[-1]}")
        words = ["run", "--engine", up.url, "--base", BASE, "--json", str(file), *more]
        command = up.inside(sys.executable, "-m", "harness", *words)
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
        if done.returncode not in _RAN:
            raise EngineUnavailable(f"the run on {kind.name} failed: {done.stderr.strip()[-800:]}")
        return Ran(kind=kind, document=read_document(file.read_bytes(), place=kind.name))


def told(ran: Ran) -> str:
    """What an engine is, and what it found, in a line of a table."""
    (facts,) = ran.document.engines.values()
    name, runtime, init = (
        text.partition("+")[0] for text in (f"{facts.name} {facts.version}", facts.runtime, facts.init)
    )
    rows = ran.document.results
    untested = sum(not row.tested for row in rows)
    return f"| {name} | {runtime} | {init} | {len(rows)} | {untested} | {ran.document.duration_s:.0f} |"


def differences(first: Document, other: Document) -> list[tuple[Row, Row]]:
    """The cells that both engines tested, and found otherwise."""
    rows = {row.id: row for row in other.results}
    pairs = [(row, rows[row.id]) for row in first.results if row.id in rows]
    return [(a, b) for a, b in pairs if a.tested and b.tested and a.verdict is not b.verdict]


def open_cells(first: Document, other: Document) -> list[Row]:
    """The cells that the first engine tested, and the other could not."""
    tested = {row.id for row in first.results if row.tested}
    return [row for row in other.results if row.id in tested and not row.tested]


def compare(first: Ran, other: Ran) -> None:
    """Print what one engine found otherwise than the first, and what it could not test."""
    found, left = differences(first.document, other.document), open_cells(first.document, other.document)
    print(f"\n{other.kind.name} against {first.kind.name}: {len(found)} verdicts differ, {len(left)} more untested")
    for a, b in found:
        print(f"  {a.id}: {a.verdict} -> {b.verdict}\n    {a.reason}\n    {b.reason}")
    for row in left:
        print(f"  {row.id}: untested: {row.reason}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", action="append", choices=[kind.name for kind in KINDS], help="only these; repeatable")
    parser.add_argument("--keep", type=Path, help="a folder for the results files; what is in it is not run again")
    parser.add_argument("more", nargs="*", help="options of `run` in place of --signal all --probe all, behind --")
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that engines are stopped
    kinds = [kind for kind in KINDS if not chosen.kind or kind.name in chosen.kind]
    more = chosen.more or ["--signal", "all", "--probe", "all"]
    ran: list[Ran] = []
    failed = False
    with TemporaryDirectory() as folder:
        base, results = Path(folder) / "base.tar", chosen.keep or Path(folder)
        save_base(base)
        print("| engine | runtime | init | cells | untested | seconds |\n|---|---|---|---|---|---|", flush=True)
        for kind in kinds:
            try:
                ran.append(run(kind, base, more, results / f"{kind.name}.json"))
            except EngineUnavailable as why:
                print(f"| {kind.name}: {why} | | | | | |", flush=True)
                failed = True
            else:
                print(told(ran[-1]), flush=True)
    for other in ran[1:]:
        compare(ran[0], other)
    sys.exit(failed)


if __name__ == "__main__":
    main()
