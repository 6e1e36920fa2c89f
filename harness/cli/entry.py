"""The command itself: its commands put together, and how every failure ends."""

from __future__ import annotations

import errno
import signal as os_signal
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from harness.cli import baseline, bisect, demo, diff, lab, listing, machine, report, run
from harness.cli.help import EXIT_CODES, Group
from harness.core.errors import ExitCode, HarnessError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SECTIONS: Final = {
    "Matrix": (run.run, run.explain, listing.list_variants),
    "Compare and record": (baseline.baseline, diff.diff, bisect.bisect, report.report),
    "Workshop": (demo.demo, lab.lab),
    "Machine": (machine.bases, machine.engine, machine.doctor, machine.clean, machine.completion),
}


@click.group(
    cls=Group,
    sections=_SECTIONS,
    examples=[
        "signal-harness run",
        "signal-harness run --base node:24-alpine --variant 'npm-*' --signal TERM",
        "signal-harness explain local:debian12-node24 npm-start SIGTERM",
        "signal-harness diff node:22-alpine node:24-alpine",
        "signal-harness doctor",
    ],
    tables=[EXIT_CODES],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="signal-harness", message="%(prog)s %(version)s")
def cli() -> None:
    """Find out what a signal really does in a container, with evidence.

    Builds every variant of a catalogue of Dockerfiles on every base, starts a fresh container for each signal, sends
    it with `docker kill`, and shows what arrived.
    """


@contextmanager
def _terminating() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end a run as Ctrl-C does, so that it clears up; no further one disturbs that.

    What is ignored as we start, as in the background of a script or under nohup, stays so.
    """
    before: dict[int, Callable[..., Any] | int | None] = {
        number: handler
        for number in (os_signal.SIGINT, os_signal.SIGTERM, os_signal.SIGHUP)
        if (handler := os_signal.getsignal(number)) is not os_signal.SIG_IGN
    }

    def interrupt(*_: object) -> NoReturn:
        for number in before:
            os_signal.signal(number, os_signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in before:
        os_signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            os_signal.signal(number, handler)


def main() -> None:
    """Run the command; every expected failure ends with its message, next step and exit code."""
    try:
        with _terminating():
            cli.main(prog_name="signal-harness", standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.USAGE)
    except (KeyboardInterrupt, click.Abort):
        with suppress(OSError):
            click.echo("signal-harness: interrupted; what was under way has been cleared up", err=True)
        sys.exit(ExitCode.INTERRUPTED)
    except HarnessError as error:
        from harness.report.style import printable

        click.echo(f"signal-harness: {printable(error.message)}", err=True)
        if error.remedy:
            click.echo(printable("\n".join(f"  {line}" for line in error.remedy.splitlines())), err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output has enough; Python must not complain about it at exit.
        sys.stdout = None
        sys.exit(ExitCode.OK)
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        # The terminal is gone: its window was closed in the middle of a screen (termios(3), hangup).
        sys.stdout = sys.stderr = None
        sys.exit(ExitCode.INTERRUPTED)
