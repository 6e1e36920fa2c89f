"""The command itself: its commands put together, and how every failure ends."""

from __future__ import annotations

import errno
import os
import signal as os_signal
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from harness.cli.help import EXIT_CODES, Group
from harness.cli.waking import importing, waking
from harness.core.errors import ExitCode, HarnessError
from harness.run.leaving import Leaving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_STDERR: Final = 2
_OF_OUTPUT: Final = (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_SECTIONS: Final = {
    "Any image": {
        "check": "harness.cli.check:check",
        "audit": "harness.cli.audit:audit",
        "lint": "harness.cli.lint:lint",
        "rule": "harness.cli.rule:rule",
    },
    "Matrix": {
        "run": "harness.cli.run:run",
        "explain": "harness.cli.run:explain",
        "list": "harness.cli.listing:list_variants",
    },
    "Compare and record": {
        "baseline": "harness.cli.baseline:baseline",
        "diff": "harness.cli.diff:diff",
        "bisect": "harness.cli.bisect:bisect",
        "report": "harness.cli.report:report",
        "merge": "harness.cli.merge:merge",
    },
    "Workshop": {"demo": "harness.cli.demo:demo", "lab": "harness.cli.lab:lab"},
    "Machine": {
        "bases": "harness.cli.machine:bases",
        "engine": "harness.cli.machine:engine",
        "doctor": "harness.cli.machine:doctor",
        "clean": "harness.cli.machine:clean",
        "completion": "harness.cli.machine:completion",
    },
}


class _ReaderGone(Exception):
    """A broken pipe that click does not take for its own, as it would end with 1, which here is a verdict."""


class _Root(Group):
    """The command itself, which leaves broken pipes to `main`."""

    def make_context(self, *names: Any, **options: Any) -> click.Context:
        with _left_to_main():
            return super().make_context(*names, **options)

    def invoke(self, ctx: click.Context) -> Any:
        with _left_to_main():
            return super().invoke(ctx)


@contextmanager
def _left_to_main() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise _ReaderGone from error


@click.group(
    cls=_Root,
    sections=_SECTIONS,
    examples=[
        "signal-harness run",
        "signal-harness run --base node:24-alpine --variant 'npm-*' --signal TERM",
        "signal-harness explain local:debian12-node24 npm-start SIGTERM",
        "signal-harness diff node:22-alpine node:24-alpine",
        "signal-harness doctor",
    ],
    tables=[EXIT_CODES],
    context_settings={"max_content_width": 100},
)
@click.version_option(package_name="signal-harness", message="%(prog)s %(version)s")
def cli() -> None:
    """Find out what a signal really does in a container, with evidence.

    Builds every variant of a catalogue of Dockerfiles on every base, starts containers of each, sends them signals
    with `docker kill`, and shows what arrived.
    """


@contextmanager
def _terminating(leaving: Leaving) -> Iterator[None]:
    """Let SIGTERM and SIGHUP end a run as Ctrl-C does, so that it clears up; no further one disturbs that.

    But for a second Ctrl-C, which ends it at once. What is ignored as we start, as in the background of a script or
    under nohup, stays so.
    """
    before: dict[int, Callable[..., Any] | int | None] = {
        number: handler
        for number in (os_signal.SIGINT, os_signal.SIGTERM, os_signal.SIGHUP)
        if (handler := os_signal.getsignal(number)) is not os_signal.SIG_IGN
    }

    def interrupt(number: int, frame: FrameType | None) -> None:
        if importing(frame) and not leaving.begun:
            return  # what is not taken in comes again
        if leaving.begin():
            raise KeyboardInterrupt
        if number == os_signal.SIGINT:
            leaving.at_once()

    for number in before:
        os_signal.signal(number, interrupt)
    try:
        with waking(before, leaving.begun_within, leaving.lost):
            yield
    finally:
        for number, handler in before.items():
            os_signal.signal(number, handler)


def _say(line: str) -> None:
    """Write a line for the user, past all buffers: the process may end in the middle of anything."""
    cursor = "\x1b[?25h" if os.isatty(_STDERR) else ""  # which progress hides (ECMA-48, DECTCEM)
    with suppress(OSError):
        os.write(_STDERR, f"{cursor}\nsignal-harness: {line}\n".encode())


def main() -> None:
    """Run the command; every expected failure ends with its message, next step and exit code."""
    try:
        code = _run()
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except BrokenPipeError:
        _end_as_a_broken_pipe_does()
    except OSError as error:
        code = _unwritable(error)
    sys.exit(code)


def _run() -> int | str | None:
    """The exit code of the command.

    Raises:
        OSError: its output cannot be written.
    """
    leaving = Leaving(_say, lambda: os._exit(ExitCode.INTERRUPTED))
    try:
        with _terminating(leaving):
            cli.main(prog_name="signal-harness", standalone_mode=False)
    except _ReaderGone as done:
        raise BrokenPipeError from done
    except SystemExit as done:
        # So does rich.
        if isinstance(done.__context__, BrokenPipeError):
            raise done.__context__ from None
        return done.code
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except (KeyboardInterrupt, click.Abort):
        return _interrupted(leaving)
    except HarnessError as error:
        _tell(error)
        return error.exit_code
    except Exception as error:
        # An interrupt in the middle of anything may leave it half made, and closing that fails.
        before: BaseException | None = error
        while not isinstance(before, KeyboardInterrupt):
            if before is None:
                raise
            before = before.__cause__ or before.__context__
        return _interrupted(leaving)
    return ExitCode.OK


def _interrupted(leaving: Leaving) -> ExitCode:
    with suppress(OSError):
        click.echo(f"signal-harness: {leaving.done()}", err=True)
    return ExitCode.INTERRUPTED


def _tell(error: HarnessError) -> None:
    from harness.report.style import printable

    click.echo(f"signal-harness: {printable(error.message)}", err=True)
    if error.remedy:
        click.echo(printable("\n".join(f"  {line}" for line in error.remedy.splitlines())), err=True)


def _end_as_a_broken_pipe_does() -> NoReturn:
    """End by SIGPIPE, as every tool does whose reader has enough; by now all has been cleared up."""
    os_signal.signal(os_signal.SIGPIPE, os_signal.SIG_DFL)
    os_signal.raise_signal(os_signal.SIGPIPE)
    os._exit(128 + os_signal.SIGPIPE)  # it was blocked


def _unwritable(error: OSError) -> ExitCode:
    """The exit code where output cannot be written; Python must not try it again as it ends.

    Raises:
        OSError: it is another failure.
    """
    if error.errno not in _OF_OUTPUT:
        raise error
    sys.stdout = None
    if error.errno == errno.EIO:
        # The terminal is gone: its window was closed in the middle of a screen (termios(3), hangup).
        sys.stderr = None
        return ExitCode.INTERRUPTED
    with suppress(OSError):
        click.echo(f"signal-harness: the output cannot be written: {error.strerror}", err=True)
    return ExitCode.USAGE
