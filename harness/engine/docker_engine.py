"""Docker, and engines that speak its API, as a `harness.engine.protocol.OpenEngine`."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harness.core.errors import EngineUnavailable
from harness.core.facts import EngineFacts
from harness.engine.archives import load_archive
from harness.engine.bases import Bases
from harness.engine.builds import Builds, builder_of
from harness.engine.client import connect, our_errors
from harness.engine.containers import DockerEngine, leftovers, sweep
from harness.engine.endpoint import SSH, endpoint_at
from harness.engine.folders import build_folder, context_files
from harness.engine.helper.running import helped
from harness.engine.images import Images, remove_images
from harness.engine.kinds import kind_of, runtime_version
from harness.engine.protocol import Swept
from harness.engine.running import listed, look
from harness.engine.scratch import sweep as sweep_folders
from harness.engine.ssh import forwarded
from harness.engine.tracefs import sweep as sweep_records
from harness.engine.tracing import Tracer
from harness.engine.trial import try_build, try_container

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    import docker

    from harness.core.signals import Signal
    from harness.engine.kinds import EngineKind
    from harness.engine.protocol import OpenEngine


def open_docker(at: str | None = None, *, ending: ExitStack | None = None) -> OpenEngine:
    """Connect to an engine at a URL; ``None`` is the one that the environment or the current Docker context names.

    ``ending`` is what ends with it: closed once the connection is, or where there is none.

    Raises:
        UsageError: it is no URL of an engine.
        EngineUnavailable: none answers there.
    """
    url = endpoint_at(at).url
    with ending or ExitStack() as stack:
        api = _behind_ssh(stack, url) if url.startswith(SSH) else connect(at)
        return _Docker(api, url, ending=stack.pop_all())


def _behind_ssh(stack: ExitStack, url: str) -> docker.APIClient:
    """Connect to an engine on another machine, through ssh, which ends with the stack."""
    forward = stack.enter_context(forwarded(url))
    try:
        return connect(forward.at)
    except EngineUnavailable:
        raise forward.silent() from None


def engine_of(api: docker.APIClient) -> OpenEngine:
    """An engine that is connected to already; closing it closes the connection."""
    return _Docker(api, str(api.base_url))


_HERE: Final = ("unix://", "http+docker://", "http+unix://")
"""What the address of an engine begins with that may be on this machine."""


class _Docker:
    def __init__(self, api: docker.APIClient, url: str, *, ending: ExitStack | None = None) -> None:
        self._api = api
        self.url = url
        self._ending = ending or ExitStack()
        self._ending.callback(api.close)
        self.close = self._ending.close
        self.bases = partial(Bases, api)
        self.images = partial(Images, api)
        builds = Builds(api)
        self.build_folder = partial(build_folder, api, under_way=builds)
        self.abandon_builds = builds.abandon
        self.context_files = context_files
        self.load_archive = partial(load_archive, api)
        self.containers = partial(DockerEngine, api)
        self.listed = partial(listed, api)
        self.look = partial(look, api)
        self.leftovers = partial(leftovers, api)
        self.remove_images = partial(remove_images, api)
        self.try_build = partial(try_build, api)
        self.try_container = partial(try_container, api)

    @property
    def _kind(self) -> EngineKind:
        return kind_of(self._version())

    @property
    def cli(self) -> str:
        return self._kind.cli

    @cached_property
    def _info(self) -> dict[str, Any]:
        with our_errors():
            return dict(self._api.info())

    def _version(self) -> dict[str, Any]:
        with our_errors():
            return dict(self._api.version())

    def identity(self) -> str:
        # Podman's id is a new one each time it is asked (containers/podman, pkg/api/handlers/compat/info.go).
        if self._kind.names_itself:
            return str(self._info["ID"])
        facts = self.facts()
        return "\0".join((str(self._info.get("Name")), str(self.storage()), facts.version, facts.runtime))

    def architecture(self) -> str:
        return str(self._version()["Arch"])

    @cached_property
    def shares_kernel(self) -> bool:
        # Over a socket of this machine, too, the engine may be in a virtual machine, as Docker Desktop's is.
        local = sys.platform.startswith("linux") and self.url.startswith(_HERE)
        return local and self._kernel() == os.uname().release

    def _kernel(self) -> str | None:
        return self._version().get("KernelVersion") or self._info.get("KernelVersion")

    def processors(self) -> int:
        return int(self._info["NCPU"])

    def storage(self) -> Path:
        return Path(self._info["DockerRootDir"])

    def facts(self, *, trace: bool = False) -> EngineFacts:
        version = self._version()
        components = {part["Name"]: part["Version"] for part in version.get("Components") or ()}
        runtime = self._info.get("DefaultRuntime") or "unknown"
        init = self._info.get("InitBinary") or self._kind.init
        return EngineFacts(
            name=self._kind.name,
            version=version["Version"],
            api=str(self._api.api_version),
            runtime=f"{runtime} {runtime_version(runtime, version)}".strip(),
            init=f"{init} {components.get(init, '')}".strip(),
            kernel=self._kernel() or "unknown",
            builder=builder_of(self._api).value,
            trace=trace,
        )

    def record(self, signals: Iterable[Signal]) -> Tracer:
        if not self.shares_kernel:
            raise EngineUnavailable("the kernel's signal tracepoints need an engine on this machine's own Linux")
        return Tracer(signals)

    def record_by_helper(
        self, signals: Iterable[Signal], *, image: str, note: Callable[[str], None]
    ) -> AbstractContextManager[Tracer]:
        return helped(self._api, image, signals, note)

    def sweep(self) -> Swept:
        return Swept(containers=sweep(self._api), records=sweep_records(), folders=sweep_folders())
