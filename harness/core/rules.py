"""The rules: what can be wrong with how a container takes signals, each with an id that stays. Pure.

A verdict says what was seen; a rule says which kind of mistake that is, so that it can be looked up, and ignored. Each
bad verdict comes to exactly one rule: to a special one where the evidence proves it, else to the general one of its
verdict, which is true of every such finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from harness.core.errors import UsageError
from harness.core.evidence import Ground
from harness.core.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.core.evidence import SignalEvidence
    from harness.core.result import Result

PAGES: Final = "https://github.com/your-org/signal-harness/blob/main/docs/rules"
"""Where the pages of the rules are; a release puts the repository's own address here."""


class Rule(StrEnum):
    """A kind of finding, by its id."""

    WRAPPER_DROPS = "SH001"
    NOT_FORWARDED = "SH002"
    APP_DROPS = "SH003"
    APP_RUNS_ON = "SH004"
    CONTAINER_RUNS_ON = "SH005"
    APP_GONE = "SH006"
    NO_HANDLER = "SH007"
    CUT_SHORT = "SH008"
    REQUEST_LOST = "SH009"
    SENT_TWICE = "SH010"
    CTRL_C_TWICE = "SH011"
    CTRL_C_LOST = "SH012"
    TRANSLATED = "SH013"
    EXIT_CODE_LOST = "SH014"
    NOT_REAPED = "SH015"
    UNSTABLE = "SH016"
    SLOW_STOP = "SH017"
    STOP_SIGNAL = "SH018"
    NOT_JSON = "SH019"

    @property
    def about(self) -> About:
        """What there is to say of it."""
        return ABOUT[self]

    @property
    def page(self) -> str:
        """The address of its page."""
        return f"{PAGES}/{self}.md"


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """What there is to say of a rule.

    ``slug`` is its name in words, ``title`` one line. ``seen`` is what a run shows, ``why`` why that matters, ``fix``
    are ways to fix it, the best first. ``verdicts`` are those that it stands for, of which one that is only read off a
    Dockerfile has none. ``in_app`` says whether the
    app's own code has to change.
    """

    slug: str
    title: str
    seen: str
    why: str
    fix: tuple[str, ...]
    verdicts: tuple[Verdict, ...]
    in_app: bool = False


_EXEC_FORM: Final = "Start the app itself: ENTRYPOINT or CMD as a JSON array, not as a line for a shell."
_EXEC: Final = "Put `exec` in front of what a script runs last: the app takes the script's place, and is PID 1."
_WHOLE_GRACE: Final = "Every stop takes the whole grace period, and SIGKILL then ends the app: work in flight is lost."
_LOST: Final = "What the app was about to finish is lost: requests in flight, writes to a file, a message half handled."
_HANDLER: Final = "Let the app handle the signal: stop taking new work, finish what is under way, and exit."


