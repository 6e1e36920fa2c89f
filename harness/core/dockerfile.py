"""A Dockerfile, read as BuildKit reads it, and the lines in it that decide what is started. Text in, records out.

Sources: moby/buildkit, frontend/dockerfile (parser, shell/lex.go, dockerfile2llb/convert.go); the Dockerfile reference.
Written here because no maintained library is right: dockerfile-parse takes the content of heredocs for instructions,
others know no heredocs after ONBUILD, and the bindings to BuildKit's own parser are given up.

What BuildKit refuses to build is read as far as it makes sense: the build itself says what is wrong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import msgspec

from harness.core.almost_json import almost_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


_SHELL: Final = ("/bin/sh", "-c")
_STARTING: Final = ("ENTRYPOINT", "CMD")
_COMMANDS: Final = (*_STARTING, "RUN", "SHELL")
_WITH_HEREDOCS: Final = ("ADD", "COPY", "RUN")
_BLANK: Final = "\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
"""What Go takes for a space, as the inside of a character class; Python would add the separators FS to US."""

_BLANKS: Final = "".join(char for char in map(chr, range(0x3001)) if re.match(f"[{_BLANK}]", char))
GAP: Final = re.compile(r"[\t\v\f\r ]+")
"""What stands between two words of an instruction."""

_DIRECTIVE: Final = re.compile(rf"#[{_BLANK}]*(syntax|escape|check)\s*=\s*(.+?)\s*", re.ASCII | re.IGNORECASE)
# A heredoc's word is split off as a shell would, with the backslash, whatever the file's escape character is.
_WORD: Final = re.compile(rf"""(?:\\.?|'[^']*'|"(?:\\.|[^"\\])*"|<<[\t\r ]*|[^{_BLANK}'"\\])+""")
_HEREDOC: Final = re.compile(r"[0-9]*<<(-?)\s*([^<]+)", re.ASCII)


_NO_UTF_8: Final = re.compile("[\ud800-\udfff]")
"""Bytes as ``surrogateescape`` brings them through."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Heredoc:
    """The text between an instruction and a delimiter, as the build uses it: without its tabs after ``<<-``."""

    delimiter: str
    content: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    """One instruction: its first line, counted from 1, and its text, as it stands in the file.

    All else is read from the text. ``escape`` is the file's escape character; ``shell`` the last SHELL before the
    instruction, ``None`` where the base decides.
    """

    line: int
    text: str
    escape: str = "\\"
    shell: tuple[str, ...] | None = None

    @property
    def last(self) -> int:
        """The last line."""
        return self.line + self.text.count("\n")

    @property
    def keyword(self) -> str:
        """The first word, in capitals."""
        return self._reading.words.keyword

    @property
    def flags(self) -> tuple[str, ...]:
        """The words like ``--from=base`` that come first, without quotes."""
        return self._reading.words.flags

    @property
    def value(self) -> str:
        """The rest: in one line, without comments, continuations and heredocs' content."""
        return self._reading.words.value

    @property
    def heredocs(self) -> tuple[Heredoc, ...]:
        """Its heredocs, in order."""
        return self._reading.heredocs

    @property
    def form(self) -> Literal["exec", "shell"] | None:
        """How a command is written; ``None`` for an instruction that has none."""
        if self.keyword not in _COMMANDS:
            return None
        return "shell" if self.argv is None else "exec"

    @property
    def argv(self) -> tuple[str, ...] | None:
        """The command in exec form."""
        return strings(self.value) if self.keyword in _COMMANDS else None

    @property
    def almost_json(self) -> bool:
        """Whether a command in shell form was meant to be one in exec form: ``['server']``, ``["server",]``."""
        return self.form == "shell" and almost_json(self.value)

    @property
    def command(self) -> tuple[str, ...] | None:
        """What a command runs: in shell form, a shell; /bin/sh where the base decides."""
        return (*(self.shell or _SHELL), self.value) if self.form == "shell" else self.argv

    @property
    def next_shell(self) -> tuple[str, ...] | None:
        """The SHELL in force after it."""
        return self.argv if self.keyword == "SHELL" and self.argv else self.shell

    @property
    def trigger(self) -> Instruction | None:
        """The instruction that an ONBUILD leaves to the stages built on its own."""
        if self.keyword != "ONBUILD":
            return None
        return replace(self, text=re.sub("ONBUILD", "", self.text, count=1, flags=re.IGNORECASE).lstrip(_BLANKS))

    @property
    def _reading(self) -> _Reading:
        return _read(self.text.split("\n"), 0, self.escape)


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """A stage: its name in small letters, what it is built on, and what is carried out in it, from its FROM on.

    ``base`` has the defaults of the ARGs above the first FROM put in; what has none stays as written, since the build
    gives it. ``below`` is the stage of that name. What its ONBUILDs leave comes right after the FROM.
    """

    name: str | None
    base: str
    below: Stage | None
    instructions: tuple[Instruction, ...]

    @property
    def sources(self) -> Iterator[str]:
        """What the flags ``--from=…`` and ``--mount=from=…`` name: stages, by name or number, and images."""
        for step in self.instructions:
            for flag in step.flags:
                name, _, value = flag.partition("=")
                fields = value.split(",") if name == "--mount" else [flag.removeprefix("--")]
                yield from (field.removeprefix("from=") for field in fields if field.startswith("from="))

    @property
    def starting(self) -> Mapping[str, Instruction]:
        """The ENTRYPOINT and the CMD that hold, by keyword."""
        own = {step.keyword: step for step in self.instructions if step.keyword in _STARTING}
        # An inherited CMD was meant for another entrypoint.
        return own if self.below is None or "ENTRYPOINT" in own else {**self.below.starting, **own}


