"""Platforms by their text."""

from __future__ import annotations

import pytest

from harness.core.references import same_platform


@pytest.mark.parametrize(
    ("wanted", "other"),
    [
        ("linux/amd64", "linux/amd64"),
        ("amd64", "linux/amd64"),
        ("linux/x86_64", "linux/amd64"),
        ("linux/arm64", "linux/arm64/v8"),
        ("linux/aarch64", "linux/arm64"),
        ("Linux/ARM/v7", "linux/arm/v7"),
    ],
)
def test_the_same_platform(wanted: str, other: str) -> None:
    assert same_platform(wanted, other)


@pytest.mark.parametrize(
    ("wanted", "other"),
    [
        ("linux/arm64", "linux/amd64"),
        ("windows/amd64", "linux/amd64"),
        ("linux/arm/v6", "linux/arm/v7"),
        ("arm64", "linux/amd64"),
        ("", "linux/amd64"),
    ],
)
def test_another_platform(wanted: str, other: str) -> None:
    assert not same_platform(wanted, other)
