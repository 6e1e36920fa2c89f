"""What to change, by what stands above the app and what became of the signal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.core.evidence import Ground, Receipt
from harness.core.question import Probe
from harness.core.signals import Signal
from harness.core.trace import Fate, Sent
from harness.run.probes.stop import Request
from tests.support.evidence import changed
from tests.support.reports import FORCED, FORWARDED, GRACEFUL, SWALLOWED, UNTESTED, ZOMBIE, result
from tests.support.scripted import process

if TYPE_CHECKING:
    from harness.core.document import Row
    from harness.core.evidence import Evidence, SignalEvidence
    from harness.run.probes.stop import StopEvidence

APP = process(9, "node server.js", parent=8, catches=("TERM",))


def told(evidence: Evidence) -> str:
    return "\n".join(result("v", evidence).advice)


def below(*above: str) -> SignalEvidence:
    """A swallowed signal in a chain of processes, the app at its end."""
    chain = [process(n, args, parent=n - 1) for n, args in enumerate(above, start=1)]
    app = changed(APP, pid=1000 + len(chain) + 1, ppid=1000 + len(chain))
    tree = (*chain, app)
    return changed(SWALLOWED, before=tree, after=tree, app_pid=app.pid, ground=Ground.SETTLED, trace=None)


def test_a_shell_form_becomes_an_exec_form() -> None:
    assert told(below("/bin/sh -c node server.js")).splitlines() == [
        "In the Dockerfile:",
        '  CMD ["node", "server.js"]',
        "`/bin/sh -c node server.js` stays as PID 1 and forwards no signal.",
    ]


@pytest.mark.parametrize(
    ("parent", "who", "remedy"),
    [
        (1, "npm start", "An init as PID 1 does, as by --init."),
        (2, "node server.js", "No init does that in its place."),
    ],
)
def test_who_leaves_zombies_is_told_even_where_the_signal_arrives(parent: int, who: str, remedy: str) -> None:
    bad = below("npm start")
    zombie = changed(process(20, "[node]", parent=parent), state="Z")
    line = f"`{who}` has not waited for `[node]`, which ended and is a zombie. {remedy}"
    good = changed(bad, receipts=FORWARDED.receipts, before=(*bad.seen.before, zombie))
    assert result("v", good).advice == ("What was asked needs no change.", line)
    assert result("v", changed(bad, before=good.seen.before)).advice[-1] == line


def test_an_init_has_yet_to_wait_for_a_process_that_has_just_ended() -> None:
    bad = below("tini -- npm start", "npm start")
    zombie = changed(process(20, "[node]", parent=1), state="Z")
    assert "zombie" not in told(changed(bad, before=(*bad.seen.before, zombie)))


def test_an_init_of_the_image_stays_in_front() -> None:
    assert 'CMD ["dumb-init", "node", "server.js"]' in told(below("dumb-init npm start", "npm start"))
    assert 'CMD ["tini", "-g", "--", "node", "server.js"]' in told(below("tini -g -- npm start", "npm start"))


def test_the_shell_that_npm_starts_is_npms_affair() -> None:
    text = told(below("npm start", "sh -c node server.js"))
    assert "`npm start` stays as PID 1 and forwards only SIGINT and SIGTERM, to the shell it started, not to" in text
    assert "sh -c" not in text


def test_what_stands_below_an_init_is_not_pid_1() -> None:
    assert "`npm start` stays between PID 1 and the app and" in told(below("tini -- npm start", "npm start"))


def test_a_script_is_told_to_make_way() -> None:
    text = told(below("/bin/sh /entry.sh node server.js"))
    assert text.startswith('In the script `/entry.sh`, in place of what it runs last:\n  exec "$@"\n')


def test_a_script_whose_app_goes_by_a_title_is_told_in_words() -> None:
    seen = below("/bin/sh /entry.sh")
    tree = (*seen.seen.before[:-1], changed(seen.seen.before[-1], argv=("orders-api",)))
    assert "  exec, and the command that starts the app\n" in told(changed(seen, before=tree))


@pytest.mark.parametrize("args", ["node server.js", "/usr/local/bin/node /srv/server.js"])
def test_a_primary_must_forward(args: str) -> None:
    assert told(below(args)) == (
        f"`{args}` stays as PID 1, and the app is its worker: it must send its workers the signal, and wait for them."
    )


def test_a_wrapper_that_may_set_more_than_it_shows_is_left_there() -> None:
    text = told(below("dotenv -- node server.js"))
    assert text == (
        "`dotenv -- node server.js` stays as PID 1 and must forward the signal, and wait for the app to end."
    )


def test_a_wrapper_that_forwards_too_much_is_not_told_to_forward() -> None:
    told_twice = tuple(changed(receipt, pid=APP.inner_pid) for receipt in FORWARDED.receipts or ()) * 2
    twice = changed(below("dotenv -- node server.js"), receipts=told_twice)
    assert "is sent more than one signal" in told(twice)
    assert "must forward" not in told(twice)


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ("node app.js", ["  process.on('SIGTERM', () => server.close());"]),
        (
            "/usr/bin/python3.11 app.py",
            ["  import signal, sys", "  signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))"],
        ),
        (
            "/bin/sh /app.sh",
            [
                '  trap \'kill -TERM "$child"; wait "$child"; exit $?\' TERM',
                '  the-command & child=$!; wait "$child"   # in place of the-command, for which the script waits',
            ],
        ),
    ],
)
def test_an_app_that_is_pid_1_without_a_handler(args: str, code: list[str]) -> None:
    app = process(1, args)
    text = told(changed(SWALLOWED, before=(app,), after=(app,), app_pid=1001))
    assert text.splitlines() == ["In the app:", *code]


def test_an_app_of_a_language_that_is_not_known() -> None:
    app = process(1, "/srv/orders")
    text = told(changed(SWALLOWED, before=(app,), after=(app,), app_pid=1001))
    assert text == "The app must handle SIGTERM, and end when it comes."


@pytest.mark.parametrize("number", [3, 37])
def test_a_stop_signal_that_the_app_does_not_handle(number: int) -> None:
    app = process(1, "node app.js", catches=("TERM",))
    evidence = changed(FORCED, before=(app,), after=(), app_pid=1001, sent=Signal(number), receipts=())
    lines = result("v", evidence, probe=Probe.STOP).advice
    assert lines[:3] == (
        "In the Dockerfile:",
        "  STOPSIGNAL SIGTERM",
        f"The app has a handler for SIGTERM, and the image's STOPSIGNAL is {Signal(number)}.",
    )
    real_time = "Node has no handlers for real-time signals such as SIGRTMIN+3: send SIGTERM."
    assert (real_time in lines) is (number == 37)
    assert any("process.on" in line for line in lines) is (number == 3)


def test_a_group_that_is_signalled_under_an_init_alone() -> None:
    twice = changed(below("tini -g -- node server.js"), receipts=FORWARDED.receipts * 2)
    assert told(twice).splitlines() == [
        "In the Dockerfile:",
        '  CMD ["tini", "--", "node", "server.js"]',
        "`tini -g -- node server.js` forwards the signal to an app that gets it without that, too.",
    ]


def everybody(init: str, **values: object) -> StopEvidence:
    """A stop that took SIGKILL: an init has told the app, and the app's own worker, too."""
    main, app = process(1, init), process(2, "celery worker", parent=1, catches=("TERM",))
    worker = process(3, "celery worker", parent=2, catches=("TERM",))
    to_main = Sent(
        time_s=1.0, sender="runc", sender_pid=5, number=15, target="init", target_pid=main.pid, fate=Fate.DELIVERED
    )
    told = [changed(to_main, sender="init", sender_pid=main.pid, target_pid=one.pid) for one in (app, worker)]
    tree = (main, app, worker)
    heard = (Receipt(signal="SIGTERM", at_ns=None, read_ns=1),)
    known = {"before": tree, "after": (), "app_pid": app.pid, "trace": (to_main, *told), "receipts": heard, **values}
    return changed(FORCED, **known)


