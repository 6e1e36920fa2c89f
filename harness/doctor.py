"""What there is to work with, and how to fix what is missing."""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.core.errors import EngineUnavailable, HarnessError
from harness.core.signals import DEFAULT_SIGNALS
from harness.engine.registry import open_engine
from harness.session import open_bases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.core.facts import EngineFacts
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
        yield from _engine(engine.facts(), engine.url)
        yield _bases(open_bases(engine, lambda _: None))
        yield from _evidence(engine)
        storage = engine.storage()
        free = shutil.disk_usage(next(place for place in (storage, *storage.parents) if place.exists())).free
        yield _checked("disk", free > _LITTLE_DISK, f"{free / 1e9:.1f} GB free", "signal-harness clean --images")
        left = engine.leftovers()
        text = f"{len(left)} containers of killed runs" if left else "none"
        yield _checked("leftovers", not left, text, "signal-harness clean")


def _checked(subject: str, good: bool, text: str, remedy: str) -> Finding:
    """A finding that has a remedy only if it is not good."""
    return Finding(subject=subject, good=good, text=text, remedy="" if good else remedy)


def _engine(facts: EngineFacts, url: str) -> Iterator[Finding]:
    yield Finding(subject="engine", good=True, text=f"{facts.name} {facts.version} at {url}")
    yield Finding(subject="API", good=True, text=f"version {facts.api}, {facts.runtime}, init {facts.init}")
    remedy = "Variants with cache mounts will be untested; use Docker 18.09 or newer."
    yield _checked("builder", facts.builder == "BuildKit", facts.builder, remedy)


def _bases(bases: BaseStore) -> Finding:
    here = [reference for references in bases.choices for reference in references if bases.present(reference)]
    text = ", ".join(here) or "none of the default ones is here yet"
    return _checked("bases", bool(here), text, "signal-harness bases get")


def _evidence(engine: OpenEngine) -> Iterator[Finding]:
    seen = engine.shares_kernel and hasattr(os, "geteuid") and os.geteuid() == 0
    text = "process trees are read from /proc" if seen else f"process trees come from {engine.cli} top"
    remedy = "Verdicts take longer. Run as root on the engine's own Linux host to see /proc."
    yield _checked("/proc", seen, text, remedy)
    try:
        with engine.record(DEFAULT_SIGNALS):
            yield Finding(subject="tracepoints", good=True, text="the kernel's record of signals can be had")
    except HarnessError as error:
        remedy = "Verdicts rest on the other evidence."
        yield Finding(subject="tracepoints", good=False, text=error.message, remedy=remedy)