ABOUT: Final[Mapping[Rule, About]] = {
    Rule.WRAPPER_DROPS: About(
        slug="wrapper-drops",
        title="PID 1 is not the app and has no handler: the kernel drops the signal",
        seen="The engine sends the signal to PID 1, which only starts the app, and which has no handler for the signal "
        "or ignores it. The kernel lets no default action end PID 1 (pid_namespaces(7)): the signal is gone, and "
        "everything keeps running.",
        why=_WHOLE_GRACE,
        fix=(
            _EXEC_FORM,
            _EXEC,
            "Where a process has to stay in front of the app, let it trap the signal, forward it and wait for the app.",
        ),
        verdicts=(Verdict.SWALLOWED, Verdict.FORCED),
    ),
    Rule.NOT_FORWARDED: About(
        slug="not-forwarded",
        title="The signal does not come through to the app",
        seen="PID 1 took the signal, and everything keeps running: it, or a process between it and the app, forwards "
        "the signal to nobody.",
        why=_WHOLE_GRACE,
        fix=(
            _EXEC_FORM,
            _EXEC,
            "Where a start script has to stay, let it forward the signal to the app and wait for it once more.",
        ),
        verdicts=(Verdict.SWALLOWED, Verdict.FORCED),
    ),
    Rule.APP_DROPS: About(
        slug="app-drops",
        title="The app is PID 1 and has no handler: the kernel drops the signal",
        seen="The app is PID 1, and has no handler for the signal, or ignores it. Elsewhere it would die of the "
        "signal; the kernel lets no default action end PID 1 (pid_namespaces(7)), so nothing happens.",
        why=_WHOLE_GRACE,
        fix=(
            _HANDLER,
            "Send a signal that it handles: STOPSIGNAL in the Dockerfile, or docker run --stop-signal.",
            "An init in front (docker run --init) makes the app die of the signal at once: quick, but not graceful.",
        ),
        verdicts=(Verdict.SWALLOWED, Verdict.FORCED),
        in_app=True,
    ),
    Rule.APP_RUNS_ON: About(
        slug="app-runs-on",
        title="The app has the signal, and runs on",
        seen="The app has a handler, and got the signal; it has not ended when the grace period was over, or does "
        "nothing visible at all.",
        why=_WHOLE_GRACE,
        fix=(
            "End when the signal comes: close what keeps the program running, such as servers, timers and connections.",
            "Give it longer where it only needs time: docker run --stop-timeout, or the platform's grace period.",
            "Send the signal that it takes for a stop, if that is another one: STOPSIGNAL in the Dockerfile.",
        ),
        verdicts=(Verdict.SWALLOWED, Verdict.FORCED),
        in_app=True,
    ),
    Rule.CONTAINER_RUNS_ON: About(
        slug="container-runs-on",
        title="The container does not end by itself",
        seen="SIGKILL had to end the container as its grace period ran out. The app was done, and another process kept "
        "the container running; or it is not known whether the app got the signal.",
        why="Every stop takes the whole grace period, and what runs at its end is killed.",
        fix=(
            _EXEC_FORM,
            _EXEC,
            "Let what stands in front of the app end when the app has ended, and end helpers that the app started.",
        ),
        verdicts=(Verdict.FORCED,),
    ),
    Rule.APP_GONE: About(
        slug="app-gone",
        title="The app is gone, and never saw the signal",
        seen="A process above the app ended of the signal, or with it. As PID 1 leaves, the kernel ends all others by "
        "SIGKILL (pid_namespaces(7)): the app was never told.",
        why="The stop is quick, and looks well. " + _LOST,
        fix=(
            _EXEC_FORM,
            _EXEC,
            "What stands in front of the app must forward the signal first, and end only when the app has.",
        ),
        verdicts=(Verdict.KILLED, Verdict.ABRUPT),
    ),
    Rule.NO_HANDLER: About(
        slug="no-handler",
        title="The app has no handler of its own, and is gone",
        seen="The app is not PID 1 and has no handler for the signal, or only that of its language's runtime, which "
        "ends it. It died of the signal, or went with PID 1.",
        why="The stop is quick, and looks well. " + _LOST,
        fix=(_HANDLER, "Send a signal that it handles: STOPSIGNAL in the Dockerfile, or docker run --stop-signal."),
        verdicts=(Verdict.KILLED, Verdict.ABRUPT),
        in_app=True,
    ),
    Rule.CUT_SHORT: About(
        slug="cut-short",
        title="The container ends before the app is done",
        seen="The app was still at work, mostly with the signal in hand, when the container ended: PID 1 does not wait "
        "for it.",
        why=_LOST,
        fix=(
            _EXEC_FORM,
            _EXEC,
            "What stands in front of the app must wait for it after it has forwarded the signal.",
        ),
        verdicts=(Verdict.CUT_SHORT, Verdict.ABRUPT),
    ),
    Rule.REQUEST_LOST: About(
        slug="request-lost",
        title="The app ends by itself, but loses work in flight",
        seen="The app got the signal and ended by itself, within the grace period, but a request that was in flight "
        "got no answer.",
        why="Users see errors at every deployment, though the container seems to stop well.",
        fix=(
            "Close the listening socket first, wait for the answers that are under way, and only then exit.",
            "Do not call the runtime's exit in the handler: it ends what is still being answered.",
        ),
        verdicts=(Verdict.ABRUPT,),
        in_app=True,
    ),
    Rule.SENT_TWICE: About(
        slug="sent-twice",
        title="The app gets one signal more than once",
        seen="One signal was sent to PID 1, and the app was sent it, or another that ends programs, a second time: by "
        "two processes above it, or by one that signals a whole group.",
        why="Many programs take a second signal for impatience, and abort the shutdown that the first one began.",
        fix=(
            "Let only one process forward the signal; leave out options of an init that signal the whole group.",
            _EXEC_FORM,
        ),
        verdicts=(Verdict.DUPLICATED,),
    ),
    Rule.CTRL_C_TWICE: About(
        slug="ctrl-c-twice",
        title="One Ctrl-C arrives more than once",
        seen="The terminal sends SIGINT to every process of its foreground group; a process above the app forwards it "
        "as well.",
        why="Many programs take a second Ctrl-C for impatience, and abort the shutdown that the first one began.",
        fix=(
            "Start the app itself, without a process in front that forwards SIGINT.",
            "Where an init has to stay, let it put the app in a group of its own.",
        ),
        verdicts=(Verdict.DUPLICATED,),
    ),
    Rule.CTRL_C_LOST: About(
        slug="ctrl-c-lost",
        title="Ctrl-C does not come through to the app",
        seen="The terminal sends SIGINT to its foreground group; the app is in another one, and nobody forwards it.",
        why="Whoever runs the container by hand cannot leave it, and takes docker kill in the end.",
        fix=(_EXEC_FORM, _EXEC, "Let what stands in front of the app forward SIGINT, too."),
        verdicts=(Verdict.SWALLOWED,),
    ),
    Rule.TRANSLATED: About(
        slug="translated",
        title="Another signal arrives than the one sent",
        seen="A process above the app sends the app another signal in place of the one that it got.",
        why="The handler that runs is not the one that was written for the signal, and was tested.",
        fix=(
            "Let PID 1 forward what it gets; leave out options of an init that rewrite signals.",
            "Handle, and test, the signal that does arrive.",
        ),
        verdicts=(Verdict.TRANSLATED,),
    ),
    Rule.EXIT_CODE_LOST: About(
        slug="exit-code-lost",
        title="The container's exit code is not the app's",
        seen="The app exits with a code, and docker wait says another one, or the container runs on.",
        why="A restart policy, a job or a pipeline acts on a failure as if it were a success, or the other way round.",
        fix=(_EXEC_FORM, _EXEC, "Let what starts the app end with its exit code, and do not start it anew."),
        verdicts=(Verdict.LOST,),
    ),
    Rule.NOT_REAPED: About(
        slug="not-reaped",
        title="PID 1 does not wait for orphans: they stay as zombies",
        seen="A process whose parent was gone ended, and is still in the process table: PID 1, its new parent, does "
        "not wait for it.",
        why="Entries of the process table are never given back; in the end no process can be started.",
        fix=(
            "Put an init in front that waits for orphans: docker run --init, or tini as ENTRYPOINT.",
            "Let the app wait for the children of its children, where it starts any.",
        ),
        verdicts=(Verdict.ZOMBIE,),
    ),
    Rule.UNSTABLE: About(
        slug="unstable",
        title="Repeats disagree",
        seen="The same image, run again in the same way, came to another verdict.",
        why="It works on one machine, or today, and fails on another, or tomorrow.",
        fix=(
            "Find out what it depends on: mostly, two processes race to end, or each forwards the signal.",
            _EXEC_FORM,
        ),
        verdicts=(Verdict.UNSTABLE,),
    ),
    Rule.SLOW_STOP: About(
        slug="slow-stop",
        title="A graceful stop takes longer than it may",
        seen="The app shut down by itself, but took longer than `--max-stop`, or `max-stop` in the config, allows.",
        why="Deployments and restarts wait for it; a platform with a shorter grace period kills it.",
        fix=(
            "Close idle connections as the signal comes, instead of waiting for their timeouts.",
            "Finish sooner: shorten what waits at the end, such as a pause before the exit.",
            "Allow more, if it has to take so long.",
        ),
        verdicts=(Verdict.GRACEFUL,),
        in_app=True,
    ),
    Rule.STOP_SIGNAL: About(
        slug="stop-signal",
        title="The stop signal is one that nobody can handle",
        seen="STOPSIGNAL is SIGKILL or SIGSTOP, for which no program can have a handler (signal(7)).",
        why="The app is not asked to stop: it is ended at once, or frozen until it is. Work in flight is lost.",
        fix=("Name a signal that the app handles, or none: SIGTERM is what the engine sends by itself.",),
        verdicts=(),
    ),
    Rule.NOT_JSON: About(
        slug="not-json",
        title="A command that is almost JSON is run by a shell",
        seen="ENTRYPOINT or CMD was meant to be a JSON array and is not quite: single quotes, a trailing comma, a "
        "bracket too few. The build takes it for a line for a shell (Dockerfile reference, exec form).",
        why="The shell looks for a program of that name: mostly the container ends at once, with exit code 127.",
        fix=("Write it as JSON: double quotes, commas between the words and none after the last.",),
        verdicts=(),
    ),
}
"""What there is to say of each rule."""