@pytest.mark.parametrize(
    ("init", "line"),
    [
        ("dumb-init celery worker", '  CMD ["dumb-init", "--single-child", "celery", "worker"]'),
        ("tini -g -- celery worker", '  CMD ["tini", "--", "celery", "worker"]'),
    ],
)
def test_an_init_that_tells_the_apps_workers_is_to_tell_the_app_alone(init: str, line: str) -> None:
    assert result("v", everybody(init)).advice == (
        "In the Dockerfile:",
        line,
        f"`{init}` signals the whole group, what the app has started among it, and not the app alone.",
    )


def test_an_init_that_tells_the_apps_workers_is_told_of_where_all_went_well() -> None:
    good = everybody("dumb-init celery worker", forced=False, exit_code=0, done=True)
    (line,) = result("v", good).advice
    assert line.startswith("No change is needed here: `dumb-init celery worker` forwards it.")
    assert line.endswith("signals the whole group, what the app has started among it, and not the app alone.")


@pytest.mark.parametrize(("command", "advised"), [("java -jar app.jar", True), ("node server.js", False)])
def test_what_a_runtime_handles_by_itself_is_the_apps_to_handle_where_work_is_lost(command: str, advised: bool) -> None:
    app = process(1, command, catches=("TERM",))
    lost = changed(GRACEFUL, before=(app,), app_pid=app.pid, request=Request.LOST, trace=None)
    assert ("addShutdownHook" in told(lost)) is advised


def test_an_init_that_tells_an_app_alone_or_one_that_is_deaf_is_not_at_fault() -> None:
    told = everybody("dumb-init celery worker")
    alone = changed(told, trace=(told.seen.trace or ())[:2])
    assert "--single-child" not in "\n".join(result("v", alone).advice)
    assert "--single-child" not in "\n".join(result("v", changed(told, receipts=())).advice)


def test_a_signal_that_became_another() -> None:
    rewriting = below("dumb-init --rewrite 15:3 node server.js")
    tree = tuple(changed(process, caught=1 << 2) for process in rewriting.seen.before)
    other = changed(rewriting, before=tree, receipts=(Receipt(signal="SIGQUIT", at_ns=None, read_ns=1),))
    assert told(other).splitlines()[1:] == [
        '  CMD ["dumb-init", "node", "server.js"]',
        "`dumb-init --rewrite 15:3 node server.js` sends another signal than the one it gets.",
    ]


def test_a_zombie_wants_an_init() -> None:
    assert _zombie().advice[:5] == (
        "As an option of docker run:",
        "  --init",
        "or",
        "In the Dockerfile:",
        '  CMD ["tini", "--", "node", "server.js"]',
    )


def _zombie() -> Row:
    app = process(1, "node server.js")
    evidence = changed(ZOMBIE, app_pid=1001, before=(app,), after=(app,), orphan=process(5, "sleep", parent=1))
    return result("v", evidence, probe=Probe.REAP)


def test_nothing_to_change_where_the_app_is_pid_1() -> None:
    assert told(FORWARDED) == "No change is needed: the app is PID 1 and handles the signal itself."


def test_what_works_by_npms_grace_is_cautioned() -> None:
    good = changed(below("npm start"), receipts=FORWARDED.receipts)
    assert told(good).startswith("No change is needed here: `npm start` forwards it. It depends on")


def test_what_could_not_be_tested_has_no_advice() -> None:
    assert result("v", UNTESTED).advice == ("Make the cell testable first: see the reason.",)
