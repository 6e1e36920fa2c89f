"""A show on a whole terminal: drawn anew when there is news, a key was pressed, or the window has another size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.live import Live

from harness.demo.conduct import conduct
from harness.demo.screens import Programme, Screen

if TYPE_CHECKING:
    from rich.console import Console

    from harness.demo.keys import Keys
    from harness.demo.show import Show, View


def present(show: Show, programme: Programme, console: Console, keys: Keys) -> None:
    """Go through a show until it is finished."""
    drawn: object = None
    with keys.read(), Live(console=console, screen=True, auto_refresh=False, vertical_overflow="crop") as live:

        def draw(view: View) -> None:
            nonlocal drawn
            if drawn != (view, console.size):
                drawn = (view, console.size)
                live.update(Screen(programme, view), refresh=True)

        conduct(show, keys, draw)
