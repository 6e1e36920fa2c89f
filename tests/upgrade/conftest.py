"""An engine, a registry beside it, and images derived from a base by a line or two."""

from __future__ import annotations

import io
import os
import socket
import tarfile
import time
from typing import TYPE_CHECKING

import docker
import pytest
from docker.errors import DockerException
from docker.utils import kwargs_from_env

from tests.support.registry import running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.registry import Registry

FROM = "signal-harness/base:"
DERIVED = f"signal-harness-test/upgrade-{os.getpid()}"  # others may be at work on the same engine


@pytest.fixture(scope="session")
def api() -> Iterator[docker.APIClient]:
    """The engine that the environment names; without one these tests fail, they are not skipped."""
    try:
        client = docker.APIClient(**kwargs_from_env(), version="auto", timeout=600)
    except DockerException as error:
        pytest.fail(f"no engine answers: {error}")
    yield client
    client.close()


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left(api: docker.APIClient) -> Iterator[None]:
    """In the end there is no container of a command that has ended, and no tag of ours; registries see to theirs."""
    began = int(time.time())
    yield
    assert containers_left(api, since=began) == []
    tags = [tag for image in api.images() for tag in image["RepoTags"] or ()]
    assert [tag for tag in tags if tag.startswith(DERIVED)] == []


def containers_left(api: docker.APIClient, *, since: int) -> list[str]:
    """The containers of commands that have ended; others may be at work on the same engine."""
    found = api.containers(all=True, filters={"label": "signal-harness.run"})
    mine = [entry["Labels"] for entry in found if int(entry["Labels"]["signal-harness.started"]) >= since]
    owners = [labels["signal-harness.owner"].rpartition(":") for labels in mine]
    return [pid for host, _, pid in owners if host == socket.gethostname() and not os.path.exists(f"/proc/{pid}")]  # noqa: PTH110


@pytest.fixture(scope="session")
def registry(api: docker.APIClient) -> Iterator[Registry]:
    """One registry for all that is pushed here: what images share is pushed once."""
    with running(api) as made:
        yield made


@pytest.fixture
def own_registry(api: docker.APIClient) -> Iterator[Registry]:
    """A registry that a test may do to as it likes."""
    with running(api) as made:
        yield made


@pytest.fixture(scope="session")
def derive(api: docker.APIClient) -> Iterator[Callable[..., str]]:
    """Builds an image from a Dockerfile's text and files; gives its tag, which is gone in the end.

    The image stays as what the harness's own tags hold, so that the next time it is the same one.
    """
    made: list[str] = []

    def build(name: str, dockerfile: str, **files: str) -> str:
        tag = f"{DERIVED}:{name}"
        context = io.BytesIO(_tar({"Dockerfile": dockerfile, **files}))
        told = list(api.build(fileobj=context, custom_context=True, tag=tag, rm=True, forcerm=True, decode=True))
        assert [message["error"] for message in told if "error" in message] == []
        made.append(tag)
        return tag

    yield build
    for tag in made:
        api.remove_image(tag)


def _tar(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            info.mode = 0o755
            tar.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()
