"""A presentation from its first screen to its last, as time passes and keys are pressed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.workshop.demo.keys import Keys
    from harness.workshop.demo.presentation import Presentation, View

_FRAME_S: Final = 0.1


def run_loop(presentation: Presentation, keys: Keys, draw: Callable[[View], None]) -> None:
    """Go through a presentation until it is finished; each view is drawn in turn, many times a second."""
    with keys.read():
        while not presentation.finished:
            presentation.tick(time.monotonic())
            draw(presentation.view())
            if command := keys.next(_FRAME_S):
                presentation.press(command)
