"""For tests of images: assertions that run one as it is, and fail with the verdict, its reason and the roll call."""

from __future__ import annotations

import re
import shlex
from dataclasses import replace
from typing import TYPE_CHECKING, TypedDict, Unpack

from harness.checking import Check, Checking
from harness.core.errors import UsageError
from harness.core.question import Probe
from harness.core.signals import parse_signal
from harness.core.subject import LaunchOptions, LogPattern
from harness.report.apps import app_lines
from harness.report.rows import evidence, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.core.document import Row


class Options(TypedDict, total=False):
    """How an image is run, named as ``docker run`` names it; what is left out is left to the image.

    ``command`` is what stands behind the image, a list of words. ``ready`` is a regular expression for a line of the
    log that says that the app is ready: by default its HEALTHCHECK does, else its EXPOSEd ports, else that all is at
    rest. ``app`` is one for the app's command line: by default it is the first process that is no shell or init.
    """

    command: Sequence[str]
    entrypoint: str
    init: bool
    env: Mapping[str, str]
    user: str
    volume: Sequence[str]
    network: str
    memory: str
    pids_limit: int
    stop_signal: str
    ready: str
    app: str


def assert_graceful_stop(image: str, within: int = 5, **options: Unpack[Options]) -> None:
    """Assert that ``docker stop`` lets an image's app shut down by itself in time, and that nothing is killed.

    Args:
        image: what to run, in a container of its own; pulled if it is not there.
        within: the grace period, in seconds: what runs on after that is killed.
        **options: how to run it, see `Options`.

    Raises:
        AssertionError: the app did not; or it could not be tested, and why.
        UsageError: an option is wrong.
        EngineUnavailable: there is no engine.
        BaseUnavailable: there is no such image.
    """
    __tracebackhide__ = True  # for pytest
    if isinstance(within, bool) or not isinstance(within, int) or within < 1:
        raise UsageError(f"within={within!r} is not a number of whole seconds, 1 or more")
    _assert_good(replace(_check(image, options, stop_timeout=within), probes=(Probe.STOP,)))


def assert_forwards(image: str, signal: str = "SIGTERM", **options: Unpack[Options]) -> None:
    """Assert that a signal that is sent to a container of an image gets to its app, once.

    Args:
        image: what to run, in a container of its own; pulled if it is not there.
        signal: the signal to send (``SIGTERM``, ``TERM`` or ``15``).
        **options: how to run it, see `Options`.

    Raises:
        AssertionError: the app did not get it, or not exactly once; or it could not be tested, and why.
        UsageError: there is no such signal, or an option is wrong.
        EngineUnavailable: there is no engine.
        BaseUnavailable: there is no such image.
    """
    __tracebackhide__ = True  # for pytest
    _assert_good(replace(_check(image, options), signals=(parse_signal(signal),), probes=(Probe.SIGNAL,)))


def _check(image: str, options: Options, *, stop_timeout: int | None = None) -> Check:
    ready, app, entrypoint = options.get("ready"), options.get("app"), options.get("entrypoint")
    stop_signal, command = options.get("stop_signal"), options.get("command")
    if isinstance(command, str):
        raise UsageError(f"command={command!r} is one text", remedy="Give a list of words.")
    unknown = next((name for name in options if name not in Options.__annotations__), None)
    if unknown is not None:
        raise UsageError(f"{unknown}= is not an option", remedy=f"Options: {', '.join(Options.__annotations__)}")
    return Check(
        images=(image,),
        options=LaunchOptions(
            init=options.get("init", False),
            entrypoint=None if entrypoint is None else (entrypoint,),
            command=None if command is None else tuple(command),
            environment=dict(options.get("env", {})),
            user=options.get("user"),
            network=options.get("network"),
            memory=options.get("memory"),
            pids_limit=options.get("pids_limit"),
            stop_signal=None if stop_signal is None else parse_signal(stop_signal).name,
            stop_timeout=stop_timeout,
            volumes=tuple(options.get("volume", ())),
        ),
        ready=None if ready is None else LogPattern(pattern=pattern("ready", ready)),
        process=None if app is None else pattern("app", app),
        tries=False,
    )


def pattern(name: str, text: str) -> re.Pattern[str]:
    """A regular expression that is given by a keyword.

    Raises:
        UsageError: it is none.
    """
    try:
        return re.compile(text)
    except re.error as error:
        raise UsageError(f"{name}={text!r} is not a regular expression: {error}") from None


def _assert_good(check: Check) -> None:
    __tracebackhide__ = True
    with Checking(check) as checking:
        (future,) = checking.run()
        row = future.result()
    if not row.verdict.good:
        raise AssertionError(failure(row, check))


def failure(row: Row, check: Check) -> str:
    """What an assertion says of a bad row: verdict and reason, the roll call and all other evidence, what to do."""
    command = () if check.options.command is None else ("--", *check.options.command)
    words = shlex.join(["signal-harness", "check", *check.images, *command])
    head = one_line(f"{row.subject}, {row.question.name}: {row.verdict}: {row.reason}")
    apps = (one_line(f"app: {line}") for line in app_lines(row.evidence.apps))
    return "\n".join([head, *apps, *evidence(row), f"to see what helps: {one_line(words)}"])
