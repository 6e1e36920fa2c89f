"""What an engine can do, found out by having it done: one image built, one container run, and both removed again."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING, Final

from docker.utils.build import mkbuildcontext

from harness.core.errors import EngineFault
from harness.engine.builds import REPOSITORY, Recipe, build
from harness.engine.client import our_errors
from harness.engine.confinement import confined
from harness.engine.containers import LABEL, labels
from harness.engine.removals import remove

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

_TIMEOUT_S: Final = 30
"""How long an engine may be silent."""

_PORT: Final = 3000
_NAME: Final = "doctor"


def try_build(api: docker.APIClient, base: str) -> None:
    """Build an image on a base, with a step that runs, which no cache can have.

    Raises:
        HarnessError: it does not build, or not in time.
    """
    name = uuid.uuid4().hex
    tag = f"{REPOSITORY}/{_NAME}:{name}"
    with mkbuildcontext(BytesIO(f"FROM {base}\nRUN echo {name}\n".encode())) as context:
        data = context.read()
    with _in_time(api):
        try:
            build(api, tag, Recipe(archive=lambda: data, dockerfile="Dockerfile"), name=_NAME, silence_s=_TIMEOUT_S)
        finally:
            with our_errors(but=(404, 409)):
                api.remove_image(tag)


def try_container(api: docker.APIClient, image: str, *, network: bool) -> None:
    """Run a container for a moment; with a ``network``, it has a port of this machine, as the probe ``stop`` has.

    Raises:
        HarnessError: it does not run, or not in time.
    """
    name = uuid.uuid4().hex[:12]
    with _in_time(api), our_errors():
        published = [_PORT] if network else []
        container_id = api.create_container(
            image,
            name=f"{LABEL}-{_NAME}-{name}",
            entrypoint=["/bin/sh", "-c", "read nothing"],
            stdin_open=True,
            labels=labels(name),
            ports=published,
            host_config=api.create_host_config(
                network_mode=None if network else "none",
                port_bindings=dict.fromkeys(published, ("127.0.0.1", None)),
                **confined(api),
            ),
        )["Id"]
        try:
            api.start(container_id)
            seen = api.inspect_container(container_id)
            if not seen["State"]["Running"]:
                raise EngineFault(f"/bin/sh ended at once, with exit code {seen['State']['ExitCode']}")
            if network and not any(seen["NetworkSettings"]["Ports"].values()):
                raise EngineFault("the engine starts one, but publishes no port of it")
        finally:
            remove(api, container_id)


@contextmanager
def _in_time(api: docker.APIClient) -> Iterator[None]:
    """Give up on what the engine does not answer in time."""
    usual, api.timeout = api.timeout, _TIMEOUT_S
    try:
        yield
    finally:
        api.timeout = usual
