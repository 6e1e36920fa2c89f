"""A matrix of thousands of cells: how long it takes to plan, and whether memory, threads and files stay flat.

Once on containers that follow a script, which take no time, and once on the real engine. Each cell's row goes to a
journal as it ends, as `run --json` has it; figures are taken in a process of its own, at every tenth of the cells.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

from harness.core.question import Probe
from harness.core.signals import catchable_signals
from harness.engine import registry
from harness.journals import OpenJournal
from harness.session import Hooks, Selection, Session
from tests.support.engines import ScriptedOpenEngine
from tests.support.scripted import Happening, Script, ScriptedEngine
from tests.support.seeing import INIT_1, NODE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.core.document import Row
    from harness.run.protocol import Launch
    from tests.support.scripted import ScriptedContainer

PER_BASE: Final = 41 * len(catchable_signals())
"""So many cells a base has: about all variants of the catalogue with every signal that can be caught."""

SIDES: Final = {"scripted": 10_000, "real": 2_000}
_TENTHS: Final = 10
_SCRIPT: Final = Script(
    at_start=(Happening(output=b"Listening on port 3000 pid=7 ppid=1\n", tree=(INIT_1, NODE)),),
    at_signal=(Happening(after_s=0.01, output=b"Received signal: SIGTERM pid=7 ppid=1 t=1\n"),),
)


class _Forgetful(ScriptedEngine):
    """One that does not keep what has ended: that is not the harness's memory."""

    @contextmanager
    def launch(self, launch: Launch) -> Iterator[ScriptedContainer]:
        with super().launch(launch) as container:
            yield container
        self.containers.clear()
        self.launches.clear()


installed = ScriptedOpenEngine(script_of=lambda _: _SCRIPT, made_of=_Forgetful)


def figures() -> str:
    """What the process has now: memory and its peak in MB (proc_pid_status(5)), threads, open files."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    kilobytes = {name: int(size) for name, size in re.findall(r"^(VmRSS|VmHWM):\s+(\d+) kB$", status, re.MULTILINE)}
    now, peak = kilobytes["VmRSS"] // 1024, kilobytes["VmHWM"] // 1024
    files = len(list(Path("/proc/self/fd").iterdir()))
    return f"{now:4} MB (peak {peak:4} MB), {threading.active_count():3} threads, {files:3} files"


def run(selection: Selection, number: int, folder: Path) -> None:
    """Run so many cells, and print figures as they end."""
    ended = 0
    began = time.monotonic()
    with OpenJournal(folder / "results.json", resume=False) as journal:

        def keep(row: Row) -> None:
            nonlocal ended
            journal.keep(row)
            ended += 1
            if ended % max(1, number // _TENTHS) == 0:
                print(f"  {ended:6} cells after {time.monotonic() - began:6.1f} s: {figures()}", flush=True)

        with Session(selection, Hooks(result=keep)) as session:
            head = session.head()
            cells = session.cells[:number]
            print(f"  {len(head.cells)} cells planned {time.monotonic() - began:.2f} s after the start", flush=True)
            journal.begin(head)
            document = session.document(future.result() for future in session.run(cells))
        journal.end(document)
    verdicts = Counter(row.verdict for row in document.results)
    told = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
    print(f"  {len(document.results)} cells in {time.monotonic() - began:.1f} s: {told}")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, help="how many on each side")
    parser.add_argument("--side", choices=list(SIDES), help="only one; in this process")
    chosen = parser.parse_args(arguments)
    if chosen.side is None:
        for side, number in SIDES.items():
            wanted = ("--side", side, "--cells", str(chosen.cells or number))
            subprocess.run([sys.executable, "-m", "benchmarks.scale", *wanted], check=True)
        return
    number = chosen.cells or SIDES[chosen.side]
    print(f"{chosen.side}, {number} cells", flush=True)
    scripted = chosen.side == "scripted"
    bases = tuple(f"base:{n}" for n in range(1 + number // PER_BASE)) if scripted else ()
    selection = Selection(bases=bases, signals=catchable_signals(), probes=(Probe.SIGNAL,), repeat=1)
    engine = {"docker": "benchmarks.scale:installed"} if scripted else {}
    with tempfile.TemporaryDirectory() as folder, patch.dict(registry.ENGINES, engine):
        run(selection, number, Path(folder))


if __name__ == "__main__":
    main()
