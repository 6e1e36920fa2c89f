"""Programs that are not ours: what of Debian's packages each is made of, and how it is started."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from tests.support.python_base import PYTHON_PACKAGES

if TYPE_CHECKING:
    from collections.abc import Mapping

_DOCKERFILE: Final = """FROM {base}
ADD packages.tar files.tar /
{lines}
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """One program as an image.

    ``packages`` are Debian's, without what the base has; no script of theirs is run, so ``files`` (by their paths) and
    ``steps`` (lines of a Dockerfile) make what those would. ``start`` is the command in exec form, ``shell`` the same
    as a shell writes it.
    """

    name: str
    start: tuple[str, ...]
    packages: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[str, ...] = ()
    stop_signal: str | None = None
    port: int | None = None
    user: str | None = None
    dockerfile: str = _DOCKERFILE

    def on(self, base: str) -> str:
        """The text of its Dockerfile."""
        lines = [
            *self.steps,
            *([f"EXPOSE {self.port}"] if self.port else []),
            *([f"STOPSIGNAL {self.stop_signal}"] if self.stop_signal else []),
            *([f"USER {self.user}"] if self.user else []),
            "ENTRYPOINT []",
            f"CMD {json.dumps(self.start)}",
        ]
        return self.dockerfile.format(base=base, lines="\n".join(lines))

    def wrapped(self) -> Program:
        """The same behind a shell that does something afterwards, so that it cannot become the program."""
        words = " ".join(word if word.isprintable() and not set(word) & set(" ;'\"$&|<>()") else f"'{word}'" for word in self.start)
        return replace(self, name=f"{self.name}-wrapped", start=("/bin/sh", "-c", f"{words}; true"))


NGINX = """worker_processes 2;
pid /run/nginx.pid;
events { worker_connections 64; }
http { access_log off; server { listen 8080; root /srv; } }
"""
HAPROXY = """global
  maxconn 64
defaults
  mode http
  timeout connect 2s
  timeout client 10s
  timeout server 10s
frontend web
  bind :8080
  http-request return status 200
"""
APACHE = """ServerRoot /etc/apache2
ServerName localhost
PidFile /run/apache2.pid
Listen 8080
ErrorLog /dev/stderr
DocumentRoot /srv
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
User www-data
Group www-data
StartServers 2
"""
WSGI = """def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
"""
ASGI = """async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})
"""
SUPERVISOR = """[supervisord]
nodaemon=true
user=root
logfile=/dev/null
logfile_maxbytes=0
pidfile=/run/supervisord.pid

[program:web]
command=python3 -m http.server 8080
directory=/srv
stopsignal=INT

[program:cache]
command=redis-server --port 6379
"""
LOOP = """#!/bin/sh
trap 'echo done; exit 0' TERM
while :; do sleep 1; done
"""
DEAF_LOOP = """#!/bin/sh
while :; do sleep 1; done
"""
REDIS: Final = ("redis-server", "redis-tools", "libjemalloc2", "liblzf1")
_SETUPTOOLS: Final = ("python3-pkg-resources",)
_LINK: Final = "RUN ln -s python3.11 /usr/bin/python3 && mkdir -p /srv"

QUICK: Final = (
    Program(
        name="nginx",
        packages=("nginx", "nginx-common"),
        files={"etc/nginx/nginx.conf": NGINX},
        steps=("RUN mkdir -p /var/lib/nginx /var/log/nginx /srv",),
        start=("nginx", "-g", "daemon off;"),
        port=8080,
    ),
    Program(name="redis", packages=REDIS, start=("redis-server", "--port", "6379"), port=6379),
    Program(
        name="http-server",
        packages=PYTHON_PACKAGES,
        steps=(_LINK,),
        start=("python3", "-m", "http.server", "8080"),
        port=8080,
    ),
    Program(name="shell-loop", files={"loop.sh": LOOP}, start=("/loop.sh",)),
    Program(name="deaf-loop", files={"loop.sh": DEAF_LOOP}, start=("/loop.sh",)),
    Program(
        name="apache2",
        packages=("apache2-bin", "libapr1", "libaprutil1", "libexpat1"),
        files={"etc/apache2/apache2.conf": APACHE},
        steps=("RUN mkdir -p /srv /run",),
        start=("apache2", "-DFOREGROUND"),
        port=8080,
    ),
    Program(
        name="haproxy",
        packages=("haproxy", "liblua5.3-0", "libopentracing1", "libopentracing-c-wrapper0"),
        files={"etc/haproxy/haproxy.cfg": HAPROXY},
        start=("haproxy", "-W", "-db", "-f", "/etc/haproxy/haproxy.cfg"),
        port=8080,
    ),
    Program(
        name="gunicorn",
        packages=(*PYTHON_PACKAGES, "python3-gunicorn", "gunicorn", "python3-pkg-resources"),
        files={"srv/hello.py": WSGI},
        steps=(_LINK, "WORKDIR /srv"),
        start=("gunicorn", "--workers", "2", "--bind", "0.0.0.0:8080", "hello:app"),
        port=8080,
    ),
    Program(
        name="supervisord",
        packages=(*PYTHON_PACKAGES, *REDIS, "supervisor", "python3-pkg-resources"),
        files={"etc/supervisord.conf": SUPERVISOR},
        steps=(_LINK,),
        start=("supervisord", "-c", "/etc/supervisord.conf"),
        port=8080,
    ),
    Program(name="cron", packages=("cron",), steps=("RUN mkdir -p /var/spool/cron/crontabs",), start=("cron", "-f")),
)
