"""The code that handles a signal, by the language that the app's program tells of. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Final

from harness.core.fix import Fix
from harness.core.program import SHELLS, program
from harness.core.signals import mask_signals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.core.process import Process
    from harness.core.signals import Signal

_FIRST_REAL_TIME: Final = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class _Language:
    """A language: its name for people, the code of a handler, and the signals that it can have handlers for.

    In the code ``SIGNAL`` is the signal's name, ``SHORT`` the name without SIG, and ``PASSED`` that of the signal that
    a background process gets; ``real_time`` is what takes the place of ``SIGNAL`` for a real-time signal, with its
    number; ``None`` if it has no handlers for these. ``only`` are the signals that it can handle, if not all. ``note``
    says what the code needs. ``takes`` says whether its runtime handles ``only`` with no code of the app's, and
    ``deaf`` is the option by which it does not, and runs no such code either.
    """

    label: str
    code: tuple[str, ...]
    real_time: str | None = "SIGNAL"
    only: frozenset[str] = frozenset()
    note: str | None = None
    takes: bool = False
    deaf: str | None = None


_LANGUAGES: Final[Mapping[str, _Language]] = {
    "node": _Language(label="Node", code=("process.on('SIGNAL', () => server.close());",), real_time=None),
    "python": _Language(
        label="Python",
        code=("import signal, sys", "signal.signal(signal.SIGNAL, lambda *_: sys.exit(0))"),
    ),
    "go": _Language(
        label="Go",
        code=(
            'import ("context"; "os/signal"; "syscall")',
            "stopping, _ := signal.NotifyContext(context.Background(), syscall.SIGNAL)",
            "go server.ListenAndServe() // in place of waiting for it, as main must not end before Shutdown does",
            "<-stopping.Done()",
            "server.Shutdown(context.Background())",
        ),
        real_time="Signal(NUMBER)",
    ),
    "java": _Language(
        label="Java",
        code=("Runtime.getRuntime().addShutdownHook(new Thread(() -> server.stop(5)));",),
        real_time=None,
        only=frozenset({"SIGTERM", "SIGINT", "SIGHUP"}),
        takes=True,
        deaf="-Xrs",
    ),
    "ruby": _Language(label="Ruby", code=("Signal.trap('SHORT') { exit }",), real_time=None),
    "php": _Language(
        label="PHP",
        code=("pcntl_async_signals(true);", "pcntl_signal(SIGNAL, fn () => exit(0));"),
        real_time="NUMBER",
        note="PHP needs its extension pcntl for that, which Docker's official images add by docker-php-ext-install.",
    ),
    "sh": _Language(
        label="shell",
        code=(
            'trap \'kill -PASSED "$child"; wait "$child"; exit $?\' SHORT',
            'the-command & child=$!; wait "$child"   # in place of the-command, for which the script waits',
        ),
    ),
}
"""By the names of the programs that run them.

The Java VM runs its shutdown hooks on three signals, and on none of them with ``-Xrs`` (java(1)); Ruby knows no
real-time signals (``Signal.list``). Go's ``ListenAndServe`` returns as ``Shutdown`` begins, and the program ends with
``main`` (net/http, "make sure the program doesn't exit and waits instead for Shutdown to return").
"""

_NOT_IN_BACKGROUND: Final = frozenset({"SIGINT", "SIGQUIT"})
"""What a script's background processes ignore, from their start on (POSIX.1-2024, Shell Command Language, 2.12)."""

_OTHER_NAMES: Final = {"nodejs": "node", "puma": "ruby", "gunicorn": "python", "celery": "python", "uvicorn": "python"}
_GO_CATCHES: Final = sum(1 << (number - 1) for number in range(35, 65))
"""The Go runtime has handlers for all signals that it may have some for (os/signal, "Default behavior of signals")."""

_ENDING: Final = frozenset({"SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGWINCH"})
"""The signals that apps have handlers for, beside those for what they do themselves."""

