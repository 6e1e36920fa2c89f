"""Build folders and saved images of a user's own, on a real engine."""

from __future__ import annotations

import io
import json
import os
import tarfile
from typing import TYPE_CHECKING

import pytest

from harness.core.errors import EngineFault, UsageError
from harness.core.subject import Folder
from harness.engine.archives import load_archive
from harness.engine.builds import REPOSITORY
from harness.engine.folders import build_folder, context_files
from tests.support.copied_out import copied_out

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import docker

pytestmark = pytest.mark.engine


@pytest.fixture
def app(tmp_path: Path, base: str) -> Path:
    """A build folder with all that a context may hold."""
    folder = tmp_path / "My App"
    (folder / "sub" / "empty").mkdir(parents=True)
    (folder / "Dockerfile").write_text(f"FROM {base}\nARG WHO=nobody\nLABEL who=$WHO\nCOPY . /app\n")
    (folder / ".dockerignore").write_text("# not these\nsecret\n*.log\n!kept.log\n")
    for name in ("secret", "a.log", "kept.log", "run.sh"):
        (folder / name).write_text(f"{name}\n")
    (folder / "run.sh").chmod(0o750)
    (folder / "sub" / "link").symlink_to("../run.sh")
    return folder


@pytest.fixture
def built(api: docker.APIClient) -> Iterator[Callable[[Folder], str]]:
    """Builds a folder; what it has built is removed again."""
    tags = []

    def build(folder: Folder) -> str:
        tags.append(build_folder(api, folder))
        return tags[-1]

    yield build
    for tag in set(tags):
        api.remove_image(tag)


def listed(api: docker.APIClient, tag: str, path: str) -> dict[str, tarfile.TarInfo]:
    """What is below a path of an image, by name."""
    with copied_out(api, tag, path) as archive:
        return {entry.name: entry for entry in archive}


def test_a_folder_is_built_as_docker_build_builds_it(
    app: Path, api: docker.APIClient, built: Callable[[Folder], str]
) -> None:
    folder = Folder(path=str(app))
    assert context_files(folder) == (".dockerignore", "Dockerfile", "kept.log", "run.sh", "sub/link")
    tag = built(folder)
    assert tag.startswith(f"{REPOSITORY}/folder/my-app:")
    there = listed(api, tag, "/app")
    assert set(there) - {"app"} == {
        *("app/.dockerignore", "app/Dockerfile", "app/kept.log", "app/run.sh"),
        *("app/sub", "app/sub/empty", "app/sub/link"),
    }
    assert there["app/run.sh"].mode & 0o777 == 0o750
    assert (there["app/run.sh"].uid, there["app/run.sh"].gid) == (0, 0)
    assert there["app/sub/link"].linkname == "../run.sh"
    assert api.inspect_image(tag)["Config"]["Labels"]["who"] == "nobody"


def test_the_same_content_is_built_once_whatever_its_times(app: Path, built: Callable[[Folder], str]) -> None:
    folder = Folder(path=str(app))
    first = built(folder)
    os.utime(app / "run.sh", (1, 1))
    (app / "secret").write_text("another one, which is not sent")
    assert built(folder) == first
    (app / "run.sh").write_text("changed")
    assert built(folder) != first


def test_whatever_decides_what_is_built_decides_its_name(
    app: Path, api: docker.APIClient, built: Callable[[Folder], str]
) -> None:
    plain = built(Folder(path=str(app)))
    argued = built(Folder(path=str(app), arguments=(("WHO", "me"),)))
    assert api.inspect_image(argued)["Config"]["Labels"]["who"] == "me"
    dockerfile = (app / "Dockerfile").read_text()
    edited = built(Folder(path=str(app), edited=(("Dockerfile", f"{dockerfile}STOPSIGNAL SIGINT\n"),)))
    assert api.inspect_image(edited)["Config"]["StopSignal"] == "SIGINT"
    script = built(Folder(path=str(app), edited=(("run.sh", "other\n"),)))
    assert len({plain, argued, edited, script}) == 4
    assert listed(api, script, "/app/run.sh")["run.sh"].mode & 0o777 == 0o750
    assert (app / "run.sh").read_text() == "run.sh\n"


