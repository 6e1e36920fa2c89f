"""What a run may rely on of any engine: the same cases on the scripted engine and on a real one."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from harness.core.errors import EngineFault
from harness.core.flight import End
from harness.core.signals import Signal
from harness.core.subject import LaunchOptions
from harness.files import cache_folder
from harness.run.protocol import Container, Engine, Launch
from harness.run.waiting import until
from tests.support.scripted import Executed, Happening, Plain, Script, ScriptedEngine, process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.core.process import Process

BASE = "local:musl-node24"
IMAGE = "signal-harness/base:musl-node24"
TERM, USR1, KILL = Signal(15), Signal(10), Signal(9)
CTRL_C = b"\x03"
PORT = 8080
LONG_S = 30.0
ALIVE = "setInterval(() => {}, 1e6);"


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A command, and the script of a container that runs it."""

    command: tuple[str, ...]
    script: Script
    init: bool = False
    tty: bool = False
    publish: int | None = None
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """An engine under test, and how to ask it which containers there are."""

    engine: Engine
    present: Callable[[], list[str]]
    image: str = IMAGE

    def launch(self, case: Case) -> AbstractContextManager[Container]:
        return self.engine.launch(
            Launch(
                image=self.image,
                options=LaunchOptions(
                    init=case.init,
                    entrypoint=(),
                    command=case.command,
                    environment=case.environment,
                    network="none",
                ),
                tty=case.tty,
                publish=case.publish,
            )
        )


def node(code: str, *at_start: Happening, init: bool = False, **more: tuple[Happening, ...]) -> Case:
    return Case(command=("node", "-e", code), init=init, script=Script(at_start=at_start, **more))


