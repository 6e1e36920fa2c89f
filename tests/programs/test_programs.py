"""Programs that are not ours, as ``check`` sees them: the verdict, who was told and by whom, and what helps.

By itself this runs those that are small and quick; ``make programs`` (SIGNAL_HARNESS_PROGRAMS=all) runs all.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.index_programs import CELERY, CELERY_EVERYBODY, TO_EVERYBODY
from tests.support.programs import ALL, ALL_WANTED, QUICK, VARIABLE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.program import Program

pytestmark = [
    pytest.mark.engine,
    pytest.mark.cli,
    pytest.mark.skipif(os.geteuid() != 0, reason="who told whom is in the kernel's record, which needs root"),
]

Row = dict[str, Any]
HANDLED, DIED, DROPPED, RAISED, FETCHED = (
    "its handler ran",
    "died of it",
    "dropped by the kernel",
    "its runtime raised it again",
    "fetched it",
)
WITH_PID_1: Final = "SIGKILL by the kernel, as PID 1 ended"


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What is expected of a program, and why.

    ``why`` is in the reason. ``apps`` are the beginnings of the apps' command lines. ``told`` are the beginnings of
    other processes' command lines: who told each (a part of its command line, ``None`` for nobody), and what it did, or
    may have done.
    ``became`` is what PID 1 did. ``helps`` is a change that does; ``None`` if the verdict is good, or nothing does,
    which ``advice`` then tells. ``behind_shell`` is what helps the same behind a shell in addition to its own command;
    ``None`` if nothing does. ``own`` is that command, if not the program's as it is started.
    """

    verdict: str
    why: str
    apps: tuple[str, ...]
    became: str = HANDLED
    told: tuple[tuple[str, str | None, str | tuple[str, ...] | None], ...] = ()  # who, by whom (and what), what it did
    helps: str | None = None
    advice: str = ""
    behind_shell: str | None = ""
    own: str = ""


