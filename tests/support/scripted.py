"""An engine whose containers follow a script, on a clock that moves only when someone waits.

It satisfies `harness.run.protocol`; ``tests/contract`` runs the same cases on it and on a real engine.
"""

from __future__ import annotations

import heapq
import itertools
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from harness.core.errors import Disturbed, EngineFault
from harness.core.evidence import EngineEvent
from harness.core.flight import End, Exchange, Traffic
from harness.core.process import Process, Tree
from harness.core.signals import Signal, parse_signal
from harness.core.trace import Fate, Sent
from harness.run.inbox import Inbox
from tests.support.evidence import words

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from harness.core.errors import HarnessError
    from harness.core.trace import Life, TraceRecord
    from harness.run.protocol import Launch

_SAMPLE_S = 0.001
_SIGKILL = 9


@dataclass(frozen=True, kw_only=True, slots=True)
class Happening:
    """What happens in a container so many seconds after its start or after what is done to it; all at one moment.

    ``output`` and ``errors`` go to the two output streams as they are; ``unread`` is written to standard output too,
    but read only as a mark is written behind it. ``busy`` says whether threads run from now on, ``health`` what its
    HEALTHCHECK says, ``ports`` what is listened on, ``status`` with what a GET is answered. With an
    ``exit_code`` the container ends.
    """

    after_s: float = 0.0
    output: bytes = b""
    errors: bytes = b""
    unread: bytes = b""
    tree: Tree | None = None
    busy: bool | None = None
    health: str | None = None
    ports: tuple[int, ...] = ()
    status: int | None = None
    trace: tuple[TraceRecord, ...] = ()
    lives: tuple[Life, ...] = ()
    out_of_memory: bool = False
    exit_code: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Executed:
    """What a command that is executed in the container gives (or how it fails), and what it leads to there."""

    output: str = ""
    exit_code: int = 0
    fault: HarnessError | None = None
    then: tuple[Happening, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Plain:
    """What becomes of a plain request: so long after it was sent (``None``: never) it ends, as long as there is a
    container; what has not ended then is cut. ``taken`` says whether the app reads it (``None``: not to be seen), and
    ``taken_after_s`` when.
    """

    after_s: float | None = None
    end: End = End.ANSWERED
    status: int | None = 200
    taken: bool | None = True
    taken_after_s: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Script:
    """What a container does.

    After ``at_stop``, which the engine takes ``stops_after_s`` to begin, it is killed as the grace period ends, or
    ``kills_after_s`` later, if it still runs; with a ``stop_signal`` of ``None`` the engine fails to stop it. With
    ``tells`` its events tell of signals; else, as Podman's, of an order to send one only, and not of which; unless
    ``told``, of neither.
    ``executed`` is what commands give, in turn. ``answers`` says whether a request's answer comes whole while the
    container runs (``None``: none begins), ``holds`` whether it waits for the request's end, and ``at_answer`` what
    happens once it has come. ``plain`` is what becomes of plain requests (``None``: nobody listens); new ones are
    answered for ``accepts_s`` from the stop signal on, and end as ``turns_away`` from then on. ``serving`` are those
    that listen on its ports, by their PIDs in it.
    With ``disturbs`` something of what it did was missed, for this reason. ``marks`` is what `marker` gives (0: no
    marks can be written), ``traced`` whether there is a kernel's record, and ``records`` whether the signals that the
    engine sends are in it, which its PID 1 is told.
    """

    at_start: tuple[Happening, ...] = ()
    at_signal: tuple[Happening, ...] = ()
    at_stop: tuple[Happening, ...] = ()
    at_key: tuple[Happening, ...] = ()
    at_tell: tuple[Happening, ...] | None = (Happening(output=b"Received signal: SIGTERM\nReceived signal: SIGINT\n"),)
    executed: tuple[Executed, ...] = ()
    answers: bool | None = True
    holds: bool = True
    at_request: tuple[Happening, ...] = ()
    at_answer: tuple[Happening, ...] = ()
    plain: tuple[Plain, ...] | None = None
    accepts_s: float = 0.0
    turns_away: End = End.REFUSED
    stop_signal: int | None = 15
    stops_after_s: float = 0.0
    kills_after_s: float = 0.0
    serving: tuple[int, ...] = ()
    tells: bool = True
    told: bool = True
    marks: int = 2
    marks_arrive: bool = True
    traced: bool = False
    records: bool = False
    start_fault: HarnessError | None = None
    kill_fault: HarnessError | None = None
    exit_fault: HarnessError | None = None
    disturbs: str = ""


@dataclass(order=True)
class _Due:
    at_ns: int
    number: int
    act: Callable[[], None] = field(compare=False)


class ScriptedInbox(Inbox):
    """An inbox whose time moves only in `pause` and `pass_time`, and then at once."""

    def __init__(self, *, tty: bool = False) -> None:
        self._time_ns = 1_000_000_000
        self._due: list[_Due] = []
        self._order = itertools.count()
        super().__init__(tty=tty)

    def now_ns(self) -> int:
        return self._time_ns

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._due, _Due(self._time_ns + round(seconds * 1e9), next(self._order), act))

    def pause(self, seconds: float) -> None:
        """Move on to the next news, or by so many seconds if there is none until then."""
        end_ns = self._time_ns + round(seconds * 1e9)
        while not self._fresh and self._due and self._due[0].at_ns <= end_ns:
            self._next()
        if not self._fresh:
            self._time_ns = end_ns
        self._fresh = False

    def pass_time(self, seconds: float) -> None:
        """Move on by so many seconds, whatever happens."""
        end_ns = self._time_ns + round(seconds * 1e9)
        while self._due and self._due[0].at_ns <= end_ns:
            self._next()
        self._time_ns = end_ns

    def _next(self) -> None:
        due = heapq.heappop(self._due)
        self._time_ns = max(self._time_ns, due.at_ns)
        due.act()


