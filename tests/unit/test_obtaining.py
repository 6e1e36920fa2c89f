"""What a SUBJECT names: an image, a folder to build, an archive; and what is refused before an engine is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.core.errors import BaseUnavailable, UsageError
from harness.core.rules import Rule
from harness.core.subject import Archive, Folder, Given
from harness.obtaining import BuildOptions, Obtaining, left_be, read_subject, text_of
from harness.session import Pull
from tests.support.engines import ScriptedBases, ScriptedOpenEngine

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = BuildOptions()
DOCKERFILE = "FROM debian AS build\nFROM debian AS Final\n"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a Dockerfile in the working folder."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "other.Dockerfile").write_text(DOCKERFILE)
    return folder


@pytest.mark.parametrize("text", ["nginx", "nginx:1.27", "ghcr.io/me/app@sha256:0", "me/app"])
def test_what_is_no_path_is_an_image(app: Path, text: str) -> None:
    assert read_subject(text, PLAIN) == Given(reference=text)


@pytest.mark.parametrize("text", ["app", "./app", "app/", "../{}/app"])
def test_what_is_a_folder_is_built(app: Path, text: str) -> None:
    found = read_subject(text.format(app.parent.name), PLAIN)
    assert isinstance(found, Folder)
    assert (found.dockerfile, found.target, found.arguments) == ("Dockerfile", None, ())
    assert text_of(found, found.dockerfile) == DOCKERFILE


def test_the_working_folder_is_one(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(app)
    assert read_subject(".", PLAIN) == Folder(path=".")


def test_a_dockerfile_is_named_from_the_working_folder_as_docker_build_has_it(app: Path) -> None:
    options = BuildOptions(file=app.parent / "other.Dockerfile", target="FINAL", arguments=(("A", "1"),))
    wanted = Folder(path="app", dockerfile="../other.Dockerfile", target="FINAL", arguments=(("A", "1"),))
    assert read_subject("app", options) == wanted


def test_a_stage_may_go_by_its_number(app: Path) -> None:
    assert read_subject("app", BuildOptions(target="0")) == Folder(path="app", target="0")


def test_what_is_edited_goes_before_the_file(app: Path) -> None:
    folder = Folder(path=str(app), edited=(("Dockerfile", ""),))
    assert text_of(folder, "Dockerfile") == ""


def test_an_archive_is_named_as_skopeo_names_it() -> None:
    assert read_subject("docker-archive:/tmp/my app.tar", PLAIN) == Archive(path="/tmp/my app.tar")


@pytest.mark.parametrize(
    ("text", "options", "told"),
    [
        ("./nowhere", PLAIN, "./nowhere is not there"),
        ("/no/where", PLAIN, "/no/where is not there"),
        ("../nowhere", PLAIN, "../nowhere is not there"),
        ("./other.Dockerfile", PLAIN, "./other.Dockerfile is not a folder"),
        (".", PLAIN, ". has no Dockerfile"),
        ("app", BuildOptions(target="nope"), "app/Dockerfile has no stage 'nope'"),
    ],
)
def test_what_cannot_be_is_refused(app: Path, text: str, options: BuildOptions, told: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_subject(text, options)
    assert refused.value.message == told
    assert refused.value.remedy


def test_a_dockerfile_that_is_not_there_is_refused(app: Path) -> None:
    with pytest.raises(UsageError, match=r"nope cannot be read: No such file or directory"):
        read_subject("app", BuildOptions(file=app / "nope"))


def obtaining(notes: list[str], *, platform: str | None = None, made_for: str = "linux/amd64") -> Obtaining:
    bases = ScriptedBases(choices=(), programs={}, present_ones=frozenset(), made_for=made_for)
    return Obtaining(ScriptedOpenEngine(), bases, pull=Pull.MISSING, platform=platform, note=notes.append)


@pytest.mark.parametrize(
    ("image", "tag"),
    [
        (Given(reference="x"), "x"),
        (Folder(path="app"), "built/app"),
        (Archive(path="a.tar"), "loaded/a.tar"),
    ],
)
def test_every_kind_of_image_goes_by_what_the_user_calls_it(image: Given | Folder | Archive, tag: str) -> None:
    notes: list[str] = []
    facts = obtaining(notes).facts("x", image)
    assert (facts.reference, facts.id, notes) == ("x", f"id of {tag}", [])


def test_an_image_for_another_platform_than_the_wanted_one_is_refused() -> None:
    with pytest.raises(BaseUnavailable, match=r"^x is for linux/amd64, and not for linux/arm64$"):
        obtaining([], platform="linux/arm64").facts("x", Given(reference="x"))


def test_an_image_for_another_machine_is_told_of() -> None:
    notes: list[str] = []
    obtaining(notes, made_for="linux/arm64/v8").facts("x", Given(reference="x"))
    assert notes == ["x is for linux/arm64/v8, and the engine runs on amd64: it needs an emulator"]


def test_what_a_dockerfile_leaves_be_is_read_with_its_line(app: Path) -> None:
    with (app / "Dockerfile").open("a") as file:
        file.write("\n# signal-harness ignore=SH003 holds no state\n")
    number = len((app / "Dockerfile").read_text().splitlines())
    (one,) = left_be("./app", read_subject(str(app), BuildOptions()))
    assert (one.rule, one.subject, one.reason) == (Rule.APP_DROPS, "./app", "holds no state")
    assert one.place.endswith(f"Dockerfile:{number}")


def test_an_image_that_is_not_built_here_leaves_nothing_be() -> None:
    assert left_be("app", Given(reference="app")) == ()
