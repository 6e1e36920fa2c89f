"""Local bases, assembled or reused on a real engine and compared with what the official Node images promise."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker
import pytest
from docker.errors import DockerException
from docker.utils import kwargs_from_env

from harness.core.errors import BaseUnavailable
from harness.engine.store import ImageStore
from harness.local_bases.assemble import build_recipe
from harness.local_bases.recipe import parse_recipe

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.engine

RUN_S = 60
REFERENCES = ("local:musl-node24", "local:debian12-node24")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def inspect(api: docker.APIClient, tag: str) -> dict[str, Any]:
    return dict(api.inspect_image(tag))


@dataclass(frozen=True, kw_only=True, slots=True)
class Base:
    """A base under test and the engine it is on."""

    reference: str
    tag: str
    api: docker.APIClient

    @property
    def is_musl(self) -> bool:
        return self.reference.startswith("local:musl")

    @property
    def image(self) -> dict[str, Any]:
        return inspect(self.api, self.tag)

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.image["Config"]["Labels"])

    def run(self, *command: str, user: str = "") -> tuple[int, str]:
        """Run a command through the image's own entrypoint; give its exit code and what it wrote."""
        container = self.api.create_container(
            self.tag, list(command), user=user, host_config=self.api.create_host_config(network_mode="none")
        )["Id"]
        try:
            self.api.start(container)
            code = self.api.wait(container, timeout=RUN_S)["StatusCode"]
            return code, self.api.logs(container).decode()
        finally:
            self.api.remove_container(container, force=True, v=True)

    def output(self, *command: str, user: str = "") -> str:
        """Run a command that has to succeed; give what it wrote, without the last newline."""
        code, text = self.run(*command, user=user)
        assert code == 0, text
        return text.rstrip("\n")


