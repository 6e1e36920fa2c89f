"""Variants to images: BuildKit through the Engine API, the classic builder where there is none; tagged by content."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

from docker.errors import ImageNotFound

from harness.core.errors import EngineFault
from harness.core.facts import StartCommand
from harness.engine.buildkit import log_text
from harness.engine.client import messages, our_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    import docker

    from harness.core.subject import Variant

REPOSITORY: Final = "signal-harness"
_DOCKERFILE: Final = ".signal-harness.Dockerfile"
_LAST_LINES: Final = 12
_TIMEOUT_S: Final = 900
_UNSET: Final = re.compile(r"\x1b\[[0-9;]*m")


class Images:
    """The images of a catalogue's variants, each built at most once and reused by content.

    Args:
        api: the engine.
        folder: the catalogue's folder.
        context: the build context.
        base_image: gives a base's image, as something that ``FROM`` can name, and its id.
        on_build: called with base, variant and ``begins`` or ``ends`` when a build begins and ends.
        jobs: how many builds at once.
    """

    def __init__(
        self,
        api: docker.APIClient,
        *,
        folder: Path,
        context: Path,
        base_image: Callable[[str], tuple[str, str]],
        on_build: Callable[[str, Variant, str], None],
        jobs: int,
    ) -> None:
        self._api = api
        self._folder = folder
        self._context = _pack(context)
        self._base_image = base_image
        self._on_build = on_build
        self._pool = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="build")
        self._futures: dict[tuple[str, str], Future[str]] = {}
        self._starts: dict[str, StartCommand] = {}
        self._lock = Lock()
        self.builder = self.builder_of(api)

    @staticmethod
    def builder_of(api: docker.APIClient) -> str:
        """The name of the builder that the engine's API offers: ``BuildKit`` or ``classic``."""
        return "BuildKit" if _has_buildkit(api) else "classic"

    def __enter__(self) -> Images:
        """Give itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Drop builds that wait, and wait for those under way."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def prepare(self, wanted: Iterable[tuple[str, Variant]]) -> list[Future[str]]:
        """Start getting images, the first ones first."""
        return [self._future(base, variant) for base, variant in wanted]

    def image_of(self, base: str, variant: Variant) -> str:
        """The image of a variant on a base, waiting for its build.

        Raises:
            EngineFault: it does not build; the message ends with the builder's last lines.
            EngineUnavailable: the engine went away.
        """
        return self._future(base, variant).result()

    def digest_of(self, variant: Variant) -> str:
        """What makes a variant what it is on any base, as a digest: its Dockerfile, stage and options, and the app."""
        options = (variant.target, variant.init, variant.entrypoint, variant.command)
        content = self._folder.joinpath(variant.dockerfile).read_bytes() + hashlib.sha256(self._context).digest()
        return hashlib.sha256(repr(options).encode() + content).hexdigest()[:12]

    def start_of(self, image: str) -> StartCommand:
        """What an image starts.

        Raises:
            EngineFault: the engine does not know it.
            EngineUnavailable: the engine went away.
        """
        if image not in self._starts:
            with our_errors():
                config = self._api.inspect_image(image).get("Config") or {}
            self._starts[image] = StartCommand(
                entrypoint=tuple(config.get("Entrypoint") or ()),
                command=tuple(config.get("Cmd") or ()),
                stop_signal=config.get("StopSignal") or None,
            )
        return self._starts[image]

    def _future(self, base: str, variant: Variant) -> Future[str]:
        with self._lock:
            key = (base, variant.name)
            if key not in self._futures:
                self._futures[key] = self._pool.submit(self._get, base, variant)
            return self._futures[key]

    def _get(self, base: str, variant: Variant) -> str:
        base_reference, base_id = self._base_image(base)
        dockerfile = self._folder.joinpath(variant.dockerfile).read_bytes()
        content = "\0".join((base_id, variant.target or "", self.builder)).encode()
        digest = hashlib.sha256(content + dockerfile + hashlib.sha256(self._context).digest()).hexdigest()
        tag = f"{REPOSITORY}/{variant.name}:{digest[:16]}"
        if _exists(self._api, tag):
            return tag
        self._on_build(base, variant, "begins")
        try:
            self._build(tag, variant, base_reference, dockerfile)
        finally:
            self._on_build(base, variant, "ends")
        return tag

    def _build(self, tag: str, variant: Variant, base: str, dockerfile: bytes) -> None:
        params: dict[str, Any] = {
            "t": tag,
            "dockerfile": _DOCKERFILE,
            "buildargs": f'{{"BASE": "{base}"}}',
            "labels": f'{{"{REPOSITORY}.variant": "{variant.name}"}}',
            "rm": True,
            "forcerm": True,
        }
        if variant.target:
            params["target"] = variant.target
        if self.builder == "BuildKit":
            params["version"] = "2"
        url = f"{self._api.base_url}/v{self._api.api_version}/build"
        said: list[str] = []
        with our_errors():
            answer = self._api.post(
                url,
                params=params,
                data=_with_file(self._context, _DOCKERFILE, dockerfile),
                headers={"Content-Type": "application/x-tar"},
                stream=True,
                timeout=_TIMEOUT_S,
            )
            if not answer.ok:
                raise EngineFault(f"{variant.dockerfile} does not build: {answer.json().get('message', answer.text)}")
            for message in messages(answer):
                if error := message.get("errorDetail") or message.get("error"):
                    text = error["message"] if isinstance(error, dict) else str(error)
                    raise EngineFault(_failure(variant, text, said))
                said += _lines(message)
        if not _exists(self._api, tag):
            raise EngineFault(_failure(variant, "the builder ended without an image", said))


def remove_images(api: docker.APIClient) -> int:
    """Remove all images of ours that no container uses; how many they were."""
    with our_errors():
        tags = [
            tag for image in api.images() for tag in image.get("RepoTags") or () if tag.startswith(f"{REPOSITORY}/")
        ]
        for tag in tags:
            api.remove_image(tag, force=False)
    return len(tags)


def _failure(variant: Variant, error: str, said: list[str]) -> str:
    tail = [_UNSET.sub("", line) for line in said if line.strip()][-_LAST_LINES:]
    return "\n".join([f"{variant.dockerfile} does not build: {error.strip()}", *(f"  {line}" for line in tail)])


def _lines(message: dict[str, Any]) -> list[str]:
    if message.get("id") == "moby.buildkit.trace":
        return log_text(message["aux"]).splitlines()
    return str(message.get("stream") or "").splitlines()


def _has_buildkit(api: docker.APIClient) -> bool:
    """Ask which builder the engine's API offers: its ping says so (moby, API 1.38 and newer)."""
    with our_errors():
        answer = api.get(f"{api.base_url}/_ping", timeout=10)
        return answer.headers.get("Builder-Version") == "2" or _since_buildkit(api)


def _since_buildkit(api: docker.APIClient) -> bool:
    """Engines from 18.09 on have BuildKit even where the CLI's default is the classic builder; Podman ignores it."""
    major, minor = (int(part) for part in str(api.api_version).split(".")[:2])
    return (major, minor) >= (1, 39)


def _exists(api: docker.APIClient, tag: str) -> bool:
    with our_errors():
        try:
            api.inspect_image(tag)
        except ImageNotFound:
            return False
    return True


def _pack(context: Path) -> bytes:
    """A folder as a tar archive that depends on names, run bits and content alone.

    In GNU's format: an archive that begins with a PAX header is taken for a lone Dockerfile by BuildKit.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted(context.rglob("*")):
            if path.is_file() and "node_modules" not in path.relative_to(context).parts:
                info = tarfile.TarInfo(path.relative_to(context).as_posix())
                info.size = path.stat().st_size
                info.mode = 0o755 if path.stat().st_mode & 0o100 else 0o644
                with path.open("rb") as file:
                    tar.addfile(info, file)
    return buffer.getvalue()


def _with_file(archive: bytes, name: str, content: bytes) -> bytes:
    buffer = io.BytesIO(archive)
    with tarfile.open(fileobj=buffer, mode="a") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
