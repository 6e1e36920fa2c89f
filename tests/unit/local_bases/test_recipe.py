"""The pure parts of local bases: the name of a recipe, and the choices made from what indexes offer."""

from __future__ import annotations

import io
import struct
import tarfile
from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.core.errors import BaseUnavailable, UsageError
from harness.local_bases.indexes import choose, nearest
from harness.local_bases.musl import applets, is_static
from harness.local_bases.node import bundled_npm
from harness.local_bases.recipe import Recipe, RecipeOs, architecture, is_recipe, parse_recipe
from harness.local_bases.rootfs import Rootfs

NUMBERS = st.integers(min_value=0, max_value=99_999)
COMPLETE = st.tuples(NUMBERS, NUMBERS, NUMBERS).map(lambda parts: ".".join(map(str, parts)))
NODES = st.integers(min_value=18, max_value=99_999).flatmap(
    lambda major: st.one_of(
        st.just(str(major)), st.tuples(NUMBERS, NUMBERS).map(lambda rest: f"{major}.{rest[0]}.{rest[1]}")
    )
)
PRERELEASES = st.tuples(COMPLETE, st.from_regex(r"[0-9A-Za-z][0-9A-Za-z.-]{0,31}", fullmatch=True)).map("-".join)
RECIPES = st.builds(
    Recipe,
    os=st.sampled_from(get_args(RecipeOs)),
    node=NODES,
    npm=st.one_of(st.none(), NUMBERS.map(str), COMPLETE, PRERELEASES),
)

CHANGES = """\
# Node.js 22 ChangeLog
<a href="#22.3.0">22.3.0</a><br/>

<a id="22.3.0"></a>
### Commits
* [[`1`](u)] - **doc**: run license-builder (github-actions)
* [[`2`](u)] - _**Revert**_ "**deps**: upgrade npm to 10.9.9" (someone)

<a id="22.2.1"></a>
* [[`3`](u)] - **deps**: upgrade npm to 10.9.9 (npm team)
* [[`4`](u)] - **deps**: upgrade npm to 10.10.0 (npm team)
* [[`5`](u)] - **deps**: upgrade npm to 10.9.7 (npm team)

<a id="22.2.0"></a>
* [[`6`](u)] - **tools**: move update-npm to dep updaters (someone)

<a id="22.1.0"></a>
* [[`7`](u)] - **deps**: update npm to 10.8.1 (npm team)

<a id="22.0.0"></a>
* [[`8`](u)] - **src**: something else
"""


@pytest.mark.parametrize(
    ("text", "recipe"),
    [
        ("local:musl-node24", Recipe(os="musl", node="24")),
        ("local:debian12-node22.14.0", Recipe(os="debian12", node="22.14.0")),
        ("local:musl-node22-npm9.6.7", Recipe(os="musl", node="22", npm="9.6.7")),
        ("local:debian11-node18-npm10", Recipe(os="debian11", node="18", npm="10")),
        ("local:debian13-node26-npm7.0.0-rc.1", Recipe(os="debian13", node="26", npm="7.0.0-rc.1")),
    ],
)
def test_a_recipe_is_read(text: str, recipe: Recipe) -> None:
    assert parse_recipe(text) == recipe
    assert recipe.reference == text


@given(RECIPES)
def test_a_recipe_reads_back_as_itself(recipe: Recipe) -> None:
    assert parse_recipe(recipe.reference) == recipe


@given(RECIPES)
def test_a_recipe_name_is_an_image_tag(recipe: Recipe) -> None:
    assert recipe.reference == f"local:{recipe.name}"
    assert len(recipe.name) <= 128
    assert set(recipe.name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


@given(st.one_of(st.text(), st.text().map("local:".__add__), st.from_regex(r"local:[a-z0-9]+-node[0-9.]+(-npm.*)?")))
@example("local:musl-node24\n")
@example("local:musl-node\uff12\uff14")
@example("local:musl-node024")
@example("local:musl-node24-npm")
@example("local:musl-node24.1")
def test_text_is_a_recipe_or_refused(text: str) -> None:
    try:
        recipe = parse_recipe(text)
    except UsageError as error:
        refusal = error
    else:
        assert recipe.reference == text
        return
    assert refusal.exit_code == 2
    assert "local:" in refusal.remedy


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("node:24-slim", "'node:24-slim' is not a recipe for a local base"),
        ("local:alpine-node24", "'alpine' is not an operating system of a local base"),
        ("local:musl-node24.", "'24.' is not a Node version"),
        ("local:musl-node24-npm9.6", "'9.6' is not an npm version"),
        ("local:debian12-node16", "Node 16 is too old for a local base"),
    ],
)
def test_a_refusal_names_the_part_at_fault(text: str, message: str) -> None:
    with pytest.raises(UsageError) as refusal:
        parse_recipe(text)
    assert refusal.value.message == message
    assert refusal.value.remedy


