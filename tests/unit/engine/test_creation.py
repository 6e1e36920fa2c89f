"""A container is created with all options that its subject has."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from harness.core.subject import LaunchOptions
from harness.engine.creation import creation
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
        "ExtraHosts": ["there:127.0.0.1"],
        "Binds": ["/a:/b:ro"],
        "CapAdd": ["SYS_PTRACE"],
        "ReadonlyRootfs": True,
        "Tmpfs": {"/run": "size=64m", "/tmp": ""},
    }


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
