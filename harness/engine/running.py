"""Containers that run anyway, looked at and left alone: only lists, inspections, /proc and ``docker top`` are read."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from harness.core.audit import Listed, Looked, Starting
from harness.core.errors import EngineFault
from harness.engine.client import our_errors
from harness.engine.containers import LABEL
from harness.engine.proc import proc_tree, seen_in_proc
from harness.engine.processes import settled, top_tree, with_wchan

if TYPE_CHECKING:
    from collections.abc import Sequence

    import docker

    from harness.core.process import Tree

_AT_ONCE: Final = 16
_GONE: Final = (404, 409)


def listed(api: docker.APIClient) -> tuple[Listed, ...]:
    """All containers, those that have ended too, by name."""
    with our_errors():
        entries = api.containers(all=True)
    found = (
        Listed(
            id=entry["Id"],
            # A container that others link to has names below theirs, too.
            name=min((entry.get("Names") or [entry["Id"]]), key=lambda name: name.count("/")).removeprefix("/"),
            image=entry["Image"],
            state=str(entry["State"]),
            ours=f"{LABEL}.run" in (entry.get("Labels") or {}),
        )
        for entry in entries
    )
    return tuple(sorted(found, key=lambda one: one.name))


def look(api: docker.APIClient, wanted: Sequence[Listed]) -> tuple[Looked, ...]:
    """Look at containers, several at once; those that have ended meanwhile are left out."""
    with our_errors():
        now = datetime.fromisoformat(api.info()["SystemTime"])
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        facts = dict(zip(wanted, pool.map(lambda one: _inspected(api, one.id), wanted), strict=True))
        ids = {found["Image"] for found in facts.values() if found is not None}
        images = dict(zip(ids, pool.map(lambda image: _image(api, image), ids), strict=True))
        looks = pool.map(lambda one: _look(api, one, facts[one], images, now), wanted)
        return tuple(one for one in looks if one is not None)


def _inspected(api: docker.APIClient, container_id: str) -> dict[str, Any] | None:
    """What the engine says of a container; ``None`` once it is gone."""
    with our_errors(but=_GONE):
        return dict(api.inspect_container(container_id))
    return None


def _image(api: docker.APIClient, image_id: str) -> Starting | None:
    with suppress(EngineFault), our_errors():
        return _starting(api.inspect_image(image_id)["Config"] or {})
    return None


def _look(
    api: docker.APIClient,
    one: Listed,
    facts: dict[str, Any] | None,
    images: dict[str, Starting | None],
    now: datetime,
) -> Looked | None:
    if facts is None:
        return None
    state, host, config = facts["State"], facts["HostConfig"], facts["Config"]
    pid = int(state["Pid"])
    here = bool(pid) and seen_in_proc(one.id, pid)
    tree = _tree(api, one.id, facts, here=here)
    if not tree:
        again = _inspected(api, one.id)
        if again is None or not (again["State"]["Running"] or again["State"].get("Restarting")):
            return None
    return Looked(
        listed=replace(one, state=str(state["Status"])),
        starting=_starting(config),
        stop_timeout=config.get("StopTimeout"),
        age_s=(now - datetime.fromisoformat(state["StartedAt"])).total_seconds(),
        init=bool(host.get("Init")),
        health=str((state.get("Health") or {}).get("Status", "")),
        restart=(host.get("RestartPolicy") or {}).get("Name", ""),
        removed=bool(host.get("AutoRemove")),
        shares_pids=bool(host.get("PidMode")),
        image=images[facts["Image"]],
        tree=tree,
        executables={process.pid: name for process in tree if here and (name := _executable(process.pid))},
    )


def _starting(config: dict[str, Any]) -> Starting:
    pairs = (pair.partition("=") for pair in config.get("Env") or ())
    entrypoint = config.get("Entrypoint") or ()
    return Starting(
        entrypoint=(entrypoint,) if isinstance(entrypoint, str) else tuple(entrypoint),
        command=tuple(config.get("Cmd") or ()),
        environment={name: value for name, _, value in pairs},
        user=config.get("User") or "",
        stop_signal=str(config.get("StopSignal") or ""),
    )


def _tree(api: docker.APIClient, container_id: str, facts: dict[str, Any], *, here: bool) -> Tree:
    """Sample a container's processes, in /proc if its PID 1 is ``here``; none once it is gone."""
    pid = int(facts["State"]["Pid"])
    if not pid:
        return ()
    started = (facts["Path"], *facts["Args"])
    if not here:
        tree = settled(lambda: top_tree(api, container_id, started))
        # One in the namespace of the host, or of another container, has not begun it.
        shared = bool(facts["HostConfig"].get("PidMode"))
        return tuple(replace(process, is_namespace_init=False) for process in tree) if shared else tree
    if os.geteuid() == 0:
        return settled(lambda: proc_tree(pid))
    return settled(lambda: with_wchan(proc_tree(pid), top_tree(api, container_id, started)))


def _executable(pid: int) -> str:
    """The name of the file that a process runs, whatever it calls itself; empty where that cannot be seen."""
    try:
        return Path(f"/proc/{pid}/exe").readlink().name
    except OSError:
        return ""
