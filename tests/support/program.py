"""A program that is not ours, as an image: what it is made of, and how it is started."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FROM_SCRATCH: Final = """FROM {base} AS build
ADD packages.tar files.tar /
RUN cd /build && CGO_ENABLED=0 GOCACHE=/tmp/cache /usr/lib/go-1.19/bin/go build -o /server server.go
FROM scratch
COPY --from=build /server /server
{lines}
"""
_WITH_A_SHELL: Final = """FROM {base}
COPY --from={parent} /server /server
{lines}
"""
_DOCKERFILE: Final = """FROM {base}
ADD {archives} /
{lines}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """One program as an image.

    ``packages`` are Debian's, without what the base has; no script of theirs is run, so ``files`` (by their paths) and
    ``steps`` (lines of a Dockerfile) make what those would. ``wheels`` are PyPI's, as ``name==version`` and with all
    that they need; ``lock`` is npm's lock file of packages that are put into ``/srv``. ``start`` is the command in exec
    form. ``parent`` is the program whose image this one's is made from, by another command or signal alone; ``None``
    for the base.
    """

    name: str
    start: tuple[str, ...]
    packages: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[str, ...] = ()
    wheels: tuple[str, ...] = ()
    lock: Path | None = None
    stop_signal: str | None = None
    port: int | None = None
    dockerfile: str = _DOCKERFILE
    parent: Program | None = None

    def on(self, base: str, parent: str) -> str:
        """The text of its Dockerfile, for the references of the base and of its parent's image."""
        lines = [
            *self.steps,
            *([f"EXPOSE {self.port}"] if self.port else []),
            *([f"STOPSIGNAL {self.stop_signal}"] if self.stop_signal else []),
            "ENTRYPOINT []",
            f"CMD {json.dumps(self.start)}",
        ]
        more = [*(["wheels.tar"] if self.wheels else []), *(["modules.tar"] if self.lock else [])]
        archives = " ".join(["packages.tar", "files.tar", *more])
        return self.dockerfile.format(base=base, parent=parent, archives=archives, lines="\n".join(lines))

    def variant(self, suffix: str, *, start: tuple[str, ...] | None = None, stop_signal: str | None = None) -> Program:
        """The same, started by another command or stopped by another signal."""
        return Program(
            name=f"{self.name}-{suffix}",
            start=start or self.start,
            stop_signal=stop_signal or self.stop_signal,
            port=self.port,
            dockerfile="FROM {parent}\n{lines}\n",
            parent=self,
        )

    def wrapped(self) -> Program:
        """The same behind a shell that does something afterwards, so that it cannot make way for the program."""
        wrapped = self.variant("wrapped", start=("/bin/sh", "-c", f"{shlex.join(self.start)}; true"))
        static = "scratch" in self.dockerfile or (self.parent is not None and "scratch" in self.parent.dockerfile)
        return replace(wrapped, dockerfile=_WITH_A_SHELL) if static else wrapped
