"""Release files: believed where a key of Debian's has signed them, refused with the reason where none has."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pysequoia import SignatureMode, Tsk, sign

from harness.core.errors import BaseUnavailable
from harness.local_bases.release import checked, debian_keys, read_release

if TYPE_CHECKING:
    from harness.local_bases.download import Downloads

URL = "https://mirror.example/dists/trixie/InRelease"
REAL = Path(__file__).parents[2] / "data" / "bullseye-security.InRelease"
"""As Debian's mirrors had it on 12 September 2026; updates of Debian 11 have ended, and it runs out no more."""

TEXT = "Origin: Debian\nCodename: trixie\nDate: Fri, 20 Nov 2026 10:00:00 UTC\n"
UNTIL = "Valid-Until: Fri, 27 Nov 2026 10:00:00 UTC\n"
SIGNER = Tsk.generate(user_id="A key of the mirror's <mirror@example.org>")
KEYS = [SIGNER.extract_certificate()]


def signed(text: str = TEXT) -> bytes:
    content = sign(SIGNER.signer(), text.encode(), mode=SignatureMode.CLEAR)
    assert content.startswith(b"-----BEGIN PGP SIGNED MESSAGE-----")
    return bytes(content)


def refusal(content: bytes, codename: str = "trixie", day: int = 21) -> BaseUnavailable:
    with pytest.raises(BaseUnavailable) as failure:
        checked(content, URL, codename, keys=KEYS, now=lambda: datetime(2026, 11, day, 12, tzinfo=UTC))
    assert str(failure.value).startswith(URL)
    assert failure.value.remedy
    return failure.value


def test_the_file_of_debian_is_believed_by_debian_s_keys() -> None:
    text = checked(REAL.read_bytes(), URL, "bullseye-security", keys=debian_keys())
    assert text.startswith("Origin: Debian\n")
    assert "main/binary-amd64/Packages.xz" in text
    assert "PGP" not in text


def test_the_keys_are_those_of_three_releases() -> None:
    names = [str(key.user_ids[0]).partition(" <")[0] for key in debian_keys()]
    for release in ("11/bullseye", "12/bookworm", "13/trixie"):
        for kind in ("Debian Archive Automatic Signing", "Debian Security Archive Automatic Signing"):
            assert names.count(f"{kind} Key ({release})") == 1
        assert names.count(f"Debian Stable Release Key ({release})") == 1
    assert len(names) == 9


def test_one_altered_hash_in_debian_s_file_is_found() -> None:
    content = REAL.read_bytes()
    at = content.index(b"Packages.xz") - 30
    altered = content[:at] + (b"0" if content[at : at + 1] != b"0" else b"1") + content[at + 1 :]
    with pytest.raises(BaseUnavailable, match="no valid signature by a key of Debian's"):
        checked(altered, URL, "bullseye-security", keys=debian_keys())


def test_a_key_that_is_not_debian_s_is_no_key() -> None:
    checked(signed(), URL, "trixie", keys=KEYS)
    with pytest.raises(BaseUnavailable, match=r"it bears signatures of [0-9a-f]{40}$") as failure:
        checked(signed(), URL, "trixie", keys=debian_keys())
    assert "a newer signal-harness knows them" in failure.value.remedy


@pytest.mark.parametrize(
    "content",
    [b"", TEXT.encode(), b"<html>log in</html>", signed().partition(b"-----BEGIN PGP SIGNATURE")[0], b"\xff\x00" * 50],
    ids=["nothing", "no signature", "a log-in page", "cut short", "garbage"],
)
def test_a_file_without_a_signature_is_refused(content: bytes) -> None:
    assert "no valid signature" in str(refusal(content))


def test_what_stands_around_the_signed_text_is_left_out() -> None:
    around = b"Codename: trixie\n 00 1 main/binary-amd64/Packages.xz\n"
    assert checked(around + signed() + around, URL, "trixie", keys=KEYS).strip() == TEXT.strip()


def test_a_file_that_has_run_out_is_refused() -> None:
    content = signed(TEXT + UNTIL)
    assert UNTIL.strip() in checked(content, URL, "trixie", keys=KEYS, now=lambda: datetime(2026, 11, 27, tzinfo=UTC))
    found = refusal(content, day=28)
    assert "was good until Fri, 27 Nov 2026 10:00:00 UTC; it is Sat, 28 Nov 2026 12:00:00 UTC" in str(found)
    assert "clock" in found.remedy


@pytest.mark.parametrize("until", ["Valid-Until: soon\n", "Valid-Until: Fri, 27 Nov 2026 10:00:00 -0000\n"])
def test_a_time_that_cannot_be_read_is_no_time(until: str) -> None:
    assert "says that it is good until" in str(refusal(signed(TEXT + until)))


def test_the_file_of_another_suite_is_refused() -> None:
    assert "is signed, but for trixie and not for bookworm" in str(refusal(signed(), codename="bookworm"))
    assert "is signed, but for no suite" in str(refusal(signed("Origin: Debian\n")))


@given(st.binary(min_size=1, max_size=12), st.integers(min_value=0))
def test_no_change_to_the_text_is_believed(piece: bytes, place: int) -> None:
    content = signed()
    begins, ends = content.index(b"Origin:"), content.index(b"\n-----BEGIN PGP SIGNATURE")
    at = begins + place % (ends - begins)
    altered = content[:at] + piece + content[at:]
    try:
        text = checked(altered, URL, "trixie", keys=KEYS)
    except BaseUnavailable:
        return
    # Blanks at the end of a line are not signed (RFC 9580, 7.2).
    assert [line.rstrip() for line in text.splitlines()] == TEXT.splitlines()


class Mirror:
    """What stands for the downloads: one file, and which were asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def read(self, url: str) -> bytes:
        self.asked.append(url)
        return REAL.read_bytes()


def test_the_file_is_read_from_its_suite() -> None:
    mirror = Mirror()
    downloads: Downloads = mirror
    assert "bullseye-security" in read_release(downloads, "https://mirror.example/dists/x", "bullseye-security")
    assert mirror.asked == ["https://mirror.example/dists/x/InRelease"]
