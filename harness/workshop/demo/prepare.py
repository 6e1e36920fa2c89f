"""Everything that the demo builds, built beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.core.errors import EngineFault, EngineUnavailable, HarnessError
from harness.workshop.demo.launcher import SessionLauncher

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.session import Session
    from harness.workshop.story import Story


def prepare(session: Session, story: Story, *, begin: Callable[[int], None], advance: Callable[[], None]) -> int:
    """Build every image of a story and of the table at its end; how many there are.

    Raises:
        EngineUnavailable: the engine went away.
        EngineFault: some do not build; the message names each.
    """
    cells = (*SessionLauncher(session, story, story.chapter).cells, *session.cells)
    wanted = {f"{cell.subject.name} on {cell.subject.base}": cell for cell in cells}
    images = {name: image for name, cell in wanted.items() for image in session.prepare([cell])}
    begin(len(images))
    failed: dict[str, str] = {}
    for name, image in images.items():
        try:
            image.result()
        except EngineUnavailable:
            raise
        except HarnessError as fault:
            failed[name] = fault.message
        advance()
    if failed:
        raise _failure(failed, len(images))
    return len(images)


def _failure(failed: Mapping[str, str], total: int) -> EngineFault:
    """What failed to build, by name, and why the first one did."""
    names = "\n".join(f"  {name}" for name in failed)
    (first, why), *_ = failed.items()
    text = f"{len(failed)} of {total} images cannot be built:\n{names}\n{first}: {why}"
    return EngineFault(text, remedy="signal-harness doctor   # can the engine build at all?")