class ScriptedRequest:
    """A request in flight; see `harness.run.protocol.HeldRequest`."""

    def __init__(self, answer: Callable[[], bool], *, in_flight: bool) -> None:
        self.closed = False
        self._in_flight = in_flight
        self._answer = answer

    def in_flight(self) -> bool:
        return self._in_flight

    def finish(self) -> bool:
        return self._answer()

    def close(self) -> None:
        self.closed = True


_EVERY_NS = 20_000_000


class ScriptedRequests:
    """Plain requests; see `harness.run.protocol.Requests`."""

    def __init__(self, container: ScriptedContainer, script: Script, plain: tuple[Plain, ...]) -> None:
        self.closed = False
        self._container = container
        self._script = script
        self._plain = plain
        self._began_ns = container.clock.now_ns()
        self._pressed_ns: int | None = None
        self._looked_ns = self._began_ns

    def taken(self) -> bool | None:
        self._looked_ns = self._container.clock.now_ns()
        takes = [self._taken(one) for one in self._plain]
        return None if None in takes else all(takes)

    def _taken(self, one: Plain) -> bool | None:
        """Whether it had been read as that was last looked at."""
        return one.taken and self._looked_ns >= self._began_ns + round(one.taken_after_s * 1e9)

    def ended(self) -> bool:
        now_ns = self._container.clock.now_ns()
        return all(exchange.ended_ns <= now_ns for exchange in self._sent())

    def press(self) -> None:
        self._pressed_ns = self._container.clock.now_ns()

    def finish(self) -> Traffic:
        return Traffic(sent=self._sent(), new=tuple(self._new()))

    def close(self) -> None:
        self.closed = True

    def _sent(self) -> tuple[Exchange, ...]:
        gone_ns = self._container.gone_ns
        found = []
        for one in self._plain:
            ends_ns = None if one.after_s is None else self._began_ns + round(one.after_s * 1e9)
            if ends_ns is not None and (gone_ns is None or ends_ns <= gone_ns):
                end, ended_ns, status = one.end, ends_ns, one.status
            else:
                end, ended_ns, status = End.CUT, gone_ns or 1 << 62, None
            taken = self._taken(one)
            found.append(Exchange(began_ns=self._began_ns, ended_ns=ended_ns, end=end, status=status, taken=taken))
        return tuple(found)

    def _new(self) -> Iterator[Exchange]:
        """New ones while the container runs, each of which ends at once."""
        if self._pressed_ns is None or self._container.gone_ns is None:
            return
        kills = (event.time_ns for event in self._container.inbox.events if event.action == "kill")
        signalled_ns = next(kills, self._pressed_ns)
        until_ns = signalled_ns + round(self._script.accepts_s * 1e9)
        for at_ns in range(self._pressed_ns, self._container.gone_ns, _EVERY_NS):
            end = End.ANSWERED if at_ns < until_ns else self._script.turns_away
            yield Exchange(began_ns=at_ns, ended_ns=at_ns, end=end, status=200 if end is End.ANSWERED else None)


