"""What to change so that a signal arrives, or why no change is needed. From evidence alone; pure.

Advice is typed first (`fixes`), so that it can be applied, and then put into words (`advice`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.core.almost_json import why_not_json
from harness.core.facts import StartCommand
from harness.core.fix import Edit, Fix, started, with_init
from harness.core.handlers import handler, taken_by_runtime
from harness.core.process import chain
from harness.core.program import RUNNERS, Kind, kind_of, program
from harness.core.question import Probe
from harness.core.signals import Signal
from harness.core.subject import Built
from harness.core.trace import sends
from harness.core.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from harness.core.evidence import Evidence, Seen, SignalEvidence
    from harness.core.process import Process
    from harness.core.result import Result

_TERM: Final = Signal(15)
_AT_FAULT: Final = {
    Verdict.TRANSLATED: frozenset({"-r", "--rewrite"}),
    Verdict.DUPLICATED: frozenset({"-g", "-c", "--single-child"}),
}
"""Options of inits that do what the verdict complains of: on a terminal, --single-child leaves the app in the group."""

_APP_ALONE: Final[Mapping[str, str]] = {"dumb-init": "--single-child"}
"""The option by which an init signals its child alone; without it, the child's whole group (its README)."""

_WHOLE_GROUP: Final = frozenset({"-g"})
"""The option by which an init signals its child's whole group; without it, its child alone (tini's README)."""

_INIT_OPTION: Final = Fix(options=("--init",))
_OR: Final = "or"
_AND: Final = "and"
_NOT_TRIED: Final = " (not tried)"
_TAILS: Final = {
    Kind.SHELL_FORM: "and forwards no signal",
    Kind.SCRIPT: "and forwards only what it traps; `exec` lets the app take its place",
    Kind.NPM: "and forwards only SIGINT and SIGTERM",
    Kind.NODE_RUN: "and forwards nothing",
    Kind.RUNNER: "and forwards a signal, if it does, to the shell it started, not to the app",
    Kind.NODE_WATCH: "for development: it starts the app anew, and forwards only SIGINT and SIGTERM",
    Kind.SU: "as the app's parent; the USER instruction drops root without it",
    Kind.SUPERVISOR: "and tells the app by the signal that its configuration says, or not at all",
    Kind.OTHER: "and must forward the signal, and wait for the app to end",
}


def advice(result: Result, *, tried: Collection[Fix] | None = None, beyond: Collection[Fix] = ()) -> tuple[str, ...]:
    """What to change, line by line, the change first; or a line on why nothing needs to change.

    Args:
        result: what was found.
        tried: the fixes that were run, where some were: what else is advised is then marked as not tried.
        beyond: fixes that are needed as well, as those that were run do not help by themselves.
    """
    evidence = result.evidence
    if evidence is None:
        return ("Make the cell testable first: see the reason.",)
    zombies = tuple(_zombies(evidence.seen))
    if result.verdict.good:
        return ("What was asked needs no change.", *zombies) if zombies else (_why_good(evidence),)
    not_json = why_not_json(result.start) if result.start else None
    if not_json:
        return (f"{not_json}.",)
    lines: list[str] = []
    given = not isinstance(result.cell.subject.image, Built)
    for number, fix in enumerate(fixes(result)):
        mark = "" if tried is None or fix in tried else _NOT_TRIED
        lines += [*([_OR] if number else []), *_lines(fix, given=given, mark=mark)]
    lines += _reasons(result, evidence)
    for fix in beyond:
        if fix not in fixes(result):
            lines += [*([_AND] if lines else []), *_lines(fix, given=given, mark=_NOT_TRIED)]
    return (*lines, *zombies) or ("No standard fix applies: see where the signal's path ends.",)


def fixes(result: Result) -> tuple[Fix, ...]:
    """What would help a cell, each by itself; none where nothing has to be changed, or nothing can be said."""
    evidence = result.evidence
    if evidence is None or result.verdict.good:
        return ()
    seen, launch = evidence.seen, result.cell.subject.launch
    start = result.start or StartCommand(entrypoint=(), command=seen.main.argv if seen.main else (), stop_signal=None)
    if result.cell.question.probe is Probe.REAP:
        return (_INIT_OPTION, with_init(start, launch, seen.chain))
    if seen.chain:
        if result.verdict not in _AT_FAULT and _to_all(evidence) is not None:
            fix = started(start, launch, seen.chain, drop=_WHOLE_GROUP, add=_APP_ALONE)
        else:
            fix = started(start, launch, seen.chain, drop=_AT_FAULT.get(result.verdict, frozenset()))
        if fix != Fix():
            return (fix,)
    if evidence.signalled is not None and seen.app is not None and (evidence.signalled.sends or not _wrappers(seen)):
        return _in_app(result, evidence.signalled, seen.app)
    return ()


