"""What a helper container answers, and what is made of that; no engine is asked, and no kernel's record."""

from __future__ import annotations

import errno
import json
import os
import queue
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
import requests
from docker.errors import APIError
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import Disturbed, EngineFault, EngineUnavailable
from harness.core.process import Process, Wait
from harness.core.signals import Signal
from harness.core.trace import Sent
from harness.engine.containers import HELPER
from harness.engine.helper import program, running
from harness.engine.helper.clock import Clock
from harness.engine.helper.far import FarMachine
from harness.engine.helper.link import Link
from harness.engine.helper.program import Service
from harness.engine.helper.wire import packed, unpacked
from harness.engine.tracing import Tracer
from harness.run.leaving import LEFT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    import docker

    from harness.core.process import Tree

ID, OTHER = "a" * 64, "b" * 64
MAIN, STRANGER = 70, 1
SHELL = Process(pid=MAIN, ppid=1, pgid=MAIN, state="Ss", caught=2, ignored=0, blocked=0, pending=0, argv=("sh", "-c"))
SENT = (
    "            runc-5   [001] ..... 102.500000: signal_generate:"
    " sig=15 errno=0 code=0 comm=sh\u00ff pid=70 grp=1 res=0\n"
)


class Recorded:
    """A recording that has one line."""

    ahead_s = 0.0

    def __init__(self) -> None:
        self.begun = self.closed = False
        self.lines = [SENT.encode("latin-1")]

    def begin(self) -> None:
        self.begun = True

    def pieces(self) -> Iterator[bytes]:
        while self.lines:
            yield self.lines.pop(0)

    def close(self) -> None:
        self.closed = True


class Scripted:
    """A machine with one container and a process that is none of it."""

    sees_all = True

    def __init__(self) -> None:
        self.recording = Recorded()
        self.told: list[tuple[int, int]] = []
        self.filters: list[str] = []
        self.refusal: Exception | None = None

    def record(self, *, generate: str, deliver: str) -> Recorded:
        if self.refusal is not None:
            raise self.refusal
        self.filters += [generate, deliver]
        return self.recording

    def sees(self, container_id: str, pid: int) -> bool:
        return (container_id, pid) == (ID, MAIN)

    def tree(self, pid: int) -> Tree:
        return (SHELL,) if pid == MAIN else ()

    def tell(self, pid: int, number: int) -> None:
        self.told.append((pid, number))

    def listening(self, pid: int) -> frozenset[int]:
        return frozenset({80, 8080})

    def holders(self, pids: Collection[int], ports: Collection[int]) -> frozenset[int]:
        return frozenset(pids) if 80 in ports else frozenset()

    def write_marks(self, pid: int, mark: bytes, *, tty: bool) -> int:
        return 1 if (mark, tty) == (b"\0\xff", True) else 2


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Scripted:
    cgroups = {MAIN: f"0::/docker/{ID}\n", STRANGER: "0::/init.scope\n", 71: f"0::/docker/{OTHER}\n"}
    monkeypatch.setattr(program, "_cgroups", lambda pid: cgroups.get(pid, ""))
    monkeypatch.setattr(program, "_FIRST_NAMESPACE", program._NAMESPACE.stat().st_ino)
    return Scripted()


class Wire:
    """A helper's end of a connection, to which a test or a service writes."""

    def __init__(self, answer: Callable[[bytes], bytes | None]) -> None:
        self._answer = answer
        self.frames: queue.SimpleQueue[tuple[int, bytes] | None] = queue.SimpleQueue()
        self.say(b"signal-harness\n")

    def say(self, data: bytes, number: int = 1) -> None:
        self.frames.put((number, data))

    def end(self) -> None:
        self.frames.put(None)

    def send(self, data: bytes) -> None:
        if b'"harness.engine.helper.program"' in data:
            return
        if (answer := self._answer(data.rstrip(b"\n"))) is not None:
            self.say(answer)

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        while (frame := self.frames.get()) is not None:
            yield frame


def linked(answer: Callable[[bytes], bytes | None], **options: Any) -> tuple[Wire, Link]:
    wire = Wire(answer)
    return wire, Link(wire.send, wire, **options)


@pytest.fixture
def far(machine: Scripted) -> Iterator[FarMachine]:
    wire, link = linked(Service(machine).answer)
    link.open(running.sources())
    yield FarMachine(link)
    wire.end()


# What it answers


