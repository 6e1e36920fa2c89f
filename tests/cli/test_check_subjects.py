"""``check`` of build folders and archives, with the options that docker has: what is built, run, and shown."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.core.subject import Folder
from harness.engine.builds import REPOSITORY
from harness.engine.client import connect
from harness.engine.folders import build_folder
from harness.engine.registry import open_engine
from harness.engine.store import ImageStore
from harness.session import open_bases
from tests.support.command import command
from tests.support.leftovers import left_behind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.engine, pytest.mark.cli]

BASE = "local:musl-node24"
LEAVES = "process.on('SIGTERM', () => setTimeout(process.exit, 100, 0)); setInterval(() => {}, 1000);\n"
LATE = "process.on('SIGQUIT', () => setTimeout(process.exit, 100, 0)); setInterval(() => {}, 1000);\n"
SHORT = ("--stop-timeout", "2")
# Root reads all there is; without these capabilities it is held to permissions as everybody (capabilities(7)).
HELD = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    """The tag of a base that the engine has; no container of the images that come meanwhile is left, nor the images."""
    with closing(open_engine()) as engine, closing(connect()) as api:
        bases = open_bases(engine, lambda _: None)
        bases.get(BASE)
        before = set(ImageStore(api).tags())
        yield bases.tag(BASE)
        ours = (f"{REPOSITORY}/folder/{_PREFIX}", f"{REPOSITORY}/archive/{_PREFIX}")
        for tag in set(ImageStore(api).tags()) - before:
            if tag.startswith(ours):
                assert api.containers(all=True, filters={"ancestor": tag}) == []
                api.remove_image(tag)


_PREFIX = "subject-"


@pytest.fixture
def folder(tmp_path: Path, base: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Writes a build folder in the working folder, of Dockerfile lines below the base's and of files."""
    monkeypatch.chdir(tmp_path)

    def write(name: str, *lines: str, **files: str) -> str:
        place = Path(f"{_PREFIX}{name}")
        place.mkdir()
        (place / "Dockerfile").write_text("\n".join([f"FROM {base}", "ENTRYPOINT []", "COPY . /srv", *lines, ""]))
        for file, text in files.items():
            (place / file.replace("_", ".")).write_text(text)
        return f"./{place}"

    return write


def test_an_interrupt_does_not_wait_for_a_build_under_way(folder: Callable[..., str]) -> None:
    place = folder("slow", "RUN echo a step has begun && sleep 3600", 'CMD ["node"]')
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", "check", place], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert process.stderr.readline() == f"building {place}\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert left_behind(process.pid) == []


def check(*words: str, before: tuple[str, ...] = (), **environment: str) -> tuple[int, dict[str, dict[str, Any]], str]:
    """The exit code, the rows by the last part of their subjects' names, and what is printed."""
    file = Path("results.json")
    file.unlink(missing_ok=True)
    done = command(
        "check", *words[: _dashes(words)], "--json", str(file), *words[_dashes(words) :], before=before, **environment
    )
    rows = json.loads(file.read_text())["results"] if file.exists() else []
    return done.returncode, {row["subject"].rpartition(_PREFIX)[2]: row for row in rows}, done.stdout + done.stderr


def _dashes(words: tuple[str, ...]) -> int:
    return words.index("--") if "--" in words else len(words)


def machine() -> str:
    """What the engine's containers run on, as images name it."""
    with closing(open_engine()) as engine:
        return engine.architecture()


