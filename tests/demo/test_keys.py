"""The presenter's keys, and a window that gets another size in the middle of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import docker
import pytest

from harness.run.inbox import Inbox
from harness.run.waiting import until
from tests.support.leftovers import left_behind
from tests.support.walking import BUSY, NEXT, VERDICT, WAITS, shot, waits

if TYPE_CHECKING:
    import re
    from collections.abc import Callable

    from tests.demo.conftest import Opens
    from tests.support.terminal import Terminal
    from tests.support.walking import Shot

pytestmark = [pytest.mark.engine, pytest.mark.cli]


def on(terminal: Terminal, kind: str, number: int = 0) -> Shot:
    """The screen, once it waits and is of a kind; in a chapter, if one is given."""

    def fits(lines: list[str]) -> bool:
        return waits(lines) and (seen := shot(lines)).kind == kind and number in (0, seen.number)

    fits.__doc__ = f"{kind}, chapter {number or 'any'}"
    return shot(terminal.wait_for(fits))


def busy(*wanted: str) -> Callable[[list[str]], bool]:
    """A screen that waits for nobody, and shows these texts."""

    def fits(lines: list[str]) -> bool:
        return BUSY.match(lines[-1]) is not None and all(text in "\n".join(lines) for text in wanted)

    fits.__doc__ = f"under way, with {wanted}"
    return fits


def test_keys_go_on_and_back(opens: Opens) -> None:
    terminal = opens("--chapter", "exec-form")
    on(terminal, "question")
    terminal.press("b")  # there is nothing before it
    containers = set()
    for forth, back in (
        ("n", "b"),
        ("Space", "Left"),
        ("Enter", "PageUp"),
        ("Right", "Up"),
        ("PageDown", "BSpace"),
        ("Down", "B"),
    ):
        terminal.press(forth)
        containers.add(on(terminal, "held").container)
        terminal.press(back)
        assert on(terminal, "question").number == 3
    assert len(containers) == 1  # who goes back and forth finds the container that waits
    terminal.press("N")
    on(terminal, "held")
    terminal.press("q")
    assert terminal.exit_code() == 0
    assert "Go on there: signal-harness demo --chapter 3-" in terminal.history()
    assert left_behind(terminal.pid) == []


def test_a_repeat_runs_in_a_fresh_container(opens: Opens) -> None:
    terminal = opens("--chapter", "no-handlers")
    on(terminal, "question")
    terminal.press("r", "n")  # there is nothing to repeat yet
    first = on(terminal, "held").container
    terminal.press("r")
    second = _another(terminal, first)
    assert until(lambda: _gone(first) or None, timeout_s=10, time=Inbox())
    terminal.press("+", "+", "+", "n")
    over = on(terminal, "over")
    assert over.container == second
    terminal.press("n")
    judged = on(terminal, "verdict")
    assert judged.verdict[0] == over.verdict[0]
    terminal.press("r")  # from the verdict as well
    third = _another(terminal, second)
    assert third != first
    assert _gone(second)


def test_skipping_goes_to_the_next_chapter_and_out_of_the_last(opens: Opens) -> None:
    terminal = opens("--chapter", "3-4")
    on(terminal, "question", 3)
    terminal.press("n")
    left = on(terminal, "held").container
    terminal.press("s")
    on(terminal, "question", 4)
    assert until(lambda: _gone(left) or None, timeout_s=10, time=Inbox())
    terminal.press("s")
    assert terminal.exit_code() == 0


def test_slower_takes_longer_than_faster(opens: Opens) -> None:
    slow, fast = (opens("--chapter", "no-handlers") for _ in range(2))
    for terminal, key, word in ((slow, "-", "slower"), (fast, "+", "faster")):
        on(terminal, "question")
        for keys, pace in ((1, 2), (1, 4), (3, 8)):  # and no further
            terminal.press(*keys * [key])
            terminal.wait_for(lambda lines, text=f"  ×{pace} {word}": lines[0].endswith(text))
        terminal.press("n")
        on(terminal, "held")
    slow.press("n")
    slow.wait_for(busy(" The path of the signal"))
    fast.press("n")
    on(fast, "over")
    assert BUSY.match(slow.screen()[-1])
    assert not VERDICT.search("\n".join(slow.screen()))
    slow.press("n")  # who does not want to wait sees the rest at once
    on(slow, "over")
    for pace in ("×4 slower", "×2 slower"):
        slow.press("+")
        slow.wait_for(pace)
    slow.press("+")
    slow.wait_for(lambda lines: "×" not in lines[0])


def test_an_unknown_key_does_nothing_and_escape_quits(opens: Opens) -> None:
    terminal = opens("--chapter", "no-handlers")
    before = on(terminal, "question")
    terminal.press("x", "Tab", "F5", "Home", "7")
    terminal.type("üé")
    terminal.press("+")  # what came before it has been read, then
    lines = terminal.wait_for("×2 faster")
    assert lines[1:] == list(before.lines[1:])
    assert lines[0].replace("×2 faster", "").rstrip() == before.lines[0]
    terminal.press("Escape")
    assert terminal.exit_code() == 0
    assert left_behind(terminal.pid) == []


def test_a_question_mark_shows_the_keys_and_any_key_goes_back(opens: Opens) -> None:
    terminal = opens("--chapter", "no-handlers")
    before = on(terminal, "question")
    terminal.press("?")
    shown = terminal.wait_for("show what each key does")
    assert " Keys" in shown
    terminal.press("n")
    assert terminal.wait_for("Predict first") == list(before.lines)


def test_another_size_is_drawn_anew(opens: Opens) -> None:
    terminal = opens("--chapter", "twice")
    on(terminal, "question")
    terminal.press("n")
    held = on(terminal, "held")
    for width, height in ((80, 24), (120, 40)):
        terminal.resize(width, height)
        lines = terminal.wait_for(_of_size(width, height, WAITS))
        assert shot(lines).container == held.container
        assert "\n".join(lines).count(NEXT) == 1
    terminal.press("-", "-", "n")
    terminal.wait_for(busy(" The path of the signal", "×4 slower"))
    for width, height in ((100, 30), (80, 24), (120, 40)):
        terminal.resize(width, height)
        terminal.wait_for(_of_size(width, height, BUSY))
    terminal.press("n")
    assert on(terminal, "over").container == held.container
    assert len(terminal.screen()) == 40


def _of_size(width: int, height: int, keys: re.Pattern[str]) -> Callable[[list[str]], bool]:
    """A screen that fills a size, and has nothing on it twice."""

    def fits(lines: list[str]) -> bool:
        once = (lambda line: line.startswith(" 6/9 "), lambda line: set(line) == {"─"}, keys.match)
        return (
            len(lines) == height
            and lines[0].startswith(" 6/9 ")
            and lines[1] == "─" * width
            and keys.match(lines[-1]) is not None
            and all(sum(bool(is_it(line)) for line in lines) == 1 for is_it in once)
        )

    fits.__doc__ = f"a screen of {width}×{height}"
    return fits


def _another(terminal: Terminal, container: str) -> str:
    """The next container that is held."""

    def fits(lines: list[str]) -> bool:
        return waits(lines) and shot(lines).kind == "held" and shot(lines).container != container

    fits.__doc__ = f"a container other than {container}, held"
    return shot(terminal.wait_for(fits)).container


def _gone(name: str) -> bool:
    return docker.APIClient().containers(all=True, filters={"name": f"^/?{name}$"}) == []
