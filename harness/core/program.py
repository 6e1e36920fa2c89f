"""What a process is, as far as its command line tells."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHELLS: Final = frozenset({"sh", "ash", "dash", "bash", "zsh", "busybox"})
"""What ``/bin/sh`` is on one base or another."""

INITS: Final = {"tini": ("tini", "--"), "tini-static": ("tini", "--"), "dumb-init": ("dumb-init",)}
"""The inits that an image may hold, and how each is put in front of a command."""


_SHELL_FILES: Final = frozenset({"--rcfile", "--init-file"})
"""The long options of bash that take another word."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program whose version tells bases apart: its name for people, and a shell command that prints the version."""

    label: str
    version: str


PROGRAMS: Final[Mapping[str, Program]] = {
    "node": Program("Node", "node --version | sed 's/^v//'"),
    "npm": Program("npm", "npm --version 2>/dev/null"),
    "tini": Program("tini", "tini --version 2>&1 | sed 's/^tini version //'"),
    "dumb-init": Program("dumb-init", "dumb-init --version 2>&1 | sed 's/^dumb-init v//'"),
}
"""The programs that a base is asked for, by the command that starts each."""

SHOWN: Final = ("node", "npm")
"""Those that stand in the heading of a base."""

PLUMBING: Final = frozenset(
    {
        "awk",
        "cat",
        "cut",
        "grep",
        "head",
        "logger",
        "multilog",
        "rotatelogs",
        "s6-log",
        "sed",
        "sleep",
        "svlogd",
        "tail",
        "tee",
        "tr",
        "xargs",
    }
)
"""Programs that help others along, and are no app of a container as long as anything else is in it."""

SUPERVISORS: Final = frozenset(
    {
        "concurrently",
        "honcho",
        "nodemon",
        "npm-run-all",
        "pm2-docker",
        "pm2-runtime",
        "run-p",
        "run-s",
        "runsv",
        "runsvdir",
        "s6-supervise",
        "s6-svscan",
        "supervisord",
    }
)
"""Programs that start others, some of them anew as they end, and stop them or leave them: apps are what they start.

``pm2-docker`` is the older name of ``pm2-runtime``; ``run-p`` and ``run-s`` are ``npm-run-all``, of several scripts at
once and one by one (the ``bin`` of their packages).
"""

_LAUNCHERS: Final = frozenset({"tsx"})
"""Programs that start the interpreter that runs them once more, for what they are given, behind options of theirs."""

_PRELOADS: Final = frozenset({"-r", "--require", "--import"})
"""Node's options for modules to run before the app (node(1))."""

_ENGINE_INITS: Final = frozenset({"docker-init", "catatonit", "podman-init"})


class Kind(Enum):
    """What a process above the app is."""

    SHELL_FORM = "shell form"
    SCRIPT = "script"
    NPM = "npm"
    NODE_RUN = "node --run"
    RUNNER = "another package manager"
    NODE_WATCH = "node --watch"
    SU = "su"
    INIT = "init"
    SUPERVISOR = "supervisor"
    OTHER = "other"


_RUNNER: Final = re.compile(r"(yarn|yarnpkg|pnpm)(-\d[\w.-]*?)?(\.c?js)?")
"""The names of package managers that run an app's scripts as npm does: commands, and the files that Node runs for them
(``.yarn/releases/yarn-4.1.0.cjs``, as yarn's ``yarnPath`` names it).
"""

RUNNERS: Final = frozenset({Kind.NPM, Kind.NODE_RUN, Kind.RUNNER})
"""Those that run a script of the app's manifest, through a shell of their own."""


NO_HEARTBEAT: Final = frozenset({Kind.NPM})
"""Those that do nothing from time to time: what they sleep on is their runtime's, which may sleep for seconds."""


ONE_CHILD: Final = frozenset({Kind.INIT, Kind.NPM, Kind.NODE_RUN, Kind.NODE_WATCH, Kind.SU})
"""Those that forward a signal to their child alone, unless told otherwise (their manuals and READMEs).

Of these, Node has a handler of its own for SIGINT and SIGTERM, which gives the terminal back its settings and sends its
process the same signal again (node.cc, ``SignalExit``). npm ends itself half a second after the script that it ran
(@npmcli/run-script, ``signalTimeout``), which `docker kill --signal=TERM` on ``npm start`` as PID 1 shows.
"""