NODE_1 = process(1, "node -e", catches=("USR1",))
TALKS = node(
    "console.log('one'); console.log('two'); process.stdout.write('three')",
    Happening(after_s=0.1, output=b"one\ntwo\nthree", tree=(NODE_1,)),
    Happening(after_s=0.2, exit_code=0),
)
FAILS = node("process.exit(3)", Happening(after_s=0.1, exit_code=3))
STAYS = node(
    "process.on('SIGTERM', () => console.log('got TERM')); console.log('up');" + ALIVE,
    Happening(after_s=0.1, output=b"up\n", tree=(process(1, "node -e", catches=("USR1", "TERM")),)),
    at_signal=(Happening(after_s=0.01, output=b"got TERM\n"),),
    at_stop=(Happening(after_s=0.01, output=b"got TERM\n"),),
)
LEAVES = node(
    "process.on('SIGTERM', () => process.exit(7)); console.log('up');" + ALIVE,
    Happening(after_s=0.1, output=b"up\n", tree=(process(1, "node -e", catches=("TERM",)),)),
    at_signal=(Happening(after_s=0.01, exit_code=7),),
    at_stop=(Happening(after_s=0.01, exit_code=7),),
)
PARENT = Case(
    command=("/bin/sh", "-c", "trap : USR1; node -e \"console.log('up');" + ALIVE + '"; true'),
    script=Script(
        at_start=(
            Happening(
                after_s=0.1,
                output=b"up\n",
                tree=(process(1, "/bin/sh -c", catches=("USR1",)), process(7, "node -e", parent=1)),
            ),
        ),
    ),
)
WITH_INIT = node(
    "console.log('up');" + ALIVE,
    Happening(
        after_s=0.1,
        output=b"up\n",
        tree=(process(1, "/sbin/docker-init -- node -e"), process(7, "node -e", parent=1)),
    ),
    init=True,
)
WRITES = node(
    "process.on('SIGTERM', () => {"
    "  for (let n = 0; n < 500; n++) console.log(' line ' + n);"
    "  console.error('written');"
    "});"
    "process.stdout.write('half'); console.error('up');" + ALIVE,
    Happening(after_s=0.1, output=b"half", errors=b"up\n", tree=(process(1, "node -e", catches=("TERM",)),)),
    at_signal=(Happening(unread=b"".join(b" line %d\n" % n for n in range(500)), errors=b"written\n"),),
)
MISSING = Case(
    command=("/no/such/command",),
    script=Script(start_fault=EngineFault("the engine says: exec: /no/such/command: no such file or directory")),
)
TERMINAL = Case(
    command=("node", "-e", "process.on('SIGINT', () => console.log('got INT')); console.log('up');" + ALIVE),
    script=Script(
        at_start=(
            Happening(
                after_s=0.1, output=b"up\r\n", tree=(replace(process(1, "node -e", catches=("INT",)), state="S+"),)
            ),
        ),
        at_key=(Happening(after_s=0.01, output=b"^Cgot INT\r\n"),),
    ),
    tty=True,
)
NODE_20 = process(20, "sleep 3600", parent=1)
HOSTS = Case(
    command=("node", "-e", "console.log('up'); setInterval(() => {}, 1e7);"),
    script=Script(
        at_start=(Happening(after_s=0.1, output=b"up\n", tree=(NODE_1,)),),
        executed=(
            Executed(output="said\n", exit_code=3),
            Executed(output="exec: /no/such/command: no such file or directory\r\n", exit_code=126),
            Executed(output="20\n", then=(Happening(tree=(NODE_1, NODE_20)),)),
        ),
    ),
)
SERVES = Case(
    command=(
        "node",
        "-e",
        (
            "require('http').createServer((request, response) => {"
            "  response.flushHeaders();"
            "  console.log(request.method + ' ' + request.url);"
            "  request.resume().on('end', () => { response.end('whole'); console.log('answered'); });"
            f"}}).listen({PORT}, () => console.log('up'));"
        ),
    ),
    script=Script(
        at_start=(Happening(after_s=0.1, output=b"up\n", tree=(NODE_1,)),),
        at_request=(Happening(after_s=0.01, output=b"POST /hold\n"),),
        at_answer=(Happening(after_s=0.01, output=b"answered\n"),),
    ),
    publish=PORT,
)
ANSWERS = Case(
    command=(
        "node",
        "-e",
        (
            # A connection may be taken before the signal, and its request read only after it.
            "let stopping = false;"
            "const server = require('http').createServer((request, response) => {"
            "  const answer = () => response.end('whole');"
            "  if (request.url === '/soon') response.writeHead(503).end('whole');"
            "  if (request.url === '/slow') stopping ? answer() : process.on('SIGTERM', answer);"
            "  if (request.url === '/never') process.on('SIGTERM', () => process.exit(0));"
            "});"
            "process.on('SIGTERM', () => { stopping = true; server.close(); });"
            f"server.listen({PORT}, () => console.log('up'));"
        ),
    ),
    script=Script(
        at_start=(Happening(after_s=0.1, output=b"up\n", tree=(NODE_1,), status=503),),
        at_signal=(Happening(after_s=1.5, exit_code=0),),
        plain=(Plain(after_s=1),),
    ),
    publish=PORT,
)
LOSES = replace(ANSWERS, script=replace(ANSWERS.script, plain=(Plain(),)), environment={"A": "case"})
DEAF = Case(
    command=("node", "-e", "console.log('up'); setInterval(() => {}, 1e8);"),
    script=Script(at_start=(Happening(after_s=0.1, output=b"up\n", tree=(NODE_1,)),), answers=None),
    publish=PORT,
)
TOLD = Case(
    command=("node", "-e", "console.log(process.env.NAME)"),
    script=Script(at_start=(Happening(after_s=0.1, output="ä = b c\n".encode(), exit_code=0),)),
    environment={"NAME": "ä = b c"},
)
CASES = (
    TALKS,
    FAILS,
    STAYS,
    LEAVES,
    PARENT,
    WITH_INIT,
    WRITES,
    MISSING,
    TERMINAL,
    HOSTS,
    SERVES,
    ANSWERS,
    LOSES,
    DEAF,
    TOLD,
)


@contextmanager
def scripted_place() -> Iterator[Place]:
    engine = ScriptedEngine(
        lambda launch: next(
            case.script
            for case in CASES
            if (case.command, case.environment) == (launch.options.command, launch.options.environment)
        )
    )
    yield Place(engine=engine, present=lambda: sorted(engine.present))
    assert not engine.present