@dataclass(frozen=True, kw_only=True, slots=True)
class Dockerfile:
    """All instructions of a file, as they come, and its stages, whose instructions know their ``shell``."""

    instructions: tuple[Instruction, ...]
    stages: tuple[Stage, ...]

    @property
    def images(self) -> tuple[str, ...]:
        """The images that its stages are built on or take files from, each once."""
        own = {stage.name for stage in self.stages} | {str(number) for number in range(len(self.stages))}
        bases = [stage.base for stage in self.stages if stage.below is None]
        sources = [name for stage in self.stages for name in stage.sources if name.lower() not in own]
        return tuple(dict.fromkeys([*bases, *sources]))

    def stage(self, target: str | None = None) -> Stage | None:
        """The last stage of that name, else the one of that number, from 0; the last one if there is no name."""
        named = [stage for stage in self.stages if not target or stage.name == target.lower()]
        if not named and target and target.isascii() and target.isdigit():
            named = list(self.stages[int(target) : int(target) + 1])
        return named[-1] if named else None


def telling(dockerfile: str, base: str, target: str | None = None) -> str:
    """The lines of a Dockerfile's text that matter for signals: what a stage is put on, and what it starts.

    The stage is the last one if there is no ``target``.
    """
    return "\n".join([f"FROM {base}", "…", *(instruction.text for instruction in starting(dockerfile, target))])


def starting(dockerfile: str, target: str | None = None) -> tuple[Instruction, ...]:
    """The ENTRYPOINT and the CMD that hold for a stage, in the order of the file.

    Args:
        dockerfile: the whole text.
        target: the stage; the last one if there is none.

    Returns:
        Those that this file sets; what the base image sets is not in it. Empty if there is no such stage.
    """
    stage = parse(dockerfile).stage(target)
    return tuple(sorted(stage.starting.values(), key=lambda instruction: instruction.line)) if stage else ()