_RUNTIMES: Final[Mapping[str, tuple[str, frozenset[str]]]] = {
    "node": ("Node", frozenset({"SIGINT", "SIGTERM", "SIGUSR1", "SIGWINCH"})),
    "go": ("Go", _ENDING),
    "java": ("the Java VM", frozenset({"SIGHUP", "SIGINT", "SIGTERM"})),
    "ruby": ("Ruby", _ENDING),
    "dotnet": (".NET", frozenset({"SIGINT", "SIGQUIT", "SIGTERM"})),
}
"""Runtimes that have handlers whatever the app does, and for which of the signals: they end the app, run its hooks, or
do neither.

Node: node.cc (``SignalExit``), inspector_agent.cc; Go: os/signal; Java: java(1), ``-Xrs``; Ruby: signal.c
(``Init_signal``); .NET: coreclr's pal/src/exception/signal.cpp.
"""


def caught_by_runtime(app: Process, signal: Signal, executable: str | None = None) -> str | None:
    """The runtime that has a handler of its own for a signal which an app catches, by its name for people.

    Masks do not tell such a handler from the app's. An app that handles all the signals that its runtime leaves
    alone is taken to handle this one, too; one for a reload, for instance, says nothing of a stop.

    Args:
        app: the process.
        signal: one that it has a handler for.
        executable: the name of the program's file, as a process may call itself something else.

    Returns:
        ``None`` where the handler is the app's, as far as that is known.
    """
    name = _language_name(executable or program(app.argv), app)
    label, own = _RUNTIMES.get(name, ("", frozenset[str]()))
    caught = {one.name for one in mask_signals(app.caught)}
    handles_all = own != _ENDING and caught >= _ENDING - own
    return label if signal.name in own and not handles_all else None


def by_language(signal: Signal) -> dict[str, tuple[str, ...]]:
    """The code that handles a signal in each language, by the language's name."""
    return {language.label: _code(language, signal, signal.name) for language in _LANGUAGES.values()}


def handler(app: Process, signal: Signal) -> Fix:
    """How an app handles a signal; in words where its language is not known, or has no way to."""
    language = _language(app)
    if language is None:
        return Fix(notes=(f"The app must handle {signal.name}, and end when it comes.",))
    real_time = signal.number >= _FIRST_REAL_TIME
    if real_time and language.real_time is None:
        return Fix(
            notes=(f"{language.label} has no handlers for real-time signals such as {signal.name}: send SIGTERM.",)
        )
    if language.only and signal.name not in language.only:
        known = ", ".join(sorted(language.only))
        return Fix(notes=(f"{language.label} has hooks for {known} alone, and not for {signal.name}: send SIGTERM.",))
    if language.deaf in app.argv:
        return Fix(
            notes=(f"With {language.deaf}, {language.label} runs no hooks on {signal.name}: start it without that.",)
        )
    name = (language.real_time or "").replace("NUMBER", str(signal.number)) if real_time else "SIGNAL"
    return Fix(code=_code(language, signal, name), notes=(language.note,) if language.note else ())


def taken_by_runtime(app: Process, signal: Signal) -> bool:
    """Whether the app's runtime handles a signal, and ends the app, with no code of the app's own."""
    language = _language(app)
    return language is not None and language.takes and signal.name in language.only


def _code(language: _Language, signal: Signal, name: str) -> tuple[str, ...]:
    """A language's code for a signal, of which it has a name of its own, or ``SIGNAL``."""
    short = signal.name.removeprefix("SIG")
    passed = "TERM" if signal.name in _NOT_IN_BACKGROUND else short
    words = (("SIGNAL", name), ("SIGNAL", signal.name), ("SHORT", short), ("PASSED", passed))
    return tuple(reduce(lambda text, word: text.replace(*word), words, line) for line in language.code)


def _language(app: Process) -> _Language | None:
    return _LANGUAGES.get(_language_name(program(app.argv), app))


def _language_name(started: str, app: Process) -> str:
    """A language by the program that was started, or by the signals that it catches, as the tables here have it."""
    name = re.sub(r"[\d.]+$", "", started)
    name = "sh" if name in SHELLS else _OTHER_NAMES.get(name, name)
    known = name in _LANGUAGES or name in _RUNTIMES
    return "go" if not known and app.caught & _GO_CATCHES == _GO_CATCHES else name