@contextmanager
def real_place() -> Iterator[Place]:
    from harness.engine.bases import Bases
    from harness.engine.client import connect
    from harness.engine.containers import DockerEngine
    from harness.local_bases.provider import LocalBases

    api = connect()
    try:
        bases = Bases(api, providers=[LocalBases(cache_folder())], report=lambda _: None)
        if not bases.present(BASE):
            bases.get(BASE)
        with DockerEngine(api) as engine:

            def present() -> list[str]:
                found = api.containers(all=True, filters={"label": f"signal-harness.run={engine.run_id}"})
                return sorted(entry["Names"][0].removeprefix("/") for entry in found)

            yield Place(engine=engine, present=present)
        assert present() == []
    finally:
        api.close()


@pytest.fixture(params=[scripted_place, pytest.param(real_place, marks=pytest.mark.engine)], ids=["scripted", "real"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    with request.param() as made:
        yield made


def wait_for_line(container: Container, text: str) -> None:
    found = until(
        lambda: any(line.text == text for line in container.inbox.lines) or None,
        timeout_s=LONG_S,
        time=container.inbox,
    )
    assert found, [line.text for line in container.inbox.lines]


def wait_for_end(container: Container) -> int | None:
    inbox = container.inbox
    died = until(lambda: inbox.died if inbox.closed else None, timeout_s=LONG_S, time=inbox)
    assert died is not None, "no end"
    return died.exit_code


def wait_for_tree(container: Container, size: int) -> tuple[Process, ...]:
    """The tree once it has so many processes."""
    tree = until(
        lambda: seen if len(seen := container.tree()) == size else None, timeout_s=LONG_S, time=container.inbox
    )
    assert tree is not None, container.tree()
    return tree


def test_lines_arrive_in_order_and_the_last_one_may_lack_its_newline(place: Place) -> None:
    with place.launch(TALKS) as container:
        container.start()
        assert wait_for_end(container) == 0
        assert [line.text for line in container.inbox.lines] == ["one", "two", "three"]
        times = [line.at_ns for line in container.inbox.lines]
        assert times == sorted(times)


def test_nothing_runs_before_the_start(place: Place) -> None:
    with place.launch(TALKS) as container:
        assert container.inbox.lines == ()
        assert not container.inbox.closed
        assert place.present() == [container.name]


def test_the_end_tells_the_exit_code(place: Place) -> None:
    with place.launch(FAILS) as container:
        container.start()
        assert wait_for_end(container) == 3


def test_the_tree_shows_pid_1_with_its_masks(place: Place) -> None:
    with place.launch(STAYS) as container:
        container.start()
        wait_for_line(container, "up")
        (pid1,) = wait_for_tree(container, 1)
        assert pid1.command.startswith("node -e")
        assert pid1.alive
        assert pid1.catches(TERM)
        assert not pid1.ignores(TERM)
        assert not pid1.blocks(TERM)
        assert pid1.inner_pid in (1, None)


def test_the_tree_shows_parents_before_children(place: Place) -> None:
    with place.launch(PARENT) as container:
        container.start()
        wait_for_line(container, "up")
        shell, app = wait_for_tree(container, 2)
        assert app.ppid == shell.pid
        assert shell.command.startswith("/bin/sh -c")
        assert app.command.startswith("node -e")
        assert shell.catches(USR1)
        assert not shell.catches(TERM)


def test_an_init_is_pid_1(place: Place) -> None:
    with place.launch(WITH_INIT) as container:
        container.start()
        wait_for_line(container, "up")
        init, app = wait_for_tree(container, 2)
        assert "init" in init.command
        assert app.ppid == init.pid


def test_a_signal_reaches_pid_1(place: Place) -> None:
    with place.launch(STAYS) as container:
        container.start()
        wait_for_line(container, "up")
        before_ns = container.inbox.now_ns()
        sent_ns = container.kill(TERM)
        wait_for_line(container, "got TERM")
        assert before_ns <= sent_ns <= container.inbox.lines[-1].at_ns
        assert container.tree() != ()
        assert container.inbox.died is None


def test_an_end_by_the_signal(place: Place) -> None:
    with place.launch(LEAVES) as container:
        container.start()
        wait_for_line(container, "up")
        container.kill(TERM)
        assert wait_for_end(container) == 7
        assert container.tree() == ()
        actions = [event.action for event in container.inbox.events]
        assert actions == ["kill", "die"]


def told(container: Container) -> list[tuple[str, int | None, int | None]]:
    return [(event.action, event.signal, event.exit_code) for event in container.inbox.events]


def test_a_stop_of_an_app_that_leaves(place: Place) -> None:
    with place.launch(LEAVES) as container:
        container.start()
        wait_for_line(container, "up")
        before_ns = container.inbox.now_ns()
        assert before_ns <= container.stop(60) <= container.inbox.now_ns()
        assert wait_for_end(container) == 7
        assert told(container) == [("kill", 15, None), ("die", None, 7)]
        assert container.exit_code() == 7


def test_a_stop_of_an_app_that_stays_ends_in_sigkill(place: Place) -> None:
    with place.launch(STAYS) as container:
        container.start()
        wait_for_line(container, "up")
        container.stop(1)
        wait_for_line(container, "got TERM")
        assert wait_for_end(container) == 137
        assert told(container) == [("kill", 15, None), ("kill", 9, None), ("die", None, 137)]
        assert container.exit_code() == 137


def test_a_stop_of_a_container_that_has_ended_is_nothing(place: Place) -> None:
    with place.launch(FAILS) as container:
        container.start()
        wait_for_end(container)
        container.stop(1)
        assert container.exit_code() == 3
        assert told(container) == [("die", None, 3)]


def test_the_events_tell_the_signal(place: Place) -> None:
    with place.launch(STAYS) as container:
        container.start()
        wait_for_line(container, "up")
        container.kill(TERM)
        wait_for_line(container, "got TERM")
        container.kill(KILL)
        assert wait_for_end(container) == 137
        assert told(container) == [("kill", 15, None), ("kill", 9, None), ("die", None, 137)]


def test_a_key_on_the_terminal_is_a_signal_of_the_kernels_own(place: Place) -> None:
    with place.launch(TERMINAL) as container:
        container.start()
        wait_for_line(container, "up")
        before_ns = container.inbox.now_ns()
        typed_ns = container.type(CTRL_C)
        wait_for_line(container, "got INT")
        assert before_ns <= typed_ns <= container.inbox.lines[-1].at_ns
        assert [line.text for line in container.inbox.lines] == ["up", "got INT"]
        assert container.inbox.events == ()
        assert all(one.in_foreground for one in container.tree())


def test_without_a_terminal_nothing_is_in_its_foreground(place: Place) -> None:
    with place.launch(STAYS) as container:
        container.start()
        wait_for_line(container, "up")
        assert not any(one.in_foreground for one in wait_for_tree(container, 1))


def test_a_mark_comes_through_a_terminal_once(place: Place) -> None:
    with place.launch(TERMINAL) as container:
        container.start()
        wait_for_line(container, "up")
        container.type(CTRL_C)
        wait_for_line(container, "got INT")
        marks = container.write_marker()
        if marks == 0:
            pytest.skip("marks need root and an engine on this machine")
        assert marks == 1
        assert until(lambda: container.inbox.markers or None, timeout_s=LONG_S, time=container.inbox) == 1
        assert [line.text for line in container.inbox.lines] == ["up", "got INT"]
        assert container.tree() != ()


def test_a_mark_leaves_the_terminal_as_it_was(place: Place) -> None:
    with place.launch(TERMINAL) as container:
        container.start()
        wait_for_line(container, "up")
        container.write_marker()
        container.type(CTRL_C)
        wait_for_line(container, "got INT")
        assert not container.inbox.closed


def test_without_a_terminal_no_key_can_be_typed(place: Place) -> None:
    with place.launch(STAYS) as container:
        container.start()
        wait_for_line(container, "up")
        with pytest.raises(EngineFault, match="terminal takes no keys"):
            container.type(CTRL_C)


def test_a_command_gives_its_exit_code_and_output(place: Place) -> None:
    with place.launch(HOSTS) as container:
        container.start()
        wait_for_line(container, "up")
        assert container.execute(("/bin/sh", "-c", "echo said; exit 3")) == (3, "said\n")
        code, output = container.execute(("/no/such/command",))
        assert code != 0
        assert "/no/such/command" in output
        assert [line.text for line in container.inbox.lines] == ["up"]


def test_what_a_command_leaves_behind_is_adopted(place: Place) -> None:
    with place.launch(HOSTS) as container:
        container.start()
        wait_for_line(container, "up")
        container.execute(("/bin/sh", "-c", "echo said; exit 3"))
        container.execute(("/no/such/command",))
        code, output = container.execute(("/bin/sh", "-c", "sleep 3600 </dev/null >/dev/null 2>&1 & echo $!"))
        assert code == 0
        pid1, orphan = wait_for_tree(container, 2)
        assert (orphan.command, orphan.ppid) == ("sleep 3600", pid1.pid)
        assert orphan.inner_pid in (int(output), None)


def test_a_container_that_has_ended_runs_no_command(place: Place) -> None:
    with place.launch(FAILS) as container:
        container.start()
        wait_for_end(container)
        with pytest.raises(EngineFault, match="is not running"):
            container.execute(("/bin/sh", "-c", "true"))


def test_a_request_is_in_flight_until_it_is_finished(place: Place) -> None:
    with place.launch(SERVES) as container:
        container.start()
        wait_for_line(container, "up")
        request = container.request("/hold")
        wait_for_line(container, "POST /hold")
        assert "answered" not in [line.text for line in container.inbox.lines]
        assert request.in_flight()
        assert request.finish() is True
        wait_for_line(container, "answered")
        request.close()


def test_a_request_to_a_container_that_has_been_killed_is_lost(place: Place) -> None:
    with place.launch(SERVES) as container:
        container.start()
        wait_for_line(container, "up")
        request = container.request("/hold")
        container.kill(KILL)
        assert wait_for_end(container) == 137
        assert request.finish() is False
        request.close()


def test_a_request_may_be_given_up(place: Place) -> None:
    with place.launch(SERVES) as container:
        container.start()
        wait_for_line(container, "up")
        container.request("/hold").close()
        assert container.inbox.died is None


@pytest.mark.parametrize("case", [DEAF, STAYS], ids=["nobody listens", "no port is published"])
def test_a_request_that_nobody_answers_is_a_fault(place: Place, case: Case) -> None:
    with place.launch(case) as container:
        container.start()
        wait_for_line(container, "up")
        with pytest.raises(EngineFault, match="does not answer on its published port"):
            container.request("/hold")


def test_plain_requests_are_under_way_until_the_app_answers(place: Place) -> None:
    with place.launch(ANSWERS) as container:
        container.start()
        wait_for_line(container, "up")
        requests = container.requests("/slow", 2)
        assert until(lambda: requests.taken() is not False or None, timeout_s=LONG_S, time=container.inbox)
        assert not requests.ended()
        pressed_ns = container.inbox.now_ns()
        requests.press()
        sent_ns = container.kill(TERM)
        assert wait_for_end(container) == 0
        traffic = requests.finish()
        requests.close()
    assert [(one.end, one.status) for one in traffic.sent] == [(End.ANSWERED, 200)] * 2
    assert all(one.began_ns <= sent_ns < one.ended_ns for one in traffic.sent)
    assert all(one.began_ns >= pressed_ns for one in traffic.new)


def test_plain_requests_end_with_the_container(place: Place) -> None:
    with place.launch(LOSES) as container:
        container.start()
        wait_for_line(container, "up")
        requests = container.requests("/never", 2)
        assert until(lambda: requests.taken() is not False or None, timeout_s=LONG_S, time=container.inbox)
        container.kill(TERM)
        assert wait_for_end(container) == 0
        traffic = requests.finish()
        requests.close()
    assert [(one.end, one.status) for one in traffic.sent] == [(End.CUT, None)] * 2
    assert traffic.new == ()


def test_plain_requests_may_be_given_up(place: Place) -> None:
    with place.launch(ANSWERS) as container:
        container.start()
        wait_for_line(container, "up")
        container.requests("/slow", 1).close()
        assert container.inbox.died is None


def test_a_get_has_a_status(place: Place) -> None:
    with place.launch(ANSWERS) as container:
        container.start()
        wait_for_line(container, "up")
        assert container.answers("/soon") == 503


def test_what_nobody_answers_has_no_status_and_takes_no_plain_request(place: Place) -> None:
    with place.launch(DEAF) as container:
        container.start()
        wait_for_line(container, "up")
        assert container.answers("/") is None
        with pytest.raises(EngineFault, match=f"nothing takes connections on port {PORT} of the container"):
            container.requests("/", 1)


def test_a_container_that_has_ended_answers_nothing_and_takes_no_plain_request(place: Place) -> None:
    with place.launch(LOSES) as container:
        container.start()
        wait_for_line(container, "up")
        container.kill(KILL)
        wait_for_end(container)
        assert container.answers("/") is None
        with pytest.raises(EngineFault, match=f"port {PORT} of the container"):
            container.requests("/", 1)


def test_without_a_published_port_there_are_no_plain_requests(place: Place) -> None:
    with place.launch(STAYS) as container:
        container.start()
        wait_for_line(container, "up")
        with pytest.raises(EngineFault, match="has no published port"):
            container.requests("/", 1)
        with pytest.raises(EngineFault, match="has no published port"):
            container.answers("/")


def test_the_environment_is_the_launchs(place: Place) -> None:
    with place.launch(TOLD) as container:
        container.start()
        assert wait_for_end(container) == 0
        assert [line.text for line in container.inbox.lines] == ["ä = b c"]
        assert container.exit_code() == 0


def test_a_container_that_has_ended_cannot_be_signalled(place: Place) -> None:
    with place.launch(FAILS) as container:
        container.start()
        wait_for_end(container)
        with pytest.raises(EngineFault, match="is not running"):
            container.kill(TERM)


def test_a_container_that_has_ended_has_no_processes_and_takes_no_mark(place: Place) -> None:
    with place.launch(FAILS) as container:
        container.start()
        wait_for_end(container)
        assert container.tree() == ()
        assert container.write_marker() == 0


def test_a_command_that_is_not_there_is_a_fault(place: Place) -> None:
    with place.launch(MISSING) as container, pytest.raises(EngineFault, match="/no/such/command"):
        container.start()
    assert is_gone(place, container)


def test_a_mark_arrives_behind_all_output(place: Place) -> None:
    with place.launch(WRITES) as container:
        container.start()
        wait_for_line(container, "up")
        container.kill(TERM)
        wait_for_line(container, "written")
        marks = container.write_marker()
        if marks == 0:
            pytest.skip("marks need root and an engine on this machine")
        arrived = until(lambda: container.inbox.markers >= marks or None, timeout_s=LONG_S, time=container.inbox)
        assert arrived, container.inbox.markers
        assert container.inbox.markers == marks
        texts = [line.text for line in container.inbox.lines if line.text not in ("up", "written")]
        assert texts == ["half line 0", *(f" line {n}" for n in range(1, 500))]


def test_there_is_no_record_without_a_tracer(place: Place) -> None:
    with place.launch(STAYS) as container:
        container.start()
        assert container.trace() is None
        assert container.lives() == ()


def is_gone(place: Place, container: Container) -> bool:
    """Whether it goes soon: an engine may be removing it yet."""
    gone = until(lambda: None if container.name in place.present() else True, timeout_s=LONG_S, time=container.inbox)
    return gone is True


def test_a_container_is_gone_after_its_context(place: Place) -> None:
    with place.launch(STAYS) as container:
        container.start()
        assert place.present() == [container.name]
    assert is_gone(place, container)


def test_a_container_is_gone_after_a_failure_in_its_context(place: Place) -> None:
    seen: list[Container] = []

    def fail() -> None:
        with place.launch(STAYS) as container:
            seen.append(container)
            container.start()
            raise RuntimeError("in the body")

    with pytest.raises(RuntimeError, match="in the body"):
        fail()
    assert is_gone(place, *seen)


def test_a_container_that_never_started_is_gone_too(place: Place) -> None:
    with place.launch(STAYS) as container:
        pass
    assert is_gone(place, container)


def test_two_containers_do_not_mix(place: Place) -> None:
    with place.launch(TALKS) as one, place.launch(FAILS) as other:
        assert one.name != other.name
        other.start()
        one.start()
        assert wait_for_end(one) == 0
        assert wait_for_end(other) == 3
        assert other.inbox.lines == ()
        assert len(one.inbox.lines) == 3
