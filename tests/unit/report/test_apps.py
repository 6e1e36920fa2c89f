"""Which process was taken for the app, in a line."""

from __future__ import annotations

from harness.core.document import Chosen
from harness.report.apps import app_lines
from tests.support.evidence import changed

NODE = Chosen(pid=7, command="node server.js", why="first process below sh that does more than start another")
WORKERS = [Chosen(pid=pid, command="node worker.js", why="it wrote the ready line") for pid in (8, 9, 10)]


def test_an_app_has_a_line() -> None:
    assert app_lines([NODE]) == ["node server.js (PID 7): first process below sh that does more than start another"]


def test_those_that_are_alike_share_one() -> None:
    assert app_lines([NODE, *WORKERS])[1:] == ["node worker.js (PIDs 8, 9 and 10): it wrote the ready line"]


def test_a_long_command_is_cut() -> None:
    long = changed(NODE, command="node -e " + "x" * 200)
    assert app_lines([long]) == [f"node -e {'x' * 63}… (PID 7): {NODE.why}"]


def test_where_nothing_is_known_nothing_is_said() -> None:
    assert app_lines([]) == []