DEAF: Final = "the app never saw SIGTERM; SIGKILL ended the container"
GRACEFUL: Final = "and ended by itself"
POSTGRES: Final = Expected(
    verdict="graceful",
    why=GRACEFUL,
    apps=("/usr/lib/postgresql/15/bin/postgres",),
    told=(
        ("postgres: walwriter", "bin/postgres", HANDLED),
        ("postgres: checkpointer", "bin/postgres, SIGUSR2", HANDLED),
    ),
)
EXPECTED_FROM_DEBIAN: Final = {
    # The workers are told through a channel (ngx_write_channel).
    "nginx": Expected(verdict="graceful", why=GRACEFUL, apps=("nginx: master",), told=(("nginx: worker", None, None),)),
    "redis": Expected(verdict="graceful", why=GRACEFUL, apps=("redis-server",)),
    # Python handles SIGINT, as KeyboardInterrupt, and not SIGTERM.
    "http-server": Expected(
        verdict="forced",
        why=DEAF,
        apps=("python3 -m http.server",),
        became=DROPPED,
        helps="--stop-signal SIGINT",
        advice="signal.signal(signal.SIGTERM",
        behind_shell="; --stop-signal SIGINT",
    ),
    "shell-loop": Expected(verdict="graceful", why=GRACEFUL, apps=("/bin/sh /loop.sh",), told=(("sleep", None, None),)),
    "apache2": Expected(
        verdict="graceful",
        why=GRACEFUL,
        apps=("apache2 -DFOREGROUND",),
        told=(("apache2", "apache2", (RAISED, HANDLED)),),  # one that is about to start has its parent's handler
    ),
    "gunicorn": Expected(
        verdict="graceful",
        why=GRACEFUL,
        apps=("/usr/bin/python3 /usr/bin/gunicorn",),
        told=(("/usr/bin/python3 /usr/bin/gunicorn", "/usr/bin/gunicorn", HANDLED),),
    ),
    # Its configuration says SIGINT for one of the two.
    "supervisord": Expected(
        verdict="graceful",
        why="its 2 apps ended by themselves",
        apps=("python3 -m http.server", "redis-server"),
        told=(("redis-server", "supervisord", HANDLED), ("python3 -m http.server", "supervisord, SIGINT", HANDLED)),
    ),
    # It has no handler at all: with an init it dies at once, and its jobs with it.
    "cron": Expected(
        verdict="forced",
        why=DEAF,
        apps=("cron -f",),
        became=DROPPED,
        advice="The app must handle SIGTERM",
        behind_shell=None,
    ),
    # What listens on the port is below it.
    "launcher": Expected(
        verdict="abrupt",
        why="the app never saw SIGTERM",
        apps=("node /server.js",),
        advice="`node /launcher.js` stays as PID 1 and must forward the signal",
        behind_shell=None,
    ),
    "deaf-loop": Expected(
        verdict="forced",
        why=DEAF,
        apps=("/bin/sh /loop.sh",),
        became=DROPPED,
        advice="trap 'kill -TERM",
        behind_shell=None,
    ),
    "haproxy": Expected(verdict="graceful", why=GRACEFUL, apps=("haproxy",), told=(("haproxy", "haproxy -W", DIED),)),
    "haproxy-usr1": Expected(
        verdict="graceful", why="received SIGUSR1", apps=("haproxy",), told=(("haproxy", "haproxy -W", HANDLED),)
    ),
    "apache2-winch": Expected(verdict="graceful", why="received SIGWINCH", apps=("apache2",)),
    "nginx-quit": Expected(
        verdict="graceful", why="received SIGQUIT", apps=("nginx: master",), told=(("nginx: worker", None, None),)
    ),
    "postgres": POSTGRES,
    "postgres-int": Expected(
        verdict="graceful",
        why="received SIGINT",
        apps=POSTGRES.apps,
        told=(("postgres: walwriter", "bin/postgres, SIGTERM", HANDLED),),  # whatever the postmaster got
    ),
    "postgres-quit": Expected(
        verdict="graceful",
        why="received SIGQUIT",
        apps=POSTGRES.apps,
        told=(("postgres: walwriter", "bin/postgres", HANDLED),),
    ),
    # The JVM handles SIGTERM, and runs what hooks there are: only a request in flight tells the two apart.
    "java": Expected(verdict="graceful", why=GRACEFUL, apps=("java -cp /app Server",)),
    "java-hook": Expected(verdict="graceful", why=GRACEFUL, apps=("java -cp /app Server hook",)),
    # By this option it handles no signals (java(1)).
    "java-xrs": Expected(
        verdict="forced",
        why=DEAF,
        apps=("java -Xrs -cp /app Server",),
        became=DROPPED,
        advice="With -Xrs, Java runs no hooks on SIGTERM: start it without that.",
        behind_shell=None,
    ),
    # Its runtime catches everything, and dies of SIGTERM where no code of the app asks for it.
    "go": Expected(
        verdict="abrupt",
        why="was handled by the app's runtime, which raised it again",
        apps=("/server",),
        became=RAISED,
        advice="signal.NotifyContext",
        behind_shell=None,
    ),
    "go-notify": Expected(verdict="graceful", why=GRACEFUL, apps=("/server notify",)),
    "php-fpm": Expected(
        verdict="graceful", why=GRACEFUL, apps=("php-fpm: master",), told=(("php-fpm: pool", "php-fpm: master", DIED),)
    ),
    "php-fpm-quit": Expected(
        verdict="graceful",
        why="received SIGQUIT",
        apps=("php-fpm: master",),
        told=(("php-fpm: pool", "php-fpm: master", HANDLED),),
    ),
    # Its master waits for its workers, and then dies of the signal.
    "puma": Expected(
        verdict="graceful",
        why=GRACEFUL,
        apps=("puma 5",),
        told=(("puma: cluster worker", "puma 5", HANDLED),),
    ),
    "celery": Expected(verdict="graceful", why=GRACEFUL, apps=("python3 /usr/bin/celery",)),
    "uvicorn": Expected(verdict="graceful", why=GRACEFUL, apps=("/usr/bin/python3 /usr/bin/uvicorn",)),
    "uvicorn-workers": Expected(
        verdict="graceful",
        why=GRACEFUL,
        apps=("/usr/bin/python3 /usr/bin/uvicorn",),
        told=(("/usr/bin/python3 -c from multiprocessing.spawn", "/usr/bin/uvicorn", HANDLED),),
    ),
    # runsvdir leaves at once, whatever it is sent, and what it has started goes with the container.
    "runit": Expected(
        verdict="abrupt",
        why="the app never saw SIGTERM (one of 2 apps",
        apps=("redis-server", "redis-server"),
        told=(("runsv 6379", None, None), ("redis-server", None, None)),
        advice="`runsvdir -P /etc/services` stays as PID 1",
        behind_shell=None,
    ),
    "s6": Expected(
        verdict="graceful",
        why="its 2 apps ended by themselves",
        apps=("redis-server", "redis-server"),
        became=FETCHED,
        told=(("s6-supervise", "s6-svscan", FETCHED), ("redis-server", "s6-supervise", HANDLED)),
    ),
}
_EXPRESS: Final = "/usr/local/bin/node server.js"
_SERVER: Final = 'CMD ["node", "server.js", "8080"]'
EXPECTED_FROM_INDEXES: Final = {
    "pypi-gunicorn": Expected(
        verdict="graceful",
        why=GRACEFUL,
        apps=("/usr/bin/python3 /usr/local/bin/gunicorn",),
        told=(("/usr/bin/python3 /usr/local/bin/gunicorn", "/usr/local/bin/gunicorn", HANDLED),),
    ),
    # Its workers end as uvicorn always does: what it has caught it raises once more, when it is done (Server.serve).
    "pypi-uvicorn": Expected(
        verdict="graceful",
        why=GRACEFUL,
        apps=("/usr/bin/python3 /usr/local/bin/uvicorn",),
        told=(("/usr/bin/python3 -c from multiprocessing.spawn", "/usr/local/bin/uvicorn", RAISED),),
    ),
    # Of two signals that a worker gets, it is SIGINT alone that breaks off what is under way (encode/uvicorn#1165).
    "pypi-uvicorn-everybody": Expected(
        verdict="graceful",
        why=GRACEFUL,
        apps=("/usr/bin/python3 /usr/local/bin/uvicorn",),
        became=FETCHED,
        told=(("/usr/bin/python3 -c from multiprocessing.spawn", "dumb-init", RAISED),),
        advice="signals the whole group, what the app has started among it",
    ),
    # The pool's processes are told through pipes.
    "pypi-celery": Expected(
        verdict="graceful",
        why=GRACEFUL,
        apps=("/usr/bin/python3 /usr/local/bin/celery",),
        told=(("/usr/bin/python3 /usr/local/bin/celery", None, None),),
    ),
    "pypi-honcho": Expected(
        verdict="graceful",
        why="its 2 apps ended by themselves",
        apps=("/bin/sh /loop.sh", "/bin/sh /loop.sh"),
        told=(("/bin/sh /loop.sh", "honcho", HANDLED),),
    ),
    # It terminates what has not ended by itself yet, which has no handler or has just set SIGTERM to be ignored.
    "pypi-hypercorn": Expected(verdict="graceful", why=GRACEFUL, apps=("/usr/bin/python3 /usr/local/bin/hypercorn",)),
    "npm-express": Expected(verdict="graceful", why=GRACEFUL, apps=("node server.js",)),
    # PM2 stops an app by SIGINT, whatever it is sent itself (PM2's documentation, "Graceful Shutdown").
    "npm-express-pm2": Expected(
        verdict="graceful",
        why="received SIGINT in place of SIGTERM",
        apps=("node /srv/server.js",),
        told=(("node /srv/server.js", "pm2-runtime, SIGINT", HANDLED),),
    ),
    # So an app that handles SIGTERM alone, as Docker's documentation has it, dies of SIGINT.
    "npm-express-pm2-term": Expected(
        verdict="abrupt",
        why="received SIGINT in place of SIGTERM",
        apps=("node /srv/server.js",),
        advice="tells the app by the signal that its configuration says",
        behind_shell=None,
    ),
    "npm-express-nodemon": Expected(
        verdict="graceful",
        why=GRACEFUL,
        apps=(_EXPRESS,),
        told=((_EXPRESS, "nodemon", HANDLED),),
    ),
    # It looks for the processes below its own with ps, and falls over where the image has none.
    "npm-express-concurrently": Expected(
        verdict="abrupt",
        why="the app never saw SIGTERM (one of 2 apps",
        apps=("node server.js 8080", "node server.js 8081"),
        told=(("node server.js", None, None),),
        advice="concurrently node server.js 8080 node server.js 8081` stays as PID 1",
        behind_shell=None,
    ),
    "npm-express-concurrently-ps": Expected(
        verdict="graceful",
        why="its 2 apps ended by themselves",
        apps=("node server.js 8080", "node server.js 8081"),
        told=(("node server.js", "concurrently", HANDLED), ("/bin/sh -c node server.js", "concurrently", DIED)),
    ),
    # yarn and pnpm tell the shell that they have started, which dies of it; they end with it, and the app with them.
    "npm-express-yarn": Expected(
        verdict="abrupt",
        why="the app never saw SIGTERM",
        apps=("/usr/local/bin/node server.js 8080",),
        told=(("/bin/sh -c node server.js", "yarn web", DIED), (f"{_EXPRESS} 8080", None, None)),
        helps=_SERVER,
        own=_SERVER,
        advice="`yarn` sets variables and a folder, too",
    ),
    "npm-express-pnpm": Expected(
        verdict="abrupt",
        why="the app never saw SIGTERM",
        apps=("node server.js 8080",),
        became=RAISED,
        told=(("sh -c node server.js", "pnpm web", DIED), ("node server.js", None, None)),
        helps=_SERVER,
        own=_SERVER,
        advice="`pnpm` sets variables and a folder, too",
    ),
    "npm-express-cross-env": Expected(
        verdict="graceful", why=GRACEFUL, apps=("node server.js",), told=(("node server.js", "cross-env", HANDLED),)
    ),
    # It has a handler, and ends well; the app that it starts has none.
    "npm-express-cross-env-deaf": Expected(
        verdict="abrupt",
        why="and the app died of it",
        apps=("node server.js 8080 SIGINT",),
        told=(("node server.js", "cross-env", RAISED),),
        advice="process.on('SIGTERM', () => server.close());",
        behind_shell=None,
    ),
    # It dies of the signal as it has passed it on, if it is not PID 1, which does not.
    "npm-express-timeout": Expected(
        verdict="graceful",
        why=GRACEFUL,
        apps=("node server.js",),
        became=RAISED,
        told=(("node server.js", "timeout", HANDLED),),
    ),
    # It has no handlers, and Node's own raises SIGTERM again, which the kernel drops at PID 1.
    "npm-express-run-all": Expected(
        verdict="forced",
        why="the app never saw SIGTERM",
        apps=("node server.js 8080", "node server.js 8081"),
        became=RAISED,
        told=(("npm run", None, None), ("node server.js", None, None)),
        advice="run-p web api` stays as PID 1",
        behind_shell=None,
    ),
}
EXPECTED: Final = {**EXPECTED_FROM_DEBIAN, **EXPECTED_FROM_INDEXES}
WANTED: Final = sorted(ALL) if ALL_WANTED else [one.name for one in QUICK]


