"""The kernel's own record of signals, and the instances of tracefs that it is read from. Needs root."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from harness.core.errors import EngineUnavailable
from harness.core.signals import Signal
from harness.core.trace import Fate, Handled, Parting, Sent
from harness.engine import tracefs
from harness.engine.owner import mark_of
from harness.engine.tracefs import Instance, sweep
from harness.engine.tracing import Tracer
from harness.run.inbox import Inbox
from harness.run.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.engine
HERE = mark_of(os.getpid()).partition("-")[0]
# The clock of the records counts from the start of the machine.
EVER_S = 1e-6
SOON_S = 10
USR1, WINCH, INT, CHLD, URG = Signal(10), Signal(28), Signal(2), Signal(17), Signal(23)
LISTENER = """
import os, signal, sys
for path in sys.argv[1:]:
    os.open(path, os.O_RDWR)  # a leader of a session without a terminal gets this one
for number in (signal.SIGUSR1, signal.SIGINT):
    signal.signal(number, lambda number, _: os.write(1, b"%d\\n" % number))
woken, wakes = os.pipe()  # pause(2) sleeps through what came just before it
os.set_blocking(wakes, False)
signal.set_wakeup_fd(wakes)
os.write(1, b"up\\n")
while True:
    os.read(woken, 1)
"""

INTERRUPTED = """
import os, signal, sys, threading
with open("/proc/self/comm", "w") as name:
    name.write(sys.argv[1])
signal.signal(signal.SIGURG, lambda number, _: os.write(1, b"%d\\n" % number))
signal.pthread_kill(threading.get_ident(), signal.SIGURG)
while True:
    signal.pause()
"""


@pytest.fixture
def instances() -> Path:
    """The folder of tracefs instances."""
    try:
        return tracefs._tracefs() / "instances"
    except EngineUnavailable as why:
        pytest.skip(str(why))


@contextmanager
def listener(*terminal: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that says which signals it handled."""
    command = [sys.executable, "-c", LISTENER, *terminal]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as child:
        assert read(child) == b"up\n"
        try:
            yield child
        finally:
            child.kill()


@contextmanager
def recording(signals: Iterable[Signal]) -> Iterator[Tracer]:
    """A tracer that records already."""
    with Tracer(signals) as tracer:
        tracer.wait()
        yield tracer


def read(child: subprocess.Popen[bytes]) -> bytes:
    assert child.stdout is not None
    return child.stdout.readline()


def of(tracer: Tracer, child: subprocess.Popen[bytes], signal: Signal) -> list[Sent | Handled]:
    records = tracer.records({child.pid}, since_s=EVER_S)
    assert records is not None
    return [record for record in records if record.number == signal.number]


def ours(instances: Path) -> set[Path]:
    return set(instances.glob(f"signal-harness-{os.getpid()}-*"))


def test_an_instance_is_there_for_as_long_as_it_is_used(instances: Path) -> None:
    before = ours(instances)
    with recording([USR1]):
        (made,) = ours(instances) - before
        assert made.joinpath("trace_clock").read_text(encoding="ascii").find("[mono]") >= 0
    assert not made.exists()


def test_an_instance_is_removed_after_a_failure(instances: Path) -> None:
    before = ours(instances)

    def fail() -> None:
        with recording([USR1]):
            raise RuntimeError("in the body")

    with pytest.raises(RuntimeError, match="in the body"):
        fail()
    assert ours(instances) == before


