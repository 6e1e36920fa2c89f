"""What results say of where they were got: the base, the engine, and what an image starts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class BaseFacts:
    """What matters about a base image; ``None`` where it has no such thing.

    ``entrypoint_sha256`` is that of the file that the first word of ``entrypoint`` names: a script may change while its
    name stays.
    """

    reference: str
    id: str
    digest: str | None = None
    os: str | None = None
    libc: str | None = None
    shell: str | None = None
    node: str | None = None
    npm: str | None = None
    tini: str | None = None
    dumb_init: str | None = None
    stop_signal: str | None = None
    entrypoint: tuple[str, ...] = ()
    entrypoint_sha256: str | None = None

    def has_shell(self, name: str) -> bool:
        """Whether its ``/bin/sh`` goes by a name, such as ``dash`` or ``busybox``."""
        return name.casefold() in (self.shell or "").casefold()


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineFacts:
    """The engine and kernel a result belongs to; ``trace`` says whether the kernel's record of signals was used."""

    name: str
    version: str
    api: str
    runtime: str
    init: str
    kernel: str
    builder: str
    trace: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class StartCommand:
    """What an image (with a variant's own options) starts: the engine's view of ENTRYPOINT and CMD, and STOPSIGNAL."""

    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    stop_signal: str | None = None
