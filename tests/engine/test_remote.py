"""The engine of this machine as from elsewhere: by ssh through a real sshd, and by TLS; by URL and by context."""

from __future__ import annotations

import hashlib
import json
import os
import signal as os_signal
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.core.errors import EngineUnavailable
from harness.core.question import Probe
from harness.core.signals import Signal
from harness.core.subject import Folder
from harness.engine.endpoint import DEFAULT_SOCKET, engine_url
from harness.engine.registry import open_engine
from harness.engine.scratch import sweep
from harness.run.inbox import Inbox
from harness.run.waiting import until
from harness.session import Selection, Session, TraceMode
from tests.support.cases import MUSL
from tests.support.copied_out import copied_out
from tests.support.remote import SSHD, make_certificates, sshd, tls_endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.remote import Sshd

SOCKET = Path(engine_url().removeprefix("unix://"))
ONE = Selection(
    bases=(MUSL,),
    variants=("node-exec-form",),
    signals=tuple(map(Signal, (1, 10, 15))),
    probes=(Probe.SIGNAL, Probe.TTY),
    jobs=8,
    repeat=2,
    trace=TraceMode.OFF,
)
"""Four cells at once, twice each."""

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(not engine_url().startswith("unix://"), reason="the engine is elsewhere already"),
]
needs_sshd = pytest.mark.skipif(not Path(SSHD).exists(), reason="no sshd is installed: apt-get install openssh-server")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("sshd")) as made:
        yield made


@pytest.fixture
def known(server: Sshd, monkeypatch: pytest.MonkeyPatch) -> Sshd:
    """An sshd that this machine's ssh knows, and that lets it in."""
    monkeypatch.setenv("PATH", f"{server.programs}:{os.environ['PATH']}")
    return server


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder)
    return folder


@pytest.fixture
def encrypted(certificates: Path) -> Iterator[str]:
    with tls_endpoint(certificates, SOCKET) as url:
        yield url


@pytest.fixture(scope="module")
def here() -> dict[str, str]:
    """What is found on the engine as it is reached on this machine."""
    return found(ONE)


def found(selection: Selection) -> dict[str, str]:
    with Session(selection) as session:
        return {row.id: row.verdict.value for row in (future.result() for future in session.run())}


@needs_sshd
def test_the_same_is_found_by_ssh(known: Sshd, here: dict[str, str]) -> None:
    assert found(replace(ONE, engine=known.url)) == here
    assert here["musl-node24/node-exec-form/SIGTERM"] == "forwarded"


def test_the_same_is_found_by_tls(
    encrypted: str, certificates: Path, here: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(certificates))
    assert found(replace(ONE, engine=encrypted)) == here


def copied(url: str, place: Path) -> set[str]:
    """What ``COPY . .`` finds in an engine's build of a context whose Dockerfile is beside it."""
    folder = place / "app"
    folder.mkdir()
    (folder / "large").write_bytes(os.urandom(1 << 20))
    (place / "Outside").write_text("FROM scratch\nCOPY . /copied/\n")
    with closing(open_engine(url)) as engine:
        tag = engine.build_folder(Folder(path=str(folder), dockerfile="../Outside"))
        api = engine._api
        try:
            with copied_out(api, tag, "/copied") as tar:
                large = tar.extractfile("copied/large")
                assert large is not None
                assert large.read() == (folder / "large").read_bytes()
                return set(tar.getnames())
        finally:
            api.remove_image(tag)


@needs_sshd
def test_a_builder_takes_a_session_by_ssh(known: Sshd, tmp_path: Path) -> None:
    assert copied(known.url, tmp_path) == {"copied", "copied/large"}


def test_a_builder_takes_a_session_by_tls(
    encrypted: str, certificates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(certificates))
    assert copied(encrypted, tmp_path) == {"copied", "copied/large"}


