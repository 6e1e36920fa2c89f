"""One build of an image: by BuildKit through the Engine API, else by the classic builder."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
import uuid
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message import DecodeError

from harness.core.errors import Abandoned, EngineFault, EngineUnavailable
from harness.engine.buildkit.messages import message_class
from harness.engine.buildkit.session import offered
from harness.engine.client import our_errors, stream
from harness.engine.creation import limits_cpus, share_of_cpus
from harness.engine.kinds import PODMAN, kind_of
from harness.engine.store import ImageStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import docker

    from harness.engine.buildkit.session import Offer

REPOSITORY: Final = "signal-harness"
_LAST_LINES: Final = 12
_SILENCE_S: Final = 900
_LONGEST_S: Final = 3600
_SHARE: Final = 0.75
"""How much of the machine a build may take."""

_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
_KILLED: Final = "while running runtime: signal: killed"
"""What Buildah says of a step that wanted too much memory, and now and then of one that had come to its end
(containers/podman#17918)."""


class Builder(StrEnum):
    """What builds images."""

    BUILDKIT = "BuildKit"
    CLASSIC = "classic"
    BUILDAH = "Buildah"


class Builds:
    """The builds under way on an engine, so that they can be given up; the classic builder ends its own all the same.

    ``abandoned`` says whether they were.
    """

    def __init__(self, api: docker.APIClient) -> None:
        self._api = api
        self._lock = threading.Lock()
        self._ids: set[str] = set()
        self.abandoned = False

    @contextmanager
    def one(self, params: dict[str, Any]) -> Iterator[None]:
        """A build with these parameters of the API, which get an id by which it can be cancelled.

        Raises:
            Abandoned: all have been given up.
        """
        build_id = uuid.uuid4().hex
        params["buildid"] = build_id
        with self._lock:
            if self.abandoned:
                raise Abandoned("builds have been given up")
            self._ids.add(build_id)
        try:
            yield
        finally:
            with self._lock:
                self._ids.discard(build_id)

    def abandon(self) -> None:
        """Give up those under way, and all that come (Engine API, ``POST /build/cancel``)."""
        with self._lock:
            self.abandoned = True
            ids = tuple(self._ids)
        for build_id in ids:
            self.cancel(build_id)

    def cancel(self, build_id: str) -> None:
        """Give up one."""
        with suppress(EngineFault, EngineUnavailable), our_errors():
            self._api.post(f"{self._api.base_url}/v{self._api.api_version}/build/cancel", params={"id": build_id})


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """What is built.

    ``archive`` gives the context in a tar archive, with the Dockerfile of that name in it. With an ``offer``, BuildKit
    gets that instead: a Dockerfile that is not in its context.
    """

    archive: Callable[[], bytes | Iterable[bytes]]
    dockerfile: str
    offer: Offer | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)
    target: str | None = None
    platform: str | None = None


def build(
    api: docker.APIClient,
    tag: str,
    recipe: Recipe,
    *,
    name: str,
    pull: bool = False,
    silence_s: float = _SILENCE_S,
    longest_s: float = _LONGEST_S,
    under_way: Builds | None = None,
) -> None:
    """Build an image, within bounds, as far as the builder has any: see `bounds`.

    Args:
        api: the engine.
        tag: what it gets.
        recipe: what is built.
        name: what is said of it where it is given up, and the image's label.
        pull: whether a registry is asked for newer images that it is built on.
        silence_s: how many seconds the builder may be silent.
        longest_s: how many it may take at all.
        under_way: may give it up.

    Raises:
        Abandoned: it was given up.
        EngineFault: it does not build; the message ends with the builder's last lines.
    """
    builder = builder_of(api)
    params: dict[str, Any] = {
        "t": tag,
        "dockerfile": recipe.dockerfile,
        "buildargs": json.dumps(dict(recipe.arguments)),
        "labels": json.dumps({f"{REPOSITORY}.variant": name}),
        "rm": True,
        "forcerm": True,
        "target": recipe.target or None,
        "platform": recipe.platform,
        "pull": True if pull else None,
        "version": "2" if builder is Builder.BUILDKIT else None,
    }
    if builder is not Builder.BUILDKIT:
        with our_errors():
            params |= bounds(api.info())
    builds = under_way or Builds(api)
    one = _Build(api, builds, params, name=name, silence_s=silence_s, longest_s=longest_s)
    offer = recipe.offer if builder is Builder.BUILDKIT else None
    if offer is None or not one.offered(offer):
        one.sent(recipe.archive, again=builder is Builder.BUILDAH)
    if ImageStore(api).inspect(tag) is None:
        raise one.failed(EngineFault("the builder ended without an image"))


