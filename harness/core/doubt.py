"""Evidence that does not prove what it seems to: luck may have decided, or the app's log may be cut off. Pure.

Two pending standard signals merge into one delivery (signal(7), "Queueing and delivery semantics"), and a process that
was sent a signal may be gone before its handler runs. Only the kernel's own record of sends tells such runs apart.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from harness.core.process import chain
from harness.core.program import ONE_CHILD, PLUMBING, Kind, kind_of, program, shell_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.core.evidence import SignalEvidence
    from harness.core.process import Process
    from harness.core.signals import Signal

_WITH_VALUE: Final = frozenset({"-p", "-e", "-r", "--rewrite"})
"""Options of tini and dumb-init that are followed by a value."""


def doubt(evidence: SignalEvidence) -> str | None:
    """Why a run's evidence does not prove its verdict, so that another run may differ; ``None`` if it does.

    It is asked of what was delivered: a stop is judged by the container's end, which is there in every run.
    """
    return None if evidence.deliveries is None else _race(evidence) or _cut_off(evidence) or _spared(evidence)


def _race(evidence: SignalEvidence) -> str | None:
    """How luck may have decided a run.

    With the kernel's record nothing is left to luck: every send is in it, also one that merged or came too late.
    """
    app = evidence.seen.app
    if evidence.seen.trace is not None or app is None:
        return None
    signal = evidence.sent.name
    senders = [f"`{process.command}`" for process in passing_on(evidence, app)]
    if evidence.typed and app.in_foreground:
        senders.insert(0, "the terminal")
    if evidence.deliveries and len(senders) > 1:
        return (
            f"{' and '.join(senders)} may each have sent {signal} to the app, "
            "and two signals that are pending together are delivered as one"
        )
    other = next((process for process in passing_on(evidence, app) if kind_of(process.argv) is Kind.OTHER), None)
    if evidence.deliveries == 1 and other is not None:
        return (
            f"`{other.command}` may have sent {signal} to the app more than once, "
            "and two signals that are pending together are delivered as one"
        )
    ended = not evidence.seen.running and not evidence.finished
    if not evidence.deliveries and ended and senders and app.catches(evidence.sent):
        return f"{senders[0]} may have sent {signal} to the app, which was gone before it could handle it"
    return None


def _cut_off(evidence: SignalEvidence) -> str | None:
    """Whether the app may have received the signal without its log showing it, as in ``app | tee`` without the tee."""
    if evidence.deliveries or not evidence.seen.running or evidence.seen.app_after is None:
        return None
    gone = next(_gone(evidence), None)
    if evidence.seen.trace is None and gone is not None:
        return f"`{gone.command}` is gone, and the app's log may have gone through it"
    return None


def _spared(evidence: SignalEvidence) -> str | None:
    """Whether the app may just have escaped the end of what its log goes through.

    Who writes where nobody reads any more ends (pipe(7)). Where a terminal sends both the signal, that is a matter of
    which of them is first.
    """
    if not evidence.deliveries or evidence.own_receipts or evidence.seen.app_after is None:
        return None
    reader = next((process for process in _gone(evidence) if program(process.argv) in PLUMBING), None)
    return f"`{reader.command}` is gone, through which the app may write" if reader else None


def _gone(evidence: SignalEvidence) -> Iterator[Process]:
    """The processes that were there before, and no longer live."""
    here = {process.pid for process in evidence.seen.after if process.alive}
    return (process for process in evidence.seen.before if process.pid not in here)


def passing_on(evidence: SignalEvidence, app: Process) -> tuple[Process, ...]:
    """The processes above the app that take the signal and may each send it to the app.

    That is its parent, and any process further up that signals the whole process group of its child while the app is
    a member of it.
    """
    steps = chain(evidence.seen.before, app.pid)
    found: list[Process] = []
    for process, child in pairwise(steps):
        # Ctrl-C gets to the foreground alone, and to those that a process above hands it to.
        reached = not evidence.typed or process.in_foreground or found
        to_app = child is app or (child.pgid == app.pgid and signals_group(process))
        if reached and to_app and takes(process, evidence.sent):
            found.append(process)
    return tuple(found)


def takes(process: Process, signal: Signal) -> bool:
    """Whether a process gets to know of a signal that it is sent, and may do something about it.

    That is by a handler, or by fetching it. A shell that runs the text of ``-c`` has handlers of its own (for SIGINT),
    but passes nothing on unless a ``trap`` in that text says so.
    """
    if shell_text(process.argv) and "trap" not in process.command:
        return False
    return process.catches(signal) or process.blocks(signal) or process.fetches_signals is True


def signals_group(process: Process) -> bool:
    """Whether a process may signal the process group of its child: tini with ``-g``, dumb-init, unknown programs."""
    name, options = program(process.argv), _options(list(process.argv[1:]))
    if name == "dumb-init":
        return not {"-c", "--single-child"} & options
    return kind_of(process.argv) not in ONE_CHILD or "-g" in options


def _options(words: list[str]) -> set[str]:
    """A program's own options, before the command that it runs; short ones apart: ``-vg`` is ``-v`` and ``-g``."""
    found: set[str] = set()
    while words and words[0].startswith("-") and words[0] != "--":
        word = words.pop(0)
        found |= {word} if word.startswith("--") else {f"-{letter}" for letter in word[1:]}
        if word in _WITH_VALUE and words:
            words.pop(0)
    return found
