"""What is there to work with, and how to mend what is not."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.errors import EngineUnavailable, HarnessError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

_LITTLE_DISK = 3 << 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing looked at; ``needed`` if nothing works without it."""

    subject: str
    good: bool
    text: str
    remedy: str = ""
    needed: bool = False


def examine() -> Iterator[Finding]:
    """Look at everything a run stands on, the most needed first."""
    from harness.engine.bases import LOCAL_DEFAULTS, REGISTRY_DEFAULTS, Bases
    from harness.engine.client import connect, engine_facts, engine_url
    from harness.engine.containers import leftovers
    from harness.engine.images import Images
    from harness.session import cache_folder

    try:
        api = connect()
    except EngineUnavailable as error:
        yield Finding(subject="engine", good=False, text=error.message, remedy=error.remedy, needed=True)
        return
    builder = Images.builder_of(api)
    facts = engine_facts(api, builder=builder)
    yield Finding(subject="engine", good=True, text=f"{facts.name} {facts.version} at {engine_url()}")
    yield Finding(subject="API", good=True, text=f"version {facts.api}, {facts.runtime}, init {facts.init}")
    yield Finding(
        subject="builder",
        good=builder == "BuildKit",
        text=builder,
        remedy=""
        if builder == "BuildKit"
        else "Variants with cache mounts will be untested; use Docker 18.09 or newer.",
    )
    store = Bases(api, cache=cache_folder(), report=lambda _: None)
    here = [r for r in (*REGISTRY_DEFAULTS, *LOCAL_DEFAULTS) if store.present(r)]
    yield Finding(
        subject="bases",
        good=bool(here),
        text=", ".join(here) or "none of the default ones is here yet",
        remedy="" if here else "signal-harness bases get",
    )
    yield from _evidence(api)
    free = shutil.disk_usage(_existing(Path(api.info()["DockerRootDir"]))).free
    yield Finding(
        subject="disk",
        good=free > _LITTLE_DISK,
        text=f"{free / 1e9:.1f} GB free",
        remedy="" if free > _LITTLE_DISK else "signal-harness clean --images",
    )
    left = leftovers(api)
    yield Finding(
        subject="leftovers",
        good=not left,
        text=f"{len(left)} containers of killed runs" if left else "none",
        remedy="signal-harness clean" if left else "",
    )
    api.close()


def _evidence(api: docker.APIClient) -> Iterator[Finding]:
    from harness.core.signals import DEFAULT_SIGNALS
    from harness.engine.client import shares_kernel
    from harness.engine.tracing import Tracer

    local = shares_kernel(api)
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    yield Finding(
        subject="/proc",
        good=local and root,
        text="process trees are read from /proc" if local and root else "process trees come from docker top",
        remedy=""
        if local and root
        else "Verdicts take longer. Run as root on the engine's own Linux host to see /proc.",
    )
    try:
        if not local:
            raise EngineUnavailable("the kernel's signal tracepoints need an engine on this machine's own Linux")
        with Tracer(DEFAULT_SIGNALS):
            yield Finding(subject="tracepoints", good=True, text="the kernel's record of signals can be had")
    except HarnessError as error:
        yield Finding(
            subject="tracepoints", good=False, text=error.message, remedy="Verdicts rest on the other evidence."
        )


def _existing(path: Path) -> Path:
    return next((p for p in (path, *path.parents) if p.exists()), Path("/"))
