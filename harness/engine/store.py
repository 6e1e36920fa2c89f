"""The images on a Docker engine, for code that makes images itself."""

from __future__ import annotations

import json
from typing import IO, TYPE_CHECKING, Any

from docker.errors import ImageNotFound

from harness.core.errors import EngineFault
from harness.core.facts import StartCommand
from harness.engine.client import our_errors
from harness.engine.kinds import kind_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import docker


def start_command(config: Mapping[str, Any]) -> StartCommand:
    """What an image starts, by the engine's view of its configuration."""
    return StartCommand(
        entrypoint=tuple(config.get("Entrypoint") or ()),
        command=tuple(config.get("Cmd") or ()),
        stop_signal=config.get("StopSignal") or None,
    )


def platform_of(image: Mapping[str, Any]) -> str:
    """What an image is made for, by the engine's view of it: ``linux/amd64``."""
    return "/".join(str(part) for key in ("Os", "Architecture", "Variant") if (part := image.get(key)))


class ImageStore:
    """The images on an engine; see `harness.engine.protocol.ImageStore`."""

    def __init__(self, api: docker.APIClient) -> None:
        self._api = api

    def architecture(self) -> str:
        """The architecture that containers run on, as the engine names it."""
        with our_errors():
            return str(self._api.version()["Arch"])

    def tags(self) -> list[str]:
        """The tags of all images, as they were given."""
        with our_errors():
            kind = kind_of(self._api.version())
            return [kind.short(tag) for image in self._api.images() for tag in image.get("RepoTags") or ()]

    def inspect(self, reference: str) -> dict[str, Any] | None:
        """What the engine says of an image, if it has it."""
        with our_errors():
            try:
                return dict(self._api.inspect_image(reference))
            except ImageNotFound:
                return None

    def label(self, reference: str, name: str) -> str | None:
        """A label of an image; ``None`` if there is no such label, or no such image."""
        image = self.inspect(reference)
        labels = image["Config"]["Labels"] if image else None
        return (labels or {}).get(name)

    def import_rootfs(self, archive: IO[bytes], *, tag: str, changes: Sequence[str]) -> None:
        """Make an image from one tar archive, in place of an earlier one of that tag."""
        earlier = self.inspect(tag)
        with our_errors():
            # The tag goes in as part of the name: Podman's form of this call knows no other place for it.
            answer = self._api.import_image_from_data(archive, repository=tag, changes=list(changes))
        for message in map(json.loads, filter(str.strip, answer.splitlines())):
            if "error" in message:
                raise EngineFault(f"the engine does not take it: {message['error']}")
        imported = self.inspect(tag)
        if earlier and not (imported and imported["Id"] == earlier["Id"]):
            with our_errors(but=(404, 409)):  # gone, or needed by a container or another tag
                self._api.remove_image(str(earlier["Id"]))