def test_every_program_is_expected_to_do_something() -> None:
    assert sorted(EXPECTED) == sorted(ALL)


def test_make_runs_them_all() -> None:
    """The very command, but for its programs, is what this file runs otherwise."""
    makefile = Path(__file__).parents[2].joinpath("Makefile").read_text(encoding="utf-8")
    assert f"{VARIABLE}=all $(BIN)/python -m pytest tests/programs\n" in makefile
    assert len(WANTED) == (len(ALL) if os.environ.get(VARIABLE) == "all" else len(QUICK))


@pytest.mark.parametrize("program", WANTED)
def test_a_program_as_it_is(program: str, checked: Callable[[Program], Row]) -> None:
    row, expected = checked(ALL[program]), EXPECTED[program]
    assert (row["verdict"], expected.why in row["reason"]) == (expected.verdict, True), row["reason"]
    first, *others = calls = row["evidence"]["roll_call"]
    assert (first["pid"], first["told"], first["by"], first["became"]) == (1, True, "docker", expected.became), calls
    apps = sorted(call["command"] for call in calls if call["app"])
    assert len(apps) == len(expected.apps), apps
    assert all(map(str.startswith, apps, sorted(expected.apps))), apps
    for start, by, became in expected.told:
        # What was only just started has no PID here: it may have come when all had been told.
        ours = [call for call in others if call["pid"] is not None and call["command"].startswith(start)]
        assert ours, (start, calls)
        assert {call["told"] for call in ours} == {by is not None}, ours
        sender, _, signal = (by or "").partition(", ")
        assert all(by is None or sender in call["by"] for call in ours), ours
        assert not signal or {call["signal"] for call in ours} == {signal}, ours
        assert {call["became"] for call in ours} <= set(became if isinstance(became, tuple) else (became,)), ours
    good = [one["change"] for one in row["tried"] if one["verdict"] == "graceful"]
    assert good == ([expected.helps] if expected.helps else []), row["tried"]
    assert expected.advice in "\n".join(row["advice"]), row["advice"]


