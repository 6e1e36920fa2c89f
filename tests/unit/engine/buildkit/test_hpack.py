"""Header fields, by the examples of RFC 7541, and whatever else comes."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.engine.buildkit.hpack import Decoder, block_of

PLAIN = (
    ("828684410f7777772e6578616d706c652e636f6d", None),
    ("828684be58086e6f2d6361636865", ("cache-control", "no-cache")),
    ("828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565", ("custom-key", "custom-value")),
)
SHORTENED = (
    ("828684418cf1e3c2e5f23a6ba0ab90f4ff", None),
    ("828684be5886a8eb10649cbf", ("cache-control", "no-cache")),
    ("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf", ("custom-key", "custom-value")),
)
"""RFC 7541, C.3 and C.4: three requests on one connection, as they are and by Huffman's codes."""


@pytest.mark.parametrize("blocks", [PLAIN, SHORTENED], ids=["plain", "shortened"])
def test_the_requests_of_the_standard_are_read(blocks: tuple[tuple[str, tuple[str, str] | None], ...]) -> None:
    decoder = Decoder()
    for number, (block, more) in enumerate(blocks):
        secure = number == 2
        expected = [
            (":method", "GET"),
            (":scheme", "https" if secure else "http"),
            (":path", "/index.html" if secure else "/"),
            (":authority", "www.example.com"),
            *([more] if more else []),
        ]
        assert decoder.fields(bytes.fromhex(block)) == expected


def test_what_the_table_has_no_room_for_is_forgotten() -> None:
    decoder = Decoder()
    kept = bytes.fromhex("400a637573746f6d2d6b65790c637573746f6d2d76616c7565")
    newest = b"\xbe"
    assert decoder.fields(kept + newest)[-1] == ("custom-key", "custom-value")
    assert decoder.fields(newest) == [("custom-key", "custom-value")]
    assert decoder.fields(b"\x20") == []  # the table gets no room at all
    with pytest.raises(ValueError, match="malformed"):
        decoder.fields(newest)
    assert decoder.fields(kept) == [("custom-key", "custom-value")]
    with pytest.raises(ValueError, match="malformed"):
        decoder.fields(newest)


@given(st.lists(st.tuples(*[st.text(st.characters(codec="ascii"), max_size=126)] * 2)))
def test_what_is_written_is_read(fields: list[tuple[str, str]]) -> None:
    assert Decoder().fields(block_of(fields)) == fields


def test_what_is_too_long_for_one_byte_of_length_is_not_written() -> None:
    with pytest.raises(ValueError, match="too long"):
        block_of([("x", "y" * 127)])


@given(st.lists(st.binary(max_size=60), max_size=4))
@example([b"\x80"])
@example([b"\xff\xff\xff\xff\xff\xff\xff"])
@example([b"\x3f\xe1\x7f"])
@example([b"\x40\x81\xff\x00"])
@example([b"\x40\x83\xff\xff\xff\x00"])
def test_whatever_comes_is_read_or_refused(blocks: list[bytes]) -> None:
    decoder = Decoder()
    for block in blocks:
        try:
            decoder.fields(block)
        except ValueError:
            return
