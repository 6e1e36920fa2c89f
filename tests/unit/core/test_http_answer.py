"""HTTP answers as they arrive: whole, truncated at any byte, split at any byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.http_answer import HttpAnswer

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
SIZED = {
    "of a length": OK + b"Content-Length: 5\r\n\r\nwhole",
    "of no length": OK + b"Content-Length: 0\r\n\r\n",
    "in chunks": CHUNKED + b"3\r\nwho\r\n2;name=x\r\nle\r\n0\r\n\r\n",
    "in chunks with a trailer": CHUNKED + b"A\r\n0123456789\r\n0\r\nDigest: x\r\n\r\n",
    "with no chunk but the last": CHUNKED + b"0\r\n\r\n",
    "empty": b"HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n",
    "not modified": b"HTTP/1.1 304 Not Modified\r\nContent-Length: 900\r\n\r\n",
    "chunks go before a length": OK
    + b"content-length: 1\r\ntransfer-encoding: gzip, Chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    "with early hints": b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\nx",
    "with line feeds alone": b"HTTP/1.0 200\nContent-Length: 2\n\n\r\n",
}
TO_THE_END = {
    "of HTTP/1.0": b"HTTP/1.0 200 OK\r\n\r\nwhatever comes",
    "of HTTP/1.1": OK + b"Connection: close\r\n\r\nwhatever comes",
    "of another encoding": OK + b"Transfer-Encoding: gzip\r\nContent-Length: 3\r\n\r\nwhatever comes",
}
NONSENSE = {
    "another protocol": b"SSH-2.0-OpenSSH_9.2p1\r\n",
    "HTTP/2": b"HTTP/2 200 OK\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "a length that is none": OK + b"Content-Length: -1\r\n\r\n",
    "a chunk of no size": CHUNKED + b"x\r\n",
    "a chunk longer than told": CHUNKED + b"1\r\nab\r\n",
    "headers without an end": OK + b"X: " + b"x" * (1 << 17),
    "very many headers": OK + b"X: 0123456789\r\n" * 10_000,
}


def read(*pieces: bytes, ended: bool = False) -> HttpAnswer:
    answer = HttpAnswer()
    for piece in pieces:
        answer.feed(piece)
    if ended:
        answer.end()
    return answer


@pytest.mark.parametrize("data", SIZED.values(), ids=SIZED)
@pytest.mark.parametrize("ended", [False, True])
def test_an_answer_that_tells_its_end_is_whole_then(data: bytes, ended: bool) -> None:
    answer = read(data, ended=ended)
    assert (answer.whole, answer.broken) == (True, False)
    assert answer.status in (200, 204, 304)


@given(st.sampled_from(list(SIZED.values())), st.data())
def test_split_anywhere_it_is_the_same(data: bytes, draw: st.DataObject) -> None:
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=6)))
    pieces = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    assert read(*pieces).whole
    assert read(*(data[at : at + 1] for at in range(len(data)))).whole


@given(st.sampled_from(list(SIZED.values())), st.data(), st.booleans())
def test_truncated_anywhere_it_is_not_whole(data: bytes, draw: st.DataObject, ended: bool) -> None:
    answer = read(data[: draw.draw(st.integers(0, len(data) - 1))], ended=ended)
    assert (answer.whole, answer.broken) == (False, False)


@pytest.mark.parametrize("data", SIZED.values(), ids=SIZED)
def test_what_comes_behind_it_is_nothing_to_it(data: bytes) -> None:
    answer = read(data + b"HTTP/1.1 500 No\r\n\r\n", b"more", ended=True)
    assert (answer.whole, answer.broken) == (True, False)
    assert answer.status != 500


@pytest.mark.parametrize("data", TO_THE_END.values(), ids=TO_THE_END)
def test_an_answer_without_a_length_is_whole_as_its_connection_is_closed(data: bytes) -> None:
    assert not read(data).whole
    assert read(data, ended=True).whole


@given(st.sampled_from(list(TO_THE_END.values())), st.data())
def test_truncated_in_its_head_it_is_not_whole(data: bytes, draw: st.DataObject) -> None:
    head = data.index(b"\r\n\r\n") + 4
    assert not read(data[: draw.draw(st.integers(0, head - 1))], ended=True).whole


@pytest.mark.parametrize("data", NONSENSE.values(), ids=NONSENSE)
def test_what_is_no_http_is_broken_and_never_whole(data: bytes) -> None:
    answer = read(data, ended=True)
    assert (answer.whole, answer.broken) == (False, True)


@given(st.binary(max_size=200), st.booleans())
def test_anything_is_read_without_a_fault(data: bytes, ended: bool) -> None:
    answer = read(data, ended=ended)
    assert not (answer.whole and answer.broken)


def test_the_status_is_known_before_the_body() -> None:
    answer = read(b"HTTP/1.1 503 Busy\r\nContent-Length: 3\r\n\r\n")
    assert (answer.status, answer.whole) == (503, False)


def test_interim_answers_are_not_the_answer() -> None:
    answer = read(b"HTTP/1.1 100 Continue\r\n\r\n", ended=True)
    assert (answer.status, answer.whole) == (None, False)
