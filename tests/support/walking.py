"""A demo gone through screen by screen, as a presenter does; and how its screens are read."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from signal import Signals
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tests.support.terminal import Terminal

LONG_S: Final = 90.0
KEEP: Final = "SIGNAL_HARNESS_SCREENS"
NEXT: Final = "◀ next"

WAITS: Final = re.compile(
    r"^  n (?:run it|go on|end)   b back  r repeat  s skip  - slower  \+ faster  q quit  \? keys$"
)
BUSY: Final = re.compile(r"^  n …   b back  r repeat  s skip  - slower  \+ faster  q quit  \? keys$")
HEAD: Final = re.compile(r"^ (?P<number>\d+)/(?P<of>\d+) (?P<title>.+?)(?: {2,}.*)?$")
COUNTED: Final = re.compile(r"^ (?P<done>\d+) of (?P<total>\d+) cells$", re.MULTILINE)
VERDICT: Final = re.compile(
    r"^ (?P<variant>[\w-]+), (?P<asked>[\w-]+): (?P<symbol>\S) (?P<word>[a-z-]+): (?P<meaning>.+)$", re.MULTILINE
)
CONTAINER: Final = re.compile(r"--name\s+(?P<name>\S+)")
PROCESSES: Final = re.compile(r"^ Processes on (?P<base>\S+?)(?:, /bin/sh is (?P<shell>.+))?$", re.MULTILINE)
_SIGNAL: Final = f"(?:{'|'.join(number.name for number in Signals)})"
PROCESS: Final = re.compile(
    r"^ +\d+  (?:  )*(?:└ )?\S.*?  (?:handler|no handler|ignores it|waits for it|lives|zombie)"
    rf"(?: {{2,}}(?:◀ {_SIGNAL}(?:, (?:merges|lost|dropped))?|handles {_SIGNAL}(?: ×\d+)?|dies of {_SIGNAL}|exits"
    rf"|the orphan|{_SIGNAL}: [a-z ]+))?$"
)
ENDED: Final = re.compile(r"^ the container has ended, with exit code \d+$")
OUTCOME: Final = re.compile(r"^ (?P<symbol>\S) (?P<word>[a-z-]+) +(?P<variant>[\w-]+) on (?P<base>\S+)$", re.MULTILINE)
ANSWER: Final = re.compile(r"^ (?P<mark>[✓ ]) (?P<letter>[a-h])  (?P<text>.+)$", re.MULTILINE)
CLAIM: Final = re.compile(
    r"^ (?P<variant>[a-z][\w-]*) {2,}(?P<text>\S.*?) {2,}(?P<holds>[✓✗] \S+(?: {2,}[✓✗] \S+)*)$", re.MULTILINE
)
_TITLES: Final = (
    "Processes on ",
    "The log",
    "The path of the signal",
    "How to fix it",
    "Before",
    "After",
    "In the app",
)


@dataclass(frozen=True, slots=True)
class Shot:
    """One screen that waits for the presenter: of which kind, in which chapter; 0 stands for none."""

    kind: str
    number: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    @property
    def verdict(self) -> re.Match[str]:
        """The verdict that it shows."""
        (match,) = VERDICT.finditer(self.text)
        return match

    @property
    def container(self) -> str:
        """The container that is on it; empty if none is."""
        match = CONTAINER.search(self.text)
        return match["name"] if match else ""

    @property
    def shell(self) -> str:
        """What ``/bin/sh`` is on its base; empty if that is not shown."""
        match = PROCESSES.search(self.text)
        return match["shell"] or "" if match else ""

    @property
    def commands(self) -> list[str]:
        """The commands at its top, each in one line."""
        commands: list[str] = []
        for line in self.lines[2:]:
            if not line or line.startswith(" Processes on "):
                break
            if line.startswith(" $ "):
                commands.append(line[3:])
            elif commands:
                commands[-1] += line
        return commands

    def part(self, title: str) -> list[str]:
        """The lines under a title, to the next blank line or title."""
        at = next((number for number, line in enumerate(self.lines) if line.startswith(f" {title}")), None)
        assert at is not None, f"no {title!r} in\n{self.text}"
        lines = []
        for line in self.lines[at + 1 : -2]:
            if not line or line[1:].startswith(_TITLES) or VERDICT.match(line):
                break
            lines.append(line)
        return lines


def waits(lines: list[str]) -> bool:
    """A screen that waits for the presenter."""
    return WAITS.match(lines[-1]) is not None


def shot(lines: list[str]) -> Shot:
    """A screen that waits for the presenter, and of which kind it is."""
    text = "\n".join(lines)
    judged, run = VERDICT.search(text) is not None, PROCESSES.search(text) is not None
    kinds = {
        "title": " It runs on" in lines,
        "question": " Predict first" in lines,
        "held": NEXT in text,
        "over": run and NEXT not in text,
        "verdict": judged and not run,
        "fix": " Before" in lines and " After" in lines,
        "claims": "hold on every base." in text,
        "table": "The whole table and the report follow." in text,
    }
    fitting = [kind for kind, is_it in kinds.items() if is_it]
    assert len(fitting) == 1, f"{fitting} in\n{text}"
    head = HEAD.match(lines[0])
    return Shot(kind=fitting[0], number=int(head["number"]) if head else 0, lines=tuple(lines))


def walk(terminal: Terminal, name: str) -> tuple[Shot, ...]:
    """Go through a demo, as fast as it goes, until it ends or its table is under way.

    Args:
        terminal: where it was started.
        name: what the screens are called, if they are kept.
    """
    terminal.wait_for(waits)
    terminal.press("+", "+", "+")
    lines = terminal.wait_for(lambda lines: waits(lines) and "×8 faster" in lines[0])
    seen: list[Shot] = []
    while waits(lines):
        seen.append(shot(lines))
        keep(name, len(seen), seen[-1])
        terminal.press("n")
        lines = terminal.wait_for(lambda lines: _follows(terminal, lines, seen[-1]), LONG_S)
    return tuple(seen)


def _follows(terminal: Terminal, lines: list[str], before: Shot) -> bool:
    if waits(lines):
        return _what(shot(lines)) != _what(before)
    return terminal.ended or (HEAD.match(lines[0]) is None and COUNTED.search("\n".join(lines)) is not None)


def _what(seen: Shot) -> tuple[object, ...]:
    held = [command for command in seen.commands if NEXT in command]
    return seen.kind, seen.number, seen.container, held, [match[0] for match in VERDICT.finditer(seen.text)]


def keep(name: str, number: int, seen: Shot) -> None:
    """Write a screen into the folder that is asked for, if one is."""
    if asked := os.environ.get(KEEP):
        folder = Path(asked) / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:02d}-chapter-{seen.number}-{seen.kind}.txt").write_text(f"{seen.text}\n", encoding="utf-8")
