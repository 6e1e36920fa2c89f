"""The context that we send is the one that docker's own command sends."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.errors import UsageError
from harness.core.subject import Folder
from harness.engine.builds import REPOSITORY
from harness.engine.contexts import find, hidden, packed
from harness.engine.folders import build_folder
from tests.support.sent import DOCKER, Docker, entries, listening

if TYPE_CHECKING:
    import tarfile
    from collections.abc import Iterator

    import docker as docker_py

pytestmark = pytest.mark.skipif(DOCKER is None, reason="docker's command is not here")

NAMES = st.sampled_from(["a", "b", "ab", ".env", "node_modules", "x.log", "a[b]", "b c", "Dockerfile", "ä"])
PARTS = st.one_of(
    NAMES, st.sampled_from(["*", "**", "?", "*.log", "a*", "[ab]", "[^a]", r"\a", "*b*", "..", ".", "a[b"])
)
LINES = st.builds(
    "{}{}{}".format,
    st.sampled_from(["", "", "", "!", "! ", " ", "#", "/", "!/"]),
    st.lists(PARTS, min_size=1, max_size=3).map("/".join),
    st.sampled_from(["", "", "/", " ", "/**", "\r"]),
)
TREES = st.lists(st.tuples(st.lists(NAMES, min_size=1, max_size=3), st.sampled_from("fffxdlLh")), max_size=8)


@pytest.fixture(scope="module")
def docker() -> Iterator[Docker]:
    with listening() as docker:
        yield docker


def ours(folder: Path, dockerfile: str = "Dockerfile") -> tuple[str | None, dict[str, tarfile.TarInfo]]:
    """What we send to the classic builder, or why we do not."""
    where = find(folder, dockerfile, thorough=False)
    try:
        with packed(where, {}) as context:
            return None, entries(b"".join(context.archive({} if where.dockerfile else hidden(where, "x"))))
    except UsageError as refusal:
        return refusal.message, {}


def told(entry: tarfile.TarInfo) -> tuple[Any, ...]:
    """All that a builder can see of an entry."""
    return entry.type, entry.mode, entry.size, entry.linkname, entry.uid, entry.gid, entry.mtime


def grown(folder: Path, tree: list[tuple[list[str], str]]) -> None:
    """Make files (``f``, ``x`` with a run bit), folders, links (``l``, ``L`` out of the folder) and second names."""
    for parts, kind in tree:
        path = folder.joinpath(*parts)
        if any(part.is_symlink() or part.is_file() for part in [path, *path.parents]) or path.is_dir():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind in "fx":
            path.write_text(kind * len(parts))
            path.chmod(0o750 if kind == "x" else 0o604)
        elif kind == "d":
            path.mkdir(mode=0o711)
        elif kind == "h":
            os.link(folder / ".keep", path)
        else:
            path.symlink_to("/etc/passwd" if kind == "L" else "../b")


@settings(max_examples=int(os.environ.get("SIGNAL_HARNESS_CONTEXTS", "25")), deadline=None, derandomize=True)
@given(tree=TREES, lines=st.lists(LINES, max_size=4))
def test_what_is_sent_is_what_docker_sends(tree: list[tuple[list[str], str]], lines: list[str], docker: Docker) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "app"
        folder.mkdir()
        (folder / ".keep").write_text("kept")
        if lines:
            (folder / ".dockerignore").write_text("\n".join(lines))
        grown(folder, tree)
        if (folder / "Dockerfile").is_dir() and not (folder / "Dockerfile").is_symlink():
            shutil.rmtree(folder / "Dockerfile")
        (folder / "Dockerfile").unlink(missing_ok=True)
        (folder / "Dockerfile").write_text("FROM scratch\n")
        (refused, sent, _), (refusal, packed_up) = docker.build(folder), ours(folder)
        if refusal and refused is None:  # malformed, which docker tells only of what it compares with something
            assert "is no pattern that can be read" in refusal
            assert any("a[b" in line for line in lines)
            return
        assert bool(refused) == bool(refusal), (refused, refusal)
        assert {name: told(entry) for name, entry in packed_up.items()} == {
            name: told(entry) for name, entry in sent.items()
        }


def test_a_dockerfile_outside_is_hidden_as_docker_hides_it(tmp_path: Path, docker: Docker) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (tmp_path / "Other").write_text("FROM scratch\n")
    for rules in (None, "secret\n"):
        if rules:
            (folder / ".dockerignore").write_text(rules)
        refused, sent, name = docker.build(folder, "--file", str(tmp_path / "Other"))
        _, packed_up = ours(folder, "../Other")
        assert refused is None
        assert name.startswith(".dockerfile.")
        assert set(sent) == {name, ".dockerignore"}
        assert set(packed_up) == {".dockerignore"}
        grown_by = len(name) - len("x")
        assert packed_up[".dockerignore"].size + grown_by == sent[".dockerignore"].size


def test_pipes_and_sockets_go_as_docker_takes_them(tmp_path: Path, docker: Docker) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as here:
        here.bind(str(tmp_path / "socket"))
        refused, sent, _ = docker.build(tmp_path)
        refusal, packed_up = ours(tmp_path)
    assert (refused, refusal) == (None, None)
    assert set(packed_up) == set(sent) == {"Dockerfile", "pipe"}
    assert told(packed_up["pipe"]) == told(sent["pipe"])


@pytest.mark.engine
def test_the_image_is_the_one_that_docker_builds(tmp_path: Path, api: docker_py.APIClient) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / ".keep").write_text(uuid4().hex)  # else a builder may have this from before, with other times
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (folder / ".dockerignore").write_text("**/*.log\n!b/kept.log\n.env\n")
    made = ["ax", ".envf", "b/x.logf", "b/kept.logf", "node_modules/emptyd", "outL", "b/inl", "secondh"]
    grown(folder, [(text[:-1].split("/"), text[-1]) for text in made])
    (folder / "a").chmod(0o1711)  # with 0o4000, the classic builder would lose it, and BuildKit not
    theirs = f"{REPOSITORY}/test-context:{tmp_path.name}"
    subprocess.run(
        [str(DOCKER), "build", "--tag", theirs, str(folder)],
        env={**os.environ, "DOCKER_BUILDKIT": "0"},
        check=True,
        capture_output=True,
        timeout=60,
    )
    found = []
    for tag in (theirs, build_folder(api, Folder(path=str(folder)))):
        container = api.create_container(tag, command=["x"])["Id"]
        try:
            exported = entries(b"".join(api.export(container)))
        finally:
            api.remove_container(container)
            api.remove_image(tag)
        found.append({name: told(entry) for name, entry in exported.items()})
    assert {"a", "b/kept.log", "node_modules/empty", "out", "second", ".keep"} <= found[0].keys()
    assert not {".env", "b/x.log"} & found[0].keys()
    assert found[1] == found[0]
