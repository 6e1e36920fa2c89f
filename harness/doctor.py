"""What is there to work with, and how to mend what is not."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.core.errors import EngineUnavailable, HarnessError
from harness.core.signals import DEFAULT_SIGNALS
from harness.engine.registry import open_engine
from harness.session import open_bases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.engine.protocol import BaseStore, OpenEngine

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
    try:
        engine = open_engine()
    except EngineUnavailable as error:
        yield Finding(subject="engine", good=False, text=error.message, remedy=error.remedy, needed=True)
        return
    with closing(engine):
        yield from _engine(engine)
        yield _bases(open_bases(engine, lambda _: None))
        yield from _evidence(engine)
        free = shutil.disk_usage(_existing(engine.storage())).free
        yield Finding(
            subject="disk",
            good=free > _LITTLE_DISK,
            text=f"{free / 1e9:.1f} GB free",
            remedy="" if free > _LITTLE_DISK else "signal-harness clean --images",
        )
        left = engine.leftovers()
        yield Finding(
            subject="leftovers",
            good=not left,
            text=f"{len(left)} containers of killed runs" if left else "none",
            remedy="signal-harness clean" if left else "",
        )


def _engine(engine: OpenEngine) -> Iterator[Finding]:
    facts = engine.facts()
    yield Finding(subject="engine", good=True, text=f"{facts.name} {facts.version} at {engine.url}")
    yield Finding(subject="API", good=True, text=f"version {facts.api}, {facts.runtime}, init {facts.init}")
    modern = facts.builder == "BuildKit"
    yield Finding(
        subject="builder",
        good=modern,
        text=facts.builder,
        remedy="" if modern else "Variants with cache mounts will be untested; use Docker 18.09 or newer.",
    )


def _bases(bases: BaseStore) -> Finding:
    here = [reference for references in bases.choices for reference in references if bases.present(reference)]
    return Finding(
        subject="bases",
        good=bool(here),
        text=", ".join(here) or "none of the default ones is here yet",
        remedy="" if here else "signal-harness bases get",
    )


def _evidence(engine: OpenEngine) -> Iterator[Finding]:
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    seen = engine.shares_kernel and root
    yield Finding(
        subject="/proc",
        good=seen,
        text="process trees are read from /proc" if seen else f"process trees come from {engine.cli} top",
        remedy="" if seen else "Verdicts take longer. Run as root on the engine's own Linux host to see /proc.",
    )
    try:
        with engine.record(DEFAULT_SIGNALS):
            yield Finding(subject="tracepoints", good=True, text="the kernel's record of signals can be had")
    except HarnessError as error:
        yield Finding(
            subject="tracepoints", good=False, text=error.message, remedy="Verdicts rest on the other evidence."
        )


def _existing(path: Path) -> Path:
    return next((p for p in (path, *path.parents) if p.exists()), Path("/"))
