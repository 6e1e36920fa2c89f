"""One build of an image: by BuildKit through the Engine API, else by the classic builder."""

from __future__ import annotations

import base64
import json
import re
import threading
import uuid
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from harness.core.errors import Abandoned, EngineFault, EngineUnavailable
from harness.engine.client import our_errors, stream
from harness.engine.store import ImageStore

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import docker

REPOSITORY: Final = "signal-harness"
_LAST_LINES: Final = 12
_TIMEOUT_S: Final = 900
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")


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
            with suppress(EngineFault, EngineUnavailable), our_errors():
                self._api.post(f"{self._api.base_url}/v{self._api.api_version}/build/cancel", params={"id": build_id})


def build(
    api: docker.APIClient,
    tag: str,
    *,
    data: bytes | Iterable[bytes],
    dockerfile: str,
    name: str,
    arguments: Mapping[str, str] | None = None,
    target: str | None = None,
    platform: str | None = None,
    pull: bool = False,
    timeout_s: float = _TIMEOUT_S,
    under_way: Builds | None = None,
) -> None:
    """Build an image from a context in a tar archive; ``timeout_s`` is how long the builder may be silent.

    With ``pull``, a registry is asked for newer images that it is built on. ``under_way`` may give it up.

    Raises:
        Abandoned: it was given up.
        EngineFault: it does not build; the message ends with the builder's last lines.
    """
    request: dict[str, Any] = {
        "params": {
            "t": tag,
            "dockerfile": dockerfile,
            "buildargs": json.dumps(dict(arguments or {})),
            "labels": json.dumps({f"{REPOSITORY}.variant": name}),
            "rm": True,
            "forcerm": True,
            "target": target or None,
            "platform": platform,
            "pull": True if pull else None,
            "version": "2" if builder_of(api) == "BuildKit" else None,
        },
        "data": data,
        "headers": {"Content-Type": "application/x-tar"},
        "timeout": timeout_s,
    }
    output: list[str] = []
    builds = under_way or Builds(api)
    try:
        with builds.one(request["params"]), our_errors():
            for message in stream(api, "build", **request):
                output += _lines(message)
        if ImageStore(api).inspect(tag) is None:
            raise EngineFault("the builder ended without an image")
    except EngineFault as fault:
        if builds.abandoned:
            raise Abandoned(f"the build of {name} was given up") from fault
        tail = [_COLOUR.sub("", line) for line in output if line.strip()][-_LAST_LINES:]
        raise EngineFault("\n  ".join([fault.message.strip(), *tail])) from fault


def _lines(message: dict[str, Any]) -> list[str]:
    if message.get("id") == "moby.buildkit.trace":
        return _log_text(message["aux"]).splitlines()
    return str(message.get("stream") or "").splitlines()


def _log_text(trace: str) -> str:
    """The output of build steps in one ``moby.buildkit.trace`` (protobuf in base64); empty if it cannot be read."""
    try:
        status = _status_class().FromString(base64.b64decode(trace))
    except (DecodeError, ValueError):
        return ""
    return b"".join(log.msg for log in status.logs).decode("utf-8", "replace")


@cache
def _status_class() -> Any:
    """``StatusResponse.logs`` and ``VertexLog.msg`` of moby/buildkit's api/services/control/control.proto."""
    file = descriptor_pb2.FileDescriptorProto(name="signal_harness/buildkit.proto", package="signal_harness")
    field = descriptor_pb2.FieldDescriptorProto
    log = file.message_type.add(name="VertexLog")
    log.field.add(name="msg", number=4, type=field.TYPE_BYTES, label=field.LABEL_OPTIONAL)
    status = file.message_type.add(name="StatusResponse")
    logs = status.field.add(name="logs", number=3, type=field.TYPE_MESSAGE, label=field.LABEL_REPEATED)
    logs.type_name = ".signal_harness.VertexLog"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("signal_harness.StatusResponse"))


def builder_of(api: docker.APIClient) -> str:
    """The builder that the engine's API offers: ``BuildKit`` or ``classic``.

    Its ping says so (moby, API 1.38 and newer). Engines from 18.09 on (API 1.39) have BuildKit even where the CLI's
    default is the classic builder; Podman ignores it.
    """
    with our_errors():
        answer = api.get(f"{api.base_url}/_ping", timeout=10)
    major, minor = map(int, str(api.api_version).split(".")[:2])
    return "BuildKit" if answer.headers.get("Builder-Version") == "2" or (major, minor) >= (1, 39) else "classic"