def patches(row: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """The patches that were tried for a row: by what they do, what they brought, and the lines that they change."""
    return {
        one["change"]: (one["verdict"], "\n".join(line for line in one["patch"].split("\n") if line[:1] in ("+", "-")))
        for one in row["tried"]
        if one["patch"]
    }


def fixes(file: Path) -> dict[str, str]:
    """The fixes of a SARIF log: what is put where, by the files of the repository."""
    (run,) = json.loads(file.read_text())["runs"]
    changes = (
        change for result in run["results"] for fix in result.get("fixes", ()) for change in fix["artifactChanges"]
    )
    return {
        change["artifactLocation"]["uri"]: "".join(
            one.get("insertedContent", {"text": ""})["text"] for one in change["replacements"]
        )
        for change in changes
    }


def test_what_helps_a_folder_is_shown_as_a_patch_that_was_built_and_run(folder: Callable[..., str]) -> None:
    code, rows, told = check(
        folder("shell", "CMD node /srv/app.js; true", app_js=LEAVES),
        folder("signal", 'CMD ["node", "/srv/app.js"]', app_js=LATE),
        folder("script", 'CMD ["sh", "/srv/run.sh"]', app_js=LEAVES, run_sh="echo up\nnode /srv/app.js\nexit 0\n"),
        folder(
            "unsure", 'CMD ["sh", "/srv/run.sh"]', app_js=LEAVES, run_sh="if true; then node /srv/app.js; fi; exit 0\n"
        ),
        folder("good", 'CMD ["node", "/srv/app.js"]', app_js=LEAVES),
        *("--sarif", "results.sarif"),
        *SHORT,
    )
    assert code == 1, told
    assert {name: row["verdict"] for name, row in rows.items()} == {
        **dict.fromkeys(("shell", "signal", "script", "unsure"), "forced"),
        "good": "graceful",
    }, told
    own = 'CMD ["node", "/srv/app.js"]'
    assert patches(rows["shell"]) == {
        f"Dockerfile: {own}": (
            "graceful",
            f"--- a/Dockerfile\n+++ b/Dockerfile\n-CMD node /srv/app.js; true\n+{own}",
        )
    }, told
    assert patches(rows["signal"]) == {
        "Dockerfile: STOPSIGNAL SIGQUIT": ("graceful", "--- a/Dockerfile\n+++ b/Dockerfile\n+STOPSIGNAL SIGQUIT")
    }, told
    assert patches(rows["script"]) == {
        "run.sh: exec": (
            "graceful",
            "--- a/run.sh\n+++ b/run.sh\n-node /srv/app.js\n-exit 0\n+exec node /srv/app.js",
        )
    }, told
    assert patches(rows["unsure"]) == patches(rows["good"]) == {}
    by_option = {one["change"]: one["verdict"] for one in rows["shell"]["tried"] if one["patch"] is None}
    assert by_option == {"--init": "abrupt", own: "graceful"}
    assert [one["patch"] is None for one in rows["shell"]["tried"]] == [True, True, False]
    assert "The patch, built and run: ✓ graceful" in told
    assert fixes(Path("results.sarif")) == {
        f"{_PREFIX}shell/Dockerfile": own,
        f"{_PREFIX}signal/Dockerfile": f"{own}\nSTOPSIGNAL SIGQUIT",
        f"{_PREFIX}script/run.sh": "exec node /srv/app.js",
    }
    found = {name: [app["why"] for app in row["evidence"]["apps"]] for name, row in rows.items()}
    assert found["script"] == ["first process below sh that does more than start another"], told
    assert found["good"] == ["the first process, and no shell, init, supervisor or package manager"], told
    assert rows["unsure"]["advice"][0].startswith("Nothing tried helps: "), told
    assert not any(line.startswith("Nothing tried") for line in rows["shell"]["advice"]), told


def test_a_folder_is_built_with_the_options_of_docker_build_and_found_again(
    folder: Callable[..., str], base: str
) -> None:
    name = folder("options", app_js=LEAVES)
    lines = ("ARG BASE", "FROM ${BASE} AS app", "COPY . /srv", "ARG FILE", "ENV FILE=$FILE", "ENTRYPOINT []")
    last = ('CMD ["sh", "-c", "exec node $FILE"]', "FROM app AS broken", 'CMD ["false"]', "")
    Path("Other").write_text("\n".join([*lines, *last]))
    arguments = ("--build-arg", f"BASE={base}", "--build-arg", "FILE")
    words = (name, "--file", "Other", "--target", "app", *arguments, "--no-try")
    code, rows, told = check(*words, FILE="/srv/app.js")
    assert (code, rows["options"]["verdict"]) == (0, "graceful"), told
    assert f"building {name}" in told
    facts = json.loads(Path("results.json").read_text())["subjects"][name]
    assert (facts["dockerfile"], facts["target"]) == ("Other", "app")
    assert facts["starting"] == [
        {"line": 6, "text": "ENTRYPOINT []"},
        {"line": 7, "text": 'CMD ["sh", "-c", "exec node $FILE"]'},
    ]
    again = check(*words, FILE="/srv/app.js")
    assert again[0] == 0
    assert "building" not in again[2]


def test_an_archive_is_checked_with_the_options_of_docker_run(folder: Callable[..., str]) -> None:
    reports = (
        "const fs = require('fs');\n"
        "fs.writeFileSync('/run/x', '');\n"
        "let refused = ''; try { fs.writeFileSync('/x', '') } catch (error) { refused = error.code }\n"
        "const caps = /CapEff:\\s*(\\w+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1];\n"
        "console.log(refused, process.env.ONE, process.env.TWO, process.env.MINE, (BigInt('0x' + caps) >> 12n) & 1n);\n"
    )
    file = Path(f"{_PREFIX}saved.tar")
    with closing(connect()) as api:
        tag = build_folder(api, Folder(path=folder("archive", 'CMD ["node", "/srv/app.js"]', app_js=reports + LEAVES)))
        file.write_bytes(b"".join(api.get_image(tag)))
    Path("variables").write_text("# some\nONE=1\nTWO=2\nMINE\n")
    words = ("--env-file", "variables", "-e", "TWO=two", "--read-only", "--tmpfs", "/run:size=1m")
    more = ("--cap-add", "NET_ADMIN", "--platform", f"linux/{machine()}", "--no-try")
    code, rows, told = check(f"docker-archive:{file}", *words, *more, MINE="here")
    (row,) = rows.values()
    assert (code, row["verdict"]) == (0, "graceful"), told
    assert row["evidence"]["logs"] == ["EROFS 1 two here 1n"], told


LAUNCHES = """
const server = "require('http').createServer(() => {}).listen(8080); process.on('SIGTERM', () => { WORK });";
const child = require('child_process').spawn('node', ['-e', server], { stdio: 'inherit' });
process.on('SIGTERM', () => { FORWARD });
"""


@pytest.mark.parametrize(
    ("forward", "work", "verdict"),
    [
        ("process.exit(0)", "setTimeout(process.exit, 300, 0)", "abrupt"),
        ("child.kill(); child.on('exit', code => process.exit(code))", "setTimeout(process.exit, 300, 0)", "graceful"),
        ("child.kill(); setTimeout(process.exit, 50, 0)", "setTimeout(process.exit, 900, 0)", "abrupt"),
    ],
    ids=["ends by itself", "forwards and waits", "forwards and does not wait"],
)
def test_what_serves_the_exposed_port_is_the_app_whatever_has_launched_it(
    folder: Callable[..., str], forward: str, work: str, verdict: str
) -> None:
    app = LAUNCHES.replace("FORWARD", forward).replace("WORK", work)
    built = folder("launcher", "EXPOSE 8080", 'CMD ["node", "/srv/app.js"]', app_js=app)
    _, rows, told = check(built, "--no-try", *SHORT)
    (row,) = rows.values()
    assert row["verdict"] == verdict, told
    assert row["evidence"]["apps"][0]["why"].startswith("it listens on the port that the container serves"), told


ENDS = "process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000);\n"
BAD = {
    "memory": (
        ['CMD ["node", "/srv/app.js"]'],
        "const all = []; for (;;) all.push(Buffer.alloc(1e6, 1));\n",
        "with exit code 137: out of memory, the kernel has killed a process of it",
    ),
    "long": (
        ['CMD ["node", "/srv/app.js"]'],
        f"require('fs').writeFileSync(1, 'x'.repeat(1e7) + '\\n'); {ENDS}",
        "the app floods its log: over 1 MiB",
    ),
    "health": (
        ["HEALTHCHECK --interval=1s --retries=1 CMD false", 'CMD ["node", "/srv/app.js"]'],
        ENDS,
        "its HEALTHCHECK says 'unhealthy', and not 'healthy', within 3 s",
    ),
    "user": (["USER nobody-at-all", 'CMD ["node", "/srv/app.js"]'], ENDS, "unable to find user nobody-at-all"),
    "missing": (['CMD ["no-such-command"]'], "", "the command `no-such-command` is not on the image's PATH (127"),
    "plain": (['CMD ["/etc/passwd"]'], "", "the command `/etc/passwd` is not executable (126"),
    "usage": (['CMD ["node", "--help"]'], "", "the container ended before it could be tested, with exit code 0"),
    "read-only": (
        ['CMD ["node", "/srv/app.js"]'],
        f"require('fs').writeFileSync('/state', ''); {ENDS}",
        "the container ended before it could be tested, with exit code 1",
    ),
}
"""Images that cannot be tested: what they are built of, what their app is, and what is told of them."""


def test_what_cannot_be_tested_is_told_each_with_its_reason(folder: Callable[..., str]) -> None:
    noise = f"process.stdout.write(Buffer.from([0, 255, 27, 91, 50, 74, 10, 195, 40, 13])); {ENDS}"
    code, rows, told = check(
        *(folder(name, *lines, app_js=app) for name, (lines, app, _) in BAD.items()),
        folder("binary", 'CMD ["node", "/srv/app.js"]', app_js=noise),
        *("--read-only", "--memory", "96m", "--ready-timeout", "3", *SHORT),
    )
    assert code == 4, told
    assert rows.pop("binary")["verdict"] == "graceful", told
    assert {name: row["verdict"] for name, row in rows.items()} == dict.fromkeys(BAD, "untested"), told
    for name, (_, _, reason) in BAD.items():
        assert reason in rows[name]["reason"], told
    assert "EROFS" in told
    assert "\x1b[2J" not in told


def test_a_port_that_is_taken_is_seen_in_the_log(folder: Callable[..., str]) -> None:
    server = f"require('http').createServer().listen(process.env.PORT, '127.0.0.1'); {ENDS}"
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        name = folder("port", 'CMD ["node", "/srv/app.js"]', app_js=server)
        code, rows, told = check(name, "--network", "host", "-e", f"PORT={port}")
    assert (code, rows["port"]["verdict"]) == (4, "untested"), told
    assert "with exit code 1" in rows["port"]["reason"]
    assert f"EADDRINUSE: address already in use 127.0.0.1:{port}" in told


def test_a_folder_that_does_not_build_says_how_the_build_ends(folder: Callable[..., str]) -> None:
    code, rows, told = check(folder("broken", "RUN echo this is why; exit 3"))
    assert (code, rows) == (3, {})
    assert f"{_PREFIX}broken/Dockerfile does not build: " in told
    assert "this is why" in told


def test_an_image_for_another_machine_does_not_start_and_says_why(folder: Callable[..., str]) -> None:
    other, number = ("arm64", 183) if machine() != "arm64" else ("amd64", 62)
    name = folder("machine")
    # The head of an ELF file for the other machine (elf(5)), and nothing more.
    head = b"\x7fELF\2\1\1" + bytes(9) + b"\2\0" + number.to_bytes(2, "little") + b"\1"
    Path(name, "program").write_bytes(head.ljust(4096, b"\0"))
    Path(name, "program").chmod(0o755)
    Path(name, "Dockerfile").write_text('FROM scratch\nCOPY program /\nCMD ["/program"]\n')
    code, rows, told = check(name, "--platform", f"linux/{other}")
    assert (code, rows["machine"]["verdict"]) == (4, "untested"), told
    assert "is for another kind of machine" in rows["machine"]["reason"]
    assert f"is for linux/{other}, and the engine runs on {machine()}: it needs an emulator" in told


def test_an_image_for_another_platform_than_the_wanted_one_is_refused(base: str) -> None:
    other = "arm64" if machine() != "arm64" else "amd64"
    done = command("check", base, "--platform", f"linux/{other}", "--pull", "never")
    assert done.returncode == 3
    assert f"is for linux/{machine()}, and not for linux/{other}" in done.stderr


def test_what_one_may_not_read_or_use_is_told(folder: Callable[..., str], tmp_path: Path) -> None:
    name = folder("denied", app_js=ENDS)
    file = Path(name, "app.js")
    file.chmod(0)
    address = str(tmp_path / "socket")
    with closing(socket.socket(socket.AF_UNIX)) as engine:
        engine.bind(address)
        engine.listen()
        Path(address).chmod(0)
        if os.geteuid() == 0:
            os.chown(file, 65534, 65534)
            os.chown(address, 65534, 65534)
        code, _, told = check(name, before=HELD, DOCKER_HOST=f"unix://{address}")
    assert code == 3
    assert f"you may not use the engine at unix://{address}: permission denied" in told
    assert "usermod -aG docker" in told
    code, _, told = check(name, before=HELD)
    assert code == 2
    assert f"{_PREFIX}denied/app.js cannot be read: Permission denied" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("./nowhere",), "./nowhere is not there"),
        (("docker-archive:nowhere.tar",), "nowhere.tar cannot be read: No such file or directory"),
        (("docker-archive:/etc/passwd",), "/etc/passwd is not a tar archive"),
        (("x", "--target", "y"), "--file, --target and --build-arg are for a build folder, and none is named"),
        (("x", "--env-file", "/nowhere"), "/nowhere cannot be read"),
        (("x", "--memory", "lots"), "'lots' is not a size"),
    ],
)
def test_what_cannot_be_is_refused(words: tuple[str, ...], told: str) -> None:
    done = command("check", *words)
    assert done.returncode == 2
    assert told in done.stderr
