"""BuildKit's own Dockerfile parser, of v0.12.5, through the package ``dockerfile``: what ours is compared with.

It runs in a process of its own, since it brings the Go runtime, with threads and signal handlers.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IS_HERE: Final = find_spec("dockerfile") is not None

_READER: Final = """
import json, sys
import dockerfile

for text in map(json.loads, sys.stdin):
    try:
        commands = [
            (c.start_line, c.cmd or "", c.sub_cmd or "", c.json, c.flags, c.value,
             [(h.name, h.content) for h in c.heredocs])
            for c in dockerfile.parse_string(text)
        ]
    except dockerfile.GoParseError:
        commands = None
    print(json.dumps(commands), flush=True)
"""


class Command(NamedTuple):
    """An instruction as BuildKit reads it; what ONBUILD keeps has its keyword in ``trigger`` and its value here."""

    line: int
    keyword: str
    trigger: str
    json: bool
    flags: tuple[str, ...]
    value: tuple[str, ...]
    heredocs: tuple[tuple[str, str], ...]


@contextmanager
def buildkit() -> Iterator[Callable[[str], list[Command] | None]]:
    """What BuildKit reads in a text; ``None`` if it refuses the text."""
    with subprocess.Popen(
        [sys.executable, "-c", _READER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        requests, answers = reader.stdin, reader.stdout

        def read(text: str) -> list[Command] | None:
            print(json.dumps(text), file=requests, flush=True)
            commands = json.loads(answers.readline())
            return commands and [
                Command(
                    line, keyword.upper(), trigger.upper(), is_json, tuple(flags), tuple(value), tuple(map(tuple, docs))
                )
                for line, keyword, trigger, is_json, flags, value, docs in commands
            ]

        yield read
        requests.close()
