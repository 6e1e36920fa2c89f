"""Running a helper: one container that may look at all of the engine's machine, for as long as a run takes."""

from __future__ import annotations

import uuid
from contextlib import ExitStack, closing, contextmanager, suppress
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

from docker.types import LogConfig
from docker.utils import version_lt
from docker.utils.socket import frames_iter

from harness.core.errors import EngineFault, EngineUnavailable
from harness.engine.client import our_errors
from harness.engine.containers import HELPER, LABEL, labels
from harness.engine.helper.far import FarMachine
from harness.engine.helper.link import Link
from harness.engine.removals import remove
from harness.engine.tracing import Tracer
from harness.run.leaving import LEFT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import docker

    from harness.core.signals import Signal

_MODULES: Final = (
    "harness.core.errors",
    "harness.core.process",
    "harness.core.program",
    "harness.engine.helper.program",
    "harness.engine.helper.wire",
    "harness.engine.machine",
    "harness.engine.owner",
    "harness.engine.ports",
    "harness.engine.proc",
    "harness.engine.tracefs",
    "harness.engine.waits",
    "harness.run.leaving",
)
"""What the program needs of ours: no module that needs more than the standard library."""

_PACKAGES: Final = ("harness", "harness.core", "harness.engine", "harness.engine.helper", "harness.run")
CAPABILITIES: Final = ("SYS_ADMIN", "SYS_PTRACE", "DAC_OVERRIDE", "KILL")
"""To mount tracefs; to see what processes sleep on and in; to write marks into their pipes; to signal one of them."""

_UNCONFINED: Final = ["no-new-privileges", "apparmor=unconfined", "label=disable"]
"""AppArmor and SELinux would keep it from mounting tracefs, and from other containers' processes."""

_CGROUPS: Final = "/sys/fs/cgroup"
_HOST_CGROUPS_SINCE: Final = "1.41"
_CPU_SHARES: Final = 8192  # of what a container has 1024
_MOST: Final = 5
"""How many helpers a run may have, one after the other."""

_END_S: Final = 5
"""For how long a helper may take to end by itself, which leaves nothing in the kernel."""


def loader() -> str:
    """The program that Python is started with there."""
    return files("harness.engine.helper").joinpath("loader.py").read_text(encoding="utf-8")


def sources() -> dict[str, str]:
    """The source of each module that it then gets, by name; that of a package is empty."""
    found = dict.fromkeys(_PACKAGES, "")
    for name in _MODULES:
        package, _, module = name.rpartition(".")
        found[name] = files(package).joinpath(f"{module}.py").read_text(encoding="utf-8")
    return found


@contextmanager
def helped(
    api: docker.APIClient, image: str, signals: Iterable[Signal], note: Callable[[str], None]
) -> Iterator[Tracer]:
    """The kernel's record of signals on the engine's machine, by a helper that runs for as long as this is open.

    ``image`` has a Python 3.11 or newer, as ``python3`` on its PATH, and mount(8).

    Raises:
        EngineUnavailable: on entering, if the engine does not run it, or its kernel has no record; the message says
            why.
    """
    with closing(_Helpers(api, image, note)) as helpers:
        link = helpers.next()
        with Tracer(signals, FarMachine(link), again=lambda: FarMachine(helpers.next())) as tracer:
            tracer.wait()
            if within_ns := link.clock.uncertainty_ns:
                note(f"the engine's machine has a clock of its own, known to within {within_ns / 1e6:.1f} ms")
            yield tracer


class _Helpers:
    """Helpers one after the other: there is another one where one ends before its time, but not without end."""

    def __init__(self, api: docker.APIClient, image: str, note: Callable[[str], None]) -> None:
        self._api = api
        self._image = image
        self._note = note
        self._one = ExitStack()
        self._why = ""
        self._left = _MOST

    def next(self) -> Link:
        """Another one, once nothing is left of the one before.

        Raises:
            EngineUnavailable: the engine does not run it.
            EngineFault: too many have ended.
        """
        self._one.close()
        if not self._left:
            raise EngineFault(f"{self._why}, as the {_MOST - 1} before it")
        link = self._one.enter_context(_helper(self._api, self._image, self._note))
        self._one.callback(self._take, link)
        self._left -= 1
        return link

    def _take(self, link: Link) -> None:
        self._why = link.why_ended

    def close(self) -> None:
        """End the one that runs."""
        self._one.close()