@pytest.mark.parametrize("program", WANTED)
def test_the_same_behind_a_shell_is_caught_and_what_is_tried_helps(
    program: str, checked: Callable[[Program], Row]
) -> None:
    plain, expected = ALL[program], EXPECTED[program]
    row = checked(plain.wrapped())
    assert row["verdict"] == "forced", row["reason"]
    assert "the app never saw" in row["reason"]
    calls = row["evidence"]["roll_call"]
    shell, *below = calls
    # dash has a handler for SIGINT, which waits for its child to end.
    became = HANDLED if plain.stop_signal == "SIGINT" else DROPPED
    assert (shell["app"], shell["told"], shell["became"]) == (False, True, became), calls
    assert not any(call["told"] for call in below), calls
    apps = [call for call in calls if call["app"]]
    assert len(apps) == len(expected.apps), calls
    assert {call["end"] for call in apps} == {WITH_PID_1}, calls
    tried = {one["change"]: one for one in row["tried"]}
    own = expected.own or f"CMD {json.dumps(plain.start)}"
    assert tried["--init"]["verdict"] != "graceful", tried["--init"]
    assert own in tried, tried
    good = [change for change, one in tried.items() if one["verdict"] == "graceful"]
    assert good == ([] if expected.behind_shell is None else [own + expected.behind_shell]), tried


