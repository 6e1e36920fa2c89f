"""Catalogues keep to their own files, whatever their paths and links say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from harness.catalogues import built_in_catalogue, load_catalogue
from harness.core.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from pathlib import Path


def written(place: Path, *, context: str = "app", dockerfile: str = "v.Dockerfile") -> Path:
    folder = place / "project" / "signals"
    (folder / "app").mkdir(parents=True)
    (place / "other").mkdir()
    for file in (folder / "v.Dockerfile", folder / "app" / "Dockerfile", place / "other" / "Dockerfile"):
        file.write_text("FROM node:24\n")
    (folder / "out").symlink_to(place / "other")
    (folder / "out.Dockerfile").symlink_to(place / "other" / "Dockerfile")
    (folder / "in.Dockerfile").symlink_to("app/Dockerfile")
    (folder / "catalogue.toml").write_text(
        f'schema = 1\ncontext = "{context}"\n[app]\nready = "r"\nreceived = "(?P<signal>S)"\n'
        f'[[variant]]\nname = "v"\ntitle = "v"\ndockerfile = "{dockerfile}"\n'
    )
    return folder


@pytest.mark.parametrize("context", ["app", ".", "..", "../signals/app"])
def test_a_context_may_be_the_folder_above_or_beside(context: str, tmp_path: Path) -> None:
    assert load_catalogue(written(tmp_path, context=context))[1].context == context


@pytest.mark.parametrize("context", ["../../other", "out", "../..", "/etc", "/"])
def test_a_context_elsewhere_is_refused(context: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"the context {context} leads to /") as refusal:
        load_catalogue(written(tmp_path, context=context))
    assert refusal.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize("dockerfile", ["v.Dockerfile", "in.Dockerfile", "app/Dockerfile", "../signals/v.Dockerfile"])
def test_a_dockerfile_is_in_the_folder_or_in_the_context(dockerfile: str, tmp_path: Path) -> None:
    assert load_catalogue(written(tmp_path, dockerfile=dockerfile))[1].variants[0].dockerfile == dockerfile


@pytest.mark.parametrize("dockerfile", ["out.Dockerfile", "../../other/Dockerfile", "out/Dockerfile", "/etc/passwd"])
def test_a_dockerfile_elsewhere_is_refused(dockerfile: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"the Dockerfile {dockerfile} leads to /"):
        load_catalogue(written(tmp_path, dockerfile=dockerfile))


def test_our_own_is_taken() -> None:
    assert load_catalogue(None)[0] == built_in_catalogue()


def test_containers_of_our_own_may_do_little() -> None:
    _, catalogue = load_catalogue(built_in_catalogue())
    for variant in catalogue.variants:
        launch = variant.launch
        assert (launch.network, launch.memory, launch.pids_limit, launch.cpus) == ("none", "512m", 256, 1)
        assert (launch.cap_drop, launch.security_opt) == (("ALL",), ("no-new-privileges",))


def test_those_that_become_another_user_may_do_that_and_no_more() -> None:
    """Who starts as root and goes on as somebody else needs to become that user, and to signal what runs as it."""
    folder, catalogue = load_catalogue(built_in_catalogue())
    becomes = re.compile(r"^(?:CMD|ENTRYPOINT).*\b(?:su|gosu|su-exec|setpriv|runuser|chpst)\b", re.MULTILINE)
    needing = {row.name for row in catalogue.variants if becomes.search((folder / row.dockerfile).read_text())}
    assert needing
    for variant in catalogue.variants:
        wanted = {"SETUID", "SETGID", "KILL"} if variant.name in needing else set[str]()
        assert set(variant.launch.cap_add) == wanted, variant.name