def test_only_the_prefix_makes_a_recipe() -> None:
    assert is_recipe("local:anything")
    assert not is_recipe("localhost:5000/node:24")


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("22", "22.10.0"),
        ("22.9.0", "22.9.0"),
        ("24.0.0-rc.1", "24.0.0-rc.1"),
        ("24", None),
        ("22.11.0", None),
    ],
)
def test_a_major_is_its_newest_stable_release(wanted: str, chosen: str | None) -> None:
    assert choose(wanted, ["22.9.0", "22.10.0", "20.1.0", "24.0.0-rc.1"]) == chosen


@pytest.mark.parametrize(
    ("wanted", "near"),
    [
        ("22.5.0", ["22.3.0", "22.4.0", "22.6.0", "22.7.0"]),
        ("22.99.0", ["22.4.0", "22.6.0", "22.7.0", "22.8.0"]),
        ("22.0.0-rc.1", ["22.2.0", "22.3.0", "22.4.0", "22.6.0"]),
        ("18", ["20.1.0", "22.8.0"]),
        ("18.1.0", ["20.1.0", "22.8.0"]),
    ],
)
def test_the_nearest_versions_are_offered(wanted: str, near: list[str]) -> None:
    offered = ["22.2.0", "22.3.0", "22.4.0", "22.8.0", "22.7.0", "22.6.0", "20.1.0", "20.0.0", "23.0.0-rc.1"]
    assert nearest(wanted, offered) == near


@pytest.mark.parametrize(
    ("node", "npm"), [("22.3.0", "10.10.0"), ("22.2.1", "10.10.0"), ("22.2.0", "10.8.1"), ("22.1.0", "10.8.1")]
)
def test_the_bundled_npm_is_read_from_the_change_log(node: str, npm: str) -> None:
    assert bundled_npm(node, CHANGES) == npm


def test_a_reverted_npm_is_not_the_bundled_one() -> None:
    changes = CHANGES.replace("10.10.0", "10.9.9")
    assert bundled_npm("22.3.0", changes) == "10.9.7"
    assert bundled_npm("22.2.1", changes) == "10.9.9"


@pytest.mark.parametrize("changes", [CHANGES, ""])
def test_an_npm_that_the_change_log_does_not_tell_is_asked_for(changes: str) -> None:
    with pytest.raises(BaseUnavailable, match=r"which npm Node 22\.0\.0 bundles") as refusal:
        bundled_npm("22.0.0", changes)
    assert "-npm" in refusal.value.remedy


def _elf(*program_header_kinds: int) -> bytes:
    header = bytearray(64)
    header[:6] = b"\x7fELF\x02\x01"
    struct.pack_into("<Q", header, 32, 64)
    struct.pack_into("<HH", header, 54, 56, len(program_header_kinds))
    return bytes(header) + b"".join(struct.pack("<I", kind).ljust(56, b"\0") for kind in program_header_kinds)


def test_a_program_with_a_loader_is_not_static() -> None:
    assert is_static(_elf(1, 1, 2))
    assert not is_static(_elf(6, 3, 1))
    assert not is_static(b"#!/bin/sh\n")


def test_applets_are_read_from_busybox() -> None:
    assert applets(b"..\x0e [\0[[\0ash\0env\0sh\0zcat\0\0..") == ["[", "[[", "ash", "env", "sh", "zcat"]


@pytest.mark.parametrize("program", [b"", b"no table", b"[\0[[\0acpid\0\0", b"[\0[[\0ash\0env\0sh"])
def test_a_busybox_without_a_table_of_applets_is_refused(program: bytes) -> None:
    with pytest.raises(BaseUnavailable, match="busybox-static"):
        applets(program)


@pytest.mark.parametrize(("engine_name", "debian"), [("amd64", "amd64"), ("arm64", "arm64"), ("aarch64", "arm64")])
def test_an_architecture_has_one_record(engine_name: str, debian: str) -> None:
    assert architecture(engine_name).debian == debian


def test_an_unknown_architecture_is_refused() -> None:
    with pytest.raises(BaseUnavailable, match="'riscv64'"):
        architecture("riscv64")


def test_a_root_file_system_has_numeric_owners_and_each_directory_once() -> None:
    sink = io.BytesIO()
    with Rootfs(sink) as rootfs:
        rootfs.file("etc/a/x", b"1", mode=0o600, group=42)
        rootfs.file("etc/a/y", b"22")
        rootfs.directory("home/node", owner=1000)
        rootfs.symlink("bin", "usr/bin")
    sink.seek(0)
    with tarfile.open(fileobj=sink) as archive:
        found = [(entry.name, oct(entry.mode), entry.uid, entry.gid, entry.uname, entry.mtime) for entry in archive]
    assert found == [
        ("etc", "0o755", 0, 0, "", 0),
        ("etc/a", "0o755", 0, 0, "", 0),
        ("etc/a/x", "0o600", 0, 42, "", 0),
        ("etc/a/y", "0o644", 0, 0, "", 0),
        ("home", "0o755", 0, 0, "", 0),
        ("home/node", "0o755", 1000, 1000, "", 0),
        ("bin", "0o777", 0, 0, "", 0),
    ]