def test_a_helper_tells_of_a_container_what_its_machine_shows(far: FarMachine, machine: Scripted) -> None:
    assert far.sees(ID, MAIN)
    assert far.tree(MAIN) == (SHELL,)
    assert far.listening(MAIN) == {80, 8080}
    assert (far.holders([MAIN], [80]), far.holders([MAIN], [81])) == ({MAIN}, frozenset())
    assert far.write_marks(MAIN, b"\0\xff", tty=True) == 1
    far.tell(MAIN, 15)
    assert machine.told == [(MAIN, 15)]


@pytest.mark.parametrize("pid", [STRANGER, 71, 999])
def test_what_is_in_no_container_that_it_was_told_of_is_left_be(far: FarMachine, machine: Scripted, pid: int) -> None:
    assert not far.sees(OTHER, pid)
    assert far.sees(ID, MAIN)
    assert (far.tree(pid), far.listening(pid), far.holders([pid], [80])) == ((), frozenset(), frozenset())
    with pytest.raises(ProcessLookupError):
        far.tell(pid, 9)
    with pytest.raises(ProcessLookupError):
        far.write_marks(pid, b"x", tty=False)
    assert machine.told == []


def test_before_it_was_told_of_a_container_it_tells_of_none(far: FarMachine) -> None:
    assert far.tree(MAIN) == ()


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (b"", "not a request"),
        (b"[]", "not a request"),
        (b"{}", "KeyError"),
        (b'{"do": []}', "TypeError"),
        (b'{"do": "unlink", "path": "/"}', "unlink"),
        (b'{"do": "tree", "pid": "x"}', "not a request"),
        (b'{"do": "sees", "container": "../..", "pid": 1}', "not a request"),
        (b'{"do": "record", "generate": "sig>0; echo", "deliver": "sig>0"}', "not a request"),
        (b'{"do": "begin"}', "nothing is recorded"),
        (b"\xff", "not a request"),
    ],
)
def test_what_is_no_request_is_answered_as_such(machine: Scripted, request_: bytes, why: str) -> None:
    said = json.loads(Service(machine).answer(request_))
    assert why in said["error"]
    assert machine.filters == []


@given(st.binary())
def test_whatever_comes_in_has_an_answer(line: bytes) -> None:
    answer = Service(Scripted()).answer(line)
    assert answer.endswith(b"\n")
    assert "now_ns" in json.loads(answer)


def test_the_record_comes_as_it_is_and_is_closed(far: FarMachine, machine: Scripted) -> None:
    with Tracer([Signal(15)], far) as tracer:
        tracer.wait()
        assert machine.recording.begun
        (sent,) = tracer.records({MAIN}, since_s=1) or ()
        assert isinstance(sent, Sent)
        assert (sent.target, sent.target_pid, sent.time_s) == ("sh\ufffd", MAIN, 102.5)
        assert not machine.recording.closed
    assert machine.recording.closed
    assert machine.filters == ["(sig!=17 && sig!=23) || (sig==17 && code>0 && code<4)", "sig!=17 && sig!=23"]


def test_a_long_record_comes_in_parts(far: FarMachine, machine: Scripted) -> None:
    machine.recording.lines = [SENT.encode("latin-1") * 3000] * 4
    with Tracer([Signal(15)], far) as tracer:
        assert len(tracer.records({MAIN}, since_s=1) or ()) == 12_000


def test_a_machine_without_tracefs_is_no_machine_for_it(far: FarMachine, machine: Scripted) -> None:
    machine.refusal = EngineUnavailable("tracefs cannot be mounted")
    with pytest.raises(EngineUnavailable, match="tracefs cannot be mounted"):
        Tracer([], far).__enter__()


def test_a_kernel_that_refuses_is_told_by_its_number(far: FarMachine, machine: Scripted) -> None:
    machine.refusal = PermissionError(errno.EACCES, "no")
    with pytest.raises(PermissionError):
        far.record(generate="sig>0", deliver="sig>0")


def test_an_engine_in_a_pid_namespace_of_its_own_has_other_pids_than_the_record(
    far: FarMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "_FIRST_NAMESPACE", 1)
    with pytest.raises(EngineUnavailable, match="PID namespace of its own"):
        far.record(generate="sig>0", deliver="sig>0")


# The program, as it is started


def started(sources: dict[str, str]) -> subprocess.Popen[bytes]:
    """The program without a container: in a Python that has no packages, and away from ours."""
    command = [sys.executable, "-I", "-S", "-c", running.loader()]
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/", bufsize=0
    )
    assert child.stdin is not None
    child.stdin.write(json.dumps(sources).encode() + b"\n")
    return child


def test_the_program_needs_what_it_is_sent_and_the_standard_library() -> None:
    with started(running.sources()) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"signal-harness\n"
        out, err = child.communicate(b'{"do": "now"}\n{"do": "end"}\n{"do": "now"}\n', timeout=20)
    assert [json.loads(line)["value"] for line in out.splitlines()] == [None, None]
    assert (child.returncode, err) == (0, b"")


