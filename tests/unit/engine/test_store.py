"""Images that are made from an archive, in a store that follows a script."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

import pytest
import requests
from docker.errors import APIError, ImageNotFound

from harness.core.errors import EngineFault, EngineUnavailable
from harness.engine.store import ImageStore

if TYPE_CHECKING:
    import docker

TAG = "signal-harness/base:x"
ARCHIVE = io.BytesIO(b"tar")


@dataclass
class ScriptedApi:
    """An engine that has images by their tag; importing one gives it the next id, or fails."""

    images: dict[str, dict[str, Any]] = field(default_factory=dict)
    error: str = ""
    fault: Exception | None = None
    in_use: int = 0
    removed: list[str] = field(default_factory=list)

    def version(self) -> dict[str, str]:
        return {"Arch": "arm64"}

    def inspect_image(self, tag: str) -> dict[str, Any]:
        if tag not in self.images:
            raise ImageNotFound(tag)
        return self.images[tag]

    def import_image_from_data(self, archive: IO[bytes], repository: str, changes: list[str]) -> str:
        if self.fault:
            raise self.fault
        if self.error:
            return json.dumps({"status": "importing"}) + "\r\n" + json.dumps({"error": self.error})
        self.images[repository] = {"Id": "new", "Config": {"Labels": dict(line.split("=") for line in changes)}}
        return json.dumps({"status": "new"}) + "\n\n"

    def remove_image(self, image_id: str) -> None:
        if self.in_use:
            response = requests.Response()
            response.status_code = self.in_use
            raise APIError("in use", response=response)
        self.removed.append(image_id)


def store(api: ScriptedApi) -> ImageStore:
    made: docker.APIClient = api
    return ImageStore(made)


def test_the_architecture_is_the_engines() -> None:
    assert store(ScriptedApi()).architecture() == "arm64"


def test_an_image_that_is_not_there_has_no_labels() -> None:
    assert store(ScriptedApi()).label(TAG, "a") is None


@pytest.mark.parametrize(("labels", "label"), [(None, None), ({}, None), ({"a": "1"}, "1"), ({"b": "1"}, None)])
def test_a_label_is_read_where_there_is_one(labels: dict[str, str] | None, label: str | None) -> None:
    assert store(ScriptedApi({TAG: {"Id": "x", "Config": {"Labels": labels}}})).label(TAG, "a") == label


def test_an_archive_becomes_an_image_with_its_settings() -> None:
    api = ScriptedApi()
    store(api).import_rootfs(ARCHIVE, tag=TAG, changes=["a=1"])
    assert store(api).label(TAG, "a") == "1"
    assert api.removed == []


def test_the_image_that_had_the_tag_makes_way() -> None:
    api = ScriptedApi({TAG: {"Id": "old"}})
    store(api).import_rootfs(ARCHIVE, tag=TAG, changes=[])
    assert api.removed == ["old"]


def test_the_same_image_again_stays() -> None:
    api = ScriptedApi({TAG: {"Id": "new"}})
    store(api).import_rootfs(ARCHIVE, tag=TAG, changes=[])
    assert api.removed == []


@pytest.mark.parametrize("status", [404, 409])
def test_an_earlier_image_that_is_gone_or_in_use_is_left(status: int) -> None:
    store(ScriptedApi({TAG: {"Id": "old"}}, in_use=status)).import_rootfs(ARCHIVE, tag=TAG, changes=[])


def test_any_other_refusal_to_remove_it_is_a_fault() -> None:
    with pytest.raises(EngineFault):
        store(ScriptedApi({TAG: {"Id": "old"}}, in_use=500)).import_rootfs(ARCHIVE, tag=TAG, changes=[])


def test_an_engine_that_does_not_take_an_archive_says_why() -> None:
    with pytest.raises(EngineFault, match=r"^the engine does not take it: no space left$"):
        store(ScriptedApi(error="no space left")).import_rootfs(ARCHIVE, tag=TAG, changes=[])


def test_an_engine_that_goes_away_is_no_fault_of_the_archive() -> None:
    with pytest.raises(EngineUnavailable):
        store(ScriptedApi(fault=requests.ConnectionError("gone"))).import_rootfs(ARCHIVE, tag=TAG, changes=[])
