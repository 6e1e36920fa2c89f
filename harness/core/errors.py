"""The failures a user can do something about, each with its exit code and next step.

A fault of the harness itself is never a finding about a container: it is one of these, or a cell that is
``untested`` with the reason.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command and, where pytest has none of its own, of the plugin."""

    OK = 0
    DIFFERS = 1
    USAGE = 2
    UNAVAILABLE = 3
    UNTESTED = 4
    INTERRUPTED = 130


class HarnessError(Exception):
    """A failure to show to the user as it is, without a traceback.

    Args:
        message: what is wrong, one sentence.
        remedy: what to do next; may hold several lines, one command each.
    """

    exit_code = ExitCode.UNAVAILABLE

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class UsageError(HarnessError):
    """The user's input cannot be used: an unknown name, a malformed file, an unwritable path."""

    exit_code = ExitCode.USAGE


class EngineUnavailable(HarnessError):
    """No container engine answers, or it went away."""


class BaseUnavailable(HarnessError):
    """A base image cannot be had, or cannot carry the catalogue's variants."""


class EngineFault(HarnessError):
    """The engine refused or failed one request; the run it belongs to is ``untested``."""


class Disturbed(EngineFault):
    """The engine, or the connection to it, failed in the middle of a run, which tells nothing: it is made again."""


class Abandoned(HarnessError):
    """A run that was given up while it was under way; of its cell nothing is said."""