STARTERS: Final = frozenset({Kind.INIT, Kind.NPM, Kind.NODE_RUN, Kind.RUNNER, Kind.SU, Kind.SUPERVISOR})
"""Those that are never the app themselves."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Manner:
    """What a wrapper does with a signal that it gets.

    ``forwards`` are the numbers of those that it sends to what it started; ``None`` where it sends all. ``raises`` says
    that the handler is its runtime's, which sends the signal to its own process once more. ``unless`` is what makes
    that wrong. ``unknown`` is why it cannot be told from outside what becomes of the signal; empty where it can.
    """

    forwards: frozenset[int] | None = None
    raises: bool = False
    unless: str = ""
    unknown: str = ""


_INT_AND_TERM: Final = frozenset({2, 15})
_OF_ITS_OWN: Final = Manner(unknown="what it does then cannot be seen from outside")
_MANNERS: Final[Mapping[Kind, Manner]] = {
    Kind.INIT: Manner(),
    Kind.NPM: Manner(forwards=_INT_AND_TERM, unless="npm is one of 9.6.7 to 10.2, which forward nothing"),
    Kind.NODE_RUN: Manner(forwards=frozenset(), raises=True),
    Kind.NODE_WATCH: Manner(forwards=_INT_AND_TERM),
    Kind.SU: Manner(unknown="su kills what it started with SIGKILL 2 s later, done or not"),
    Kind.SUPERVISOR: Manner(unknown="how it stops what it started is a matter of its settings"),
}
"""By manuals and sources: tini and dumb-init (their READMEs), @npmcli/run-script (``signal-manager.js``; npm/cli#6547),
Node (``watch_mode.js``; ``node_task_runner.cc`` and node.cc, ``SignalExit``), util-linux's su (``su-common.c``)."""


def manner_of(words: Sequence[str]) -> Manner:
    """What a wrapper does with a signal, by its command line.

    A shell has a handler of its own for SIGINT; what a trap does with a signal is known to the shell alone.
    """
    kind = kind_of(words)
    if kind is Kind.SHELL_FORM and not any("trap" in word for word in words):
        return Manner(forwards=frozenset())
    return _MANNERS.get(kind, _OF_ITS_OWN)


_REWRITES: Final = ("-r", "--rewrite")


def rewritten(words: Sequence[str], number: int) -> int:
    """The signal that an init sends in place of another one; 0 for none (dumb-init's README, Signal rewriting)."""
    if program(words) != "dumb-init":
        return number
    rest, found = list(words[1:]), number
    while rest and rest[0].startswith("-") and rest[0] != "--":
        option, equals, pair = rest.pop(0).partition("=")
        if option in _REWRITES:
            one, colon, other = (pair if equals else "".join(rest[:1])).partition(":")
            found = int(other) if colon and one == str(number) and other.isdecimal() else found
            rest = rest if equals else rest[1:]
    return found


WRAPPERS: Final = STARTERS | {Kind.SHELL_FORM, Kind.SCRIPT, Kind.NODE_WATCH}
"""Those that only start another process, as long as there is one below them."""


def program(words: Sequence[str]) -> str:
    """The name of the program that a command line starts, without its folder; empty if there is none.

    A process that changed its title has one word with blanks, of which the first is as good a name as there is.
    """
    first = words[0] if words else ""
    if titled(words):
        first = first.split()[0].removesuffix(":")
    return PurePosixPath(first).name


def titled(words: Sequence[str]) -> bool:
    """Whether a command line is plainly a title that the process gave itself: one word with blanks, and no path."""
    return len(words) == 1 and len(words[0].split()) > 1 and not words[0].startswith(("/", "./"))


def shell_text(words: Sequence[str]) -> bool:
    """Whether a command line is a shell that runs the text behind ``-c``, as the shell form of a CMD does."""
    return program(words) in SHELLS and _operand(words)[1]


def text_at(words: Sequence[str]) -> int:
    """Where a shell's command line has the text that it runs, or the script."""
    return _operand(words)[0]


def script(words: Sequence[str]) -> str:
    """The name of the script that a shell's command line runs, without its folder; empty if there is none."""
    return PurePosixPath("".join(words[_operand(words)[0] :][:1])).name


def started_by_path(words: Sequence[str]) -> str:
    """The name of the file that a program reads which the kernel has started for it; empty if it reads none.

    The kernel puts the interpreter of a file's first line in front of the file's whole path, and at most one argument
    between the two (execve(2), Interpreter scripts).
    """
    at = 2 if words[1:2] and words[1].startswith("-") else 1
    return program(words[at:]) if words[at:] and "/" in words[at] else ""


def passes_on(words: Sequence[str], others: Sequence[str]) -> bool:
    """Whether a command line ends in another that it starts, as ``timeout 60 node server.js`` does.

    That one may show its whole path, and in front of it the interpreter of its file's first line (execve(2)).
    """
    read = started_by_path(others)
    if read and read == started_by_path(words) and program(words) == program(others):
        return False  # the same program once more
    if started_by_path(words) in _LAUNCHERS and words[2:]:
        return program(others) == program(words) and tuple(others[-1:]) == tuple(words[-1:])
    forms = [others, *([others[1:], others[2:]] if read else [])]
    for form in filter(None, forms):
        at = len(words) - len(form)
        if at >= 1 and program(words[at : at + 1]) == program(form[:1]) and tuple(words[at + 1 :]) == tuple(form[1:]):
            return True
    return False


def preloaded(words: Sequence[str], by: Sequence[str]) -> str | None:
    """The file that a command line has Node run before the app, where another's, which started it, does not name it.

    What is loaded so may handle signals for an app that does not: tsx then ends it with 128 + the signal's number.
    """
    options = [at for at, word in enumerate(words) if word.partition("=")[0] in _PRELOADS]
    files = [words[at].partition("=")[2] or "".join(words[at + 1 : at + 2]) for at in options]
    own = {word.partition("=")[2] or word for word in by}
    return next((file for file in files if file and file not in own), None)


def runs_on_others(words: Sequence[str], others: Sequence[str]) -> bool:
    """Whether a process runs the same program as another, on other words; those of ``nginx: worker`` are a title."""
    name = program(words)
    return name == program(others) and not name.endswith(":") and words[1:] != others[1:] and bool(words[1:])


def _operand(words: Sequence[str]) -> tuple[int, bool]:
    """Where a shell's first word is that is no option, and whether a ``-c`` says that it is a text (sh(1), bash(1))."""
    at, text = 2 if program(words) == "busybox" and words[1:2] and words[1][:1] != "-" else 1, False
    while at < len(words) and words[at][:1] in ("-", "+") and len(words[at]) > 1:
        word, at = words[at], at + 1
        if word == "--":
            break
        if word.startswith("--"):
            at += word in _SHELL_FILES
            continue
        text = text or (word[0] == "-" and "c" in word)
        at += word.count("o") + word.count("O")
    return at, text and at < len(words)


def kind_of(words: Sequence[str]) -> Kind:
    """What a process is, by its command line."""
    name = program(words)
    if name in SHELLS:
        return Kind.SHELL_FORM if shell_text(words) else Kind.SCRIPT
    if name in INITS or name in _ENGINE_INITS:
        return Kind.INIT
    if name in SUPERVISORS or started_by_path(words).removesuffix(".js") in SUPERVISORS:
        return Kind.SUPERVISOR
    if name == "npm":
        return Kind.NPM
    if _RUNNER.fullmatch(name) or (name == "node" and _RUNNER.fullmatch(started_by_path(words))):
        return Kind.RUNNER
    if name == "node" and len(words) > 1:
        if words[1].startswith("--run"):
            return Kind.NODE_RUN
        if words[1].startswith("--watch"):
            return Kind.NODE_WATCH
        return Kind.NPM if program(words[1:]) in ("npm", "npm-cli.js") else Kind.OTHER
    return Kind.SU if name == "su" else Kind.OTHER


def says_nothing(words: Sequence[str]) -> bool:
    """Whether a program writes no line of its own about a signal that it gets."""
    kind = kind_of(words)
    return kind in (Kind.INIT, Kind.NPM, Kind.SU, Kind.NODE_RUN) or (
        kind is Kind.SHELL_FORM and not any("trap" in word for word in words)
    )


def known_as(words: Sequence[str]) -> str:
    """The name of a command line's program as `PROGRAMS` has it: npm may run as ``node npm-cli.js``."""
    return "npm" if kind_of(words) is Kind.NPM else program(words)