def test_another_image_below_is_another_image(
    app: Path, api: docker.APIClient, base: str, built: Callable[[Folder], str]
) -> None:
    moving = f"{REPOSITORY}/test-moving"
    (app / "Dockerfile").write_text(f"FROM {moving}:1\nCOPY . /app\n")
    other = built(Folder(path=str(app), dockerfile="../x", edited=(("../x", f"FROM {base}\nLABEL a=b\n"),)))
    found = []
    for image in (base, other):
        api.tag(image, moving, tag="1")
        found.append(built(Folder(path=str(app))))
    api.remove_image(f"{moving}:1")
    assert found[0] != found[1]
    assert api.inspect_image(found[1])["Config"]["Labels"]["a"] == "b"


def test_a_dockerfile_may_lie_elsewhere_with_what_it_ignores(
    app: Path, api: docker.APIClient, base: str, built: Callable[[Folder], str]
) -> None:
    (app.parent / "Other").write_text(f"FROM {base}\nCOPY . /app\n")
    (app.parent / "Other.dockerignore").write_text("*\n!run.sh\n")
    there = listed(api, built(Folder(path=str(app), dockerfile="../Other")), "/app")
    assert {"app/run.sh"} <= set(there)
    assert "app/kept.log" not in there


def test_a_build_that_fails_says_how_it_ends(app: Path, api: docker.APIClient, base: str) -> None:
    (app / "Dockerfile").write_text(f"FROM {base}\nRUN echo this is why; exit 3\n")
    begun: list[bool] = []
    with pytest.raises(EngineFault) as fault:
        build_folder(api, Folder(path=str(app)), on_build=begun.append)
    assert fault.value.message.startswith(f"{app}/Dockerfile does not build: ")
    assert "this is why" in fault.value.message
    assert "exit code: 3" in fault.value.message
    assert begun == [True, False]


@pytest.fixture
def saved(app: Path, api: docker.APIClient, built: Callable[[Folder], str]) -> tuple[str, Path]:
    """The id of an image, and the archive in which it is saved by a name."""
    tag = built(Folder(path=str(app)))
    file = app.parent / "My App.tar"
    file.write_bytes(b"".join(api.get_image(tag)))
    return str(api.inspect_image(tag)["Id"]), file


def test_an_archive_is_loaded_under_a_name_of_ours_alone(api: docker.APIClient, saved: tuple[str, Path]) -> None:
    image_id, file = saved
    (named,) = api.inspect_image(image_id)["RepoTags"]
    api.remove_image(named)
    loaded = load_archive(api, str(file))
    try:
        assert loaded.startswith(f"{REPOSITORY}/archive/my-app:")
        assert api.inspect_image(loaded)["Id"] == image_id
        assert api.inspect_image(image_id)["RepoTags"] == [loaded]
        assert load_archive(api, str(file)) == loaded
    finally:
        api.tag(image_id, *named.split(":"))
        api.remove_image(loaded)


def test_what_is_no_archive_of_one_image_is_refused(
    tmp_path: Path, api: docker.APIClient, saved: tuple[str, Path]
) -> None:
    (tmp_path / "text").write_text("no archive")
    (tmp_path / "cut.tar").write_bytes(saved[1].read_bytes()[:700])
    with tarfile.open(tmp_path / "other.tar", "w") as other:
        other.add(tmp_path / "text", arcname="text")
    with tarfile.open(tmp_path / "two.tar", "w") as two:
        content = json.dumps([{"Config": "a.json", "RepoTags": ["a:1"]}, {"Config": "b.json"}]).encode()
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(content)
        two.addfile(entry, io.BytesIO(content))
    for name, told in {
        "text": "is not a tar archive, or not a whole one",
        "cut.tar": "is not a",
        "other.tar": "is not an archive of docker save: it has no manifest.json",
        "two.tar": "holds 2 images: a:1",
        "nowhere": "cannot be read: No such file or directory",
        ".": "cannot be read: Is a directory",
    }.items():
        with pytest.raises(UsageError, match=told):
            load_archive(api, str(tmp_path / name))
