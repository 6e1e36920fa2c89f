"""Variants to images, tagged by content: by BuildKit through the Engine API, else by the classic builder."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import re
import tarfile
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from threading import Lock
from typing import IO, TYPE_CHECKING, Any, Final

from docker.utils.build import exclude_paths
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from harness.core import base_image
from harness.core.baseline import BASELINES
from harness.core.catalogue import FILE_NAME
from harness.core.errors import EngineFault
from harness.core.subject import Built, Given
from harness.engine.client import our_errors, stream
from harness.engine.store import ImageStore, start_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    import docker

    from harness.core.catalogue import Variant
    from harness.core.facts import StartCommand
    from harness.core.subject import Subject

REPOSITORY: Final = "signal-harness"
DOCKERFILE: Final = ".signal-harness.Dockerfile"
"""The name of a Dockerfile that is not in its build context."""

_LAST_LINES: Final = 12
_AS_THEY_ARE: Final = "surrogateescape"
"""How bytes that are not UTF-8 come through."""

_TIMEOUT_S: Final = 900
_OF_CATALOGUE: Final = re.compile(
    rf"({re.escape(FILE_NAME)}|{BASELINES}/[^/]*\.json|Dockerfile|[^/]*\.Dockerfile|Dockerfile\.[^/]*)\Z"
)
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")


class Images:
    """A catalogue's images, each built once and reused by content; see `OpenEngine.images` and `VariantImages`."""

    def __init__(
        self,
        api: docker.APIClient,
        *,
        folder: Path,
        context: Path,
        base_image: Callable[[str], tuple[str, str]],
        on_build: Callable[[Subject, bool], None],
        jobs: int,
    ) -> None:
        self._api = api
        self._store = ImageStore(api)
        self._folder = folder
        self._context = _pack(context, folder)
        self._base_image = base_image
        self._on_build = on_build
        self._pool = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="build")
        self._futures: dict[tuple[str | None, str], Future[str]] = {}
        self._starts: dict[str, StartCommand] = {}
        self._lock = Lock()
        self._builder = builder_of(api)

    def __enter__(self) -> Images:
        return self

    def __exit__(self, *_: object) -> None:
        """Drop builds that have not begun, and wait for those under way."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def prepare(self, subjects: Iterable[Subject]) -> list[Future[str]]:
        """Start getting images, the first ones first."""
        return [self._future(subject) for subject in subjects]

    def image_of(self, subject: Subject) -> str:
        """The image of a subject, waiting for its build."""
        return self._future(subject).result()

    def digest_of(self, variant: Variant) -> str:
        """The digest of what makes a variant what it is on any base: its Dockerfile, stage and options, and the app."""
        launch = variant.launch
        options: tuple[object, ...] = (variant.target, launch.init, launch.entrypoint, launch.command)
        more = (launch.environment, launch.user, launch.stop_signal, launch.stop_timeout, launch.volumes)
        options += more if any(more) else ()
        content = self._folder.joinpath(variant.dockerfile).read_bytes() + hashlib.sha256(self._context).digest()
        return hashlib.sha256(repr(options).encode() + content).hexdigest()[:12]

    def start_of(self, image: str) -> StartCommand:
        """What an image starts."""
        if image not in self._starts:
            with our_errors():
                config = self._api.inspect_image(image).get("Config") or {}
            self._starts[image] = start_command(config)
        return self._starts[image]

    def _future(self, subject: Subject) -> Future[str]:
        key = (subject.base, subject.name)
        with self._lock:
            if key not in self._futures:
                self._futures[key] = self._pool.submit(self._get, subject)
            return self._futures[key]

    def _get(self, subject: Subject) -> str:
        built = subject.image
        if isinstance(built, Given):
            return built.reference
        if not isinstance(built, Built):
            raise TypeError(f"{subject.name} is not an image of a catalogue")
        base, base_id = self._base_image(built.base)
        text = self._folder.joinpath(built.dockerfile).read_bytes().decode(errors=_AS_THEY_ARE)
        template = base_image.template(text, place=built.dockerfile, target=built.target)
        dockerfile = template.on(base).encode(errors=_AS_THEY_ARE)
        content = "\0".join((base_id, built.target or "", self._builder)).encode()
        digest = hashlib.sha256(content + dockerfile + hashlib.sha256(self._context).digest()).hexdigest()
        tag = f"{REPOSITORY}/{subject.name}:{digest[:16]}"
        if self._store.inspect(tag) is None:
            self._on_build(subject, True)
            try:
                build(
                    self._api,
                    tag,
                    data=_with_file(self._context, DOCKERFILE, dockerfile),
                    dockerfile=DOCKERFILE,
                    name=subject.name,
                    arguments=template.arguments(base),
                    target=built.target,
                )
            except EngineFault as fault:
                raise EngineFault(f"{built.dockerfile} does not build: {fault.message}") from fault
            finally:
                self._on_build(subject, False)
        self._check(tag, built, base_id)
        return tag

    def _check(self, tag: str, built: Built, base_id: str) -> None:
        """Refuse an image whose layers are not put on its base's: its results would stand under another one's facts.

        An image is known by its layers, the lowest first (OCI image specification, ``rootfs.diff_ids``).
        """
        layers, below = (_layers(self._store.inspect(reference)) for reference in (tag, base_id))
        if layers[: len(below)] != below:
            raise EngineFault(f"{built.dockerfile} was built, but not on {built.base}")


def build(
    api: docker.APIClient,
    tag: str,
    *,
    data: bytes | IO[bytes],
    dockerfile: str,
    name: str,
    arguments: Mapping[str, str] | None = None,
    target: str | None = None,
    platform: str | None = None,
    pull: bool = False,
    timeout_s: float = _TIMEOUT_S,
) -> None:
    """Build an image from a context in a tar archive; ``timeout_s`` is how long the builder may be silent.

    With ``pull``, a registry is asked for newer images that it is built on.

    Raises:
        EngineFault: it does not build; the message ends with the builder's last lines.
    """
    request = {
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
    try:
        with our_errors():
            for message in stream(api, "build", **request):
                output += _lines(message)
        if ImageStore(api).inspect(tag) is None:
            raise EngineFault("the builder ended without an image")
    except EngineFault as fault:
        tail = [_COLOUR.sub("", line) for line in output if line.strip()][-_LAST_LINES:]
        raise EngineFault("\n  ".join([fault.message.strip(), *tail])) from fault


def remove_images(api: docker.APIClient) -> int:
    """Remove all images of ours that no container uses, and return their number."""
    tags = [tag for tag in ImageStore(api).tags() if tag.startswith(f"{REPOSITORY}/")]
    with our_errors():
        for tag in tags:
            api.remove_image(tag, force=False)
    return len(tags)


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


def _layers(image: dict[str, Any] | None) -> list[str]:
    return list(((image or {}).get("RootFS") or {}).get("Layers") or ())


def _pack(context: Path, folder: Path) -> bytes:
    """A build context as a tar archive that depends on names, run bits and content only.

    ``.dockerignore`` is honoured. What makes ``folder`` a catalogue is no part of the apps there, which do not change
    with it: the file itself, its baselines, the Dockerfiles.

    In GNU's format: an archive that begins with a PAX header is taken for a lone Dockerfile by BuildKit.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted(context / name for name in exclude_paths(str(context), ignored(context / ".dockerignore"))):
            if path.is_file() and not _OF_CATALOGUE.match(os.path.relpath(path, folder)):
                mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
                _add(tar, path.relative_to(context).as_posix(), path.read_bytes(), mode)
    return buffer.getvalue()


def ignored(file: Path) -> list[str]:
    """The patterns of a ``.dockerignore`` file (Dockerfile reference, ".dockerignore files"); none if it is missing."""
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.is_file() else []
    return [pattern for line in lines if (pattern := line.strip()) and not pattern.startswith("#")]


def _with_file(archive: bytes, name: str, content: bytes) -> bytes:
    buffer = io.BytesIO(archive)
    with tarfile.open(fileobj=buffer, mode="a") as tar:
        _add(tar, name, content)
    return buffer.getvalue()


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))
