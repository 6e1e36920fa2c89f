"""A mount as ``docker run`` reads it from ``--volume``. Text in, text out; pure.

Sources: docker-run(1), ``--volume``; docker/cli, cli/command/container/opts.go, for a path that begins with a dot;
moby/moby, volume/mounts/linux_parser.go, for what a specification is.
"""

from __future__ import annotations

import posixpath
import re
from typing import Final

from harness.core.errors import UsageError

_MOST_PARTS: Final = 3
_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
_REMEDY: Final = (
    "For instance: --volume ./data:/data, or --volume /etc/app:/etc/app:ro, or --volume name:/data for a named volume."
)


def volume(text: str, *, here: str) -> str:
    """A mount, ``SRC:DST[:OPTIONS]`` or ``DST``, with its source from the root where it begins with a dot.

    Args:
        text: what stands behind ``--volume``.
        here: the folder that a relative path counts from.

    Raises:
        UsageError: it is not a mount.
    """
    parts = text.split(":")
    if len(parts) > _MOST_PARTS or not all(parts):
        raise UsageError(f"--volume {text!r} is not SRC:DST or SRC:DST:OPTIONS", remedy=_REMEDY)
    place = parts[1] if parts[1:] else parts[0]
    if not place.startswith("/"):
        what = f"{place!r} has to be a path in the container that begins with /"
        raise UsageError(f"--volume {text!r}: {what}", remedy=_REMEDY)
    if not parts[1:]:
        return text
    source = posixpath.normpath(posixpath.join(here, parts[0])) if parts[0].startswith(".") else parts[0]
    if not source.startswith("/") and _NAME.fullmatch(source) is None:
        what = f"{source!r} is neither a path that begins with / or . nor the name of a volume"
        raise UsageError(f"--volume {text!r}: {what}", remedy=_REMEDY)
    return ":".join([source, *parts[1:]])
