"""Programs of PyPI and npm, at the versions that are named here and in npm's lock file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.support.program import Program
from tests.support.python_base import PYTHON_PACKAGES

_NPM: Final = Path(__file__).parents[1] / "programs" / "npm"
_LINK: Final = ("RUN ln -s python3.11 /usr/bin/python3", "WORKDIR /srv")
_ANY: Final = "0.0.0.0"  # noqa: S104 in a container

_WSGI: Final = """import time

def app(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        time.sleep(1.5)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]
"""
_ASGI: Final = """import asyncio

async def app(scope, receive, send):
    assert scope["type"] == "http"
    if scope["path"] == "/slow":
        await asyncio.sleep(1.5)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})
"""
_TASKS: Final = """from pathlib import Path

from celery import Celery
from celery.signals import worker_ready

app = Celery("tasks", broker="memory://")

@worker_ready.connect
def ready(**_):
    Path("/tmp/ready").touch()
"""
_HEALTHY: Final = "HEALTHCHECK --interval=1s --retries=60 CMD test -e /tmp/ready"

_LOOP: Final = """#!/bin/sh
trap 'echo done; exit 0' TERM
while :; do sleep 1; done
"""
_PROCFILE: Final = "one: /loop.sh\ntwo: /loop.sh\n"
_H11: Final = "h11==0.16.0"
_CLICK: Final = "click==8.5.1"

UVICORN: Final = Program(
    name="pypi-uvicorn",
    packages=PYTHON_PACKAGES,
    wheels=("uvicorn==0.54.0", _CLICK, _H11),
    files={"srv/hello.py": _ASGI},
    steps=_LINK,
    start=("uvicorn", "--host", _ANY, "--port", "8080", "--workers", "2", "hello:app"),
    port=8080,
)
CELERY: Final = Program(
    name="pypi-celery",
    packages=(*PYTHON_PACKAGES, "libffi8", "tzdata"),
    wheels=(
        "celery==5.7.0",
        "amqp==5.4.2",
        "billiard==4.3.2",
        _CLICK,
        "click-didyoumean==0.3.1",
        "click-plugins==1.1.1.2",
        "click-repl==0.4.1",
        "kombu==5.7.0",
        "prompt-toolkit==3.0.53",
        "python-dateutil==2.9.0.post0",
        "six==1.17.0",
        "typing-extensions==4.16.0",
        "tzlocal==5.4.5",
        "vine==5.1.0",
        "wcwidth==0.9.4",
    ),
    files={"srv/tasks.py": _TASKS},
    steps=(*_LINK, _HEALTHY),
    start=("celery", "-A", "tasks", "worker", "--concurrency", "2", "--without-mingle", "--without-gossip"),
)
TO_EVERYBODY: Final = "dumb-init"
"""An init that signals the whole group of the app, its workers among it."""

CELERY_EVERYBODY: Final = CELERY.variant("everybody", start=(TO_EVERYBODY, *CELERY.start))

FROM_PYPI: Final = (
    Program(
        name="pypi-gunicorn",
        packages=PYTHON_PACKAGES,
        wheels=("gunicorn==27.0.1", "packaging==25.0"),
        files={"srv/hello.py": _WSGI},
        steps=_LINK,
        start=("gunicorn", "--workers", "2", "--bind", f"{_ANY}:8080", "hello:app"),
        port=8080,
    ),
    UVICORN,
    UVICORN.variant("everybody", start=(TO_EVERYBODY, *UVICORN.start)),
    CELERY,
    Program(
        name="pypi-honcho",
        packages=PYTHON_PACKAGES,
        wheels=("honcho==2.0.0",),
        files={"srv/Procfile": _PROCFILE, "loop.sh": _LOOP},
        steps=_LINK,
        start=("honcho", "start"),
    ),
    Program(
        name="pypi-hypercorn",
        packages=PYTHON_PACKAGES,
        wheels=(
            "hypercorn==0.18.0",
            _H11,
            "h2==4.4.1",
            "hpack==4.2.0",
            "hyperframe==6.1.0",
            "priority==2.0.0",
            "wsproto==1.3.2",
        ),
        files={"srv/hello.py": _ASGI},
        steps=_LINK,
        start=("hypercorn", "--workers", "2", "--bind", f"{_ANY}:8080", "hello:app"),
        port=8080,
    ),
)

_EXPRESS: Final = Program(
    name="npm-express",
    lock=_NPM / "package-lock.json",
    files={f"srv/{name}": (_NPM / name).read_text(encoding="utf-8") for name in ("package.json", "server.js")},
    steps=("WORKDIR /srv", "ENV PATH=/srv/node_modules/.bin:$PATH"),
    start=("node", "server.js"),
    port=8080,
)
_TWO: Final = ("concurrently", "node server.js 8080", "node server.js 8081")
FROM_NPM: Final = (
    _EXPRESS,
    _EXPRESS.variant("pm2", start=("pm2-runtime", "server.js")),
    _EXPRESS.variant("pm2-term", start=("pm2-runtime", "server.js", "--", "8080", "SIGTERM")),
    _EXPRESS.variant("nodemon", start=("nodemon", "server.js")),
    _EXPRESS.variant("concurrently", start=_TWO),
    Program(
        name="npm-express-concurrently-ps",
        packages=("procps", "libproc2-0"),
        dockerfile="FROM {parent}\nADD packages.tar /\n{lines}\n",
        parent=_EXPRESS,
        start=_TWO,
        port=8080,
    ),
    _EXPRESS.variant("yarn", start=("yarn", "web")),
    _EXPRESS.variant("pnpm", start=("pnpm", "web")),
    _EXPRESS.variant("cross-env", start=("cross-env", "A=b", "node", "server.js")),
    _EXPRESS.variant("cross-env-deaf", start=("cross-env", "A=b", "node", "server.js", "8080", "SIGINT")),
    _EXPRESS.variant("timeout", start=("timeout", "600", "node", "server.js")),
    _EXPRESS.variant("run-all", start=("run-p", "web", "api")),
)
