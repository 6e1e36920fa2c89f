"""A show from its first screen to its last, as time passes and keys are pressed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.workshop.demo.keys import Keys
    from harness.workshop.demo.presentation import Presentation, View

_FRAME_S: Final = 0.1


def run_loop(show: Presentation, keys: Keys, tell: Callable[[View], None]) -> None:
    """Go through a show until it is finished.

    Args:
        show: the show.
        keys: the presenter's keys, which are being read.
        tell: called with each view in turn, many times a second.
    """
    while not show.finished:
        show.tick(time.monotonic())
        tell(show.view())
        if command := keys.next(_FRAME_S):
            show.press(command)
