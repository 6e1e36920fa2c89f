"""The images and the build folder that docs/your-own-image.md speaks of, as a reader may have them; then gone again."""

from __future__ import annotations

import io
import tarfile
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Final

import docker
from docker.utils import kwargs_from_env

from harness.engine.builds import Recipe, build
from harness.engine.registry import open_engine
from harness.session import open_bases

if TYPE_CHECKING:
    from collections.abc import Iterator

_SERVER: Final = """const http = require('node:http');
const server = http.createServer((request, response) => {
  setTimeout(() => response.end('hello\\n'), request.url === '/slow' ? 1000 : 0);
});
server.listen(8080, () => console.log('listening on port 8080'));
process.on('SIGTERM', () => server.close());
"""
_APP: Final = """FROM {base}
ARG VERSION=1
WORKDIR /app
COPY server.js .
EXPOSE 8080
CMD node server.js
"""
_NO_SHELL: Final = """FROM {base}
WORKDIR /app
COPY server.js .
EXPOSE 8080
ENTRYPOINT ["node", "server.js"]
RUN rm -f /usr/local/bin/docker-entrypoint.sh && find / -xdev -lname '*busybox*' -delete; rm -f /bin/sh $(which busybox)
"""
IMAGES: Final = {
    "my/app": ("local:debian12-node24", _APP),
    "my/distroless": ("local:musl-node24", _NO_SHELL),
}
"""The base that each is made on, and its Dockerfile."""


@contextmanager
def own_images() -> Iterator[dict[str, str]]:
    """Have the images; yields the files of a build folder, by their names."""
    with closing(open_engine()) as engine:
        bases = open_bases(engine, lambda _: None)
        for base, _ in IMAGES.values():
            bases.get(base)
        froms = {base: bases.image(base)[0] for base, _ in IMAGES.values()}
    with closing(docker.APIClient(**kwargs_from_env(), version="auto")) as api:
        for name, (base, dockerfile) in IMAGES.items():
            files = {"Dockerfile": dockerfile.format(base=froms[base]), "server.js": _SERVER}
            build(api, name, Recipe(archive=partial(archive, files), dockerfile="Dockerfile"), name=name)
        try:
            yield {"Dockerfile": _APP.format(base=froms["local:debian12-node24"]), "server.js": _SERVER}
        finally:
            for name in IMAGES:
                api.remove_image(name, noprune=False)


def archive(files: dict[str, str]) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as archive:
        for path, text in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    return sink.getvalue()