def test_a_kernel_that_does_not_record_is_told_to_who_waits(instances: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no such clock")

    before = ours(instances)
    monkeypatch.setattr(Instance, "begin", refuse)
    with Tracer([USR1]) as tracer, pytest.raises(EngineUnavailable, match="cannot be used: no such clock"):
        tracer.wait()
    assert ours(instances) == before


def test_an_instance_that_cannot_be_removed_is_no_secret(instances: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> None:
        raise OSError("in use")

    before, remove = ours(instances), tracefs._remove
    monkeypatch.setattr(tracefs, "_remove", refuse)
    with pytest.raises(OSError, match="in use"), recording([USR1]):
        pass
    (left,) = ours(instances) - before
    remove(left)


def test_two_tracers_do_not_share(instances: Path) -> None:
    with listener() as child, recording([USR1]) as one:
        with recording([USR1]) as other:
            os.kill(child.pid, USR1.number)
            assert read(child) == b"10\n"
            assert len(of(other, child, USR1)) == 2
        assert len(of(one, child, USR1)) == 2


def test_a_signal_that_is_sent_and_handled_is_recorded(instances: Path) -> None:
    with listener() as child, recording([USR1]) as tracer:
        os.kill(child.pid, USR1.number)
        assert read(child) == b"10\n"
        sent, handled = of(tracer, child, USR1)
        assert isinstance(sent, Sent)
        assert (sent.sender_pid, sent.target_pid) == (os.getpid(), child.pid)
        assert (sent.fate, sent.by_kernel) == (Fate.DELIVERED, False)
        assert isinstance(handled, Handled)
        assert handled.pid == child.pid
        assert handled.handler != 0
        assert sent.time_s <= handled.time_s
        # Records of the sender alone are there, too: it is how an app that raises a signal again is told.
        assert replace(sent, from_outside=False) in (tracer.records({os.getpid()}, since_s=EVER_S) or ())
        assert tracer.records({child.pid}, since_s=handled.time_s + 1) == ()


def test_a_signal_that_nobody_takes_is_recorded_as_ignored(instances: Path) -> None:
    with listener() as child, recording([WINCH]) as tracer:
        os.kill(child.pid, WINCH.number)
        (sent,) = of(tracer, child, WINCH)
        assert isinstance(sent, Sent)
        assert sent.fate is Fate.IGNORED


def test_ctrl_c_on_a_terminal_is_the_kernels_own(instances: Path) -> None:
    keys, terminal = pty.openpty()
    try:
        with listener(os.ttyname(terminal)) as child, recording([INT]) as tracer:
            os.write(keys, b"\x03")
            assert read(child) == b"2\n"
            sent = of(tracer, child, INT)[0]
            assert isinstance(sent, Sent)
            assert (sent.target_pid, sent.by_kernel, sent.fate) == (child.pid, True, Fate.DELIVERED)
    finally:
        os.close(keys)
        os.close(terminal)


@pytest.mark.parametrize(("signals", "seen"), [([CHLD], True), ([USR1], False)], ids=["asked for", "not asked for"])
def test_the_end_of_a_child_is_recorded_only_if_that_is_what_is_asked(
    instances: Path, signals: list[Signal], seen: bool
) -> None:
    with recording(signals) as tracer:
        with subprocess.Popen([sys.executable, "-c", ""]) as child:
            pass
        records = tracer.records({child.pid}, since_s=EVER_S)
        assert records is not None
        assert any(record.number == CHLD.number for record in records) is seen


@pytest.mark.parametrize(("name", "seen"), [("exe", 1), ("runc:[2:INIT]", 1), ("app", 2)])
def test_what_an_engine_interrupts_its_threads_with_is_not_recorded(instances: Path, name: str, seen: int) -> None:
    with recording([URG]) as tracer:
        command = [sys.executable, "-c", INTERRUPTED, name]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            try:
                assert read(child) == b"23\n"
                os.kill(child.pid, URG.number)
                assert read(child) == b"23\n"
                records = of(tracer, child, URG)
            finally:
                child.kill()
        senders = [record.sender_pid for record in records if isinstance(record, Sent)]
        assert senders == [child.pid, os.getpid()][-seen:]
        assert len([record for record in records if isinstance(record, Handled)]) == seen


def test_a_helper_that_came_and_went_is_known_by_name_with_its_end(instances: Path) -> None:
    started = time.monotonic()
    script = "sleep 0.01; sh -c 'kill -TERM $$'; exit 3"
    with recording([USR1]) as tracer, subprocess.Popen(["sh", "-c", script]) as shell:
        assert shell.wait() == 3
        main, sleep, inner = tracer.lives({shell.pid}, since_s=started)
        assert [life.name for life in (main, sleep, inner)] == ["sh", "sleep", "sh"]
        assert [life.parting for life in (main, sleep, inner)] == [Parting.EXITED, Parting.EXITED, Parting.KILLED]
        assert (sleep.parent, inner.parent) == (shell.pid, shell.pid)
        assert sleep.ended_s is not None
        assert 0.01 <= sleep.ended_s - sleep.began_s < inner.began_s
        assert tracer.lives({shell.pid}, since_s=time.monotonic()) == ()


def test_the_threads_of_a_process_are_no_processes(instances: Path) -> None:
    started = time.monotonic()
    source = "import threading; [threading.Thread(target=int).start() for _ in range(9)]"
    with recording([USR1]) as tracer:
        with subprocess.Popen([sys.executable, "-c", source]) as child:
            pass
        (life,) = tracer.lives({child.pid}, since_s=started)
        assert (life.pid, life.parent, life.parting) == (child.pid, os.getpid(), Parting.EXITED)


@contextmanager
def left_behind(instances: Path, name: str) -> Iterator[Path]:
    path = instances / name
    path.mkdir()
    try:
        yield path
    finally:
        with suppress(FileNotFoundError):
            path.rmdir()


def owner() -> subprocess.Popen[bytes]:
    """A process that lives until it is communicated with."""
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)


def instance_of(process: subprocess.Popen[bytes]) -> str:
    """The name of an instance of a process."""
    return f"signal-harness-{process.pid}-{mark_of(process.pid)}-0"


def swept(path: Path) -> bool:
    """Whether an instance goes as one sweeps: another run that is sweeping it at this moment makes it busy."""

    def gone() -> bool | None:
        sweep()
        return not path.exists() or None

    return until(gone, timeout_s=SOON_S, time=Inbox()) is True


def test_an_instance_whose_owner_is_gone_is_swept(instances: Path) -> None:
    with owner() as process, left_behind(instances, instance_of(process)) as path:
        sweep()
        assert path.exists()
        process.communicate()
        assert swept(path)


def test_an_instance_whose_owners_pid_has_passed_to_another_is_swept(instances: Path) -> None:
    with left_behind(instances, f"signal-harness-{os.getpid()}-{HERE}-1-0") as path:
        assert swept(path)


def test_an_instance_in_use_is_left_and_a_new_tracer_sweeps_the_rest(instances: Path) -> None:
    before = ours(instances)
    with recording([USR1]):
        (used,) = ours(instances) - before
        with left_behind(instances, f"signal-harness-{os.getpid()}-{HERE}-1-1") as path, recording([USR1]):
            assert used.exists()
            assert until(lambda: not path.exists() or None, timeout_s=SOON_S, time=Inbox())
        assert used.exists()


def test_instances_of_others_are_none_of_ours(instances: Path) -> None:
    with left_behind(instances, f"another-tool-{os.getpid()}") as path:
        sweep()
        assert path.exists()


def test_an_instance_that_another_run_is_removing_is_left_to_it(instances: Path) -> None:
    with owner() as process, left_behind(instances, instance_of(process)) as stale:
        recorded = stale / "events" / "signal" / "enable"
        recorded.write_text("1", encoding="ascii")
        with (stale / "trace").open(encoding="ascii"):
            process.communicate()
            with recording([USR1]):
                assert recorded.read_text(encoding="ascii").strip() == "1"
        assert swept(stale)