def parse(text: str, given: Mapping[str, str] | None = None) -> Dockerfile:
    """The instructions and the stages of a Dockerfile; ``given`` are build arguments, which go before defaults."""
    lines = text.removeprefix("\ufeff").removesuffix("\n").split("\n")
    instructions = tuple(_instructions(lines, _escape(lines)))
    return Dockerfile(instructions=instructions, stages=tuple(_stages(instructions, given or {})))


def _escape(lines: Sequence[str]) -> str:
    """The escape character that the directives set: the lines above the first one that is none."""
    for line in lines:
        directive = _DIRECTIVE.fullmatch(line.strip(_BLANKS))
        if directive is None:
            break
        if directive[1].lower() == "escape" and directive[2] == "`":
            return "`"
    return "\\"


def _instructions(lines: Sequence[str], escape: str) -> Iterator[Instruction]:
    at = 0
    while at < len(lines):
        reading = _read(lines, at, escape)
        if reading.words.keyword:
            text = "\n".join(lines[at : reading.after])
            text = text.rstrip("\r") if reading.heredocs else text.rstrip(" \t\r\n")
            yield Instruction(line=at + 1, text=text.lstrip(_BLANKS), escape=escape)
        at = reading.after


def _stages(instructions: Sequence[Instruction], given: Mapping[str, str]) -> Iterator[Stage]:
    starts = [at for at, instruction in enumerate(instructions) if instruction.keyword == "FROM"]
    arguments = _arguments(instructions[: starts[0]] if starts else (), given)
    stages: dict[str, Stage] = {}
    for start, end in pairwise([*starts, len(instructions)]):
        origin, *own = instructions[start:end]
        image, *naming = GAP.split(origin.value)
        base = _expanded(image, arguments, origin.escape)
        below = stages.get(base.lower())
        left = [step.trigger for step in below.instructions if step.trigger] if below else []
        shell = below.instructions[-1].next_shell if below else None
        steps = tuple(_with_shells([origin, *left, *own], shell))
        name = naming[1].lower() if [word.upper() for word in naming[:-1]] == ["AS"] else None
        stage = Stage(name=name, base=base, below=below, instructions=steps)
        if name:
            stages[name] = stage
        yield stage


def _with_shells(steps: Sequence[Instruction], shell: tuple[str, ...] | None) -> Iterator[Instruction]:
    for step in steps:
        known = replace(step, shell=shell)
        yield known
        shell = known.next_shell


def _arguments(instructions: Sequence[Instruction], given: Mapping[str, str]) -> dict[str, str]:
    """The values of the ARGs among instructions, by name: what is given for them, else their defaults."""
    values: dict[str, str] = {}
    for instruction in instructions:
        if instruction.keyword == "ARG":
            e = re.escape(instruction.escape)
            words = rf"""(?:{e}.?|'[^']*'?|"(?:{e}.|[^"{e}])*"?|[^{_BLANK}'"{e}])+"""
            for word in re.findall(words, instruction.value):
                name, equals, default = word.partition("=")
                if name in given:
                    values[name] = given[name]
                elif equals:
                    values[name] = _expanded(default, values, instruction.escape)
    return values


def _expanded(word: str, values: Mapping[str, str], escape: str) -> str:
    """A word without its quotes, with the values of its variables; a variable without one stays as it is written."""
    e = re.escape(escape)
    variable = r"\$(?P<plain>\w+)|\$\{(?P<name>\w+)(?:(?P<how>:?[-+])(?P<other>(?:[^{}]|\{[^{}]*\})*))?\}"
    quoted = rf'{e}(?P<escaped>["${e}])|{variable}'
    unquoted = rf"""'(?P<raw>[^']*)'|"(?P<quoted>(?:{e}.|[^"{e}])*)"|{e}(?P<escaped>.?)|{variable}"""

    def put(piece: re.Match[str]) -> str:
        match piece.groupdict():
            case {"raw": str(text)} | {"escaped": str(text)}:
                return text
            case {"quoted": str(text)}:
                return re.sub(quoted, put, text)
            case {"plain": plain, "name": name, "how": how, "other": other}:
                value = values.get(plain or name)
        if how is None:
            return piece[0] if value is None else value
        given = None if how[0] == ":" and not value else value
        if how[-1] == "+":
            return "" if given is None else _expanded(other, values, escape)
        return _expanded(other, values, escape) if given is None else given

    return re.sub(unquoted, put, word)


