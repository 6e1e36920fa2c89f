"""The command, as ``signal-harness`` and as ``python -m harness``.

What it is made of takes some tenths of a second to import, on a busy machine longer: Ctrl-C then ends it as later, too.
"""

from __future__ import annotations

import sys

_INTERRUPTED = 130
"""`harness.core.errors.ExitCode.INTERRUPTED`, which may not be there yet."""


def main() -> None:
    """Run the command."""
    try:
        from harness.cli import entry
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
    entry.main()


if __name__ == "__main__":
    main()
