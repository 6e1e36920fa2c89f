"""The command, as ``signal-harness`` and as ``python -m harness``.

What it is made of takes some tenths of a second to import, on a busy machine longer: Ctrl-C then ends it as later, too.
"""

from __future__ import annotations

import os
import signal

_INTERRUPTED = 130
"""`harness.core.errors.ExitCode.INTERRUPTED`, which may not be there yet."""


def main() -> None:
    """Run the command."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        # Nothing has been made yet, and an exception may get lost in the middle of imports.
        signal.signal(signal.SIGINT, lambda *_: os._exit(_INTERRUPTED))
    from harness.cli import entry

    entry.main()


if __name__ == "__main__":
    main()