def test_the_program_ends_with_its_input() -> None:
    with started(running.sources()) as child:
        assert child.communicate(b"", timeout=20) == (b"signal-harness\n", b"")
    assert child.returncode == 0


@pytest.mark.parametrize("name", running._MODULES)
def test_no_module_is_sent_for_nothing(name: str) -> None:
    with started({other: source for other, source in running.sources().items() if other != name}) as child:
        _, err = child.communicate(b"", timeout=20)
    assert name.encode() in err
    assert child.returncode == 1


def test_a_helper_that_hears_nothing_ends() -> None:
    source, sink = os.pipe()
    with Path(os.devnull).open("wb") as nothing:
        program.serve(source, nothing, Service(Scripted()), silence_s=0.01)
    os.close(source)
    os.close(sink)


# The connection


def test_answers_come_in_the_order_of_requests_however_they_are_cut() -> None:
    asked: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    wire, link = linked(asked.put)
    with ThreadPoolExecutor() as threads:
        futures = []
        for number in range(3):
            futures.append(threads.submit(link.ask, "now", number=number))
            assert json.loads(asked.get()) == {"do": "now", "number": number}
        wire.say(b'{"value": 0, "now_ns": 1}\n{"value": 1, "now')
        wire.say(b"?", 2)
        wire.say(b'_ns": 2}\n{"value": 2, "now_ns": 3}')
        wire.say(b"\n")
        assert [future.result() for future in futures] == [0, 1, 2]
    wire.end()


def test_a_helper_that_ends_leaves_no_request_without_an_answer() -> None:
    wire, link = linked(lambda line: None)
    wire.say(b"warning\nTraceback: it broke\n", 2)
    wire.end()
    with pytest.raises(EngineFault, match="has ended: Traceback: it broke") as fault:
        link.ask("now")
    assert isinstance(fault.value, Disturbed)
    assert link.ended


@pytest.mark.parametrize("answer", [b"{\n", b"[]\n", b'{"value": 1}\n', b'{"now_ns": null}\n', b"\xff\n"])
def test_an_answer_that_is_none_ends_it(answer: bytes) -> None:
    _, link = linked(lambda line: answer)
    with pytest.raises(EngineFault, match="has ended"):
        link.ask("now")


def test_a_helper_that_does_not_answer_disturbs_a_run() -> None:
    _, link = linked(lambda line: None, answer_s=0.01)
    with pytest.raises(Disturbed, match="has not answered"):
        link.ask("now")


def test_what_says_something_else_first_is_no_helper() -> None:
    wire = Wire(lambda line: None)
    wire.frames = queue.SimpleQueue()
    wire.say(b"Welcome!\n")
    with pytest.raises(EngineFault, match="has ended"):
        Link(wire.send, wire).open({})


def test_a_connection_that_takes_nothing_is_a_helper_that_has_ended() -> None:
    def send(_: bytes) -> None:
        raise BrokenPipeError

    wire = Wire(lambda line: None)
    with pytest.raises(EngineFault, match="has ended"):
        Link(send, wire).open({})
    wire.end()


@pytest.mark.parametrize("found", [None, 3, [{}], [{"pid": 1}], [[]]])
def test_a_sample_that_is_none_is_a_fault(found: Any) -> None:
    _, link = linked(lambda line: json.dumps({"value": found, "now_ns": 1}).encode() + b"\n")
    with pytest.raises(EngineFault, match="tells of no processes"):
        FarMachine(link).tree(MAIN)


# Samples


numbers = st.integers(0, 2**64 - 1)
waits = st.builds(Wait, length_ns=st.none() | numbers, until_ns=st.none() | numbers)
processes = st.builds(
    Process,
    pid=numbers,
    ppid=numbers,
    pgid=numbers,
    state=st.text(),
    caught=numbers,
    ignored=numbers,
    blocked=numbers,
    pending=numbers,
    argv=st.lists(st.text()).map(tuple),
    inner_pid=st.none() | numbers,
    is_namespace_init=st.booleans(),
    activity=st.none() | numbers,
    wchan=st.none() | st.text(),
    leader_wchan=st.none() | st.text(),
    threads=st.frozensets(numbers),
    waits=st.none() | st.lists(waits).map(tuple),
)


@given(st.lists(processes).map(tuple))
def test_a_sample_arrives_as_it_was_taken(tree: Tree) -> None:
    assert unpacked(json.loads(json.dumps(packed(tree)))) == tree