class ScriptedContainer:
    """One container; see `harness.run.protocol.Container`."""

    def __init__(self, name: str, launch: Launch, script: Script) -> None:
        self.name = name
        self.launch = launch
        self.clock = ScriptedInbox(tty=launch.tty)
        self.inbox: Inbox = self.clock
        self.killed: list[Signal] = []
        self.typed: list[bytes] = []
        self.told: list[tuple[Process, Signal]] = []
        self.commands: list[tuple[str, ...]] = []
        self.asked: list[str] = []
        self.held: list[ScriptedRequest] = []
        self.plain: list[ScriptedRequests] = []
        self.gone_ns: int | None = None
        self._script = script
        self._executed = iter(script.executed)
        self._tree: Tree = ()
        self._busy = False
        self._samples = 0
        self._unread = b""
        self._trace: list[TraceRecord] = []
        self._lives: list[Life] = []
        self._running = False
        self._stopping = False
        self._exit_code = 0
        self._health: str | None = None
        self._ports: tuple[int, ...] = ()
        self._status: int | None = None

    def start(self) -> None:
        if self._script.start_fault is not None:
            raise self._script.start_fault
        self._running = True
        self._schedule(self._script.at_start)

    def tree(self) -> Tree:
        self.clock.pass_time(_SAMPLE_S)
        self._samples += self._busy
        return tuple(
            process if process.activity is None else replace(process, activity=process.activity + self._samples)
            for process in self._tree
        )

    def kill(self, signal: Signal) -> int:
        if self._script.kill_fault is not None:
            raise self._script.kill_fault
        self._need_running()
        self.killed.append(signal)
        before_ns = self.clock.now_ns()
        if self._script.told and not self._script.tells:
            self._tell("kill")
        self._signal(signal.number)
        if self._script.records:
            self._record(signal)
        if signal.catchable:
            self._schedule(self._script.at_signal)
        return before_ns

    def _record(self, signal: Signal) -> None:
        main = self._tree[0]
        self._trace.append(
            Sent(
                time_s=self.clock.now_ns() / 1e9,
                sender="runc",
                sender_pid=5,
                number=signal.number,
                target=main.command,
                target_pid=main.pid,
                fate=Fate.DELIVERED if main.catches(signal) else Fate.IGNORED,
                from_outside=True,
            )
        )

    def stop(self, grace_s: int) -> int:
        before_ns = self.clock.now_ns()
        number = self._script.stop_signal

        def begin() -> None:
            if number is not None:
                self._stopping = True
                self._signal(number)
                self._schedule(self._script.at_stop)
                self.clock.later(grace_s + self._script.kills_after_s, lambda: self._signal(_SIGKILL))

        if self._script.stops_after_s:
            self.clock.later(self._script.stops_after_s, begin)
        else:
            begin()
        return before_ns

    @property
    def cli(self) -> str:
        return "docker" if self._script.tells else "podman"

    @property
    def tells(self) -> bool:
        return self._script.tells

    def stopping(self) -> bool:
        return self._stopping

    def tell(self, process: Process, signal: Signal) -> None:
        self._need_running()
        if self._script.at_tell is None:
            raise EngineFault("the image has no kill")
        self.told.append((process, signal))
        self._schedule(self._script.at_tell)

    def type(self, keys: bytes) -> int:
        if not self.launch.tty or not self._running:
            raise EngineFault("the container's terminal takes no keys")
        self.typed.append(keys)
        before_ns = self.clock.now_ns()
        self._schedule(self._script.at_key)
        return before_ns

    def execute(self, command: Sequence[str]) -> tuple[int, str]:
        self._need_running()
        self.commands.append(tuple(command))
        done = next(self._executed)
        if done.fault is not None:
            raise done.fault
        self._schedule(done.then)
        return done.exit_code, done.output

    def request(self, path: str) -> ScriptedRequest:
        if self.launch.publish is None or self._script.answers is None or not self._running:
            raise EngineFault("the app does not answer on its published port")
        self.asked.append(path)
        self._schedule(self._script.at_request)
        self.held.append(ScriptedRequest(self._answer, in_flight=self._script.holds))
        return self.held[-1]

    def requests(self, path: str, number: int) -> ScriptedRequests:
        plain = self._script.plain
        if self.launch.publish is None:
            raise EngineFault("the container has no published port")
        if plain is None or not self._running:
            raise EngineFault(f"nothing takes connections on port {self.launch.publish} of the container")
        self.asked += [path] * number
        self._schedule(self._script.at_request)
        each = tuple(plain[index % len(plain)] for index in range(number))
        self.plain.append(ScriptedRequests(self, self._script, each))
        return self.plain[-1]

    def answers(self, path: str) -> int | None:
        if self.launch.publish is None:
            raise EngineFault("the container has no published port")
        self.asked.append(path)
        return self._status if self._running else None

    def health(self) -> str | None:
        return self._health

    def listens(self, ports: Sequence[int]) -> bool:
        return set(ports) <= set(self._ports)

    def serving(self, tree: Tree, ports: Collection[int]) -> frozenset[int]:
        return frozenset(process.pid for process in tree if process.inner_pid in self._script.serving and ports)

    def exit_code(self) -> int:
        if self._script.exit_fault is not None:
            raise self._script.exit_fault
        assert not self._running
        return self._exit_code

    def write_marker(self) -> int:
        marks = min(self._script.marks, 1 if self.launch.tty else 2) if self._running else 0
        if not self._script.marks_arrive:
            return marks
        self.inbox.write(self._unread if marks else b"")
        self._unread = b"" if marks else self._unread
        for number in range(marks):
            self.inbox.write(self.inbox.marker.replace(b"\n", b"\r\n" if self.launch.tty else b"\n"), number + 1)
        return marks

    def verify(self) -> None:
        if self._script.disturbs:
            raise Disturbed(self._script.disturbs)

    def trace(self) -> tuple[TraceRecord, ...] | None:
        return tuple(self._trace) if self._script.traced else None

    def lives(self) -> tuple[Life, ...]:
        return tuple(self._lives) if self._script.traced else ()

    def _need_running(self) -> None:
        if not self._running:
            raise EngineFault(f"the engine says: container {self.name} is not running")

    def _answer(self) -> bool:
        if not self._running or not self._script.answers:
            return False
        self._schedule(self._script.at_answer)
        return True

    def _signal(self, number: int) -> None:
        if not self._running:
            return
        if self._script.told and self._script.tells:
            self._tell("kill", signal=number)
        if number == _SIGKILL:
            self._end(128 + _SIGKILL)

    def _schedule(self, happenings: tuple[Happening, ...]) -> None:
        for happening in happenings:
            self.clock.later(happening.after_s, partial(self._apply, happening))

    def _apply(self, happening: Happening) -> None:
        self._health = happening.health or self._health
        self._ports += happening.ports
        self._status = happening.status or self._status
        if happening.out_of_memory:
            self._tell("oom")
        if not self._running:
            return
        self._trace += happening.trace
        self._lives += happening.lives
        self._unread += happening.unread
        if happening.tree is not None:
            self._tree = happening.tree
        if happening.busy is not None:
            self._busy = happening.busy
        if happening.output:
            self.inbox.write(happening.output)
        if happening.errors:
            self.inbox.write(happening.errors, 2)
        if happening.exit_code is not None:
            self._end(happening.exit_code)

    def _end(self, exit_code: int) -> None:
        self._running = False
        self.gone_ns = self.clock.now_ns()
        self._tree = ()
        self._exit_code = exit_code
        self.inbox.write(self._unread)
        self.inbox.close()
        self._tell("die", exit_code)

    def _tell(self, action: str, exit_code: int | None = None, signal: int | None = None) -> None:
        self.inbox.event(EngineEvent(action=action, time_ns=self.clock.now_ns(), exit_code=exit_code, signal=signal))