def lacking(result: Result) -> tuple[Fix, ...]:
    """What the app's own code lacks to do what the signal asks; none where something above it may be at fault."""
    evidence = result.evidence
    signalled = evidence.signalled if evidence else None
    if evidence is None or signalled is None or result.verdict.good:
        return ()
    app = evidence.seen.app
    if app is None or _wrappers(evidence.seen):
        return ()
    return tuple(fix for fix in _in_app(result, signalled, app) if not fix.edits)


def _in_app(result: Result, evidence: SignalEvidence, app: Process) -> tuple[Fix, ...]:
    """Nothing stands between, and the signal does not get the app to do what it should."""
    found: list[Fix] = []
    signal = evidence.sent
    by_runtime = evidence.ended_by_preloaded or (evidence.finished and taken_by_runtime(app, signal))
    if result.verdict is Verdict.ABRUPT and by_runtime:
        return (handler(app, signal),)  # what it was at is lost
    if evidence.deliveries or result.verdict in (Verdict.TRANSLATED, Verdict.DUPLICATED):
        return ()
    stop = result.cell.question.probe is Probe.STOP
    if stop and signal != _TERM and app.catches(_TERM):
        note = f"The app has a handler for SIGTERM, and the image's STOPSIGNAL is {signal}."
        if result.cell.subject.launch.stop_signal:
            found.append(
                Fix(edits=(Edit(instruction="stop_signal", value='"SIGTERM"', where="catalogue"),), notes=(note,))
            )
        else:
            found.append(Fix(edits=(Edit(instruction="STOPSIGNAL", value="SIGTERM"),), notes=(note,)))
    found.append(handler(app, signal))
    return tuple(found)


def _lines(fix: Fix, *, given: bool, mark: str) -> list[str]:
    """A fix as text: where the change goes, the change, and what to mind; an image that is given has no catalogue."""
    lines: list[str] = []
    elsewhere = "In place of what it was started with" if given else "In the catalogue's row"
    for where, title in (("Dockerfile", "In the Dockerfile"), ("catalogue", elsewhere)):
        edits = [edit.line for edit in fix.edits if edit.where == where]
        lines += [f"{title}{mark}:", *(f"  {line}" for line in edits)] if edits else []
    if fix.script is not None:
        line = fix.script.line
        lines.append(f"In the script `{fix.script.script}`, in place of what it runs last{mark}:")
        lines.append(f"  {line}" if line else "  exec, and the command that starts the app")
    if fix.options:
        lines += [f"As an option of docker run{mark}:", *(f"  {option}" for option in fix.options)]
    if fix.code:
        lines += [f"In the app{mark}:", *(f"  {line}" for line in fix.code)]
    return [*lines, *fix.notes]


def _reasons(result: Result, evidence: Evidence) -> Iterable[str]:
    """What each process that stands above the app does wrong."""
    if result.cell.question.probe is Probe.REAP:
        return ["An init waits for orphans; PID 1 does not."]
    between = _between(evidence.seen)
    wrong = _wrappers(evidence.seen)
    if wrong:
        return [_reason(process, kind, result, evidence.seen) for process, kind in wrong]
    if between and result.verdict is Verdict.TRANSLATED:
        return [f"`{between[-1][0].command}` sends another signal than the one it gets."]
    if between and result.verdict is Verdict.DUPLICATED:
        return [f"`{between[-1][0].command}` forwards the signal to an app that gets it without that, too."]
    if (init := _to_all(evidence)) is not None and result.verdict not in _AT_FAULT:
        return [_of_group(init)]
    if evidence.signalled is not None and evidence.signalled.deliveries and result.cell.question.probe is Probe.STOP:
        name = evidence.signalled.sent.name
        return [f"The app gets {name}: let its handler finish what is under way, and exit."]
    return []


