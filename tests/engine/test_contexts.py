"""The context that we send is the one that docker's own command sends."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tarfile
import tempfile
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.core.catalogue import Catalogue, Variant
from harness.core.errors import EngineFault, UsageError
from harness.core.subject import App, Folder
from harness.engine.builds import REPOSITORY, Builder
from harness.engine.contexts import find, hidden, packed
from harness.engine.folders import build_folder
from harness.engine.images import DOCKERFILE, Images
from tests.support.sent import DOCKER, Docker, entries, listening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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
OF_THE_ENGINE = {".dockerenv", "dev", "etc", "proc", "sys"}
"""What it makes in a container, at that moment."""

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


@pytest.fixture
def app(tmp_path: Path) -> Path:
    """A folder with all that a context may hold, and a Dockerfile that copies it, in it and beside it."""
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / ".keep").write_text(uuid4().hex)  # else a builder may have this from before, with other times
    for dockerfile in (folder / "Dockerfile", tmp_path / "Outside"):
        dockerfile.write_text("FROM scratch\nCOPY . /\n")
    (folder / ".dockerignore").write_text("**/*.log\n!b/kept.log\n.env\n")
    made = ["ax", ".envf", "b/x.logf", "b/kept.logf", "node_modules/emptyd", "outL", "b/inl", "secondh"]
    grown(folder, [(text[:-1].split("/"), text[-1]) for text in made])
    (folder / "a").chmod(0o1711)  # with 0o4000, the classic builder would lose it, and BuildKit not
    return folder


@pytest.fixture
def exported(api: docker_py.APIClient) -> Callable[[str], dict[str, tuple[Any, ...]]]:
    """What is in an image, which goes then."""

    def export(tag: str) -> dict[str, tuple[Any, ...]]:
        container = api.create_container(tag, command=["x"])["Id"]
        try:
            found = entries(b"".join(api.export(container)))
        finally:
            api.remove_container(container)
            api.remove_image(tag)
        return {name: told(entry) for name, entry in found.items() if name.partition("/")[0] not in OF_THE_ENGINE}

    return export


def built_by_docker(app: Path, dockerfile: str) -> str:
    """The image that docker's own command makes."""
    tag = f"{REPOSITORY}/test-context:{app.parent.name}"
    subprocess.run(
        [str(DOCKER), "build", "--tag", tag, "--file", str(app / dockerfile), str(app)],
        env={**os.environ, "DOCKER_BUILDKIT": "0"},
        check=True,
        capture_output=True,
        timeout=60,
    )
    return tag


Exported = dict[str, tuple[Any, ...]]


@pytest.mark.engine
@pytest.mark.parametrize(
    ("dockerfile", "builder"),
    [("Dockerfile", Builder.BUILDKIT), ("../Outside", Builder.BUILDKIT), ("../Outside", Builder.CLASSIC)],
)
def test_the_image_is_the_one_that_docker_builds(
    *,
    app: Path,
    dockerfile: str,
    builder: Builder,
    api: docker_py.APIClient,
    exported: Callable[[str], Exported],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (app / ".dockerignore").open("a") as rules:  # which the classic builder's command adds a line to
        rules.write(".dockerignore\n" if dockerfile != "Dockerfile" else "")
    for module in ("builds", "folders"):
        monkeypatch.setattr(f"harness.engine.{module}.builder_of", lambda _: builder)
    theirs = exported(built_by_docker(app, dockerfile))
    ours = exported(build_folder(api, Folder(path=str(app), dockerfile=dockerfile)))
    assert {"a", "b/kept.log", "node_modules/empty", "out", "second", ".keep"} <= theirs.keys()
    assert not {".env", "b/x.log"} & theirs.keys()
    if builder is Builder.BUILDKIT:  # which gives a folder that it takes over the time at which it does so
        for found in (ours, theirs):
            found |= {name: (*it[:-1], 0) for name, it in found.items() if it[0] == tarfile.DIRTYPE}
    assert ours == theirs


@pytest.mark.engine
@pytest.mark.parametrize("session", ["none is taken", "it breaks"])
def test_without_a_session_there_is_one_file_more(
    app: Path,
    session: str,
    api: docker_py.APIClient,
    exported: Callable[[str], Exported],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Which shows that a session is what keeps it out, and that a build does not need one."""
    if session == "none is taken":
        monkeypatch.setattr("harness.engine.builds.offered", lambda *_: nullcontext(None))
    else:
        monkeypatch.setattr("harness.engine.buildkit.session.exchange", lambda *_, **__: False)
    found = exported(build_folder(api, Folder(path=str(app), dockerfile="../Outside")))
    assert DOCKERFILE in found
    assert "b/kept.log" in found


@pytest.mark.engine
def test_names_with_a_space_and_rules_without_number_go_by_a_session(
    app: Path, api: docker_py.APIClient, exported: Callable[[str], Exported]
) -> None:
    """BuildKit says both in the fields of a request, and h2 by itself would take neither."""
    (app / "ends in a space ").write_text(uuid4().hex)
    (app.parent / "Outside").write_text('FROM scratch\nCOPY ["ends in a space ", "/copied/"]\n')
    with (app / ".dockerignore").open("a") as rules:
        rules.writelines(f"no/such/{number:08d}\n" for number in range(10_000))
    found = exported(build_folder(api, Folder(path=str(app), dockerfile="../Outside")))
    assert "copied/ends in a space " in found


@pytest.mark.engine
def test_nothing_of_ours_is_in_a_variant(
    app: Path, base: str, api: docker_py.APIClient, exported: Callable[[str], Exported]
) -> None:
    folder = app.parent / "dockerfiles"
    folder.mkdir()
    (folder / "v.Dockerfile").write_text("ARG BASE\nFROM ${BASE}\nCOPY . /copied/\n")
    variant = Variant(name=f"test-{uuid4().hex[:8]}", title="t", dockerfile="v.Dockerfile")
    subject = Catalogue(context=".", app=App(), variants=(variant,)).subject(variant, "local:b")
    image = (base, str(api.inspect_image(base)["Id"]))
    with Images(
        api, folder=folder, context=app, base_image=lambda _: image, on_build=lambda *_: None, jobs=1
    ) as images:
        found = exported(images.image_of(subject))
    copied = {name.removeprefix("copied/") for name in found if name.startswith("copied/")}
    sent = {str(path.relative_to(app)) for path in app.rglob("*")} - {".env", "b/x.log"}
    assert copied - {""} == sent


@pytest.mark.engine
def test_what_does_not_build_says_why_once(app: Path, api: docker_py.APIClient) -> None:
    (app.parent / "Outside").write_text("FROM scratch\nCOPY nowhere /\n")
    with pytest.raises(EngineFault, match="nowhere"):
        build_folder(api, Folder(path=str(app), dockerfile="../Outside"))
    (app.parent / "Outside").write_text("FROM scratch\nNONSENSE\n")
    with pytest.raises(EngineFault, match=r"(?i)unknown instruction: nonsense"):
        build_folder(api, Folder(path=str(app), dockerfile="../Outside"))
