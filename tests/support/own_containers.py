"""Containers that run anyway, as a reader of docs/audit.md may have them; then gone again."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

import docker
from docker.utils import kwargs_from_env

from harness.run.inbox import Inbox
from harness.run.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_OLD_S: Final = 3.0
"""How old a container has to be for ``audit`` to take it for ready."""

TRAPS: Final = ("perl", "-e", "$SIG{TERM} = sub { exit 0 }; sleep 1 while 1")
"""A program that handles SIGTERM, and whose runtime has no handler of its own."""

RUNNING: Final[Mapping[str, Mapping[str, Any]]] = {
    "my-web": {"image": "my/app", "stop_timeout": 3},
    "my-worker": {"image": "my/app", "command": ["tail", "-f", "/dev/null"], "host": {"init": True}},
    "my-api": {"image": "my/app", "command": ["node", "server.js"]},
    "my-queue": {"image": "my/app", "command": TRAPS},
}
"""Those of docs/audit.md, on the images of docs/your-own-image.md."""


@contextmanager
def own_containers(wanted: Mapping[str, Mapping[str, Any]]) -> Iterator[docker.APIClient]:
    """Have containers of these names, as docker-py creates them, and old enough; ``host`` is how the host is set up."""
    with closing(docker.APIClient(**kwargs_from_env(), version="auto")) as api:
        _remove(api, wanted)  # what a killed run left
        try:
            for name, how in wanted.items():
                how_else = {key: value for key, value in how.items() if key != "host"}
                host = api.create_host_config(network_mode="none", **how.get("host", {}))
                api.create_container(name=name, host_config=host, **how_else)
                api.start(name)
            until(lambda: None, timeout_s=_OLD_S, time=Inbox())
            yield api
        finally:
            _remove(api, wanted)


def _remove(api: docker.APIClient, names: Mapping[str, object]) -> None:
    for entry in api.containers(all=True):
        if any(name.removeprefix("/") in names for name in entry["Names"] or ()):
            api.remove_container(entry["Id"], force=True, v=True)