class _Build:
    """One build, in each way in which it may be asked for."""

    def __init__(
        self,
        api: docker.APIClient,
        builds: Builds,
        params: Mapping[str, Any],
        *,
        name: str,
        silence_s: float,
        longest_s: float,
    ) -> None:
        self._api = api
        self._builds = builds
        self._params = params
        self._name = name
        self._silence_s = silence_s
        self._longest_s = longest_s
        self._last: deque[str] = deque(maxlen=_LAST_LINES)

    def sent(self, archive: Callable[[], bytes | Iterable[bytes]], *, again: bool) -> None:
        """Build what is sent; once ``again`` where a step was killed.

        Raises:
            EngineFault: it does not build.
        """
        try:
            self._run({}, data=archive(), headers={"Content-Type": "application/x-tar"})
        except EngineFault as fault:
            if not again or _KILLED not in fault.message:
                raise self.failed(fault) from fault
            self._last.clear()
            self.sent(archive, again=False)

    def offered(self, offer: Offer) -> bool:
        """Build what is offered; whether the engine has taken it over.

        Raises:
            EngineFault: it has, and it does not build.
        """
        with offered(self._api, offer) as session:
            if session is None:
                return False
            more = {"remote": "client-session", "session": session.id, "dockerfile": offer.dockerfile}
            try:
                self._run(more)
            except EngineFault as fault:
                if session.served or self._builds.abandoned:
                    raise self.failed(fault) from fault
                self._last.clear()
                return False
        return True

    def failed(self, fault: EngineFault) -> EngineFault | Abandoned:
        """What to say of it."""
        if self._builds.abandoned:
            return Abandoned(f"the build of {self._name} was given up")
        return EngineFault("\n  ".join([fault.message.strip(), *self._last]))

    def _run(self, more: Mapping[str, Any], **request: Any) -> None:
        params = {**self._params, **more}
        ends_s = time.monotonic() + self._longest_s
        with self._builds.one(params), our_errors():
            for message in stream(self._api, "build", params=params, timeout=self._silence_s, **request):
                self._last += (_COLOUR.sub("", line) for line in _lines(message) if line.strip())
                if time.monotonic() > ends_s:
                    self._builds.cancel(params["buildid"])
                    raise EngineFault(f"it has taken more than {self._longest_s / 60:g} min, and was given up")


def bounds(info: Mapping[str, Any]) -> dict[str, int]:
    """The parameters of the API that leave a quarter of the machine to others, as far as an engine can limit that.

    The classic builder and Buildah take them (Engine API, ``POST /build``); BuildKit takes none of them, and no builder
    takes a limit of processes.

    Args:
        info: its answer to ``info``.
    """
    found: dict[str, int] = {}
    if limits_cpus(info):
        share = share_of_cpus(_SHARE * int(info["NCPU"]))
        found |= {"cpuperiod": share["cpu_period"], "cpuquota": share["cpu_quota"]}
        if info.get("MemoryLimit"):
            found["memory"] = int(_SHARE * int(info["MemTotal"]))
    return found


def _lines(message: dict[str, Any]) -> list[str]:
    if message.get("id") == "moby.buildkit.trace":
        return _log_text(message["aux"]).splitlines()
    return str(message.get("stream") or "").splitlines()


def _log_text(trace: str) -> str:
    """The output of build steps in one ``moby.buildkit.trace`` (protobuf in base64); empty if it cannot be read."""
    try:
        status = message_class("StatusResponse").FromString(base64.b64decode(trace))
    except (DecodeError, ValueError):
        return ""
    return b"".join(log.msg for log in status.logs).decode("utf-8", "replace")


def builder_of(api: docker.APIClient) -> Builder:
    """The builder that the engine's API offers.

    Its ping says so (moby, API 1.38 and newer). Engines from 18.09 on (API 1.39) have BuildKit even where the CLI's
    default is the classic builder. Podman has its own, whatever is asked for.
    """
    with our_errors():
        if kind_of(api.version()) is PODMAN:
            return Builder.BUILDAH
        answer = api.get(f"{api.base_url}/_ping", timeout=10)
    major, minor = map(int, str(api.api_version).split(".")[:2])
    new = answer.headers.get("Builder-Version") == "2" or (major, minor) >= (1, 39)
    return Builder.BUILDKIT if new else Builder.CLASSIC
