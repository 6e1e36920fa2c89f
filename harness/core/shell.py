"""The text that a shell runs behind ``-c``, taken apart as far as advice needs it. Pure.

What is beyond a list of simple commands (loops, functions, subshells, here-documents) is not read: then nothing is said
of it. POSIX.1-2024, Shell Command Language, 2.3 to 2.10.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_TOKEN: Final = re.compile(
    r"""(?P<blank>[ \t]+|\\\n)
    |(?P<redirection>\d*(?:<<-?|<>|>>|>\||[<>]&?)|&>>?)
    |(?P<operator>&&|\|\||;|\||&|\n)
    |(?P<word>(?:\\.|'[^']*'|"(?:\\.|[^"\\])*"|\$\([^()]*\)|\$\{[^{}]*\}|`[^`]*`|[^\s'"\\;&|<>()`])+)""",
    re.VERBOSE | re.DOTALL,
)
_COMPOUND: Final = frozenset(
    {"if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "{", "}", "!"}
    | {"function", "select"}
)
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=", re.ASCII)
_PLAIN: Final = re.compile(r"""(?:'[^']*'|"[^"\\$`]*"|[\w@%+=:,./-])+""", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A simple command of a text: from where to where its words and its redirections go, and what stands around it.

    ``words`` are as written, without the assignments in front and without an ``exec``, which ``execs`` tells of.
    """

    start: int
    end: int
    words: tuple[str, ...]
    execs: bool
    assigns: bool
    redirects: bool
    before: str
    after: str

    @property
    def plain(self) -> bool:
        """Whether its words mean the same without a shell."""
        return not self.assigns and not self.redirects and all(map(_PLAIN.fullmatch, self.words))

    @property
    def argv(self) -> tuple[str, ...]:
        """Its words without their quotes; variables stay as written."""
        return tuple(shlex.split(" ".join(self.words)))


def commands(text: str) -> tuple[Command, ...]:
    """The simple commands of a text; none where it has anything else."""
    tokens = _tokens(text)
    found: list[Command] = []
    part: list[re.Match[str]] = []
    before = ""
    for token in (*tokens, None):
        if token is not None and token.lastgroup != "operator":
            part.append(token)
            continue
        operator = token[0] if token else ""
        if part:
            command = _command(part, before, operator)
            if command is None:
                return ()
            found.append(command)
        before, part = operator, []
    return tuple(found)


def _tokens(text: str) -> tuple[re.Match[str], ...]:
    """The tokens of a text but its blanks; none where it cannot be read to its end."""
    tokens: list[re.Match[str]] = []
    at, text = 0, text.rstrip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None or (token.lastgroup == "word" and token[0].startswith("#")):
            return ()
        at = token.end()
        if token.lastgroup != "blank":
            tokens.append(token)
    return tuple(tokens)


def _command(part: Iterable[re.Match[str]], before: str, after: str) -> Command | None:
    tokens = list(part)
    words: list[re.Match[str]] = []
    redirects = assigns = False
    for place, token in enumerate(tokens):
        if token.lastgroup == "redirection":
            redirects = True
        elif place and tokens[place - 1].lastgroup == "redirection":
            continue
        elif not words and _ASSIGNMENT.match(token[0]):
            assigns = True
        else:
            words.append(token)
    if any(token.lastgroup == "redirection" and "<<" in token[0] for token in tokens) or (
        words and words[0][0] in _COMPOUND
    ):
        return None
    execs = bool(words) and words[0][0] == "exec"
    if execs:
        words = words[1:]
    return Command(
        start=(words or tokens)[0].start(),
        end=tokens[-1].end(),
        words=tuple(word[0] for word in words),
        execs=execs,
        assigns=assigns,
        redirects=redirects,
        before=before,
        after=after,
    )
