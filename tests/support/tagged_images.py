"""Published tags of one app, made on the spot: each is a few lines of a Dockerfile on a base; then gone again."""

from __future__ import annotations

from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING

import docker
from docker.utils import kwargs_from_env

from harness.engine.builds import Recipe, build
from harness.engine.registry import open_engine
from harness.session import open_bases
from tests.support.own_images import archive

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@contextmanager
def tagged_images(lines: Mapping[str, str], *, base: str = "local:musl-node24") -> Iterator[None]:
    """Have images, by their references: what stands below FROM in the Dockerfile of each."""
    with closing(open_engine()) as engine:
        bases = open_bases(engine, lambda _: None)
        bases.get(base)
        reference = bases.image(base)[0]
    with closing(docker.APIClient(**kwargs_from_env(), version="auto")) as api:
        try:
            for name, below in lines.items():
                context = partial(archive, {"Dockerfile": f"FROM {reference}\n{below}\n"})
                build(api, name, Recipe(archive=context, dockerfile="Dockerfile"), name=name)
            yield
        finally:
            for name in lines:
                if api.images(name, quiet=True):
                    api.remove_image(name, noprune=False)