@pytest.fixture(scope="session")
def recipe_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for downloads: one that outlives the run where the environment names it."""
    named = os.environ.get("SIGNAL_HARNESS_TEST_CACHE")
    return Path(named) if named else tmp_path_factory.mktemp("recipes")


@pytest.fixture(scope="session")
def api() -> Iterator[docker.APIClient]:
    """The engine that the environment names; without one these tests fail, they are not skipped."""
    try:
        client = docker.APIClient(**kwargs_from_env(), version="auto", timeout=600)
    except DockerException as error:
        pytest.fail(f"no engine answers: {error}")
    yield client
    client.close()


@pytest.fixture(scope="session", params=REFERENCES)
def base(request: pytest.FixtureRequest, api: docker.APIClient, recipe_cache: Path) -> Base:
    """A default base, reused when the engine has it."""
    tag = build_recipe(ImageStore(api), parse_recipe(request.param), cache=recipe_cache, report=print)
    return Base(reference=request.param, tag=tag, api=api)


def test_the_image_says_what_it_is(base: Base) -> None:
    assert base.tag == f"signal-harness/base:{base.reference.removeprefix('local:')}"
    assert base.labels["signal-harness.base"] == base.reference
    assert base.output("node", "--version") == f"v{base.labels['signal-harness.node']}"
    assert base.output("npm", "--version") == base.labels["signal-harness.npm"]
    assert base.labels["signal-harness.node"].startswith("24.")


def test_the_settings_are_those_of_the_official_images(base: Base) -> None:
    config = base.image["Config"]
    assert config["Entrypoint"] == ["docker-entrypoint.sh"]
    assert config["Cmd"] == ["node"]
    assert config["User"] == ""
    assert config["WorkingDir"] in ("", "/")
    assert not config.get("StopSignal")
    assert config["Env"] == [f"PATH={PATH}", f"NODE_VERSION={base.labels['signal-harness.node']}"]


def test_the_user_node_exists(base: Base) -> None:
    assert base.output("id", "node") == "uid=1000(node) gid=1000(node) groups=1000(node)"
    script = "echo ~ && touch ~/file && stat -c '%u:%g %a' ~ && grep ^node: /etc/passwd"
    home, owner, account = base.output("sh", "-c", script, user="node").splitlines()
    assert (home, owner) == ("/home/node", "1000:1000 755")
    assert account.endswith(":/home/node:/bin/sh" if base.is_musl else ":/home/node:/bin/bash")
    assert base.output("su", "node", "-c", "id -u") == "1000"


def test_the_entrypoint_becomes_its_arguments(base: Base) -> None:
    assert base.output("sh", "-c", "echo $$") == "1"
    assert base.output("printf", "%s|", "a b", "", "*") == "a b||*|"
    assert base.run("sh", "-c", "exit 7")[0] == 7


def test_node_gets_what_is_no_command(base: Base) -> None:
    assert base.output("--print", "process.pid + process.argv0") == "1node"
    code, text = base.run("no-such-command")
    assert code == 1
    assert "Cannot find module '/no-such-command'" in text
    # A file that may not be run is a script for node: this one is no JavaScript, and the stack trace is node's.
    code, text = base.run("/etc/os-release")
    assert code == 1
    assert "node:internal" in text


def test_pid_1_is_node_for_a_node_command(base: Base) -> None:
    script = "console.log(process.pid, require('fs').readFileSync('/proc/1/cmdline').toString().split('\\0')[0])"
    assert base.output("node", "--eval", script) == "1 node"


def test_npm_runs_a_script_through_the_shell(base: Base) -> None:
    prepare = "cd /home/node && npm init --yes >/dev/null && npm pkg set scripts.start='node --print 6*7 && echo $0'"
    lines = base.output("sh", "-c", f"{prepare} && npm start --silent", user="node").splitlines()
    assert lines == ["42", "sh"]
    assert base.output("npx", "--version") == base.labels["signal-harness.npm"]


def test_programs_are_where_the_official_images_have_them(base: Base) -> None:
    where = base.output("sh", "-c", "for name in node npm npx docker-entrypoint.sh; do command -v $name; done")
    assert where.split() == [f"/usr/local/bin/{name}" for name in ("node", "npm", "npx", "docker-entrypoint.sh")]
    assert base.output("readlink", "-f", "/usr/local/bin/npm") == "/usr/local/lib/node_modules/npm/bin/npm-cli.js"
    assert base.output("/usr/bin/env", "node", "--print", "1") == "1"


def test_the_inits_run_their_child(base: Base) -> None:
    assert base.output("tini", "--", "echo", "child") == "child"
    assert base.output("dumb-init", "echo", "child") == "child"
    assert base.output("tini", "--version") == "tini version 0.19.0"
    assert base.output("dumb-init", "--version") == "dumb-init v1.2.5"


def test_the_shell_is_the_distribution_s(base: Base) -> None:
    shell = base.output("readlink", "-f", "/bin/sh")
    assert shell == ("/usr/bin/busybox" if base.is_musl else "/usr/bin/dash")


def test_the_system_says_honestly_what_it_is(base: Base) -> None:
    release = base.output("cat", "/etc/os-release")
    libc = base.output("node", "--print", "process.report.getReport().header.glibcVersionRuntime || 'musl'")
    if base.is_musl:
        assert "ID=musl-busybox" in release.splitlines()
        assert "alpine" not in release.lower()
        assert libc == "musl"
    else:
        assert "ID=debian" in release.splitlines()
        assert 'VERSION_ID="12"' in release.splitlines()
        assert libc == "2.36"


def test_nothing_of_the_assembling_machine_is_inside(base: Base) -> None:
    found = base.output("sh", "-c", "find /var/cache/apt /var/lib/apt/lists /var/log -type f 2>/dev/null | sort")
    assert found == ""


def test_an_assembled_base_is_reused_without_the_network(
    base: Base, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    before = base.image["Id"]
    reports: list[str] = []
    cache = tmp_path / "cache"
    assert (
        build_recipe(ImageStore(base.api), parse_recipe(base.reference), cache=cache, report=reports.append) == base.tag
    )
    assert base.image["Id"] == before
    assert reports == []
    assert not cache.exists()


def test_no_network_is_said_with_the_host(
    api: docker.APIClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with pytest.raises(BaseUnavailable, match=r"^deb\.debian\.org does not answer") as failure:
        build_recipe(ImageStore(api), parse_recipe("local:musl-node24"), cache=tmp_path, report=print, rebuild=True)
    assert failure.value.exit_code == 3
    assert [path.name for path in tmp_path.iterdir()] == ["musl-node24.lock"]


def test_a_node_that_nobody_carries_is_said_with_the_nearest(api: docker.APIClient, recipe_cache: Path) -> None:
    with pytest.raises(BaseUnavailable, match="no package index carries Node 18 for musl") as failure:
        build_recipe(ImageStore(api), parse_recipe("local:musl-node18"), cache=recipe_cache, report=print)
    assert "local:musl-node20." in failure.value.remedy


def test_two_builds_at_once_make_one_image(api: docker.APIClient, recipe_cache: Path) -> None:
    recipe = parse_recipe("local:musl-node22-npm9.6.7")
    reports: list[str] = []
    with ThreadPoolExecutor(2) as pool:
        builds = [
            pool.submit(build_recipe, ImageStore(api), recipe, cache=recipe_cache, report=reports.append)
            for _ in range(2)
        ]
        tags = {build.result() for build in builds}
    assert tags == {"signal-harness/base:musl-node22-npm9.6.7"}
    assert sum(report.startswith("importing") for report in reports) <= 1
    assert inspect(api, tags.pop())["Config"]["Labels"]["signal-harness.npm"] == "9.6.7"
