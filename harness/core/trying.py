"""What may help a container that is not stopped well, as options of docker run, to be tried by running it. Pure."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from harness.core.advice import fixes
from harness.core.program import Kind, kind_of
from harness.core.question import Probe
from harness.core.signals import Signal
from harness.core.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.core.evidence import Evidence
    from harness.core.facts import StartCommand
    from harness.core.fix import Fix
    from harness.core.result import Result
    from harness.core.subject import LaunchOptions

_STOPS: Final = (Signal(15), Signal(3), Signal(2))
"""The signals by which programs are asked to stop: SIGTERM, SIGQUIT (nginx, PHP-FPM), SIGINT."""

_STOPS_OF_SUPERVISORS: Final = (*_STOPS, Signal(1))
"""Those by which supervisors are: SIGHUP is runsvdir's for "tell all that you started" (runsvdir(8))."""

_PATIENT_S: Final = 30
"""A grace period that is long enough for most: what Kubernetes waits."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A change of how a container is run, in words of docker run and of a Dockerfile; and the options that make it."""

    change: str
    options: LaunchOptions


def candidates(result: Result, grace_s: int) -> tuple[Candidate, ...]:
    """What may help a bad cell, the least change first; nothing where nothing is known, or all is well.

    Args:
        result: what was found.
        grace_s: the grace period that it had.
    """
    evidence = result.evidence
    if evidence is None or result.verdict.good:
        return ()
    found: list[Candidate] = []
    options = result.cell.subject.launch
    for candidate in (*_by_options(result, evidence, options, grace_s), *_by_fixes(result, options)):
        if candidate.options not in (options, *(one.options for one in found)):
            found.append(candidate)
    return tuple(found)


def further(tried: Iterable[tuple[Candidate, Result]], result: Result, grace_s: int) -> tuple[Candidate, ...]:
    """What may help where single changes did not: each together with what may help what it brought.

    An init is not among them: it makes no app shut down that does not without one, and it has been tried.

    Args:
        tried: the changes, and what each brought.
        result: what was found without any.
        grace_s: the grace period that all had.
    """
    pairs = list(tried)
    launch = result.cell.subject.launch
    known = [launch, *(one.options for one, _ in pairs)]
    found: list[Candidate] = []
    for first, brought in pairs:
        for second in candidates(brought, grace_s):
            undone = first.options.stop_signal not in (launch.stop_signal, second.options.stop_signal)
            if second.options not in known and second.options.init == launch.init and not undone:
                known.append(second.options)
                found.append(Candidate(change=f"{first.change}; {second.change}", options=second.options))
    return tuple(found)


def fixes_by_options(result: Result) -> tuple[Fix, ...]:
    """The fixes of a cell that options of docker run make, so that they are among what is tried."""
    options = result.cell.subject.launch
    return tuple(fix for fix in fixes(result) if _applied(fix, options, result.start) not in (None, options))


def _by_options(result: Result, evidence: Evidence, options: LaunchOptions, grace_s: int) -> Iterator[Candidate]:
    """Options of docker run that leave what is started as it is."""
    seen, signalled = evidence.seen, evidence.signalled
    main, app = seen.main, seen.app
    if main is not None and kind_of(main.argv) is not Kind.INIT and not options.init:
        yield Candidate(change="--init", options=replace(options, init=True))
    if signalled is None or result.cell.question.probe is not Probe.STOP:
        return
    if main is not None and (app is main or kind_of(main.argv) is Kind.SUPERVISOR):
        for signal in _STOPS if app is main else _STOPS_OF_SUPERVISORS:
            if signal != signalled.sent and main.catches(signal):
                yield Candidate(change=f"--stop-signal {signal}", options=replace(options, stop_signal=signal.name))
    if result.verdict is Verdict.FORCED and signalled.deliveries and grace_s < _PATIENT_S:
        yield Candidate(change=f"--stop-timeout {_PATIENT_S}", options=replace(options, stop_timeout=_PATIENT_S))


def _by_fixes(result: Result, options: LaunchOptions) -> Iterator[Candidate]:
    """The fixes of the start command that can be had by options: those of a script or of the app's code cannot."""
    for fix in fixes(result):
        changed = _applied(fix, options, result.start)
        if changed is not None:
            yield Candidate(change=_words(fix), options=changed)


def _applied(fix: Fix, options: LaunchOptions, start: StartCommand | None) -> LaunchOptions | None:
    """Options that do what a fix says; ``None`` if there are none.

    An ENTRYPOINT given as an option takes the image's CMD away, one in the Dockerfile leaves it (docker run,
    Dockerfile reference): what ``start`` says is given, too.
    """
    if fix.script is not None or fix.code or (fix.options and fix.options != ("--init",)):
        return None
    if start is not None and any(edit.instruction.upper() == "ENTRYPOINT" for edit in fix.edits):
        options = replace(options, command=start.command)
    for edit in fix.edits:
        match edit.instruction.upper():
            case "ENTRYPOINT" if (words := _list(edit.value)) is not None:
                options = replace(options, entrypoint=words)
            case "CMD" | "COMMAND" if (words := _list(edit.value)) is not None:
                options = replace(options, command=words)
            case "USER":
                options = replace(options, user=edit.value)
            case "STOPSIGNAL" | "STOP_SIGNAL":
                options = replace(options, stop_signal=edit.value.strip('"'))
            case _:
                return None
    return replace(options, init=True) if fix.options else options


def _list(text: str) -> tuple[str, ...] | None:
    """The words of an instruction in exec form."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return tuple(value) if isinstance(value, list) and all(isinstance(word, str) for word in value) else None


def _words(fix: Fix) -> str:
    return "; ".join([*(edit.line for edit in fix.edits), *([shlex.join(fix.options)] if fix.options else [])])
