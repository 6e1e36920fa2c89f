"""Dockerfiles of one's own: whatever their FROM names, they run on the base that is asked for, or not at all."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import docker
import pytest

from tests.support.command import command

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.engine, pytest.mark.cli]

MUSL, DEBIAN = "local:musl-node24", "local:debian12-node24"
CATALOGUE = """
schema = 1
context = "."
[app]
ready = 'orders: up on (?P<system>\\w+)'
received = 'shutdown requested (?P<signal>SIG\\w+)'
"""
ROW = '[[variant]]\nname = "{0}"\ntitle = "{0}"\ndockerfile = "{0}.Dockerfile"\n'
ORDERS = """
const system = /^ID=(\\w+)/m.exec(require("fs").readFileSync("/etc/os-release"))[1];
process.on("SIGTERM", (name) => { console.log("shutdown requested", name); process.exit(0); });
setInterval(() => {}, 1 << 30);
console.log("orders: up on", system);
"""
LITERAL = "FROM node:24-alpine\nWORKDIR /app\nCOPY . .\nCMD node orders.js\n"
STAGES = """\
ARG VERSION=24
FROM --platform=$BUILDPLATFORM node:${VERSION}-alpine AS build
WORKDIR /app
COPY . .
RUN . /etc/os-release; \\
    # FROM scratch
    echo "$ID" > built-on

FROM golang:1 AS unused
RUN go build

FROM node:${VERSION}-alpine \\
  AS production
WORKDIR /app
COPY --from=build /app .
CMD node orders.js

FROM production
RUN grep "$(. /etc/os-release; echo "$ID")" built-on
"""
SHELL_APP = (
    'trap "echo shutdown requested SIGTERM; exit 0" TERM; echo orders: up on a shell; while :; do sleep 1 & wait; done'
)


@dataclass(frozen=True)
class Ran:
    """What a run says: its exit code, its rows by subject, the document, and what people are told."""

    code: int
    rows: dict[str, Any]
    document: dict[str, Any]
    told: str


def catalogue(folder: Path, **dockerfiles: str) -> Path:
    (folder / "orders.js").write_text(ORDERS)
    (folder / "catalogue.toml").write_text(CATALOGUE + "".join(map(ROW.format, dockerfiles)))
    for name, text in dockerfiles.items():
        (folder / f"{name}.Dockerfile").write_text(text)
    return folder


def run(folder: Path, base: str = DEBIAN) -> Ran:
    done = command("run", "--catalogue", str(folder), "--base", base, "--signal", "TERM", "--json", "-")
    document = json.loads(done.stdout) if done.stdout else {"results": []}
    return Ran(done.returncode, {row["subject"]: row for row in document["results"]}, document, done.stderr)


def test_a_literal_from_gives_way_to_the_base(tmp_path: Path) -> None:
    ran = run(catalogue(tmp_path, literal=LITERAL))
    row = ran.rows["literal"]
    assert row["verdict"] == "swallowed"
    assert row["evidence"]["main"] == ["/bin/sh", "-c", "node orders.js"]
    assert row["evidence"]["logs"] == ["orders: up on debian"]
    assert ran.document["bases"][DEBIAN]["os"] == "debian 12"
    assert ran.document["subjects"]["literal"]["exchanged"] == [{"line": 1, "text": "FROM node:24-alpine"}]
    assert "in place of" in ran.told


def test_an_upgrade_that_breaks_it_is_seen(tmp_path: Path) -> None:
    folder = str(catalogue(tmp_path, literal=LITERAL, unharmed=LITERAL.replace("CMD ", "CMD exec ")))
    done = command("diff", MUSL, DEBIAN, "--catalogue", folder, "--signal", "TERM")
    assert done.returncode == 1
    assert "✓ forwarded → ○ swallowed" in done.stdout
    assert "/bin/sh is now dash" in done.stdout
    assert "2 cells: 1 worse, 1 same" in done.stdout


def test_every_stage_on_the_image_is_exchanged(tmp_path: Path) -> None:
    ran = run(catalogue(tmp_path, stages=STAGES))
    assert ran.rows["stages"]["verdict"] == "swallowed", ran.rows["stages"]["reason"]
    assert ran.rows["stages"]["evidence"]["logs"] == ["orders: up on debian"]
    assert [one["line"] for one in ran.document["subjects"]["stages"]["exchanged"]] == [2, 12]
    told = command("explain", DEBIAN, "stages", "TERM", "--catalogue", str(tmp_path)).stdout.split()
    assert f"FROM node:24-alpine → {DEBIAN}, line 2" in " ".join(told)
    assert f"FROM node:24-alpine → {DEBIAN}, line 12" in " ".join(told)


@pytest.mark.parametrize(
    ("dockerfile", "told"),
    [
        ("FROM node:24 AS build\nFROM scratch\nCOPY --from=build / /\n", "refused.Dockerfile:2: FROM scratch: "),
        ("ARG IMAGE\nFROM ${IMAGE}\n", "refused.Dockerfile:2: FROM ${IMAGE}: which image that is"),
        ("CMD node orders.js\n", "refused.Dockerfile has no FROM"),
    ],
)
def test_what_cannot_run_on_a_base_is_refused_before_anything_runs(tmp_path: Path, dockerfile: str, told: str) -> None:
    ran = run(catalogue(tmp_path, literal=LITERAL, refused=dockerfile))
    assert (ran.code, ran.rows) == (2, {})
    assert told in ran.told
    assert "FROM ${BASE}" in ran.told


def test_a_command_that_is_not_quite_json_is_named(tmp_path: Path) -> None:
    commands = {"quotes": "['node', 'orders.js']", "comma": '["node", "orders.js",]', "open": '["node", "orders.js"'}
    ran = run(catalogue(tmp_path, **{name: LITERAL.replace("node orders.js", cmd) for name, cmd in commands.items()}))
    assert ran.code == 4
    for name, text in commands.items():
        reason = ran.rows[name]["reason"]
        assert ran.rows[name]["verdict"] == "untested"
        assert f"exit code 127: `CMD {text}` is not valid JSON (" in reason
        assert reason.endswith('write `CMD ["node", "orders.js"]`')


def test_no_base_is_refused_for_what_the_catalogue_does_not_need(tmp_path: Path) -> None:
    api = docker.APIClient()
    (tmp_path / "Dockerfile").write_text("FROM signal-harness/base:musl-node24\nRUN rm /usr/local/bin/node\n")
    list(api.build(path=str(tmp_path), tag="signal-harness/test-no-node", rm=True, decode=True))
    app = "FROM python:3.13-alpine\nCOPY app.sh /\nENTRYPOINT []\nCMD exec sh /app.sh\n"
    folder = catalogue(tmp_path, script=app)
    (folder / "app.sh").write_text(SHELL_APP)
    ran = run(folder, "signal-harness/test-no-node")
    assert ran.rows["script"]["verdict"] == "forwarded", ran.rows["script"]["reason"]
