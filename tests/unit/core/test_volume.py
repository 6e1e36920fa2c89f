"""Mounts as ``docker run`` reads them; what is none is refused with what to write."""

from __future__ import annotations

import pytest

from harness.core.errors import UsageError
from harness.core.volume import volume


@pytest.mark.parametrize(
    ("text", "is_read_as"),
    [
        ("/a:/b", "/a:/b"),
        ("/a:/b:ro,z", "/a:/b:ro,z"),
        ("/b", "/b"),
        ("data:/b", "data:/b"),
        ("./data:/b", "/work/app/data:/b"),
        (".:/b:ro", "/work/app:/b:ro"),
        ("../other:/b", "/work/other:/b"),
        (".env:/b", "/work/app/.env:/b"),
    ],
)
def test_a_mount(text: str, is_read_as: str) -> None:
    assert volume(text, here="/work/app") == is_read_as


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "--volume '' is not SRC:DST or SRC:DST:OPTIONS"),
        ("a:", "--volume 'a:' is not SRC:DST or SRC:DST:OPTIONS"),
        (":/b", "--volume ':/b' is not SRC:DST or SRC:DST:OPTIONS"),
        ("/a:/b:ro:x", "--volume '/a:/b:ro:x' is not SRC:DST or SRC:DST:OPTIONS"),
        ("x", "--volume 'x': 'x' has to be a path in the container that begins with /"),
        ("/a:b", "--volume '/a:b': 'b' has to be a path in the container that begins with /"),
        ("rel/data:/b", "--volume 'rel/data:/b': 'rel/data' is neither a path that begins with / or . nor the name of"),
    ],
)
def test_what_is_no_mount_is_refused_with_what_to_write(text: str, told: str) -> None:
    with pytest.raises(UsageError) as refused:
        volume(text, here="/work/app")
    assert refused.value.message.startswith(told)
    assert refused.value.remedy.startswith("For instance: --volume ./data:/data")
