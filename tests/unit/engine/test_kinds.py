"""Which engine answers: told by its version."""

from __future__ import annotations

from typing import Any

import pytest

from harness.engine.kinds import DOCKER, PODMAN, EngineKind, kind_of, runtime_version


@pytest.mark.parametrize(
    ("version", "kind"),
    [
        ({"Components": [{"Name": "Engine"}, {"Name": "containerd"}]}, DOCKER),
        ({"Components": [{"Name": "Podman Engine"}, {"Name": "Conmon"}, {"Name": "OCI Runtime (crun)"}]}, PODMAN),
        ({"Components": None}, DOCKER),
        ({}, DOCKER),
    ],
)
def test_its_components_name_it(version: dict[str, Any], kind: EngineKind) -> None:
    assert kind_of(version) is kind


@pytest.mark.parametrize(
    ("components", "found"),
    [
        ([{"Name": "runc", "Version": "1.1.5"}], "1.1.5"),
        ([{"Name": "OCI Runtime (runc)", "Version": "runc version 1.1.5+ds1\ncommit: 1\ngo: go1.19"}], "1.1.5+ds1"),
        ([{"Name": "OCI Runtime (crun)", "Version": "crun version 1.8"}], ""),
        (None, ""),
    ],
)
def test_the_version_of_a_runtime_is_found_in_what_it_prints(components: Any, found: str) -> None:
    assert runtime_version("runc", {"Components": components}) == found


@pytest.mark.parametrize(
    ("kind", "tag", "short"),
    [
        (PODMAN, "localhost/signal-harness/base:musl-node24", "signal-harness/base:musl-node24"),
        (PODMAN, "docker.io/signal-harness/from:1", "signal-harness/from:1"),
        (PODMAN, "docker.io/library/node:24", "node:24"),
        (PODMAN, "quay.io/a/b:1", "quay.io/a/b:1"),
        (DOCKER, "localhost/a:1", "localhost/a:1"),
    ],
)
def test_podman_names_images_in_full(kind: EngineKind, tag: str, short: str) -> None:
    assert kind.short(tag) == short
