"""An audit: containers that run on an engine are looked at, and what a stop would do to each is put down."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import harness
from harness.core.audit import SCHEMA, Audit, chosen, ranked, still_there
from harness.core.document import Tool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.core.audit import Listed
    from harness.engine.protocol import OpenEngine


class Auditing:
    """Looks at containers of an engine: those that are named, else all that run.

    Args:
        engine: where they run.
        names: their names or ids, or beginnings of these.
    """

    def __init__(self, engine: OpenEngine, names: Sequence[str] = ()) -> None:
        self._engine = engine
        self._names = tuple(names)
        self._known: tuple[Listed, ...] = ()

    def look(self) -> Audit:
        """Look at them once; of those that are named, some may have gone since the first time.

        Raises:
            UsageError: a name fits no container that runs, or several.
            EngineUnavailable: the engine went away.
        """
        started, began_s = datetime.now(UTC), time.monotonic()
        listed = self._engine.listed()
        wanted = still_there(listed, self._known) if self._known else chosen(listed, self._names)
        self._known = self._known or (wanted if self._names else ())
        looked = self._engine.look(wanted)
        seen = {one.listed.id for one in looked}
        return Audit(
            schema=SCHEMA,
            tool=Tool(name="signal-harness", version=harness.__version__),
            engine=self._engine.url,
            started=started.isoformat(timespec="seconds"),
            containers=ranked(looked),
            left_out=tuple(one.name for one in listed if one.ours and one.stoppable and not self._names),
            ended=tuple(one.name for one in wanted if one.id not in seen),
            duration_s=round(time.monotonic() - began_s, 3),
        )