class ScriptedEngine:
    """Containers by script; ``script_of`` gives each launch its script, or raises what the engine would.

    ``alive`` says whether it answers after a fault.
    """

    def __init__(self, script_of: Callable[[Launch], Script], *, alive: bool = False) -> None:
        self.alive = alive
        self.present: set[str] = set()
        self.launches: list[Launch] = []
        self.containers: list[ScriptedContainer] = []
        self._script_of = script_of
        self._numbers = itertools.count(1)

    @contextmanager
    def launch(self, launch: Launch) -> Iterator[ScriptedContainer]:
        self.launches.append(launch)
        container = ScriptedContainer(f"scripted-{next(self._numbers)}", launch, self._script_of(launch))
        self.containers.append(container)
        self.present.add(container.name)
        try:
            yield container
        finally:
            self.present.discard(container.name)

    def answers(self) -> bool:
        return self.alive


def mask(*names: str) -> int:
    """The mask of some signals, as proc_pid_status(5) has it."""
    return sum(1 << (parse_signal(name).number - 1) for name in names)


def process(
    inner_pid: int, args: str, *, parent: int = 0, catches: tuple[str, ...] = (), wchan: str = "do_epoll_wait"
) -> Process:
    """A sleeping process as /proc shows it; PIDs on the host are 1000 more than in the container."""
    return Process(
        pid=1000 + inner_pid,
        ppid=1000 + parent,
        pgid=1001,
        state="S",
        caught=mask(*catches),
        ignored=0,
        blocked=0,
        pending=0,
        argv=words(args),
        inner_pid=inner_pid,
        activity=10,
        wchan=wchan,
        is_namespace_init=inner_pid == 1,
        waits=(),
    )


def through_ps(tree: Tree) -> Tree:
    """What ``docker top`` shows of a tree where /proc cannot be read."""
    return tuple(replace(process, inner_pid=None, activity=None, waits=None) for process in tree)
