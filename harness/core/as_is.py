"""Images as they are, recorded one by one, so that one can be compared with another as bases are. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.core.baseline import Recording, finding_of
from harness.core.facts import BaseFacts

if TYPE_CHECKING:
    from harness.core.document import Document

IMAGE: Final = "image"
"""What the cells of an image as it is are of, whatever it is called: in place of a variant."""


def images(document: Document) -> tuple[Recording, ...]:
    """What a check has found of each image, in order; an image without results is left out.

    Of an image is known what it is started with, if it could be tested; what is in it has not been looked at.
    """
    found = []
    for name, subject in document.subjects.items():
        rows = [row for row in document.results if row.subject == name and row.base is None]
        if not rows:
            continue
        start = next((row.start for row in rows if row.start), None)
        base = BaseFacts(
            reference=name,
            id=subject.digest or "",
            digest=None,
            os=None,
            libc=None,
            shell=None,
            programs={},
            stop_signal=start.stop_signal if start else None,
            entrypoint=start.entrypoint if start else (),
            entrypoint_sha256=None,
        )
        found.append(
            Recording(
                base=base,
                engine=document.engines[rows[0].engine],
                findings={(IMAGE, row.question.name): finding_of(row) for row in rows},
                command=start.command if start else None,
            )
        )
    return tuple(found)
