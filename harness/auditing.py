"""An audit: containers that run on an engine are looked at, and what a stop would do to each is put down."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from harness.core.audit import SCHEMA, Audit, chosen, ranked
from harness.core.document import Tool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.engine.protocol import OpenEngine


@dataclass(frozen=True, kw_only=True, slots=True)
class Auditing:
    """Looks at containers of an engine: those that are named, else all that run."""

    engine: OpenEngine
    names: Sequence[str] = ()

    def look(self) -> Audit:
        """Look at them once.

        Raises:
            UsageError: a name fits no container that runs, or several.
            EngineUnavailable: the engine went away.
        """
        started, began_s = datetime.now(UTC), time.monotonic()
        listed = self.engine.listed()
        wanted = chosen(listed, self.names)
        looked = self.engine.look(wanted)
        seen = {one.listed.id for one in looked}
        return Audit(
            schema=SCHEMA,
            tool=Tool(name="signal-harness", version=version("signal-harness")),
            engine=self.engine.url,
            started=started.isoformat(timespec="seconds"),
            containers=ranked(looked),
            left_out=tuple(one.name for one in listed if one.ours and one.stoppable and one not in wanted),
            ended=tuple(one.name for one in wanted if one.id not in seen),
            duration_s=round(time.monotonic() - began_s, 3),
        )
