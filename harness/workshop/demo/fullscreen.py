"""The presentation on a whole terminal: redrawn when something changed, a key was pressed, or the size changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.live import Live

from harness.workshop.demo.loop import run_loop
from harness.workshop.demo.screens import Context, Screen

if TYPE_CHECKING:
    from rich.console import Console

    from harness.workshop.demo.keys import Keys
    from harness.workshop.demo.presentation import Presentation, View


def present(presentation: Presentation, context: Context, console: Console, keys: Keys) -> None:
    """Go through a presentation until it is finished."""
    drawn: object = None
    with Live(console=console, screen=True, auto_refresh=False, vertical_overflow="crop") as live:

        def draw(view: View) -> None:
            nonlocal drawn
            if drawn != (view, console.size):
                drawn = (view, console.size)
                live.update(Screen(context, view), refresh=True)

        run_loop(presentation, keys, draw)
