"""What the official Node images have around Node: a user, an entrypoint script and the image's settings."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from harness.local_bases.rootfs import PROGRAM_MODE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.local_bases.rootfs import Rootfs

_NODE_ID: Final = 1000
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_ENTRYPOINT: Final = """\
#!/bin/sh
# Becomes its arguments. An option, a name that is no command, or a file that cannot be run is for node.
set -e

case "$1" in
-*) wants_node=yes ;;
*)
    if ! command -v "$1" >/dev/null 2>&1; then
        wants_node=yes
    elif [ -f "$1" ] && [ ! -x "$1" ]; then
        # dash finds files that nobody may run
        wants_node=yes
    else
        wants_node=no
    fi
    ;;
esac

if [ "$wants_node" = yes ]; then
    set -- node "$@"
fi

exec "$@"
"""


def accounts(shell: str) -> dict[str, str]:
    """The lines for user and group ``node`` by file; the official images have Bash on Debian, sh on musl."""
    return {
        "etc/passwd": f"node:x:{_NODE_ID}:{_NODE_ID}::/home/node:{shell}\n",
        "etc/group": f"node:x:{_NODE_ID}:\n",
        "etc/shadow": "node:!:::::::\n",
        "etc/gshadow": "node:!::\n",
    }


def add_surroundings(rootfs: Rootfs) -> None:
    """Add the home directory of ``node`` and the entrypoint script."""
    rootfs.directory("home/node", owner=_NODE_ID)
    rootfs.file("usr/local/bin/docker-entrypoint.sh", _ENTRYPOINT.encode(), mode=PROGRAM_MODE)


def settings(*, node: str, labels: Mapping[str, str]) -> list[str]:
    """The image's settings as Dockerfile instructions; no STOPSIGNAL and no USER, as in the official images."""
    return [
        f"ENV PATH={_PATH}",
        f"ENV NODE_VERSION={node}",
        f"ENTRYPOINT {json.dumps(['docker-entrypoint.sh'])}",
        f"CMD {json.dumps(['node'])}",
        *(f"LABEL {name}={json.dumps(value)}" for name, value in labels.items()),
    ]
