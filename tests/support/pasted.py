"""Commands in the docs that are run, and the outputs that are pasted below them.

A block of ``sh`` holds commands, a line each; ``# exit code N`` behind one says how it ends, with 0 where nothing is
said. A block of ``text`` right below a block of one command is what it prints on a terminal of 100 columns. ``python -m
tests.support.pasted`` runs all of them and pastes what they print anew.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.support.command import surroundings
from tests.support.comparing import masked
from tests.support.own_containers import RUNNING, own_containers
from tests.support.own_images import own_images

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = (ROOT / "README.md", ROOT / "docs" / "your-own-image.md", ROOT / "docs" / "audit.md")
_COLUMNS: Final = 100
_AT_ONCE: Final = 4
_BLOCK: Final = re.compile(
    r"^```sh\n(?P<lines>.*?)^```\n(?:\n^```text\n(?P<output>.*?)^```$)?", re.MULTILINE | re.DOTALL
)
_EXIT: Final = re.compile(r"\s+#\s+exit code (\d+)$")
_OF_NUMBERS: Final = "N."
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]+")
_PROCESS: Final = re.compile(r"^( +)(?!1 )\d+(?=  )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended, and what it printed."""

    exit_code: int
    output: str
    errors: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the docs: its words, how it is to end, and the output that is pasted below it, if there is one."""

    line: str
    exit_code: int
    pasted: str | None

    def run(self, folder: Path, option: str | None = None) -> Ran:
        """Run it as a reader does, in a folder; ``option`` is one more than is said."""
        program, *words = shlex.split(self.line)
        assert program == "signal-harness", self.line
        done = subprocess.run(
            [sys.executable, "-m", "harness", words[0], *([option] if option else []), *words[1:]],
            env={**surroundings(), "COLUMNS": str(_COLUMNS), "NO_COLOR": "1", "PYTHONPATH": str(ROOT)},
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        return Ran(done.returncode, done.stdout, done.stderr)


def commands(page: Path) -> list[Command]:
    """The commands of a page, in order."""
    found = []
    for block in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        lines = [line for line in block["lines"].splitlines() if line.strip()]
        assert block["output"] is None or len(lines) == 1, f"{page.name}: which command prints {block['output']!r}?"
        for line in lines:
            code = _EXIT.search(line)
            found.append(Command(_EXIT.sub("", line).strip(), int(code[1]) if code else 0, block["output"]))
    return found


def run_all(wanted: Iterable[Command]) -> dict[str, Ran]:
    """Run commands, several at once and each once, by their lines."""
    once = {command.line: command for command in wanted}
    with (
        own_images() as files,
        own_containers(RUNNING),
        tempfile.TemporaryDirectory() as scratch,
        ThreadPoolExecutor(_AT_ONCE) as pool,
    ):
        folders = [Path(scratch, str(number)) for number in range(len(once))]
        for folder in folders:
            own = folder / "my-app"
            own.mkdir(parents=True)
            for name, text in files.items():
                own.joinpath(name).write_text(text, encoding="utf-8")
        return dict(zip(once, pool.map(Command.run, once.values(), folders), strict=True))


def likened(output: str) -> Counter[str]:
    """What does not differ from run to run: how often each letter and sign is there, but for those of numbers.

    A time that is a digit longer breaks lines elsewhere, and long words in the middle.
    """
    text = masked(_PROCESS.sub(r"\1N", _DIGEST.sub("sha256", output.replace("─", ""))))
    return Counter(sign for sign in text if not sign.isspace() and not sign.isdigit() and sign not in _OF_NUMBERS)


def paste(page: Path, ran: dict[str, Ran]) -> None:
    """Put what commands print below them."""

    def anew(block: re.Match[str]) -> str:
        if block["output"] is None:
            return block[0]
        line = _EXIT.sub("", block["lines"].strip()).strip()
        return f"```sh\n{block['lines']}```\n\n```text\n{ran[line].output}```"

    page.write_text(_BLOCK.sub(anew, page.read_text(encoding="utf-8")), encoding="utf-8")


def main() -> None:
    """Run all commands of the docs, and paste what they print."""
    ran = run_all(command for page in PAGES for command in commands(page))
    for page in PAGES:
        paste(page, ran)
        for command in commands(page):
            if ran[command.line].exit_code != command.exit_code:
                sys.stderr.write(f"{page.name}: `{command.line}` ends with {ran[command.line].exit_code}\n")


if __name__ == "__main__":
    main()