@contextmanager
def _helper(api: docker.APIClient, image: str, note: Callable[[str], None]) -> Iterator[Link]:
    """One helper; what it had in the kernel goes with it, unless it is killed."""
    with _container(api, image, note) as link:
        try:
            yield link
        finally:
            if link.ended:
                note(f"{link.why_ended}; the next one removes what it may have left in the kernel")
            link.end()
            link.wait_for_end(_END_S)


@contextmanager
def _container(api: docker.APIClient, image: str, note: Callable[[str], None]) -> Iterator[Link]:
    run_id = uuid.uuid4().hex[:8]
    name = f"{LABEL}-helper-{run_id}"
    LEFT.add(name, "container")
    link = None
    try:
        link = _started(api, image, name, run_id)
        yield link
    finally:
        try:
            if link is not None and link.ended:
                with suppress(EngineFault), our_errors():  # one that is only reached no more leaves nothing then
                    api.stop(name, timeout=_END_S)
            remove(api, name)
            with our_errors(but=(404,)):  # gone already
                api.wait(name, condition="removed", timeout=_END_S)
        except (EngineFault, EngineUnavailable) as fault:  # it goes by itself, as its input has ended
            note(f"the helper could not be removed: {fault}; once that is mended: signal-harness clean")
        else:
            LEFT.discard(name)


def _started(api: docker.APIClient, image: str, name: str, run_id: str) -> Link:
    """Start a helper, attached to and with its program.

    Raises:
        EngineUnavailable: it does not run.
    """
    try:
        with our_errors():
            api.create_container(
                image,
                name=name,
                entrypoint=["python3", "-I", "-S", "-c", loader()],
                command=[],
                labels={**labels(run_id), HELPER: "1"},
                user="0",
                stdin_open=True,
                host_config=_host_config(api),
            )
            stream = api.attach_socket(name, params={"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
            # Of the kinds of stream that docker-py gives, one is a file around the socket.
            link = Link(getattr(stream, "_sock", stream).sendall, _frames(stream))
            api.start(name)
        link.open(sources())
    except EngineFault as fault:
        raise EngineUnavailable(f"no helper runs on the engine: {fault.message}") from fault
    return link


def _frames(stream: Any) -> Iterator[tuple[int, bytes]]:
    """What a container writes, to its end; the connection is closed then."""
    try:
        yield from frames_iter(stream, tty=False)
    finally:
        for one in (stream, getattr(stream, "_sock", stream)):
            one.close()


def _host_config(api: docker.APIClient) -> dict[str, Any]:
    """What it may: to mount tracefs, and to read of all processes; apart from that as little as can be.

    That is less than ``--privileged``, which would have devices and all else, too.
    """
    config: dict[str, Any] = api.create_host_config(
        pid_mode="host",
        userns_mode="host",
        network_mode="none",
        cap_drop=["ALL"],
        cap_add=list(CAPABILITIES),
        security_opt=_UNCONFINED,
        # Paths of cgroups in /proc are those of the machine; on cgroups v1 a container has its own ones only.
        binds=[f"{_CGROUPS}:{_CGROUPS}:ro"],
        read_only=True,
        mem_limit="256m",
        pids_limit=32,
        # What it takes is little; on a busy machine it is waited for.
        cpu_shares=_CPU_SHARES,
        auto_remove=True,
        log_config=LogConfig(type="none", config={}),
    )
    if not version_lt(str(api.api_version), _HOST_CGROUPS_SINCE):
        config["CgroupnsMode"] = "host"
    return config
