"""What is in an image below a path, without running it."""

from __future__ import annotations

import tarfile
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker


@contextmanager
def copied_out(api: docker.APIClient, image: str, path: str) -> Iterator[tarfile.TarFile]:
    """What ``docker cp`` copies out of a container of an image that has never run; the container is gone then."""
    container = api.create_container(image, command=["true"])["Id"]
    try:
        stream, _ = api.get_archive(container, path)
        archive = b"".join(stream)
    finally:
        api.remove_container(container)
    with tarfile.open(fileobj=BytesIO(archive)) as tar:
        yield tar
