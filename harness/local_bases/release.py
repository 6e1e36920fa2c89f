"""The release files of a Debian mirror, believed where one of Debian's own keys has signed them.

A release file names the hash of each package list, and a list that of each package: what it vouches for is all that is
taken from a mirror, whoever runs that or stands between. The keys are those of Debian's package debian-archive-keyring
and come with this one (``keys/README.md``). They are checked by Sequoia PGP, so that this works where there is neither
apt nor gpgv.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pysequoia import Cert, verify

from harness.core.errors import BaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from harness.local_bases.download import Downloads

_KEYS: Final = Path(__file__).with_name("keys")
_BETWEEN: Final = "Try again; if it stays, a proxy or mirror in between changes the file."
_OLD: Final = (
    "Check this machine's clock (date); if it is right, a proxy or mirror in between hands out an old file.\n"
    "Or name an image from a registry with --base."
)


def debian_keys() -> list[Cert]:
    """The keys that sign Debian's archives, of all releases that bases are made of."""
    return [key for file in sorted(_KEYS.glob("*.asc")) for key in Cert.split_file(str(file))]


def read_release(downloads: Downloads, folder: str, codename: str) -> str:
    """The release file of a suite, checked; ``folder`` is the suite's address, such as ``…/dists/trixie``.

    Raises:
        BaseUnavailable: the mirror does not answer, or `checked` says why the file is not to be believed.
    """
    url = f"{folder}/InRelease"
    return checked(downloads.read(url), url, codename, keys=debian_keys())


def checked(
    content: bytes,
    url: str,
    codename: str,
    *,
    keys: Sequence[Cert],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> str:
    """What is signed of an ``InRelease`` file, whose address is for messages; text around that is left out.

    Fields as in Debian's "RepositoryFormat": the file is to be that of the suite that was asked for, and not older than
    it says itself, lest an old one with holes that are known since is played back.

    Raises:
        BaseUnavailable: no valid signature by one of the keys, another suite's file, or one that has run out.
    """
    text = _signed(content, url, keys).decode("utf-8", errors="replace")
    if (found := _field(text, "Codename")) != codename:
        raise BaseUnavailable(f"{url} is signed, but for {found or 'no suite'} and not for {codename}", remedy=_BETWEEN)
    if until := _field(text, "Valid-Until"):
        try:
            over = parsedate_to_datetime(until) < now()
        except (TypeError, ValueError) as error:
            raise BaseUnavailable(f"{url} says that it is good until {until!r}", remedy=_BETWEEN) from error
        if over:
            raise BaseUnavailable(f"{url} was good until {until}; it is {now():%a, %d %b %Y %H:%M:%S} UTC", remedy=_OLD)
    return text


def _signed(content: bytes, url: str, keys: Sequence[Cert]) -> bytes:
    """The content that one of the keys has signed, and nothing else of it."""
    signers: list[str] = []

    def known(ids: Iterable[str]) -> Sequence[Cert]:
        signers.extend(ids)
        return keys

    try:
        found = verify(bytes=content, store=known)
    except RuntimeError as error:
        by = f"; it bears signatures of {', '.join(sorted(signers))}" if signers else "; it bears none"
        raise BaseUnavailable(
            f"{url} has no valid signature by a key of Debian's that is known here{by}",
            remedy=f"{_BETWEEN}\nIf Debian has new keys, a newer signal-harness knows them.",
        ) from error
    if not found.bytes or not found.valid_sigs:
        raise BaseUnavailable(f"{url} has no content that is signed", remedy=_BETWEEN)
    return found.bytes


def _field(text: str, name: str) -> str:
    """The value of a field of a release file; empty if it has none."""
    match = re.search(rf"^{name}: *(.*?) *$", text, re.MULTILINE)
    return match[1] if match else ""
