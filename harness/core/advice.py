"""What to change in a Dockerfile so that a signal arrives, or why no change is needed. From evidence alone; pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from harness.core.almost_json import why_not_json
from harness.core.program import INITS, Kind, kind_of, program
from harness.core.question import Probe
from harness.core.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.core.evidence import Evidence, Seen, SignalEvidence
    from harness.core.process import Process
    from harness.core.result import Result


_FORWARDING: Final = "  process.on('SIGTERM', () => server.close());"
_WHY: Final = {
    Kind.SHELL_FORM: "a shell stays between PID 1 and the app and forwards no signal; the exec form starts none",
    Kind.SCRIPT: 'a script that ends in `exec "$@"` makes way for the app; one that stays must trap, forward, and wait',
    Kind.NPM: "npm forwards only SIGINT and SIGTERM",
    Kind.NODE_RUN: "node --run forwards nothing",
    Kind.NODE_WATCH: "node --watch is for development: it starts the app anew and forwards only SIGINT and SIGTERM",
    Kind.SU: "su stays as a parent; the USER instruction drops root without it",
    Kind.OTHER: "it stands between PID 1 and the app and must forward signals",
}


def advice(result: Result) -> tuple[str, ...]:
    """What to change, line by line, the change first; or a line on why nothing needs to change."""
    evidence = result.evidence
    if evidence is None:
        return ("Make the cell testable first: see the reason.",)
    if result.verdict.good:
        return (_why_good(evidence),)
    not_json = why_not_json(result.start) if result.start else None
    lines = [f"{not_json}."] if not_json else _for_verdict(result, evidence)
    return tuple(lines) or ("No standard fix applies: see where the signal's path ends.",)


def _for_verdict(result: Result, evidence: Evidence) -> list[str]:
    if result.cell.question.probe is Probe.REAP:
        return [
            "Put an init in front, which reaps: docker run --init, or",
            f"  {_cmd(('tini', '--'), evidence.seen)}",
        ]
    between = _between(evidence.seen)
    if result.verdict is Verdict.TRANSLATED:
        return ["Let PID 1 send what it gets, or handle (and test) the signal that does arrive."]
    if evidence.signalled is not None and not between:
        return _for_main(result, evidence.signalled)
    if result.verdict is Verdict.DUPLICATED:
        init = next((process for process, kind in between if kind is Kind.INIT), None)
        if init is not None and all(kind is Kind.INIT for _, kind in between):
            return ["Let the init signal the app alone, not its group as well, or handle a second signal."]
    wrong = [(process, kind) for process, kind in between if kind is not Kind.INIT]
    lines = [f"Start the app itself:\n  {_cmd(_init_words(between), evidence.seen)}"] if wrong else []
    return lines + [f"`{process.command}`: {_WHY[kind]}{_shell_of(process, evidence.seen)}." for process, kind in wrong]


def _between(seen: Seen) -> list[tuple[Process, Kind]]:
    """The processes above the app, and what they are; the shell that npm starts is npm's own affair."""
    above = [(process, kind_of(process.argv)) for process in seen.chain[:-1]]
    npm = {process.pid for process, kind in above if kind is Kind.NPM}
    return [(process, kind) for process, kind in above if process.ppid not in npm]


def _shell_of(npm: Process, seen: Seen) -> str:
    """That what npm forwards does not get further than the shell it started, where there is one."""
    below = [process for process in seen.chain if process.ppid == npm.pid]
    if kind_of(npm.argv) is not Kind.NPM or not below or below[0].pid == seen.app_pid:
        return ""
    return ", and to the shell it started, not to the app"


def _for_main(result: Result, evidence: SignalEvidence) -> list[str]:
    """The app is PID 1, and the signal does not get it to do what it should."""
    signal = evidence.sent.name
    app = evidence.seen.app
    # A handler that its runtime brings along tells the app nothing.
    if app is not None and not (app.catches(evidence.sent) and evidence.receipts):
        return [
            f"Handle {signal} in the app, for instance",
            _FORWARDING.replace("SIGTERM", signal),
            "or put an init in front (docker run --init): the app then dies of the signal as it would outside.",
        ]
    if result.cell.question.probe is Probe.STOP:
        return [f"The app gets {signal}: let its handler finish what is under way, and exit."]
    return []


def _why_good(evidence: Evidence) -> str:
    between = _between(evidence.seen)
    if evidence.signalled is None:
        return "No change is needed."
    if not between:
        return "No change is needed: the app is PID 1 and handles the signal itself."
    names = " and ".join(f"`{process.command}`" for process, _ in between)
    caution = ""
    if any(kind is Kind.NPM for _, kind in between):
        caution = " It depends on the shell and on npm's version, though: starting the app itself does not."
    return f"No change is needed here: {names} forward{'s' if len(between) == 1 else ''} it.{caution}"


def _init_words(between: Sequence[tuple[Process, Kind]]) -> tuple[str, ...]:
    """The init of the image, kept in front of the app; one that the engine adds is no part of the Dockerfile."""
    for process, kind in between:
        name = program(process.argv)
        if kind is Kind.INIT and name in INITS:
            return INITS[name]
    return ()


def _cmd(init: tuple[str, ...], seen: Seen) -> str:
    app = seen.app
    words = app.argv if app else ["node", "server.js"]
    return f"CMD {json.dumps([*init, *words])}"