def test_a_timeout_runs_out_by_our_clock() -> None:
    pending = (Wait(length_ns=7, until_ns=1000), Wait(length_ns=7, until_ns=None))
    (seen,) = unpacked(packed((replace(SHELL, waits=pending),)), ahead_ns=400)
    assert seen.waits == (Wait(length_ns=7, until_ns=600), Wait(length_ns=7, until_ns=None))


# Clocks

delays = st.integers(0, 50_000_000)
exchanges = st.lists(st.tuples(st.integers(0, 10**9), delays, delays), min_size=1, max_size=20)


@given(exchanges, st.integers(-(10**15), 10**15), st.integers(-400, 400))
def test_nothing_is_taken_to_have_been_earlier_than_it_was(
    made: list[tuple[int, int, int]], lead_ns: int, ppm: int
) -> None:
    clock, now = Clock(), 0

    def there(at: int) -> int:
        return at + lead_ns + at * ppm // 10**6

    for pause, forth, back in made:
        now += pause
        clock.take(now, there(now + forth), now + forth + back)
        now += forth + back
    rounding = 1 + len(made)
    assert clock.ahead_ns - rounding <= there(now) - now <= clock.ahead_ns + clock.uncertainty_ns + rounding


def test_one_clock_is_one_though_no_answer_is_immediate() -> None:
    clock = Clock(same=True)
    clock.take(1000, 1200, 1300)
    assert (clock.ahead_ns, clock.uncertainty_ns) == (0, 0)
    other = Clock()
    other.take(1000, 1200, 1300)
    assert (other.ahead_ns, other.uncertainty_ns) == (-100, 300)


def test_in_a_time_namespace_of_its_own_the_same_machine_has_another_clock() -> None:
    clock = Clock(same=True)
    clock.take(1000, 901_200, 1300)
    assert (clock.ahead_ns, clock.uncertainty_ns) == (899_900, 300)


def test_a_clock_that_stood_still_is_measured_anew() -> None:
    clock = Clock()
    clock.take(1000, 5000, 1010)
    clock.take(2000, 3000, 2900)
    assert clock.ahead_ns == 100


def test_a_close_measure_is_better_than_a_new_one() -> None:
    clock = Clock()
    clock.take(1000, 1100, 1010)
    clock.take(2000, 2500, 2900)
    assert clock.ahead_ns == 89  # the first one, as it may have drifted since


# An engine that does not have it


class Refusing:
    """An engine that runs no such container, and notes what it is asked to remove."""

    api_version = "1.41"

    def __init__(self, *, removal: int = 404) -> None:
        self.removed: list[str] = []
        self.asked: dict[str, Any] = {}
        self._removal = removal

    def version(self) -> dict[str, Any]:
        return {}

    def create_host_config(self, **options: Any) -> dict[str, Any]:
        return options

    def create_container(self, image: str, **options: Any) -> None:
        self.asked = options
        raise APIError("refused", response=response(403), explanation="authorization denied: pid=host")

    def remove_container(self, name: str, **_: Any) -> None:
        self.removed.append(name)
        raise APIError("none", response=response(self._removal), explanation="driver failed")

    def wait(self, name: str, **_: Any) -> None:
        raise APIError("none", response=response(404), explanation="No such container")


def response(status: int) -> requests.Response:
    made = requests.Response()
    made.status_code = status
    return made


@pytest.mark.parametrize(("version", "namespaces"), [("1.40", None), ("1.41", "host"), ("1.44", "host")])
def test_an_engine_that_refuses_it_is_said_and_nothing_is_left(version: str, namespaces: str | None) -> None:
    engine = Refusing()
    engine.api_version = version
    with (
        pytest.raises(EngineUnavailable, match=r"no helper runs on the engine: .*authorization denied: pid=host"),
        running.helped(cast("docker.APIClient", engine), "image", [], pytest.fail),
    ):
        pass
    assert len(engine.removed) == 1
    assert engine.asked["labels"][HELPER] == "1"
    assert engine.asked["host_config"].get("CgroupnsMode") == namespaces
    assert "privileged" not in engine.asked["host_config"]


def test_one_that_cannot_be_removed_is_no_secret() -> None:
    engine, notes = Refusing(removal=400), list[str]()
    with (
        pytest.raises(EngineUnavailable, match="no helper runs on the engine"),
        running.helped(cast("docker.APIClient", engine), "image", [], notes.append),
    ):
        pass
    (note,) = notes
    assert "could not be removed: the engine says: driver failed; once that is mended: signal-harness clean" in note
    assert "container" in str(LEFT)
    LEFT.discard(engine.removed[0])
