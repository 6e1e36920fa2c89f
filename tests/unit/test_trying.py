"""Rows of bad cells say what was tried for them, and what that brought."""

from __future__ import annotations

import threading
from concurrent.futures import CancelledError, ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from harness.core.describe import describe_row
from harness.core.errors import EngineFault
from harness.core.verdict import Verdict
from harness.run.runner import Prepared, Schedule
from harness.trying import row_runner
from tests.support.evidence import changed
from tests.support.facts import start_command
from tests.support.scripted import Happening, Script, ScriptedEngine, process
from tests.unit.run.test_runner import FORWARDS, START, cells, subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.core.document import Row
    from harness.core.subject import Cell
    from harness.run.protocol import Launch

SHELL = ("/bin/sh", "-c", "node server.js; true")
BELOW = changed(process(7, "node server.js", catches=("TERM",)), ppid=1)
WRAPPED = Script(
    at_start=(Happening(after_s=0.1, output=b"up pid=7\n", tree=(process(1, " ".join(SHELL)), BELOW)),),
)
JAVA = ("java", "-jar", "app.jar")
DEAF = Script(at_start=(Happening(after_s=0.1, output=b"up pid=1\n", tree=(process(1, " ".join(JAVA)),)),))


def by_launch(launch: Launch) -> Script:
    """What is started by a shell loses the signal; by itself it gets it; an init does not help."""
    return FORWARDS if launch.options.command == ("node", "server.js") else WRAPPED


def scheduled(command: tuple[str, ...] = SHELL, *, jobs: int) -> Schedule:
    def prepare(cell: Cell) -> Prepared:
        return Prepared(cell=cell, image=cell.subject.name, configured=start_command(command=command))

    return Schedule(prepare=prepare, jobs=jobs, repeat=1)


def ran(
    engine: ScriptedEngine,
    wanted: Sequence[Cell],
    *,
    command: tuple[str, ...] = SHELL,
    tries: bool = True,
    jobs: int = 2,
) -> list[Row]:
    told: list[Row] = []
    schedule = scheduled(command, jobs=jobs)
    with row_runner(engine, schedule, describe=describe_row, receive=told.append, tries=tries) as runner:
        rows = [future.result() for future in runner.submit(wanted)]
    assert sorted(row.id for row in told) == sorted(row.id for row in rows)
    return rows


def test_what_may_help_is_run_and_told() -> None:
    (row,) = ran(ScriptedEngine(by_launch), cells(subject("v")))
    assert row.verdict is Verdict.SWALLOWED
    assert {one.change: one.verdict for one in row.tried} == {
        "--init": Verdict.SWALLOWED,
        'CMD ["node", "server.js"]': Verdict.FORWARDED,
    }
    assert not any("not tried" in line or "Nothing" in line for line in row.advice)


@pytest.mark.parametrize("jobs", [1, 4])
def test_many_cells_share_few_jobs(jobs: int) -> None:
    rows = ran(ScriptedEngine(by_launch), cells(*(subject(f"v{number}") for number in range(6))), jobs=jobs)
    assert [row.subject for row in rows] == [f"v{number}" for number in range(6)]
    assert all(len(row.tried) == 2 for row in rows)


def test_what_cannot_be_tried_says_so() -> None:
    (row,) = ran(ScriptedEngine(lambda _: DEAF), cells(subject("v")), command=JAVA)
    assert [one.change for one in row.tried] == ["--init"]
    assert row.advice[:2] == (
        "Nothing tried helps: each is swallowed, because the app has no handler for SIGTERM.",
        "In the app (not tried):",
    )


@pytest.mark.parametrize(
    ("script", "tries"), [(FORWARDS, True), (WRAPPED, False)], ids=["a good cell", "nothing is wanted"]
)
def test_nothing_is_tried(script: Script, tries: bool) -> None:
    (row,) = ran(ScriptedEngine(lambda _: script), cells(subject("v")), tries=tries)
    assert row.tried == ()


def test_a_change_that_cannot_be_tested_is_no_help_and_no_harm() -> None:
    fault = Script(at_start=START, start_fault=EngineFault("no such command"))
    engine = ScriptedEngine(lambda launch: fault if launch.options.init else by_launch(launch))
    (row,) = ran(engine, cells(subject("v")))
    assert (row.verdict, row.tried[0].verdict, row.tried[0].reason) == (
        Verdict.SWALLOWED,
        Verdict.UNTESTED,
        "no such command",
    )


def test_on_leaving_what_waits_is_dropped_and_nobody_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    entered, leaving = threading.Event(), threading.Event()
    shutdown = ThreadPoolExecutor.shutdown

    def held(launch: Launch) -> Script:
        entered.set()
        leaving.wait(30)
        return by_launch(launch)

    def dropping(pool: ThreadPoolExecutor, wait: bool = True, *, cancel_futures: bool = False) -> None:
        shutdown(pool, wait=False, cancel_futures=cancel_futures)
        leaving.set()
        shutdown(pool, wait=wait)

    monkeypatch.setattr(ThreadPoolExecutor, "shutdown", dropping)
    engine = ScriptedEngine(held)
    with row_runner(engine, scheduled(jobs=1), describe=describe_row, receive=lambda _: None, tries=True) as runner:
        first, second = runner.submit(cells(subject("v"), subject("w")))
        assert entered.wait(30)
    assert first.done()
    with pytest.raises(CancelledError):
        second.result(0)