AT_WORK: Final = {
    "nginx": "abrupt",  # SIGTERM is its fast shutdown, SIGQUIT the one that drains
    "nginx-quit": "graceful",
    "gunicorn": "graceful",
    **dict.fromkeys(("pypi-gunicorn", "pypi-uvicorn", "pypi-uvicorn-everybody", "pypi-hypercorn"), "graceful"),
    **dict.fromkeys(("npm-express", "npm-express-nodemon"), "graceful"),
    # PM2 waits for 1.6 s, and then sends SIGKILL (its option kill_timeout).
    **dict.fromkeys(("npm-express-pm2", "npm-express-pm2-term"), "abrupt"),
    "npm-express-concurrently": "abrupt",
    "npm-express-concurrently-ps": "graceful",
    "java": "abrupt",
    "java-hook": "graceful",
    "go": "abrupt",
    "go-notify": "graceful",
}
SERVERS: Final = sorted(AT_WORK) if ALL_WANTED else ["nginx", "nginx-quit"]


@pytest.mark.parametrize("server", SERVERS)
def test_a_program_that_is_stopped_at_work(server: str, stopped_at_work: Callable[[Program], Row]) -> None:
    row = stopped_at_work(ALL[server])
    assert row["verdict"] == AT_WORK[server], row["reason"]


@pytest.mark.skipif(not ALL_WANTED, reason="it takes Celery's whole grace period")
def test_celery_below_an_init_that_tells_everybody(checked_one: Callable[[Program], Row]) -> None:
    """Its pool dies of what is meant for Celery, which then waits for it, by luck, for good (celery/celery#2839)."""
    row = checked_one(CELERY_EVERYBODY)
    told = [call["by"] for call in row["evidence"]["roll_call"] if "celery" in call["command"] and call["told"]]
    assert any("dumb-init" in by for by in told[1:]), row["evidence"]["roll_call"]
    assert row["verdict"] in ("forced", "graceful")
    assert "signals the whole group, what the app has started among it" in "\n".join(row["advice"])
    if row["verdict"] == "forced":
        alone = f"CMD {json.dumps([TO_EVERYBODY, '--single-child', *CELERY.start])}"
        tried = {one["change"]: one["verdict"] for one in row["tried"]}
        assert tried[alone] == "graceful", tried
