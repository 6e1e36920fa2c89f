"""The pictures of the docs, and what is drawn in one without what is measured, so that two can be compared."""

from __future__ import annotations

import re
import shlex
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path as File

PICTURES = File(__file__).parents[2] / "docs" / "pictures"
_SVG = "{http://www.w3.org/2000/svg}"
_TIME = re.compile(r"\+?\b\d+(\.\d+)? (µs|ms|s)\b")
_VERSION = re.compile(r"\b\d+(\.\d+)+[\w.+~-]*")
_PID = re.compile(r"\bPID (?!1\b)\d+")
_LATE_KILL = re.compile(r"^the kernel, as PID 1 ends, sends SIGKILL to .*: dropped by the kernel$")
_FATE = re.compile(r": (dropped by the kernel|merges with a pending one)$")
_MERGED = re.compile(r", which merged into \d+")


def masked(text: str) -> str:
    """A text without what differs from run to run, or from one build of the same base to the next.

    These are measured times, PIDs but for that of PID 1, and the versions that a base holds.
    """
    return " ".join(_VERSION.sub("N", _PID.sub("PID N", _TIME.sub("T", text))).split())


def parsed(svg: str) -> ET.Element:
    """Read a picture."""
    return ET.fromstring(svg)  # noqa: S314  our own


def texts(part: ET.Element) -> list[str]:
    """Its lines of text in reading order, unmasked."""
    found = sorted(part.iter(f"{_SVG}text"), key=lambda one: (float(one.get("y", 0)), float(one.get("x", 0))))
    return [one.text or "" for one in found]


@dataclass(frozen=True)
class Path:
    """What a drawing of a signal's path shows, masked: everything as it is told in words, and as it is written.

    Lines of one thing are joined, as a number that is a digit longer may break them elsewhere. Two kinds of steps are
    left out: pauses, as a busy machine may make one anywhere; and SIGKILL from the kernel to a process that is gone
    already, as whether it is still found when PID 1 clears up is luck (about one run in ten).
    """

    head: tuple[str, ...]
    lanes: tuple[tuple[str, str], ...]
    steps: tuple[tuple[str, str], ...]
    foot: tuple[str, str]

    def unordered(self) -> tuple[object, ...]:
        """What holds for the duplicated signal, whichever processor is quicker.

        PID 1 and npm each send the app a signal. The app's handler may run before npm's or after it, and if it is late
        the two signals merge, and it runs once. That changes the order of steps, what became of the second send, how
        often the handler runs, and half a sentence of the reason; it changes neither who sends what to whom, nor whose
        handlers run, nor the verdict.
        """
        told = frozenset(_FATE.sub("", words) for words, _ in self.steps)
        return self.head, self.lanes, told, tuple(_MERGED.sub("", text) for text in self.foot)


def path(svg: str) -> Path:
    """Read a drawing of a signal's path."""
    root = parsed(svg)

    def told(kind: str) -> list[tuple[str, str]]:
        groups = root.findall(f"{_SVG}g[@class='{kind}']")
        return [(masked(group.findtext(f"{_SVG}title") or ""), masked(" ".join(texts(group)))) for group in groups]

    steps = [(words.removeprefix("T: "), drawn) for words, drawn in told("step")]
    (head,) = told("head")
    (foot,) = told("foot")
    return Path(
        head=(masked(root.findtext(f"{_SVG}title") or ""), *head),
        lanes=tuple(told("lane")),
        steps=tuple((words, drawn) for words, drawn in steps if words != "T pass" and not _LATE_KILL.match(words)),
        foot=foot,
    )


def terminal(svg: str) -> str:
    """Read a picture of a terminal: its window's title and all lines, masked, as one text.

    It is one text, as the last line is broken according to how long the run took.
    """
    root = parsed(svg)
    return masked(" ".join([root.findtext(f"{_SVG}title") or "", *texts(root)]))


def listed() -> dict[str, list[str]]:
    """The commands that draw the pictures, by the names of their files: the list that `make pictures` goes through."""
    lines = PICTURES.joinpath("list").read_text(encoding="utf-8").splitlines()
    found = [shlex.split(line, comments=True) for line in lines]
    return {name: command for name, *command in filter(None, found)}
