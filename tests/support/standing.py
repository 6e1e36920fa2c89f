"""Containers that run anyway, as an audit finds them: recorded ones for tests without an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.core.audit import Listed, Looked, Starting
from tests.support.scripted import process

if TYPE_CHECKING:
    from harness.core.process import Tree

NODE = process(1, "node server.js", catches=("SIGINT", "SIGTERM", "SIGUSR1"))
SHELL: Tree = (
    process(1, "/bin/sh -c node server.js", catches=("SIGINT", "SIGCHLD"), wchan="do_wait"),
    process(7, "node server.js", parent=1, catches=("SIGINT", "SIGTERM", "SIGUSR1")),
)
SLEEP: Tree = (process(1, "sleep 1000", wchan="hrtimer_nanosleep"),)
NGINX: Tree = (process(1, "nginx: master process", catches=("SIGHUP", "SIGQUIT", "SIGTERM")),)


def standing(name: str, tree: Tree = SHELL, *, reference: str = "my/app", number: int = 1, **values: Any) -> Looked:
    """A container that runs for an hour; ``number`` tells ids apart."""
    state, ours = values.pop("state", "running"), values.pop("ours", False)
    starting = values.pop("starting", Starting(command=("node", "server.js")))
    return Looked(
        listed=Listed(id=f"{number:x}" * 64, name=name, image=reference, state=state, ours=ours),
        starting=starting,
        tree=tree,
        **{"stop_timeout": None, "age_s": 3600.0, "image": starting, **values},
    )