@needs_sshd
def test_an_engine_by_ssh_is_no_engine_of_this_machine_and_ends_with_its_connection(
    known: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", known.url)
    with closing(open_engine()) as engine:
        assert (engine.url, engine.shares_kernel) == (known.url, False)
        (ssh,) = ssh_to(known)
    assert until(lambda: not Path(f"/proc/{ssh}").exists() or None, timeout_s=5, time=Inbox())


@needs_sshd
def test_no_ssh_is_left_of_a_harness_that_was_killed_and_its_folder_goes(
    known: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    opened = f"from harness.engine.registry import open_engine; engine = open_engine({known.url!r})"
    code = f"{opened}; print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as harness:
        assert harness.stdout is not None
        assert harness.stdout.readline() == "open\n"
        (ssh,) = ssh_to(known)
        (folder,) = tmp_path.iterdir()
        assert (sweep(tmp_path), folder.is_dir()) == (0, True)
        harness.send_signal(os_signal.SIGKILL)
    assert until(lambda: not Path(f"/proc/{ssh}").exists() or None, timeout_s=5, time=Inbox())
    assert folder.is_dir()
    done = subprocess.run([sys.executable, "-m", "harness", "clean"], capture_output=True, text=True, check=True)
    assert "1 temporary folder removed" in done.stdout
    assert list(tmp_path.iterdir()) == []


def ssh_to(server: Sshd) -> list[int]:
    """The processes of ssh that have a connection to an sshd."""
    words = f"-p\0{server.port}\0-T".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [int(path.parent.name)] if words in path.read_bytes() else []
        except OSError:  # it has ended
            continue
    return found


def refusal(url: str | None = None) -> EngineUnavailable:
    with pytest.raises(EngineUnavailable) as refused:
        open_engine(url or "docker")
    return refused.value


@needs_sshd
def test_what_keeps_ssh_from_the_engine_is_said_with_what_to_do(known: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = refusal(f"{known.url}/nowhere/docker.sock")
    assert nobody.message.startswith(f"ssh gets to {known.url}/nowhere/docker.sock, but no engine answers there")
    assert f"ssh -p {known.port} root@127.0.0.1 docker version" in nobody.remedy
    hosts = known.folder / "known_hosts"
    line = hosts.read_text()
    try:
        for text in ("", f"{line.split()[0]} ssh-ed25519 {other_key(known.folder)}"):
            hosts.write_text(text)
            unknown = refusal(known.url)
            assert "the key of root@127.0.0.1 is not known, or is not the one that it had" in unknown.message
            assert "compare the key with that of the machine" in unknown.remedy
    finally:
        hosts.write_text(line)
    stranger = refusal(known.url.replace("root@", "nobody-of-this-name@"))
    assert "lets nobody in without a password" in stranger.message
    assert "ssh-add" in stranger.remedy
    away = refusal("ssh://root@127.0.0.1:1")
    assert "nothing answers there" in away.message
    monkeypatch.setenv("PATH", "/nowhere")
    assert refusal(known.url).message == f"no ssh is here to reach {known.url} with"


def other_key(folder: Path) -> str:
    """A key that the host does not have."""
    return " ".join((folder / "user.pub").read_text().split()[1:2])


def test_what_keeps_tls_from_the_engine_is_said_with_what_to_do(
    encrypted: str, certificates: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = refusal(encrypted)
    assert plain.message == f"no engine answers at {encrypted}"
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    assert "its files are not there" in refusal(encrypted).message
    make_certificates(tmp_path)
    other = refusal(encrypted)
    assert "does not prove that it is your engine: " in other.message
    assert "ca.pem" in other.remedy
    (tmp_path / "ca.pem").write_bytes((certificates / "ca.pem").read_bytes())
    outsider = refusal(encrypted)
    assert "does not let us in" in outsider.message
    assert "cert.pem" in outsider.remedy
    monkeypatch.setenv("DOCKER_CERT_PATH", str(certificates))
    elsewhere = refusal(encrypted.replace("127.0.0.1", "localhost"))
    assert "does not prove that it is your engine: Hostname mismatch" in elsewhere.message


def context(folder: Path, name: str, host: str, *, tls: Path | None = None) -> None:
    """A context as `docker context create` writes it."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    endpoint = {"docker": {"Host": host, "SkipTLSVerify": False}}
    meta = folder / "contexts" / "meta" / digest
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": endpoint}))
    if tls is not None:
        files = folder / "contexts" / "tls" / digest / "docker"
        files.mkdir(parents=True)
        for file in ("ca.pem", "cert.pem", "key.pem"):
            (files / file).write_bytes((tls / file).read_bytes())


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for docker's config, and an environment that says nothing else."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    return tmp_path


def test_a_context_with_certificates_is_taken_with_them(encrypted: str, certificates: Path, config: Path) -> None:
    context(config, "far", encrypted, tls=certificates)
    (config / "config.json").write_text('{"currentContext": "far"}')
    with closing(open_engine()) as engine:
        assert (engine.url, engine.shares_kernel) == (encrypted, False)


@needs_sshd
def test_a_context_by_ssh_is_taken_and_the_environment_goes_before(
    known: Sshd, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context(config, "far", known.url)
    monkeypatch.setenv("DOCKER_CONTEXT", "far")
    with closing(open_engine()) as engine:
        assert engine.url == known.url
    monkeypatch.setenv("DOCKER_HOST", DEFAULT_SOCKET)
    assert engine_url() == DEFAULT_SOCKET


def test_a_context_that_does_not_exist_is_told_of(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (config / "config.json").write_text('{"currentContext": "gone"}')
    assert refusal().message == "there is no Docker context 'gone', which docker's config names"
    monkeypatch.setenv("DOCKER_CONTEXT", "typo")
    for name in ("docker", "auto"):
        told = refusal(name)
        assert told.message == "there is no Docker context 'typo', which DOCKER_CONTEXT names"
        assert "docker context ls" in told.remedy
