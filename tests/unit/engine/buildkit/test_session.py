"""What an engine takes over in a session: the context, our Dockerfile beside it, and each file as it is."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tarfile
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.engine.buildkit.files import Kind, exchange, lone
from harness.engine.buildkit.messages import message_class
from harness.engine.buildkit.session import Offer, Session, offered
from harness.engine.contexts import File, find, packed
from tests.support.grpc_client import Client, client_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import docker

COPY = "/moby.filesync.v1.FileSync/DiffCopy"
PACKET = message_class("Packet")
FOLDER, LINK, PIPE = 1 << 31, 1 << 27, 1 << 25
GO_RIGHTS = 0o777


class Taken(NamedTuple):
    """What an engine has of a path."""

    mode: int
    linkname: bytes
    data: bytes | None


def take_over(client: Client, number: int, folder: str, *, wanted: Callable[[str], bool], **fields: str) -> Any:
    """Take over a folder, as an engine does: all that there is, and what is in the files that are wanted."""
    client.gives_room = True
    client.ask(number, COPY, dir_name=folder, **fields)
    answer = client.answers[number]

    def packets() -> list[Any]:
        return [PACKET.FromString(message) for message in answer.messages()]

    client.take_until(lambda: any(not packet.HasField("stat") for packet in packets()))
    stats = [packet.stat for packet in packets() if packet.HasField("stat")]
    asked = [
        place
        for place, stat in enumerate(stats)
        if not stat.mode & ~GO_RIGHTS and not stat.linkname and wanted(os.fsdecode(stat.path))
    ]
    for place in reversed(asked):
        client.send(number, PACKET(type=Kind.WANTED, id=place).SerializeToString())

    def data_of(place: int) -> list[bytes]:
        return [packet.data for packet in packets() if packet.type == Kind.DATA and packet.id == place]

    client.take_until(lambda: all(b"" in data_of(place) for place in asked))
    client.send(number, PACKET(type=Kind.END).SerializeToString())
    client.take_until(lambda: answer.over)
    assert packets()[-1].type == Kind.END
    assert answer.fields["grpc-status"] == "0"
    return {
        os.fsdecode(stat.path): Taken(
            stat.mode, bytes(stat.linkname), b"".join(data_of(place)) if place in asked else None
        )
        for place, stat in enumerate(stats)
    }


@pytest.fixture
def offer(tmp_path: Path) -> Iterator[Offer]:
    root = tmp_path / "app"
    (root / "sub" / "empty").mkdir(parents=True)
    (root / "sub" / "b").write_bytes(bytes(range(256)) * 1000)
    (root / "sub-a").write_text("beside")
    (root / ".dockerignore").write_text("left out\n")
    (root / "left out").write_text("x")
    (root / "link").symlink_to("../../etc/passwd")
    (root / "again").hardlink_to(root / "sub-a")
    os.mkfifo(root / "pipe")
    (root / "run").write_text("#!")
    (root / "run").chmod(0o4755)
    with packed(find(root, "../Dockerfile", thorough=True), {"added/deep/x": b"new"}) as context:
        yield Offer(context=context, text=b"FROM scratch\nCOPY . /\n")


def test_each_folder_is_taken_over_as_it_is(offer: Offer) -> None:
    session = Session(offer)
    with client_of(session.answer) as client:
        client.begin()
        assert not session.served
        file = take_over(client, 1, "dockerfile", wanted=lambda _: True, followpaths=offer.dockerfile)
        assert file == {offer.dockerfile: Taken(0o644, b"", offer.text)}
        assert session.served
        rules = take_over(client, 3, "context", wanted=lambda _: True, followpaths=".dockerignore")
        assert {path: taken.data for path, taken in rules.items()} == {".dockerignore": b"left out\n"}
        taken = take_over(client, 5, "context", wanted=lambda path: path != "run", followpaths="sub")
    assert list(taken) == [
        *(".dockerignore", "added", "added/deep", "added/deep/x", "again", "link", "pipe", "run", "sub", "sub/b"),
        *("sub/empty", "sub-a"),
    ]
    assert taken["added/deep/x"].data == b"new"
    assert taken["sub/b"].data == bytes(range(256)) * 1000
    assert (taken["link"].mode & LINK, taken["link"].linkname) == (LINK, b"../../etc/passwd")
    assert (taken["sub-a"].linkname, taken["again"].data) == (b"again", b"beside")
    assert taken["sub/empty"].mode & FOLDER
    assert taken["pipe"].mode & PIPE
    assert (taken["run"].mode, taken["run"].data) == (0o755 | 1 << 23, None)
    assert session.served


def test_what_is_not_offered_is_refused(offer: Offer) -> None:
    session = Session(offer)
    with client_of(session.answer) as client:
        client.begin()
        client.ask(1, COPY, dir_name="/etc")
        client.ask(3, "/moby.filesync.v1.Auth/Credentials")
        client.ask(5, COPY)
        client.ask(7, "/grpc.health.v1.Health/Check")
        client.take_until(lambda: all(answer.over for answer in client.answers.values()))
        statuses = [answer.fields["grpc-status"] for answer in client.answers.values()]
        assert statuses == ["5", "12", "5", "0"]
        assert client.answers[7].messages() == [b"\x08\x01"]
    assert not session.served


@pytest.mark.parametrize("said", [PACKET(type=Kind.ERROR), PACKET(type=Kind.WANTED, id=99)])
def test_an_engine_that_does_not_come_to_an_end_has_not_taken_it_over(said: Any, offer: Offer) -> None:
    session = Session(offer)
    with client_of(session.answer) as client:
        client.begin()
        take_over(client, 1, "dockerfile", wanted=lambda _: True)
        client.ask(3, COPY, dir_name="context")
        client.take_until(lambda: len(client.answers[3].messages()) > 3)
        assert not session.served
        client.send(3, said.SerializeToString())
        client.take_until(lambda: client.answers[3].over)
        assert client.answers[3].fields["grpc-status"] == "2"
    assert not session.served


def test_offers_of_other_dockerfiles_have_other_names_for_them(offer: Offer) -> None:
    other = Offer(context=offer.context, text=offer.text.replace(b"scratch", b"another"))
    assert len(other.text) == len(offer.text)
    assert other.dockerfile != offer.dockerfile


PATHS = st.lists(st.sampled_from(["a", "b", "a-b", "a b", "ab", "ä", "\udcff"]), min_size=1, max_size=3)


@settings(max_examples=50)
@given(st.lists(PATHS, max_size=8))
def test_paths_come_in_the_order_that_an_engine_wants(paths: list[list[str]]) -> None:
    """Each is behind the folder that it is in, and behind those of that folder that have lesser bytes."""
    files = [lone("/".join(path), b"x") for path in paths]
    sent: list[bytes] = []
    assert not exchange(files, lambda: None, sent.append, only=None)
    found = [PACKET.FromString(data) for data in sent]
    assert not found.pop().HasField("stat")
    told = [packet.stat.path.split(b"/") for packet in found]
    assert told == sorted(told)
    assert len({tuple(path) for path in told}) == len(told)
    assert all(path[:-1] in [[], *told[:place]] for place, path in enumerate(told))
    assert {b"/".join(path) for path in told} >= {file.entry.name.encode(errors="surrogateescape") for file in files}


def test_a_file_that_is_long_comes_in_pieces(tmp_path: Path) -> None:
    entry = tarfile.TarInfo("x")
    entry.size = 100_000
    read: list[tuple[int, int]] = []

    def reads(at: int, size: int) -> bytes:
        read.append((at, size))
        return b"y" * size

    asked = iter([PACKET(type=Kind.WANTED, id=0), PACKET(type=Kind.END)])
    sent: list[bytes] = []
    assert exchange([File(entry, reads)], lambda: next(asked).SerializeToString(), sent.append, only=None)
    data = [PACKET.FromString(one).data for one in sent[2:-1]]
    assert b"".join(data) == b"y" * 100_000
    assert (data[-1], max(map(len, data))) == (b"", 32_768)
    assert sum(size for _, size in read) == 100_000


class Engine:
    """An engine on a socket, which takes a session or does not, and says something right behind its answer."""

    base_url = "http+docker://localhost"
    api_version = "1.41"

    def __init__(self, *, takes: bool, sock: socket.socket) -> None:
        self._takes = takes
        self._sock = sock
        self.headers: dict[str, str] = {}

    def post(self, url: str, *, headers: dict[str, str], stream: bool) -> Any:
        assert (url, stream) == ("http+docker://localhost/v1.41/session", True)
        self.headers = headers
        source = self._sock.makefile("rb")

        def close() -> None:
            source.close()
            self._sock.close()

        raw = SimpleNamespace(_fp=SimpleNamespace(fp=source))
        return SimpleNamespace(status_code=101 if self._takes else 404, raw=raw, close=close)


@pytest.mark.parametrize("takes", [True, False])
def test_a_session_is_named_and_over_as_it_is_left(takes: bool, offer: Offer) -> None:
    ours, theirs = socket.socketpair()
    engine = Engine(takes=takes, sock=ours)
    api: docker.APIClient = engine
    with theirs, offered(api, offer) as session:
        assert (session is not None) is takes
        if session is not None:
            assert engine.headers["X-Docker-Expose-Session-Uuid"] == session.id
            assert engine.headers["X-Docker-Expose-Session-Sharedkey"] == offer.context.digest
            assert engine.headers["X-Docker-Expose-Session-Grpc-Method"] == COPY
            client = Client(theirs)
            client.begin()
            take_over(client, 1, "dockerfile", wanted=lambda _: True)
            assert session.served
            assert threading.active_count() > 1
    assert not [thread for thread in threading.enumerate() if thread.name == "buildkit"]


def test_http2_is_imported_only_as_a_session_begins() -> None:
    code = "import sys, harness.engine.images{more}; print(*sorted({{'h2', 'google.protobuf'}} & set(sys.modules)))"

    def imported(more: str) -> str:
        look = [sys.executable, "-c", code.format(more=more)]
        return subprocess.run(look, capture_output=True, text=True, check=True).stdout.strip()

    assert imported("") == "google.protobuf"
    assert imported(", harness.engine.buildkit.http2") == "google.protobuf h2"
