"""A container is created with all options that its subject has."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from harness.core.subject import LaunchOptions
from harness.engine.creation import creation, limits_cpus
from harness.run.protocol import Launch
from tests.support.options import ALL_SET


def created(options: LaunchOptions, publish: int | None = None) -> dict[str, Any]:
    return creation(Launch(image="image", options=options, publish=publish), api_version="1.41")


@pytest.mark.parametrize("name", [field.name for field in fields(LaunchOptions)])
def test_every_option_reaches_the_engine(name: str) -> None:
    value, default = getattr(ALL_SET, name), getattr(LaunchOptions(), name)
    assert value != default, "give it a value of its own in tests/support/options.py"
    assert created(replace(LaunchOptions(), **{name: value})) != created(LaunchOptions())


def test_options_are_put_as_the_engine_takes_them() -> None:
    wanted = created(ALL_SET)
    host = wanted.pop("host_config")
    assert wanted == {
        "image": "image",
        "command": ["sleep 1", "again"],
        "entrypoint": ["/bin/sh", "-c"],
        "environment": {"A": "b c"},
        "user": "1000:1000",
        "stop_signal": "SIGINT",
        "stop_timeout": 7,
        "tty": False,
        "stdin_open": False,
        "ports": [],
        "platform": "linux/arm64",
    }
    assert host == {
        "NetworkMode": "host",
        "PortBindings": {},
        "Init": True,
        "Memory": 64 << 20,
        "PidsLimit": 99,
        "CpuPeriod": 100_000,
        "CpuQuota": 150_000,
        "ExtraHosts": ["there:127.0.0.1"],
        "Binds": ["/a:/b:ro"],
        "CapDrop": ["ALL"],
        "CapAdd": ["SYS_PTRACE"],
        "SecurityOpt": ["no-new-privileges"],
        "ReadonlyRootfs": True,
        "Tmpfs": {"/run": "size=64m", "/tmp": ""},
    }


@pytest.mark.parametrize(
    ("info", "can"),
    [
        ({"CpuCfsQuota": True}, True),
        ({"CpuCfsQuota": True, "SecurityOptions": None}, True),
        ({"CpuCfsQuota": True, "SecurityOptions": ["name=seccomp,profile=default"]}, True),
        ({"CpuCfsQuota": True, "SecurityOptions": ["name=seccomp", "name=rootless"]}, False),
        ({"CpuCfsQuota": False}, False),
        ({}, False),
    ],
)
def test_processors_are_limited_where_an_engine_can(info: dict[str, Any], *, can: bool) -> None:
    assert limits_cpus(info) is can
    launch = Launch(image="image", options=ALL_SET)
    host = creation(launch, api_version="1.41", cpus=limits_cpus(info))["host_config"]
    assert ("CpuQuota" in host, "CpuPeriod" in host) == (can, can)


def test_what_is_not_set_is_left_to_the_image_and_the_engine() -> None:
    wanted = created(LaunchOptions())
    host = wanted.pop("host_config")
    assert {key: value for key, value in wanted.items() if value} == {"image": "image"}
    assert {key: value for key, value in host.items() if value} == {"NetworkMode": "default"}


@pytest.mark.parametrize(("network", "mode"), [("none", "default"), (None, "default"), ("mine", "mine")])
def test_a_port_is_published_on_this_machine_alone(network: str | None, mode: str) -> None:
    host = created(replace(ALL_SET, network=network), publish=80)["host_config"]
    assert host["PortBindings"] == {"80/tcp": [{"HostIp": "127.0.0.1", "HostPort": ""}]}
    assert host["NetworkMode"] == mode
