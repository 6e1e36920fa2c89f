"""Facts that results carry about where they were measured: the base, the engine, and what an image starts."""

from __future__ import annotations

import msgspec


class BaseFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What matters about a base image; ``None`` where it has no such thing.

    ``programs`` are the versions of what `harness.core.program` knows how to ask, by program. ``entrypoint_sha256`` is
    that of the file that the first word of ``entrypoint`` names: a script may change while its name stays.
    """

    reference: str
    id: str
    digest: str | None
    os: str | None
    libc: str | None
    shell: str | None
    programs: dict[str, str]
    stop_signal: str | None
    entrypoint: tuple[str, ...]
    entrypoint_sha256: str | None

    def has_shell(self, name: str) -> bool:
        """Whether its ``/bin/sh`` goes by a name, such as ``dash`` or ``busybox``."""
        return name.casefold() in (self.shell or "").casefold()


class EngineFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The engine and kernel a result belongs to; ``trace`` says whether the kernel's signal record was used."""

    name: str
    version: str
    api: str
    runtime: str
    init: str
    kernel: str
    builder: str
    trace: bool

    @property
    def cli(self) -> str:
        """The command with which a person talks to it."""
        return cli_of(self.name)


def cli_of(engine: str) -> str:
    """The command with which a person talks to an engine of this name, or of a name that begins with it."""
    return "podman" if engine.casefold().startswith("podman") else "docker"


class StartCommand(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an image starts with its subject's options: the engine's view of ENTRYPOINT and CMD, and STOPSIGNAL."""

    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    stop_signal: str | None


class ImageFacts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an image says of itself: what it starts, and what tells when that is ready; ``ports`` are TCP ones.

    ``platform`` is what it is made for, as in ``linux/amd64`` or ``linux/arm/v7``.
    """

    reference: str
    id: str
    start: StartCommand
    ports: tuple[int, ...]
    healthcheck: bool
    platform: str
