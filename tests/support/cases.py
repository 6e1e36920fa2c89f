"""Cases from the field, by kind, each with the verdict that is right: what `tests/field` asks of the harness.

Each stands alone (as PID 1, on musl) and, where that adds something, below an init (on Debian); what needs Python,
Perl or bash stands on Debian in any case.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from harness.core.verdict import Verdict
from tests.support.field import Form, Row
from tests.support.python_base import PYTHON_BASE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MUSL: Final = "local:musl-node24"
DEBIAN: Final = PYTHON_BASE

_LAUNCH: Final = '[launch]\nextra_hosts = { "registry.npmjs.org" = "127.0.0.1" }\n'
_SAMPLE_WORDS: Final = r"""
received = 'Received signal: (?P<signal>SIG[A-Z0-9+-]+)( pid=(?P<pid>\d+) ppid=(?P<ppid>\d+) t=(?P<t>\d+))?'
done = 'Shutdown complete'
"""
_OWN_READY: Final = '[app]\nready = \'^(orders: up|ready|\\{"msg":"orders: up)\''

SAMPLE: Final = f"""{_LAUNCH}
[app]
ready = 'Listening on port \\d+ pid=(?P<pid>\\d+) ppid=(?P<ppid>\\d+)'{_SAMPLE_WORDS}
[app.exit-code]
environment = {{ EXIT_AFTER_MS = "300", EXIT_CODE = "{{code}}" }}
"""
"""The sample app's own words."""

WRONG: Final = f"{_LAUNCH}\n{_OWN_READY}{_SAMPLE_WORDS}[app.stop]\n"
"""Patterns for a signal and for the end that no line of these apps matches."""

READY_ONLY: Final = f"{_LAUNCH}\n{_OWN_READY}\n"
"""No pattern but that for the start."""

NOTHING: Final = f"{_LAUNCH}\n[app]\n"
"""No pattern at all."""

RIGHT: Final = rf"""{_LAUNCH}
{_OWN_READY}
received = '(stopping on |"signal":"|^)(?P<signal>SIG[A-Z]+)'
done = '^(bye|stopped)|"msg":"bye"'
[app.stop]
"""
"""Patterns that match the apps' own words."""

NEVER_READY: Final = f"{_LAUNCH}\n[app]\nready = '^server is listening'\n"
"""A pattern for the start that no line matches."""

