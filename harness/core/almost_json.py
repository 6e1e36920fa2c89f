"""Commands that were meant to be JSON arrays and are not quite: the build takes them for shell form. Pure.

BuildKit falls back to the shell form for whatever is not a JSON array of strings (Dockerfile reference, "Exec form"),
and the shell then looks for a program called ``[server,``.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from harness.core.program import SHELLS, program

if TYPE_CHECKING:
    from harness.core.facts import StartCommand

_SMART: Final = "“”„\u2018\u2019\u201a"
_QUOTED: Final = rf"""(?:"[^"]*"|'[^']*'|[{_SMART}][^{_SMART}]*[{_SMART}])"""
_MEANT: Final = re.compile(rf"\[(?![\s\[])|\[\s*({_QUOTED}|[^\s,]+)\s*(,|\]$)|\{{?\s*{_QUOTED}\s*,")
"""Nobody means the command ``[`` of the shell by these, which wants a space after it and takes no commas."""

_WORD: Final = re.compile(rf"{_QUOTED}|[^\s,\[\]\"'{_SMART}{{}}\\#&|;<>$]+")
_NO_WORDS: Final = re.compile(r"[\[{]?[\s,]*[\]}]?")
_FLAWS: Final = {
    "smart quotes": f"[{_SMART}]",
    "single quotes": r"(^|[\[{,\s])'[^']*'",
    "text after the closing bracket": r"\]\s*[^\]\s]+",
    "a trailing comma": r",\s*\]\s*$",
    "no opening bracket": r"^[^\[]",
    "no closing bracket": r"[^\]]$",
    "a missing comma": r'"\s+"',
    "a word without quotes": r"[\[,]\s*[^\s\"]",
}
"""What keeps a text from being JSON, the likeliest first."""


def almost_json(text: str) -> bool:
    """Whether a command in shell form was meant to be one in exec form."""
    return _MEANT.match(text) is not None


def why_not_json(start: StartCommand) -> str | None:
    """Which command of an image was meant to be JSON but is run by a shell, why, and what to write instead.

    Returns:
        A sentence without its full stop; ``None`` if there is no such command.
    """
    for keyword, words in (("ENTRYPOINT", start.entrypoint), ("CMD", start.command)):
        if program(words) in SHELLS and re.fullmatch("-[a-z]*c", "".join(words[-2:-1])):
            text = words[-1].strip()
            if almost_json(text):
                flaw = next((f" ({name})" for name, pattern in _FLAWS.items() if re.search(pattern, text)), "")
                runs = f"so {words[0]} runs the text as a command"
                return f"`{keyword} {text}` is not valid JSON{flaw}, {runs}{_instead(keyword, text)}"
    return None


def _instead(keyword: str, text: str) -> str:
    """What to write in place of a text that holds nothing but words, none of which is the shell's to expand."""
    if re.search(r"[\\$]", text) or not _NO_WORDS.fullmatch(_WORD.sub("", text)):
        return ""
    words = [word[1:-1] if re.fullmatch(_QUOTED, word) else word for word in _WORD.findall(text)]
    return f"; write `{keyword} {json.dumps(words, ensure_ascii=False)}`"