GENERAL: Final[Mapping[Verdict, Rule]] = {
    Verdict.DUPLICATED: Rule.SENT_TWICE,
    Verdict.CUT_SHORT: Rule.CUT_SHORT,
    Verdict.TRANSLATED: Rule.TRANSLATED,
    Verdict.SWALLOWED: Rule.NOT_FORWARDED,
    Verdict.KILLED: Rule.APP_GONE,
    Verdict.ABRUPT: Rule.CUT_SHORT,
    Verdict.FORCED: Rule.CONTAINER_RUNS_ON,
    Verdict.LOST: Rule.EXIT_CODE_LOST,
    Verdict.ZOMBIE: Rule.NOT_REAPED,
    Verdict.UNSTABLE: Rule.UNSTABLE,
}
"""What a bad verdict comes to where nothing more is known."""


def find_rule(text: str) -> Rule:
    """A rule by its id or its slug, in any case.

    Raises:
        UsageError: there is none; the next step is the one that is nearest.
    """
    names = {name: rule for rule in Rule for name in (rule.value, rule.about.slug)}
    wanted = text.strip()
    found = names.get(wanted.upper()) or names.get(wanted.lower())
    if found is None:
        near = get_close_matches(wanted.upper(), [*Rule], n=1) or get_close_matches(wanted.lower(), names, n=1)
        remedy = f"Did you mean {near[0]}?" if near else "All rules: signal-harness rule"
        raise UsageError(f"{text!r} is not a rule", remedy=remedy)
    return found


