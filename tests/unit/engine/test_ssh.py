"""What an address of ssh means, and what is said where the ssh that is here does not get there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import EngineUnavailable, UsageError
from harness.engine.ssh import forwarded, parts_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("ssh://host", ("host", [], "/var/run/docker.sock")),
        ("ssh://me@host/", ("me@host", [], "/var/run/docker.sock")),
        ("ssh://me@host:2222/run/podman/podman.sock", ("me@host", ["-p", "2222"], "/run/podman/podman.sock")),
        ("ssh://[::1]:22", ("::1", ["-p", "22"], "/var/run/docker.sock")),
    ],
)
def test_an_address_says_host_port_and_socket(url: str, parts: tuple[str, list[str], str]) -> None:
    assert parts_of(url) == parts


@pytest.mark.parametrize(
    "url",
    ["ssh://", "ssh:///x", "ssh://me:secret@host", "ssh://-oProxyCommand=x", "ssh://h:x", "ssh://h?x", "ssh://[x"],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="no address that ssh knows"):
        parts_of(url)


@given(st.text())
def test_an_address_is_read_or_refused_and_never_an_option(text: str) -> None:
    try:
        host, port, path = parts_of(f"ssh://{text}")
    except UsageError:
        return
    assert host
    assert not host.startswith("-")
    assert path.startswith("/")
    assert port == [] or port[1].isdecimal()


@pytest.mark.parametrize(
    ("said", "message", "remedy"),
    [
        ("Host key verification failed.", "the key of h is not known", "compare the key"),
        ("me@h: Permission denied (publickey).", "lets nobody in without a password", "ssh-add"),
        ("ssh: Could not resolve hostname h: Name or service not known", "nobody knows a host h", "ssh h true"),
        ("something new\x1b[31m", "something new", "This has to work first: ssh h true"),
        ("", "no connection within", "This has to work first: ssh h true"),
    ],
)
def test_what_ssh_says_is_said_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, message: str, remedy: str
) -> None:
    program = tmp_path / "ssh"
    program.write_text(f"#!/bin/sh\nprintf '%s' '{said}' >&2\nexit 255\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(EngineUnavailable) as refusal, forwarded("ssh://h"):
        pass
    assert message in refusal.value.message
    assert refusal.value.message.startswith("ssh does not get to ssh://h: ")
    assert remedy in refusal.value.remedy
