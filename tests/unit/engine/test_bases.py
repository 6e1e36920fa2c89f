"""Globs over local tags, and the digests of bases and variants, with an engine that follows a script."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
import requests
import urllib3
from docker.errors import ImageNotFound
from docker.types import HostConfig
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.core.catalogue import LIMITS, Catalogue, Variant
from harness.core.errors import BaseUnavailable, EngineFault, EngineUnavailable
from harness.core.references import own_digest
from harness.core.subject import App, Claim
from harness.engine.bases import Bases
from harness.engine.images import Images
from harness.local_bases.provider import LocalBases

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

    import docker

    from harness.core.facts import BaseFacts

TAGS = [
    ["node:24-alpine", "node:9-alpine", "registry.example:5000/team/node:24"],
    None,
    [],
    ["node:10-alpine", "node:22-alpine"],
    ["signal-harness/base:musl-node24", "signal-harness/from:0123456789abcdef"],
    ["signal-harness/base:musl-node22-npm9.6.7", "signal-harness/base:musl-node22-npm10.2.5"],
    ["signal-harness/base:debian12-node24"],
    ["signal-harness/npm-start:0123456789abcdef", "python:3.13"],
]


class ScriptedApi:
    """An engine that has images of these tags; ``asked`` counts how often it was asked for them."""

    def __init__(self, *tags: list[str] | None, fault: Exception | None = None) -> None:
        self.tags = tags
        self.fault = fault
        self.asked = 0

    def version(self) -> dict[str, Any]:
        return {}

    def images(self) -> list[dict[str, Any]]:
        self.asked += 1
        if self.fault:
            raise self.fault
        return [{"Id": f"sha256:{number}", "RepoTags": tags} for number, tags in enumerate(self.tags)]


def bases(made: ScriptedApi, cache: Path) -> Bases:
    api: docker.APIClient = made
    return Bases(api, providers=[LocalBases(cache)], report=lambda _: None)


@pytest.mark.parametrize(
    ("references", "found"),
    [
        ([], []),
        (["node:2*"], ["node:22-alpine", "node:24-alpine"]),
        (["node:*"], ["node:9-alpine", "node:10-alpine", "node:22-alpine", "node:24-alpine"]),
        (["node:2?-alpine"], ["node:22-alpine", "node:24-alpine"]),
        (["node:2[0-3]*"], ["node:22-alpine"]),
        (["node:2[!2]*"], ["node:24-alpine"]),
        (["*/node:*"], ["registry.example:5000/team/node:24"]),
        (
            ["local:*"],
            [
                "local:debian12-node24",
                "local:musl-node22-npm9.6.7",
                "local:musl-node22-npm10.2.5",
                "local:musl-node24",
            ],
        ),
        (["local:debian*"], ["local:debian12-node24"]),
        (["local:musl-*-npm*"], ["local:musl-node22-npm9.6.7", "local:musl-node22-npm10.2.5"]),
        (["python:3.13", "node:2[24]*"], ["python:3.13", "node:22-alpine", "node:24-alpine"]),
        (["node:24-alpine", "node:2*"], ["node:24-alpine", "node:22-alpine"]),
        (["node:2*", "node:24*"], ["node:22-alpine", "node:24-alpine"]),
        (["b", "a", "b"], ["b", "a"]),
    ],
)
def test_a_glob_stands_for_the_local_tags_that_match(references: list[str], found: list[str], tmp_path: Path) -> None:
    assert list(bases(ScriptedApi(*TAGS), tmp_path).expand(references)) == found


def test_what_is_no_glob_stays_and_needs_no_engine(tmp_path: Path) -> None:
    api = ScriptedApi(fault=requests.ConnectionError("gone"))
    references = ("node:24-alpine", "local:musl-node24", "r.example/x@sha256:0f", "UPPER/case::x", "")
    assert bases(api, tmp_path).expand(references) == references
    assert api.asked == 0


@pytest.mark.parametrize(
    "glob", ["signal-harness/*", "*npm-start*", "*from*", "nothing*", "NODE:*", "[]", "node:24-alpine?"]
)
def test_what_matches_nothing_is_told_and_the_images_we_build_are_no_bases(glob: str, tmp_path: Path) -> None:
    with pytest.raises(BaseUnavailable) as refusal:
        bases(ScriptedApi(*TAGS), tmp_path).expand(["node:24-alpine", glob])
    assert refusal.value.message == f"no local image matches {glob!r}"
    assert refusal.value.remedy == "docker images lists the tags that are here."


def test_an_engine_without_images_is_told(tmp_path: Path) -> None:
    with pytest.raises(BaseUnavailable, match="no local image matches"):
        bases(ScriptedApi(), tmp_path).expand(["*"])


def test_an_engine_that_does_not_answer_is_told(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="the engine does not answer"):
        bases(ScriptedApi(fault=requests.ConnectionError("gone")), tmp_path).expand(["*"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tags=st.lists(st.from_regex(r"[a-z]{1,3}:[a-z1-9.-]{1,9}", fullmatch=True), min_size=1), order=st.randoms())
def test_the_order_of_the_engines_answer_does_not_matter(tags: list[str], order: Random, tmp_path: Path) -> None:
    shuffled = [*tags]
    order.shuffle(shuffled)
    one, other = (bases(ScriptedApi(made), tmp_path).expand(["*"]) for made in (tags, shuffled))
    assert one == other
    assert sorted(one) == sorted({*tags})


@pytest.mark.parametrize(
    ("reference", "digests", "digest"),
    [
        ("node:24", [], None),
        ("node:24", ["node@sha256:a"], "node@sha256:a"),
        ("node:24", ["mirror.example/node@sha256:b", "node@sha256:a"], "node@sha256:a"),
        ("node", ["mirror.example/node@sha256:b", "node@sha256:a"], "node@sha256:a"),
        ("node@sha256:c", ["mirror.example/node@sha256:b", "node@sha256:a"], "node@sha256:a"),
        ("node:24@sha256:c", ["mirror.example/node@sha256:b", "node@sha256:a"], "node@sha256:a"),
        ("mirror.example/node:24", ["node@sha256:a", "mirror.example/node@sha256:b"], "mirror.example/node@sha256:b"),
        ("r.example:5000/node", ["node@sha256:a", "r.example:5000/node@sha256:b"], "r.example:5000/node@sha256:b"),
        ("renamed:1", ["node@sha256:a", "mirror.example/node@sha256:b"], None),
        ("local:musl-node24", [], None),
    ],
)
def test_a_base_is_known_by_the_digest_of_its_own_repository(
    reference: str, digests: list[str], digest: str | None
) -> None:
    assert own_digest(reference, digests) == digest


# Which bases are used if none is named.

DEFAULTS = ("node:1", "node:2")
STAND_INS = ("local:musl-node24", "local:debian12-node24")


class ScriptedRegistry(ScriptedApi):
    """An engine that has images of these names, and whose registry answers nothing."""

    base_url = "http://engine"
    api_version = "1.41"

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.names = [name.replace("local:", "signal-harness/base:") for name in names]

    def inspect_image(self, reference: str) -> dict[str, Any]:
        if reference not in self.names:
            raise ImageNotFound(reference)
        return {"Id": f"sha256:{reference}"}

    def post(self, url: str, **_: Any) -> requests.Response:
        raise requests.ConnectTimeout(url)


def chosen(cache: Path, *names: str, reports: list[str] | None = None) -> tuple[str, ...]:
    api: docker.APIClient = ScriptedRegistry(*names)
    report = (reports if reports is not None else []).append
    return Bases(api, defaults=DEFAULTS, providers=[LocalBases(cache)], report=report).defaults()


@pytest.mark.parametrize(
    ("here", "bases"),
    [
        (DEFAULTS, DEFAULTS),
        (STAND_INS, STAND_INS),
        ((*STAND_INS, *DEFAULTS), DEFAULTS),
        ((*STAND_INS, "node:1"), STAND_INS),
        (("node:1", "local:musl-node24"), STAND_INS),
        ((), STAND_INS),
    ],
)
def test_the_default_bases_are_those_that_are_here_else_stand_ins(
    here: tuple[str, ...], bases: tuple[str, ...], tmp_path: Path
) -> None:
    assert chosen(tmp_path, *here) == bases


def test_why_stand_ins_are_used_is_said(tmp_path: Path) -> None:
    reports: list[str] = []
    chosen(tmp_path, reports=reports)
    assert reports == [
        "pulling node:1",
        "node:1 cannot be pulled: the registry said nothing for 6 s; using stand-ins made from packages",
    ]


def test_without_stand_ins_a_registry_that_does_not_answer_is_told() -> None:
    api: docker.APIClient = ScriptedRegistry()
    with pytest.raises(BaseUnavailable) as refusal:
        Bases(api, defaults=DEFAULTS, report=lambda _: None).defaults()
    assert refusal.value.message == "node:1 cannot be pulled: the registry said nothing for 6 s"
    assert refusal.value.remedy == "Check the name, or log in to its registry (docker login)."


def test_a_base_that_cannot_be_pulled_may_be_assembled(tmp_path: Path) -> None:
    api: docker.APIClient = ScriptedRegistry()
    with pytest.raises(BaseUnavailable) as refusal:
        Bases(api, defaults=DEFAULTS, providers=[LocalBases(tmp_path)], report=lambda _: None).get("node:3")
    assert refusal.value.remedy == (
        "Check the name, or log in to its registry (docker login).\n"
        "Without a registry, assemble one from packages: signal-harness bases build local:musl-node24"
    )


def test_a_base_of_each_kind_is_an_example(tmp_path: Path) -> None:
    api: docker.APIClient = ScriptedRegistry()
    made = Bases(api, defaults=DEFAULTS, providers=[LocalBases(tmp_path)], report=lambda _: None)
    assert made.examples == "node:1 or local:musl-node24"


# What a base is asked.


class ScriptedShell(ScriptedApi):
    """An engine that has a base whose shell says ``output``, or does not end; ``asked_of`` is how it was run."""

    def __init__(self, output: bytes, fault: Exception | None = None) -> None:
        super().__init__(["node:1"])
        self.output = output
        self.silent = fault
        self.limits_cpus = True
        self.asked_of: dict[str, Any] = {}
        self.made: list[str] = []
        self.removed: list[str] = []

    def info(self) -> dict[str, Any]:
        return {"CpuCfsQuota": self.limits_cpus}

    def inspect_image(self, _: str) -> dict[str, Any]:
        return {"Id": "sha256:b", "Config": {}}

    def create_host_config(self, **options: Any) -> dict[str, Any]:
        return dict(HostConfig(version="1.41", **options))

    def create_container(self, *_: object, **options: Any) -> dict[str, str]:
        self.asked_of = options["host_config"]
        self.made.append(options["name"])
        return {"Id": "c"}

    def start(self, _: str) -> None:
        """It starts."""

    def wait(self, _: str, *, timeout: float) -> None:
        assert timeout == 60
        if self.silent:
            raise self.silent

    def logs(self, _: str, *, stderr: bool, tail: int) -> bytes:
        assert (stderr, tail) == (False, 500)
        return self.output

    def kill(self, container_id: str) -> None:
        """It is gone with its removal."""

    def remove_container(self, container_id: str, **_: object) -> None:
        self.removed.append(container_id)


def test_a_base_may_do_nothing_but_say_what_it_has() -> None:
    api: Any = ScriptedShell(b"os=debian 12\nlibc=glibc \xff\n")
    made = Bases(api, report=lambda _: None)
    made.get("node:1")
    assert made.facts("node:1").os == "debian 12"
    assert api.asked_of["NetworkMode"] == "none"
    assert api.asked_of["CapDrop"] == ["ALL"]
    assert api.asked_of["SecurityOpt"] == ["no-new-privileges"]
    assert (api.asked_of["Memory"], api.asked_of["PidsLimit"]) == (512 << 20, 256)
    assert (api.asked_of["CpuQuota"], api.asked_of["CpuPeriod"]) == (100_000, 100_000)
    assert api.removed == api.made
    assert len(api.made) == 1


def test_an_engine_that_cannot_limit_processors_is_asked_for_no_limit() -> None:
    api: Any = ScriptedShell(b"os=debian 12\n")
    api.limits_cpus = False
    made = Bases(api, report=lambda _: None)
    made.get("node:1")
    assert made.facts("node:1").os == "debian 12"
    assert "CpuQuota" not in api.asked_of
    assert api.asked_of["PidsLimit"] == 256


LATE = urllib3.exceptions.ReadTimeoutError(urllib3.HTTPConnectionPool("engine"), "/wait", "read timed out")


@pytest.mark.parametrize("fault", [requests.ReadTimeout("silent"), requests.ConnectionError(LATE)])
def test_a_base_whose_shell_does_not_end_is_told(fault: Exception) -> None:
    api: Any = ScriptedShell(b"", fault)
    made = Bases(api, report=lambda _: None)
    made.get("node:1")
    with pytest.raises(BaseUnavailable, match=r"node:1 has no shell that runs, .* it did not end within 60 s"):
        made.facts("node:1")
    assert api.removed == api.made


def test_a_connection_that_breaks_says_nothing_of_a_base() -> None:
    api: Any = ScriptedShell(b"", requests.ConnectionError("reset by peer"))
    made = Bases(api, report=lambda _: None)
    made.get("node:1")
    with pytest.raises(EngineUnavailable):
        made.facts("node:1")
    assert len(api.made) == 3
    assert api.removed == api.made


# What is kept of that.

SAID = b"os=debian 12\nlibc=glibc 2.36\nshell=dash 0.5.12\nprogram.node=24.1.0\nwhole=yes\n"


def facts_of(api: Any, cache: Path | None, reference: str = "node:1") -> BaseFacts:
    made = Bases(api, report=lambda _: None, cache=cache)
    made.get(reference)
    return made.facts(reference)


def test_what_a_base_said_is_asked_once(tmp_path: Path) -> None:
    first, second = ScriptedShell(SAID), ScriptedShell(b"os=another\nwhole=yes\n")
    asked = facts_of(first, tmp_path)
    kept = facts_of(second, tmp_path, "renamed:1")
    assert (len(first.made), len(second.made)) == (1, 0)
    assert asked.programs == {"node": "24.1.0"}
    assert kept == msgspec.structs.replace(asked, reference="renamed:1")


def test_without_a_cache_each_run_asks() -> None:
    api = ScriptedShell(SAID)
    assert facts_of(api, None) == facts_of(api, None)
    assert len(api.made) == 2


class OtherImage(ScriptedShell):
    """The name means another image now."""

    def inspect_image(self, reference: str) -> dict[str, Any]:
        return super().inspect_image(reference) | {"Id": "sha256:c"}


class OtherPlatform(ScriptedShell):
    """The id is that of a list, of which there is another platform now."""

    def inspect_image(self, reference: str) -> dict[str, Any]:
        return super().inspect_image(reference) | {"Os": "linux", "Architecture": "arm64"}


class OtherEntrypoint(ScriptedShell):
    """Its entrypoint is another."""

    def inspect_image(self, reference: str) -> dict[str, Any]:
        return super().inspect_image(reference) | {"Config": {"Entrypoint": ["docker-entrypoint.sh"]}}


class OtherMachine(ScriptedShell):
    """The engine runs on another machine."""

    def version(self) -> dict[str, Any]:
        return {"Arch": "arm64"}


class OtherKind(ScriptedShell):
    """The engine is Podman."""

    def version(self) -> dict[str, Any]:
        return {"Components": [{"Name": "Podman Engine"}]}


class OtherLimits(ScriptedShell):
    """The engine cannot limit processors."""

    def info(self) -> dict[str, Any]:
        return {}


@pytest.mark.parametrize("other", [OtherImage, OtherPlatform, OtherEntrypoint, OtherMachine, OtherKind, OtherLimits])
def test_another_image_engine_or_container_is_asked_anew(other: type[ScriptedShell], tmp_path: Path) -> None:
    facts_of(ScriptedShell(SAID), tmp_path)
    api = other(SAID.replace(b"24.1.0", b"22.0.0"))
    assert facts_of(api, tmp_path).programs == {"node": "22.0.0"}
    assert len(api.made) == 1


def test_another_script_asks_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    api = ScriptedShell(SAID)
    facts_of(api, tmp_path)
    monkeypatch.setattr("harness.engine.bases._PROBE", "echo os=plan9; echo whole=yes")
    facts_of(api, tmp_path)
    assert len(api.made) == 2


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(SAID.replace(b"whole=yes\n", b""), id="killed on the way"),
        pytest.param(SAID + b"libc=late\n", id="more behind the end"),
        pytest.param(SAID.replace(b"24.1.0", b""), id="a program that did not answer"),
        pytest.param(b"x\n" * 495 + SAID, id="cut off at the beginning"),
        pytest.param(b"x" * 70_000 + b"\n" + SAID, id="very long"),
    ],
)
def test_an_answer_that_is_not_whole_is_not_kept(said: bytes, tmp_path: Path) -> None:
    api = ScriptedShell(said)
    facts_of(api, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    api.output = SAID
    assert facts_of(api, tmp_path).programs == {"node": "24.1.0"}
    assert len(api.made) == 2
    facts_of(api, tmp_path)
    assert len(api.made) == 2


def test_a_failure_is_not_kept(tmp_path: Path) -> None:
    api: Any = ScriptedShell(SAID, requests.ReadTimeout("silent"))
    with pytest.raises(BaseUnavailable):
        facts_of(api, tmp_path)
    api.silent = None
    assert facts_of(api, tmp_path).os == "debian 12"
    assert len(api.made) == 2


def test_a_kept_answer_that_is_not_whole_is_asked_anew(tmp_path: Path) -> None:
    api = ScriptedShell(SAID)
    asked = facts_of(api, tmp_path)
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    for damage in (b"", file.read_bytes()[:-9], file.read_bytes().replace(b"whole=yes", b""), b"{}"):
        file.write_bytes(damage)
        assert facts_of(api, tmp_path) == asked
    assert len(api.made) == 5


def test_where_nothing_can_be_kept_each_run_asks(tmp_path: Path) -> None:
    (tmp_path / "answers").write_text("no folder")
    api = ScriptedShell(SAID)
    assert facts_of(api, tmp_path) == facts_of(api, tmp_path)
    assert len(api.made) == 2


# What makes a variant what it is.


class ScriptedBuilder(ScriptedApi):
    """An engine that is asked for no more than its builder."""

    base_url = "http://engine"
    api_version = "1.41"

    def get(self, url: str, *, timeout: float) -> requests.Response:
        assert (url, timeout) == ("http://engine/_ping", 10)
        return requests.Response()


WANTED = Variant(name="v", title="t", dockerfile="v.Dockerfile")


def images_of(place: Path, api: docker.APIClient, *, folder: str = "dockerfiles", context: str = "app") -> Images:
    return Images(
        api,
        folder=place / folder,
        context=place / context,
        base_image=lambda _: ("signal-harness/from:0", "base"),
        on_build=lambda *_: None,
        jobs=1,
    )


def digest_of(folder: Path, variant: Variant) -> str:
    with images_of(folder, ScriptedBuilder()) as images:
        return images.digest_of(variant)


class ScriptedStore(ScriptedBuilder):
    """An engine that has the images of these layers, and every other one with the layers ``built``."""

    def __init__(self, built: list[str], **layers: list[str]) -> None:
        super().__init__()
        self.built = built
        self.layers = layers

    def inspect_image(self, reference: str) -> dict[str, Any]:
        return {"RootFS": {"Type": "layers", "Layers": self.layers.get(reference, self.built)}}


@pytest.mark.parametrize("layers", [["a", "b", "c"], ["a", "b"], ["b"], ["x", "b", "c"], ["x", "a", "b"], []])
def test_an_image_that_is_not_built_on_its_base_is_no_image_of_it(layers: list[str], tmp_path: Path) -> None:
    folder = catalogue(tmp_path / "x", dockerfile="FROM node:24")
    api: docker.APIClient = ScriptedStore(layers, base=["a", "b"])
    one = Catalogue(context=".", app=App(), variants=(WANTED,)).subject(WANTED, "local:b")
    with images_of(folder, api) as images:
        if layers[:2] == ["a", "b"]:
            assert images.image_of(one).startswith("signal-harness/v:")
            return
        with pytest.raises(EngineFault, match=r"v\.Dockerfile was built, but not on local:b"):
            images.image_of(one)


class AwayStore(ScriptedStore):
    """One that is away for so many requests, and then back."""

    def __init__(self, away: int) -> None:
        super().__init__(["a"], base=["a"])
        self.away = away

    def inspect_image(self, reference: str) -> dict[str, Any]:
        if self.away:
            self.away -= 1
            raise requests.ConnectionError("nobody is there")
        return super().inspect_image(reference)


def test_an_image_that_an_absent_engine_did_not_give_is_got_anew(tmp_path: Path) -> None:
    one = Catalogue(context=".", app=App(), variants=(WANTED,)).subject(WANTED, "local:b")
    with images_of(catalogue(tmp_path / "x", dockerfile="FROM node:24"), AwayStore(3)) as images:
        with pytest.raises(EngineUnavailable):
            images.image_of(one)
        assert images.image_of(one).startswith("signal-harness/v:")


def test_what_makes_a_catalogue_is_no_part_of_its_app(tmp_path: Path) -> None:
    (tmp_path / "v.Dockerfile").write_text("FROM node:24")
    (tmp_path / "server.js").write_text("listen()")
    with images_of(tmp_path, ScriptedBuilder(), folder=".", context=".") as images:
        digest = images.digest_of(WANTED)
    for name in ("catalogue.toml", "baselines/b.json", "w.Dockerfile", "Dockerfile", "Dockerfile.dev"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    with images_of(tmp_path, ScriptedBuilder(), folder=".", context=".") as images:
        assert images.digest_of(WANTED) == digest
    for name in ("baselines/app.js", "sub/Dockerfile", "sub/catalogue.toml", "Dockerfiles"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
        with images_of(tmp_path, ScriptedBuilder(), folder=".", context=".") as images:
            assert images.digest_of(WANTED) != digest
            digest = images.digest_of(WANTED)


def catalogue(folder: Path, *, dockerfile: str = "CMD node server.js", app: str = "listen()") -> Path:
    (folder / "dockerfiles").mkdir(parents=True)
    (folder / "app").mkdir()
    (folder / "dockerfiles" / "v.Dockerfile").write_text(dockerfile)
    (folder / "app" / "server.js").write_text(app)
    return folder


def test_a_variant_is_the_same_wherever_and_whenever_it_lies(tmp_path: Path) -> None:
    here, there = catalogue(tmp_path / "here"), catalogue(tmp_path / "there")
    for path in (there / "app" / "server.js", there / "dockerfiles" / "v.Dockerfile"):
        os.utime(path, (1, 1))
    (there / "dockerfiles" / "other.Dockerfile").write_text("CMD other")
    digest = digest_of(here, WANTED)
    assert re.fullmatch("[0-9a-f]{12}", digest)
    assert digest_of(there, WANTED) == digest


def test_what_is_said_of_a_variant_does_not_make_it_another(tmp_path: Path) -> None:
    folder = catalogue(tmp_path / "x")
    claim = Claim(text="it works", source="a blog")
    said = replace(WANTED, title="another", claim=claim, requires={"node": ">=22"})
    assert digest_of(folder, said) == digest_of(folder, WANTED)


@pytest.mark.parametrize(
    "other",
    [
        replace(WANTED, target="slim"),
        replace(WANTED, launch=replace(LIMITS, init=True)),
        replace(WANTED, launch=replace(LIMITS, entrypoint=("tini", "--"))),
        replace(WANTED, launch=replace(LIMITS, entrypoint=())),
        replace(WANTED, launch=replace(LIMITS, command=("tini", "--"))),
    ],
)
def test_another_stage_or_option_makes_another_variant(other: Variant, tmp_path: Path) -> None:
    folder = catalogue(tmp_path / "x")
    assert digest_of(folder, other) != digest_of(folder, WANTED)


def test_another_dockerfile_or_app_makes_another_variant(tmp_path: Path) -> None:
    folders = [
        catalogue(tmp_path / "a"),
        catalogue(tmp_path / "b", dockerfile="CMD exec node server.js"),
        catalogue(tmp_path / "c", app="listen() // now"),
        catalogue(tmp_path / "d"),
    ]
    (folders[3] / "app" / "server.js").chmod(0o755)
    assert len({digest_of(folder, WANTED) for folder in folders}) == 4


@pytest.mark.parametrize("glob", ["*", "*:*", "*none*", "[!a]*"])
def test_an_image_without_a_tag_is_no_base(glob: str, tmp_path: Path) -> None:
    made = bases(ScriptedApi(["<none>:<none>"], ["none:1"], ["<none>:<none>"]), tmp_path)
    assert made.expand([glob]) == ("none:1",)


@pytest.mark.parametrize("reference", ["docker.io/library/node:24", "library/node:24", "docker.io/node:24"])
def test_a_long_name_on_docker_hub_is_the_short_one(reference: str) -> None:
    assert own_digest(reference, ["mirror.example/node@sha256:b", "node@sha256:a"]) == "node@sha256:a"