class _Words(NamedTuple):
    """One logical line, taken apart."""

    keyword: str
    flags: tuple[str, ...]
    value: str


class _Reading(NamedTuple):
    """One instruction as it is read, and the index of the line after it."""

    words: _Words
    heredocs: tuple[Heredoc, ...]
    after: int


def _read(lines: Sequence[str], at: int, escape: str) -> _Reading:
    """The instruction that begins at a line; without a keyword, if that is a blank line or a comment."""
    line, after = _joined(lines, at, escape)
    words = _split(line, escape)
    holder = _split(words.value, escape) if words.keyword == "ONBUILD" else words
    heredocs = []
    if holder.keyword in _WITH_HEREDOCS and strings(holder.value) is None:
        for delimiter, tabs in _delimiters(line):
            content = ""
            while after < len(lines):
                row = lines[after].lstrip("\t") if tabs else lines[after]
                after += 1
                if row.rstrip("\r") == delimiter:
                    break
                content += f"{row}\n"
            heredocs.append(Heredoc(delimiter=delimiter, content=content))
    return _Reading(words, tuple(heredocs), after)


def _joined(lines: Sequence[str], at: int, escape: str) -> tuple[str, int]:
    """The logical line that begins at a line, and the index of the line after it."""
    e = re.escape(escape)
    line, after, continues = "", at, True
    while continues and after < len(lines):
        row = lines[after].rstrip("\r")
        after += 1
        if not (bare := row.lstrip(_BLANKS)) or bare.startswith("#"):
            if after == at + 1:
                break
            continue
        part = re.sub(rf"(?<!{e}){e}[ \t]*\Z", "", row)
        continues = part != row
        line += part
    return line, after


def _split(line: str, escape: str) -> _Words:
    keyword, *rest = GAP.split(line.strip(_BLANKS), maxsplit=1)
    value = rest[0].lstrip(_BLANKS) if rest else ""
    e = re.escape(escape)
    pattern = re.compile(rf"""--(?:{e}.?|'(?:{e}.|[^'{e}])*'?|"(?:{e}.|[^"{e}])*"?|[^{_BLANK}'"{e}])*""")
    flags = []
    while flag := pattern.match(value):
        value = value[flag.end() :].lstrip(_BLANKS)
        if flag[0] == "--":
            break
        flags.append(_bare(flag[0], escape))
    return _Words(keyword.upper(), tuple(flags), value)


def _bare(flag: str, escape: str) -> str:
    """A flag without its quotes, in both kinds of which the escape character counts."""
    bare, quote, chars = "", "", iter(flag)
    for char in chars:
        if char == escape:
            bare += next(chars, "")
        elif char == quote:
            quote = ""
        elif char in "'\"" and not quote:
            quote = char
        else:
            bare += char
    return bare


def _delimiters(line: str) -> Iterator[tuple[str, bool]]:
    """The heredocs that a logical line opens: the delimiter, and whether it stands after ``<<-``."""
    if _WORD.sub("", line).strip(_BLANKS):
        return  # what has an open quote is not split into words
    for word in _WORD.findall(line):
        heredoc = _HEREDOC.fullmatch(word)
        if heredoc and (delimiter := _expanded(heredoc[2], {}, "\\")):
            yield delimiter, heredoc[1] == "-"


def strings(value: str) -> tuple[str, ...] | None:
    """The strings of a JSON array that has no others; what is no UTF-8 becomes U+FFFD, as Go has it."""
    try:
        return tuple(msgspec.json.decode(_NO_UTF_8.sub("\ufffd", value), type=list[str]))
    except msgspec.DecodeError:
        return None