def _reason(process: Process, kind: Kind, result: Result, seen: Seen) -> str:
    """What a process does wrong, in a sentence."""
    stays = "stays as PID 1" if process is seen.main else "stays between PID 1 and the app"
    named = f"`{process.command}`"
    if _primary(process, seen):
        return f"{named} {stays}, and the app is its worker: it must send its workers the signal, and wait for them."
    if result.verdict is Verdict.DUPLICATED:
        return f"{named} {stays}, and the app is sent more than one signal: one is enough."
    if result.cell.question.probe is Probe.EXIT_CODE:
        return f"{named} {stays}: its exit code is the container's, if it ends at all."
    below = _shell_of(process, seen)
    comma = "," if kind in (Kind.NODE_WATCH,) else ""
    return f"{named} {stays}{comma} {_TAILS[kind]}{below}."


def _primary(process: Process, seen: Seen) -> bool:
    """Whether a process runs the same program and file as the app that it started, as a cluster's primary does."""
    app = seen.app
    return (
        app is not None
        and kind_of(process.argv) is Kind.OTHER
        and process.pid == app.ppid
        and len(process.argv) > 1
        and _runs_file(process.argv) == _runs_file(app.argv)
    )


def _runs_file(argv: Sequence[str]) -> tuple[str, str]:
    """A program and the name of its file: a worker may be started by whole paths."""
    return program(argv), program(argv[1:2])


def _wrappers(seen: Seen) -> list[tuple[Process, Kind]]:
    return [(process, kind) for process, kind in _between(seen) if kind is not Kind.INIT]


def _of_group(init: Process) -> str:
    return f"`{init.command}` signals the whole group, what the app has started among it, and not the app alone."


def _to_all(evidence: Evidence) -> Process | None:
    """The init that has sent the signal to what the app has started, too, by the kernel's record.

    ``None`` as well where the app has not handled it, which is what has to change first.
    """
    signalled, seen = evidence.signalled, evidence.seen
    inits = [process for process, kind in _between(seen) if kind is Kind.INIT]
    if signalled is None or not signalled.deliveries or signalled.raised_again or seen.app is None:
        return None
    below = {process.pid for process in seen.before if seen.app in chain(seen.before, process.pid)[:-1]}
    told = {
        record.sender_pid for record in sends(seen.trace or (), signalled.sent.number) if record.target_pid in below
    }
    return next((init for init in inits if init.pid in told), None)


def _between(seen: Seen) -> list[tuple[Process, Kind]]:
    """The processes above the app, and what they are; the shell that a runner starts is the runner's own affair."""
    above = [(process, kind_of(process.argv)) for process in seen.chain[:-1]]
    runners = {process.pid for process, kind in above if kind in RUNNERS}
    return [(process, kind) for process, kind in above if process.ppid not in runners]


def _shell_of(npm: Process, seen: Seen) -> str:
    """That what npm forwards does not get further than the shell it started, where there is one."""
    below = [process for process in seen.chain if process.ppid == npm.pid]
    if kind_of(npm.argv) is not Kind.NPM or not below or below[0].pid == seen.app_pid:
        return ""
    return ", to the shell it started, not to the app"


def _zombies(seen: Seen) -> Iterable[str]:
    """Who has not waited for a process that had ended before anything was done; an init waits for its own alone."""
    by_pid = {process.pid: process for process in seen.before}
    for process in seen.before:
        parent = by_pid.get(process.ppid)
        if not process.alive and parent is not None and kind_of(parent.argv) is not Kind.INIT:
            remedy = (
                "An init as PID 1 does, as by --init." if parent is seen.main else "No init does that in its place."
            )
            yield f"`{parent.command}` has not waited for `{process.command}`, which ended and is a zombie. {remedy}"


def _why_good(evidence: Evidence) -> str:
    between = _between(evidence.seen)
    if evidence.signalled is None:
        return "No change is needed."
    if not between:
        return "No change is needed: the app is PID 1 and handles the signal itself."
    names = " and ".join(f"`{process.command}`" for process, _ in between)
    init = _to_all(evidence)
    caution = "" if init is None else f" {_of_group(init)}"
    if any(kind is Kind.NPM for _, kind in between):
        caution += " It depends on the shell and on npm's version, though: starting the app itself does not."
    return f"No change is needed here: {names} forward{'s' if len(between) == 1 else ''} it.{caution}"
