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
    from collections.abc import Callable, Iterator

    from harness.core.facts import EngineFacts
    from harness.engine.protocol import OpenEngine

_LITTLE_DISK = 3 << 30
_NETWORK = (
    "If it names a network, a bridge or iptables: install iptables, start the engine as root with its default bridge\n"
    "(no --bridge=none or --iptables=false), and look at the engine's log."
)


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
        bases = open_bases(engine, lambda _: None)
        here = [reference for references in bases.choices for reference in references if bases.present(reference)]
        text = ", ".join(here) or "none of the default ones is here yet"
        yield _checked("bases", bool(here), text, "signal-harness bases get")
        if here:
            base = bases.tag(here[0])
            yield _build(engine, base)
            yield _container(engine, base)
        yield from _evidence(engine)
        storage = engine.storage()
        free = shutil.disk_usage(next(place for place in (storage, *storage.parents) if place.exists())).free
        yield _checked("disk", free > _LITTLE_DISK, f"{free / 1e9:.1f} GB free", "signal-harness clean --images")
        left = engine.leftovers()
        text = f"{len(left)} containers of killed runs" if left else "none"
        yield _checked("leftovers", not left, text, "signal-harness clean")


def _checked(subject: str, good: bool, text: str, remedy: str, *, needed: bool = False) -> Finding:
    """A finding that has a remedy only if it is not good."""
    return Finding(subject=subject, good=good, text=text, remedy="" if good else remedy, needed=needed and not good)


def _engine(facts: EngineFacts, url: str) -> Iterator[Finding]:
    yield Finding(subject="engine", good=True, text=f"{facts.name} {facts.version} at {url}")
    yield Finding(subject="API", good=True, text=f"version {facts.api}, {facts.runtime}, init {facts.init}")
    remedy = "Variants with cache mounts will be untested; use Docker 18.09 or newer."
    yield _checked("builder", facts.builder != "classic", facts.builder, remedy)


def _build(engine: OpenEngine, base: str) -> Finding:
    """What becomes of a build whose step runs something."""
    why = _refusal(lambda: engine.try_build(base))
    remedy = (
        "No variant can be built, so every cell will be untested. To reproduce it by hand:\n"
        f"  printf 'FROM {base}\\nRUN true\\n' | {engine.cli} build --no-cache -\n{_NETWORK}"
    )
    text = f"an image was built on {base}" if why is None else f"no image can be built: {why}"
    return _checked("build", why is None, text, remedy, needed=True)


def _container(engine: OpenEngine, base: str) -> Finding:
    """What becomes of a container with a network, and where that fails of one without."""
    why = _refusal(lambda: engine.try_container(base, network=True))
    run = f"{engine.cli} run --rm --entrypoint /bin/sh"
    if why is None:
        return Finding(subject="container", good=True, text="one ran, with a network and a port")
    worse = _refusal(lambda: engine.try_container(base, network=False))
    if worse is not None:
        remedy = f"Nothing can be tested. To reproduce it by hand:\n  {run} --network none {base} -c true"
        return Finding(subject="container", good=False, text=f"none runs: {worse}", remedy=remedy, needed=True)
    remedy = (
        "Only the probe stop with a port needs one; it will be untested. To reproduce it by hand:\n"
        f"  {run} -p 127.0.0.1::3000 {base} -c true\n{_NETWORK}"
    )
    return Finding(subject="container", good=False, text=f"none gets a network: {why}", remedy=remedy)


def _refusal(attempt: Callable[[], None]) -> str | None:
    """Why an attempt failed; ``None`` if it did not."""
    try:
        attempt()
    except HarnessError as error:
        return error.message
    return None


def _evidence(engine: OpenEngine) -> Iterator[Finding]:
    seen = engine.shares_kernel and hasattr(os, "geteuid") and os.geteuid() == 0
    text = "process trees are read from /proc" if seen else f"process trees come from {engine.cli} top"
    remedy = "Verdicts take longer. Run as root on the engine's own Linux host to see /proc."
    yield _checked("/proc", seen, text, remedy)
    try:
        with engine.record(DEFAULT_SIGNALS) as record:
            record.wait()
            yield Finding(subject="tracepoints", good=True, text="the kernel's signal record is available")
    except HarnessError as error:
        remedy = "Verdicts rest on the other evidence. With --trace helper, a privileged container reads the record."
        yield Finding(subject="tracepoints", good=False, text=error.message, remedy=remedy)
