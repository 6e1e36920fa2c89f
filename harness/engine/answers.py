"""What images have answered, kept on this machine: what depends on the image alone is asked of it once.

A file for each question and image. Processes may share them, as each is put in its place whole. They save time and
nothing else: what cannot be read, is of another form or cannot be written is no error, and is asked again.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

_LONGEST: Final = 1 << 16
"""How many characters of an answer are kept; what is longer is the answer of an image that means harm."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """All that an answer depends on.

    That is the image, by its id and by the platform that is here of it (an id may be that of a list of platforms), the
    kind and architecture of the engine that runs it, and how: ``container`` are the arguments of
    ``APIClient.create_container`` with the script that asks, but for name and labels.
    """

    image: str
    platform: str
    engine: str
    architecture: str
    container: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """What no other question has, in hexadecimal."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


class _Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file: the digest of the question, and what the image wrote, word for word."""

    question: str
    text: str


class Answers:
    """The answers that are kept in a folder, which is made if missing; without one, none is kept."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def find(self, question: Question) -> str | None:
        """What an image answered, if that is kept."""
        if self._folder is None:
            return None
        digest = question.digest
        try:
            answer = msgspec.json.decode(_file(self._folder, digest).read_bytes(), type=_Answer)
        except (OSError, ValueError, msgspec.DecodeError):
            return None
        return answer.text if answer.question == digest else None

    def keep(self, question: Question, text: str) -> None:
        """Keep what an image answers, unless that is very long or there is no place for it."""
        if self._folder is None or len(text) > _LONGEST:
            return
        digest = question.digest
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=self._folder, prefix="part-") as scratch:
                part = Path(scratch, digest)
                part.write_bytes(msgspec.json.encode(_Answer(question=digest, text=text)))
                part.replace(_file(self._folder, digest))


def _file(folder: Path, digest: str) -> Path:
    return folder / f"{digest}.json"
