"""Contexts as they are packed: what is in them, what they are known by, and how much memory they take."""

from __future__ import annotations

import os
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from harness.core.errors import UsageError
from harness.engine.contexts import Where, find, packed, paths
from tests.support.sent import entries

if TYPE_CHECKING:
    import tarfile
    from pathlib import Path


def sent(folder: Path, **texts: bytes) -> dict[str, tarfile.TarInfo]:
    with packed(find(folder, "Dockerfile", thorough=True), texts) as context:
        return entries(b"".join(context.archive({})))


def digest(folder: Path) -> str:
    with packed(find(folder, "Dockerfile", thorough=True), {}) as context:
        return context.digest


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    (folder / "node_modules" / "empty").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\n")
    (folder / "run").write_text("x")
    (folder / "run").chmod(0o4755)
    (folder / "out").symlink_to("/etc/passwd")
    (folder / "all").symlink_to("/etc")
    os.link(folder / "run", folder / "same")
    return folder


def test_nothing_is_left_out_and_links_are_not_followed(app: Path) -> None:
    found = sent(app)
    assert list(found) == ["Dockerfile", "all", "node_modules", "node_modules/empty", "out", "run", "same"]
    assert (found["out"].issym(), found["out"].linkname, found["out"].size) == (True, "/etc/passwd", 0)
    assert (found["all"].issym(), found["all"].linkname) == (True, "/etc")
    assert (found["same"].islnk(), found["same"].linkname) == (True, "run")
    assert found["run"].mode == 0o4755


def test_whatever_a_builder_sees_is_in_the_digest_and_times_are_not(app: Path) -> None:
    seen = [digest(app)]
    os.utime(app / "run", (1, 1))
    assert digest(app) == seen[0]

    def relinked() -> None:
        (app / "out").unlink()
        (app / "out").symlink_to("/etc/shadow")

    changes = [
        lambda: (app / "run").chmod(0o700),
        (app / "node_modules" / "empty").rmdir,
        lambda: (app / "node_modules").chmod(0o700),
        relinked,
        lambda: (app / "run").write_text("y"),
        lambda: (app / "run").rename(app / "walk"),
    ]
    for change in changes:
        change()
        seen.append(digest(app))
    assert len(set(seen)) == len(changes) + 1


def test_texts_take_the_place_of_files_and_stand_beside_them(app: Path) -> None:
    found = sent(app, run=b"other", new=b"1234567")
    assert (found["run"].size, found["run"].mode, found["new"].size) == (5, 0o4755, 7)
    assert found["same"].size == 1


def test_more_files_are_in_the_archive_of_one_build_alone(app: Path) -> None:
    with packed(find(app, "Dockerfile", thorough=True), {}) as context:
        first, plain = (entries(b"".join(context.archive(more))) for more in ({"x": b"1"}, {}))
    assert first.keys() - plain.keys() == {"x"}


def test_exceptions_below_what_is_left_out_are_found_as_the_builder_finds_them(app: Path) -> None:
    (app / "deep" / "er").mkdir(parents=True)
    (app / "deep" / "er" / "keep").write_text("x")
    (app / "deep" / "other").mkdir()
    (app / ".dockerignore").write_text("*\n!**/keep\n")
    where = find(app, "Dockerfile", thorough=True)
    assert list(paths(where)) == ["Dockerfile", "deep", "deep/er", "deep/er/keep"]
    classic = Where(root=where.root, dockerfile="Dockerfile", rules=where.rules, thorough=False)
    assert list(paths(classic)) == [".dockerignore", "Dockerfile"]


def test_rules_with_the_name_of_the_dockerfile_go_first(app: Path) -> None:
    (app / "dev.Dockerfile").write_text("FROM scratch\n")
    (app / ".dockerignore").write_text("run\n")
    (app / "dev.Dockerfile.dockerignore").write_text("same\n")
    assert "run" in set(paths(find(app, "dev.Dockerfile", thorough=True)))
    assert "run" not in set(paths(find(app, "Dockerfile", thorough=True)))


def test_a_dockerfile_is_where_its_link_leads(app: Path, tmp_path: Path) -> None:
    (app / "linked").symlink_to("Dockerfile")
    (tmp_path / "Other").write_text("FROM scratch\n")
    (app / "beyond").symlink_to("../Other")
    assert find(app, "linked", thorough=True).dockerfile == "Dockerfile"
    assert find(app, "beyond", thorough=True).dockerfile is None


def test_what_cannot_be_read_is_named(app: Path) -> None:
    (app / ".dockerignore").write_text("ok\n[\n")
    with pytest.raises(UsageError, match=r"\.dockerignore:2: "):
        sent(app)
    with pytest.raises(UsageError, match="nowhere cannot be read: No such file or directory"):
        sent(app / "nowhere")


def test_what_is_said_to_be_no_part_is_none(app: Path) -> None:
    with packed(find(app, "Dockerfile", thorough=True), {}, without="run".__eq__) as context:
        assert "run" not in entries(b"".join(context.archive({})))


def test_a_large_file_takes_little_memory(app: Path) -> None:
    with (app / "large").open("wb") as file:
        file.truncate(64 << 20)
    tracemalloc.start()
    try:
        with packed(find(app, "Dockerfile", thorough=True), {}) as context:
            size = sum(map(len, context.archive({})))
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size > 64 << 20
    assert most < 8 << 20
