"""The roll call as people see it: who was told, as a tree, in few lines."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from harness.core.document import Became, Call
from harness.report.roll_call_table import roll_call_table
from tests.support.evidence import changed

APP = Call(
    pid=7,
    command="node server.js",
    parent=0,
    app=True,
    told=False,
    by=None,
    after_ms=None,
    became=None,
    end="SIGKILL by the kernel, as PID 1 ended",
    inferred=False,
    signal=None,
)
SHELL = changed(
    APP,
    pid=1,
    command="/bin/sh -c node server.js",
    parent=None,
    app=False,
    told=True,
    by="docker",
    after_ms=0.0,
    became=Became.DROPPED,
    end="exited with 0",
)


def printed(*calls: Call, width: int = 120) -> list[str]:
    sink = StringIO()
    Console(file=sink, width=width, no_color=True).print(roll_call_table(calls))
    return [line.rstrip() for line in sink.getvalue().splitlines()]


def test_each_process_has_a_line_and_children_stand_right_of_their_parents() -> None:
    head, _, *lines = printed(SHELL, changed(APP, end="gone"))
    assert head == "PID   process                     told                 what it did             how it ended"
    assert lines == [
        "  1   /bin/sh -c node server.js   by docker, +0.0 ms   dropped by the kernel   exited with 0",
        "  7     node server.js  ◀ app     never                –                       gone",
    ]


def test_the_mark_of_the_app_is_not_torn_apart() -> None:
    lines = printed(SHELL, APP, width=100)
    (marked,) = (number for number, line in enumerate(lines) if "◀" in line)
    assert "◀ app" in lines[marked]
    assert "node server.js" in lines[marked - 1]


def test_a_long_command_is_cut_and_folds_below_its_beginning() -> None:
    long = changed(APP, command="node -e " + "setInterval(() => {}, 1000); " * 9)
    lines = printed(SHELL, long, width=80)
    assert len(lines) <= 12
    assert "…" in "".join(lines)
    below = lines.index(next(line for line in lines if "node -e" in line))
    assert all(line.startswith(" " * 8) and line[8] != " " for line in lines[below + 1 : below + 3]), lines
