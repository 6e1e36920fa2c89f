"""Where an engine is: what the environment says goes before contexts, and contexts are read or said not to be there."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.core.errors import EngineUnavailable
from harness.engine.endpoint import DEFAULT_SOCKET, endpoint_at, engine_url

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for docker's config, and an environment that says nothing else."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    return tmp_path


def context(folder: Path, name: str, content: bytes) -> Path:
    """A context's description, and the folder of its certificates."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    meta = folder / "contexts" / "meta" / digest
    meta.mkdir(parents=True, exist_ok=True)
    (meta / "meta.json").write_bytes(content)
    return folder / "contexts" / "tls" / digest / "docker"


def described(host: object, **more: Any) -> bytes:
    return json.dumps({"Name": "far", "Endpoints": {"docker": {"Host": host, **more}}}).encode()


def test_the_default_is_the_default_socket_whatever_the_environment_says_of_tls(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    assert (engine_url(), endpoint_at(None).tls) == (DEFAULT_SOCKET, None)
    monkeypatch.setenv("DOCKER_CONTEXT", "default")
    assert endpoint_at(None).url == DEFAULT_SOCKET


def test_the_environment_goes_before_the_context_and_that_before_the_config(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        context(config, name, described(f"ssh://{name}"))
    (config / "config.json").write_text('{"currentContext": "a"}')
    assert engine_url() == endpoint_at(None).url == "ssh://a"
    monkeypatch.setenv("DOCKER_CONTEXT", "b")
    assert engine_url() == endpoint_at(None).url == "ssh://b"
    monkeypatch.setenv("DOCKER_HOST", "tcp://c:1")
    assert engine_url() == endpoint_at(None).url == "tcp://c:1"
    assert endpoint_at("tcp://d:1").url == "tcp://d:1"


@pytest.mark.parametrize(
    ("files", "skip", "expected"),
    [
        ((), False, None),
        (("ca",), False, (None, True)),
        (("ca", "cert", "key"), False, ("cert.pem", True)),
        (("ca", "cert", "key"), True, ("cert.pem", False)),
        (("cert", "key"), False, ("cert.pem", True)),
    ],
)
def test_a_context_has_the_certificates_that_lie_with_it(
    config: Path, monkeypatch: pytest.MonkeyPatch, files: tuple[str, ...], skip: bool, expected: tuple[str, bool] | None
) -> None:
    folder = context(config, "far", described("tcp://h:2376", SkipTLSVerify=skip))
    folder.mkdir(parents=True)
    for name in files:
        (folder / f"{name}.pem").write_text("x")
    monkeypatch.setenv("DOCKER_CONTEXT", "far")
    tls = endpoint_at(None).tls
    if expected is None:
        assert tls is None
        return
    assert tls is not None
    assert ((tls.cert or (None,))[0] or "").endswith(expected[0] or "")
    assert (tls.verify, (tls.ca_cert or "").endswith("ca.pem")) == (expected[1], "ca" in files)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary()
    | st.sampled_from([b"[]", b"null", b'{"Endpoints": []}', b'{"Endpoints": {"docker": 1}}', described(None)])
)
def test_a_context_that_cannot_be_read_is_said_not_to_be_there(config: Path, content: bytes) -> None:
    context(config, "far", content)
    (config / "config.json").write_text('{"currentContext": "far"}')
    with pytest.raises(EngineUnavailable, match="there is no Docker context 'far', which docker's config names"):
        endpoint_at(None)
    assert engine_url() == "context far"


def test_certificates_that_are_asked_for_and_not_there_are_told_of(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CERT_PATH", str(config))
    with pytest.raises(EngineUnavailable, match="its files are not there"):
        endpoint_at("tcp://h:2376")
    assert endpoint_at("unix:///x").tls is None