_NAMES: Final = {
    SAMPLE: "",
    WRONG: "-wrong-words",
    READY_ONLY: "-ready-only",
    NOTHING: "-no-words",
    RIGHT: "-right-words",
    NEVER_READY: "-never-ready",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One input, what is asked of it, and what is right.

    ``words`` is the catalogue's table about the app's log; ``or_open`` says that nobody needs to be able to tell.
    """

    kind: str
    row: Row
    base: str
    right: Verdict
    question: str = "SIGTERM"
    words: str = SAMPLE
    or_open: bool = False

    def __str__(self) -> str:
        """Its name among the tests."""
        base = "musl" if self.base == MUSL else "debian"
        return f"{self.row.variant}-{base}-{self.question}{_NAMES[self.words]}"


@dataclass(frozen=True, slots=True)
class _Kind:
    """Writes down cases of one kind."""

    kind: str
    words: str = SAMPLE

    def cases(
        self,
        command: str,
        right: Verdict,
        *questions: str,
        name: str = "",
        below: Verdict | None = None,
        env: Mapping[str, str] = MappingProxyType({}),
        or_open: bool = False,
        alone: bool = False,
    ) -> Iterator[Case]:
        """A command by itself and, unless ``alone``, below an init; ``below`` is what is right there, if another."""
        words = tuple(command.split())
        own = name or "-".join([words[-1], *env.values()])
        portable = words[0] not in {"python3", "perl", "bash"}
        init = Form.INIT if words[0] == "sh" else Form.TINI
        stands = ((Form.EXEC, MUSL, right), (init, DEBIAN, below or right))
        for form, base, verdict in stands[: 1 if alone else 2]:
            row = Row(name=own.lower().replace("_", "-"), command=words, form=form, environment=env)
            for question in questions or ("SIGTERM",):
                yield Case(
                    kind=self.kind,
                    row=row,
                    base=base if portable else DEBIAN,
                    right=verdict,
                    question=question,
                    words=self.words,
                    or_open=or_open,
                )


_ORDERS: Final[tuple[dict[str, str], ...]] = ({}, {"JSON": "1"}, {"QUIET": "1"})


def _too_early() -> Iterator[Case]:
    kind = _Kind("received is decided too early")
    for wait in ("50", "150", "300", "600", "1600", "5000"):
        alone = wait in {"50", "600", "5000"}
        yield from kind.cases("node late-kill.js", Verdict.CUT_SHORT, env={"WAIT": wait}, alone=alone)
    for wait in ("50", "150", "300", "600", "1600"):
        alone = wait in {"50", "300", "1600"}
        yield from kind.cases("node late-twice.js", Verdict.DUPLICATED, env={"WAIT": wait}, alone=alone)
    yield from kind.cases("sh late-kill.sh", Verdict.CUT_SHORT, env={"WAIT": "0.4"})
    yield from kind.cases("python3 late-kill-alarm.py", Verdict.CUT_SHORT, env={"WAIT": "0.5"})
    yield from kind.cases("python3 late-kill-thread.py", Verdict.CUT_SHORT, env={"WAIT": "1.6"}, alone=True)
    yield from kind.cases("python3 late-kill-sigtimedwait.py", Verdict.CUT_SHORT, env={"WAIT": "1.5"}, alone=True)
    yield from kind.cases("node late-leave.js", Verdict.CUT_SHORT, env={"WAIT": "400"})
    yield from kind.cases("sh late-twice.sh", Verdict.DUPLICATED, env={"WAIT": "0.4"})
    for wait in ("300", "1200", "3000"):
        yield from kind.cases("node late-fail.js", Verdict.CUT_SHORT, env={"WAIT": wait}, alone=wait != "300")


def _more_signals() -> Iterator[Case]:
    kind = _Kind("other signals after the one sent")
    yield from kind.cases("node then-another.js", Verdict.DUPLICATED)
    yield from kind.cases("sh then-another.sh", Verdict.DUPLICATED)
    yield from kind.cases("node then-hangup.js", Verdict.DUPLICATED, env={"WAIT": "300"})


def _any_line() -> Iterator[Case]:
    kind = _Kind("a receipt is any line, whoever wrote it")
    yield from kind.cases("node primary-logs.js", Verdict.SWALLOWED)
    yield from kind.cases("node primary-logs.js", Verdict.SWALLOWED, env={"WORKERS": "2", "PORT": "0"}, alone=True)
    yield from kind.cases("sh parent-logs.sh", Verdict.SWALLOWED)
    yield from kind.cases("node parent-logs.js", Verdict.SWALLOWED)
    yield from kind.cases("node launcher-logs.js", Verdict.FORWARDED)
    yield from kind.cases("sh launcher-logs.sh", Verdict.FORWARDED)
    yield from kind.cases("node launcher-logs-pid.js", Verdict.FORWARDED)


def _several() -> Iterator[Case]:
    kind = _Kind("several apps")
    yield from kind.cases("node primary-relay.js", Verdict.FORWARDED, env={"WORKERS": "2"})
    yield from kind.cases("node primary-relay.js", Verdict.FORWARDED, env={"WORKERS": "3"}, alone=True)
    yield from kind.cases("sh relay.sh", Verdict.FORWARDED, env={"PORT": "0"})
    yield from kind.cases("node relay-one.js", Verdict.SWALLOWED, or_open=True)


def _lies() -> Iterator[Case]:
    kind = _Kind("a log that lies")
    for every in ("10", "100"):
        both = Verdict.SWALLOWED, "SIGTERM", "SIGHUP"
        yield from kind.cases("node forged-receipts.js", *both, below=Verdict.KILLED, env={"EVERY": every})
    yield from kind.cases("node forged-early.js", Verdict.SWALLOWED, below=Verdict.KILLED)
    yield from kind.cases("sh forged.sh", Verdict.SWALLOWED, below=Verdict.KILLED)


def _no_rest() -> Iterator[Case]:
    kind = _Kind("a pending timeout is no rest")
    yield from kind.cases("python3 polls-each-second.py", Verdict.FORWARDED)
    yield from kind.cases("python3 polls-select.py", Verdict.FORWARDED, env={"EVERY": "2"})
    for every in ("1000", "2500"):
        yield from kind.cases("node polls.js", Verdict.FORWARDED, env={"EVERY": every}, alone=every == "2500")
    kind = _Kind("never at rest")
    yield from kind.cases("sh poll-loop.sh server.js", Verdict.FORWARDED, name="poll-loop.sh")
    yield from kind.cases("sh poll-loop-fast.sh", Verdict.FORWARDED)
    yield from kind.cases("sh side-loop.sh", Verdict.SWALLOWED, below=Verdict.KILLED)
    for every in ("1", "0.05"):
        yield from kind.cases("sh side-loop-exec.sh", Verdict.FORWARDED, env={"EVERY": every})
    for every in ("50", "1000"):
        yield from kind.cases("node tick.js", Verdict.FORWARDED, env={"EVERY": every}, alone=every == "1000")


def _restarted() -> Iterator[Case]:
    kind = _Kind("an app that is started anew when it exits")
    for command in ("sh restarter.sh", "node restarter.js", "sh restarter-on-failure.sh"):
        yield from kind.cases(command, Verdict.LOST, "exit-code")


def _own_words() -> Iterator[Case]:
    text = "log silence taken for the app's silence"
    for words in (WRONG, RIGHT):
        kind, stop = _Kind(text, words), (Verdict.GRACEFUL, "stop")
        for environment in _ORDERS:
            name, alone = "-".join(["orders.js", *environment]), bool(environment) == (words is RIGHT)
            yield from kind.cases("node orders.js", Verdict.FORWARDED, name=name, env=environment, alone=alone)
            yield from kind.cases("node orders.js", *stop, name=name, env=environment, alone=alone)
        yield from kind.cases("node orders.js", Verdict.FORWARDED, "SIGINT", name="orders.js", alone=True)
        yield from kind.cases("sh pipe.sh", Verdict.SWALLOWED, below=Verdict.KILLED, or_open=True, alone=words is WRONG)
        yield from kind.cases("bash pipe-exec.sh", Verdict.FORWARDED, alone=words is WRONG)
        yield from kind.cases("python3 -u orders.py", Verdict.FORWARDED)
        yield from kind.cases("python3 -u orders.py", *stop, alone=True)
        yield from kind.cases("node orders-code.js", Verdict.FORWARDED, env={"CODE": "0", "AFTER": "600"}, alone=True)
        yield from kind.cases("node orders-code.js", Verdict.CUT_SHORT, env={"CODE": "3", "AFTER": "300"}, or_open=True)
    kind = _Kind(text, READY_ONLY)
    yield from kind.cases("node orders.js", Verdict.FORWARDED)
    for after in ("0", "300"):
        yield from kind.cases("node orders-code.js", Verdict.FORWARDED, env={"CODE": "3", "AFTER": after})
    kind = _Kind(text, NOTHING)
    yield from kind.cases("node orders.js", Verdict.FORWARDED, env={"QUIET": "1"})
    yield from kind.cases("node orders-to-file.js", Verdict.FORWARDED)
    yield from kind.cases("python3 orders.py", Verdict.FORWARDED)
    yield from kind.cases("perl orders.pl", Verdict.FORWARDED)
    kind = _Kind("silence is no evidence: the app is ready, and the pattern does not say so", NEVER_READY)
    yield from kind.cases("node orders.js", Verdict.UNTESTED)
    yield from kind.cases("python3 -u orders.py", Verdict.UNTESTED)


CASES: Final = tuple(
    case
    for cases in (
        _too_early,
        _more_signals,
        _any_line,
        _several,
        _lies,
        _no_rest,
        _restarted,
        _own_words,
    )
    for case in cases()
)
