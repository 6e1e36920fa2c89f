"""Sources: where a variant comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.core.base_image import Exchange
    from harness.core.dockerfile import Instruction


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A variant's Dockerfile, the lines in it that decide what is started, and the FROMs that are exchanged.

    ``path`` is the file's as people are shown it. ``digest`` changes with all that makes the variant what it is on any
    base: the Dockerfile, its stage and options, the app.
    """

    path: str
    digest: str
    starting: tuple[Instruction, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