def rule_of(result: Result) -> Rule | None:
    """The rule that a result comes to; ``None`` if it is good, or was not tested."""
    verdict = result.verdict
    if verdict.good or verdict is Verdict.UNTESTED:
        return None
    general = GENERAL[verdict]
    signalled = result.evidence.signalled if result.evidence else None
    if signalled is None:
        return general
    apps = signalled.per_app
    match verdict:
        case Verdict.DUPLICATED if signalled.typed:
            return Rule.CTRL_C_TWICE
        case Verdict.SWALLOWED:
            return _held_up(next((app for app in apps if not app.deliveries), apps[0])) or general
        case Verdict.FORCED:
            at = next((app for app in apps if not app.finished), None)
            return (at and _held_up(at)) or general
        case Verdict.KILLED:
            return _gone(next((app for app in apps if not app.deliveries), apps[0])) or general
        case Verdict.ABRUPT:
            left = next((app for app in apps if not app.finished), None)
            return Rule.REQUEST_LOST if left is None else _gone(left) or general
        case _:
            return general


def _held_up(evidence: SignalEvidence) -> Rule | None:
    """Why an app runs on, as far as masks and deliveries prove that."""
    seen, signal = evidence.seen, evidence.sent
    main, app = seen.main, seen.app
    if main is None:
        return None
    deaf = evidence.ground is Ground.MASKS or not main.may_get(signal)
    if app is main:
        if deaf or evidence.raised_again:
            return Rule.APP_DROPS
        # Without a record, a handler may be the runtime's, of which the app learns nothing.
        return Rule.APP_RUNS_ON if main.catches(signal) and evidence.deliveries is not None else None
    if evidence.deliveries:
        return Rule.APP_RUNS_ON
    if evidence.typed:
        return Rule.CTRL_C_LOST
    if deaf:
        return Rule.WRAPPER_DROPS
    return Rule.NOT_FORWARDED if evidence.deliveries == 0 else None


def _gone(evidence: SignalEvidence) -> Rule | None:
    """Why an app that was not done is gone.

    By its masks first, which are there without the kernel's record, too: so that a rule does not hang on the record.
    """
    app, main = evidence.seen.app, evidence.seen.main
    if app is None:
        return None
    not_the_apps = evidence.raised_again or evidence.ended_by_preloaded
    if not_the_apps or (app is not main and not app.may_get(evidence.sent)):
        return Rule.NO_HANDLER
    return Rule.APP_GONE if evidence.deliveries == 0 and app is not main else None
