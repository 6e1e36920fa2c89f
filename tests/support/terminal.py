"""A real terminal to press keys in and to read the screen of: tmux, with a server of its own."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from harness.run.inbox import Inbox
from harness.run.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Fits = Callable[[list[str]], object]
    Wanted = str | Fits

PROGRAM: Final = "tmux"
WAIT_S: Final = 30.0
_OF_THE_TERMINAL: Final = {"NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS", "LINES", "TMUX", "TMUX_PANE", "ENV"}
_SESSION: Final = "demo"
_numbers = count(1)


class Terminal:
    """One terminal with one command in it, under a shell that is there again when the command has ended.

    A context manager; in the end nothing of it runs any more.
    """

    def __init__(self, folder: Path) -> None:
        program = shutil.which(PROGRAM)
        if program is None:
            pytest.fail(f"{PROGRAM} is missing: apt-get install {PROGRAM}", pytrace=False)
        self._tmux = (program, "-u", "-L", f"signal-harness-{os.getpid()}-{next(_numbers)}", "-f", "/dev/null")
        self.folder = folder
        self._pid, self._code = folder / "pid", folder / "code"
        self._socket: Path | None = None

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        ended = not self._pid.exists() or self._ends()
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, check=False, timeout=WAIT_S)
        if self._socket is not None:
            self._socket.unlink(missing_ok=True)  # tmux leaves it
        if not ended:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            pytest.fail(f"process {self.pid} did not end within {WAIT_S} s of SIGTERM", pytrace=False)

    def _ends(self) -> bool:
        """Have the command clear up and end; whether it does."""
        if not self.gone:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
        return until(lambda: self.gone or None, timeout_s=WAIT_S, time=Inbox()) is not None

    def start(
        self, command: Sequence[str], width: int = 100, height: int = 30, errors: str = "", **environment: str
    ) -> None:
        """Start a command in a terminal of this size; its errors go to a file, if one is named."""
        own = {name: value for name, value in os.environ.items() if name not in _OF_THE_TERMINAL}
        own |= {"LANG": "C.UTF-8", "TERM": "xterm-256color", "PS1": "$ ", **environment}
        size = ("-x", str(width), "-y", str(height))
        self._run("new-session", "-d", "-s", _SESSION, *size, "-c", str(self.folder), "sh", "-i", env=own)
        self._socket = Path(self.ask("#{socket_path}"))
        self._run("set-option", "-g", "status", "off", ";", "set-option", "-g", "escape-time", "0")
        self._run("resize-window", "-t", _SESSION, *size)
        self.wait_for("$")
        script, away = self.folder / "start", f" 2>{errors}" if errors else ""
        script.write_text(f"echo $$ >{self._pid}\nexec {shlex.join(command)}{away}\n", encoding="utf-8")
        self.type(f"clear; sh {script}; echo $? >{self._code}")
        self.press("Enter")

    def press(self, *keys: str) -> None:
        """Press keys, by the names that tmux has for them."""
        self._run("send-keys", "-t", _SESSION, *keys)

    def type(self, text: str) -> None:
        """Type a text as it is."""
        self._run("send-keys", "-t", _SESSION, "-l", text)

    def resize(self, width: int, height: int) -> None:
        """Give the terminal another size."""
        self._run("resize-window", "-t", _SESSION, "-x", str(width), "-y", str(height))

    def screen(self, *, escapes: bool = False) -> list[str]:
        """What is on the screen, a line each; with the escape codes of its colours, if asked for."""
        return self._wait(lambda _: True, "a whole screen", WAIT_S, escapes=escapes)

    def history(self) -> str:
        """What is on the screen, and what has scrolled out of it; lines are as long as they were written."""
        return self._run("capture-pane", "-p", "-J", "-S", "-", "-t", _SESSION)

    def wait_for(self, wanted: Wanted, timeout_s: float = WAIT_S) -> list[str]:
        """The screen, once it holds a text or is as a function wants it."""
        if isinstance(wanted, str):
            return self._wait(lambda lines: wanted in "\n".join(lines), repr(wanted), timeout_s)
        return self._wait(wanted, wanted.__doc__ or wanted.__name__, timeout_s)

    def _wait(self, fits: Fits, what: str, timeout_s: float, *, escapes: bool = False) -> list[str]:
        last: list[str] = []

        def look() -> list[str] | None:
            nonlocal last
            last, whole = self._look(escapes=escapes)
            return last if whole and fits(last) else None

        if (lines := until(look, timeout_s=timeout_s, time=Inbox())) is not None:
            return lines
        shown = "\n".join(f"  |{line}" for line in last)
        pytest.fail(f"not within {timeout_s} s: {what}. The screen is\n{shown}")

    def _look(self, *, escapes: bool) -> tuple[list[str], bool]:
        """What is on the screen at one moment, and whether it is whole.

        A program that draws all of a screen leaves the cursor behind its last character: where it is elsewhere, a part
        of the screen is still that of before.
        """
        form = "#{alternate_on} #{cursor_x} #{cursor_y} #{pane_width} #{pane_height}"
        capture = ["capture-pane", "-p", *(["-e"] if escapes else []), "-t", _SESSION]
        *lines, state = self._run(*capture, ";", "display-message", "-p", "-t", _SESSION, form).rstrip().split("\n")
        full, column, row, width, height = map(int, state.split())
        return lines, not full or (column, row) == (width, height - 1)

    @property
    def pid(self) -> int:
        """The command's process."""
        return int(self._written(self._pid))

    @property
    def gone(self) -> bool:
        """Whether the command's process has ended, waited for by its parent or not."""
        try:
            return "\nState:\tZ" in Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        except (FileNotFoundError, ProcessLookupError):
            return True

    @property
    def ended(self) -> bool:
        """Whether the command has ended, and the shell is there again."""
        return self._code.exists()

    def exit_code(self, timeout_s: float = WAIT_S) -> int:
        """What the command ended with, once it has ended."""
        return int(self._written(self._code, timeout_s))

    def ask(self, form: str) -> str:
        """What tmux knows of the terminal, such as ``#{cursor_flag}``."""
        return self._run("display-message", "-p", "-t", _SESSION, form).strip()

    def hang_up(self) -> None:
        """Take the terminal away, as a window that is closed."""
        self._run("kill-session", "-t", _SESSION)

    def _written(self, file: Path, timeout_s: float = WAIT_S) -> str:
        def look() -> str | None:
            return (file.read_text(encoding="utf-8").strip() or None) if file.exists() else None

        if (text := until(look, timeout_s=timeout_s, time=Inbox())) is None:
            shown = "\n".join(f"  |{line}" for line in self.screen())
            pytest.fail(f"no {file.name} within {timeout_s} s. The screen is\n{shown}")
        return text

    def _run(self, *words: str, **how: Any) -> str:
        command = [*self._tmux, *words]
        output: str = subprocess.run(command, capture_output=True, text=True, check=True, timeout=WAIT_S, **how).stdout
        return output
