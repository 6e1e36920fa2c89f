"""Which engines a run of several had, and what stands for each in ids and headings. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.core.document import Document


def engine_lines(document: Document) -> list[str]:
    """A line for each of several engines: ``podman: Podman 4.3.1, crun 1.8, its init catatonit``; none for one."""
    if len(document.engines) <= 1:
        return []
    labels = {row.engine: row.column or row.engine for row in document.results}
    return [
        f"{labels.get(key, key)}: {facts.name} {facts.version}, {facts.runtime}, its init {facts.init}"
        for key, facts in document.engines.items()
    ]
