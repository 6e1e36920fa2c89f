"""How a Dockerfile is read: as BuildKit reads it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.dockerfile import Heredoc, Instruction, parse
from tests.support import buildkit
from tests.support.buildkit import Command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Reader = Callable[[str], list[Command] | None]


@pytest.fixture(scope="module")
def theirs() -> Iterator[Reader]:
    if not buildkit.IS_HERE:
        pytest.skip("the package dockerfile is not installed: few machines have a wheel")
    with buildkit.buildkit() as read:
        yield read


COMPARED: Final = {"ADD", "CMD", "COPY", "ENTRYPOINT", "FROM", "ONBUILD", "RUN", "STOPSIGNAL", "USER", "WORKDIR"}


def as_compared(instruction: Instruction) -> Command:
    """An instruction as BuildKit's parser has it, which splits some values into words."""
    command = instruction.trigger or instruction
    copies = command.keyword in {"ADD", "COPY"}
    argv = Instruction(line=1, text=f"RUN {command.value}").argv if copies else command.argv
    if argv is not None:
        value = argv
    elif not command.value:
        value = ()
    elif copies or command.keyword == "FROM":
        value = tuple(re.split(r"[\t\v\f\r ]+", command.value))
    else:
        value = (command.value,)
    return Command(
        line=instruction.line,
        keyword=instruction.keyword,
        trigger=command.keyword if instruction.trigger else "",
        json=argv is not None,
        flags=instruction.flags,
        value=value,
        heredocs=tuple((doc.delimiter, doc.content) for doc in instruction.heredocs),
    )


def comparable(commands: list[Command]) -> list[Command]:
    """What can be compared of instructions.

    The package leaves the tabs after ``<<-`` in the content, without saying where there is one, and drops the heredocs
    of an ONBUILD. A line without a keyword is refused in BuildKit's next step.
    """
    return [
        command._replace(
            heredocs=tuple((name, content.replace("\t", "")) for name, content in command.heredocs)
            if command.keyword != "ONBUILD"
            else ()
        )
        if command.keyword in COMPARED
        else command._replace(flags=(), value=(), heredocs=(), json=False)
        for command in commands
        if command.keyword
    ]


def ours(text: str) -> list[Command]:
    return comparable([as_compared(instruction) for instruction in parse(text).instructions])


# ----------------------------------------------------------------------------------------------------- by hand

EOT: Final = 'ENTRYPOINT ["x"]\nCMD y\n# c\n'

CASES: Final = {
    "a comment is not an instruction": ("# RUN a\n  # RUN b\nRUN c # d", [(3, "RUN", "c # d")]),
    "blank lines are nothing": ("\n \t\nRUN a\n\n", [(3, "RUN", "a")]),
    "keywords in small letters": ("from x As y\nrun A", [(1, "FROM", "x As y"), (2, "RUN", "A")]),
    "blanks around": (" \tRUN \t a  b \t", [(1, "RUN", "a  b")]),
    "CRLF": ("RUN a \\\r\n b\r\nCMD c\r\n", [(1, "RUN", "a  b"), (3, "CMD", "c")]),
    "a byte order mark": ("\ufeffRUN a", [(1, "RUN", "a")]),
    "a continuation": ("RUN a \\\n  && b\\\nc\nCMD d", [(1, "RUN", "a   && bc"), (4, "CMD", "d")]),
    "a continuation with blanks after the escape": ("RUN a \\ \t\n b\nCMD d", [(1, "RUN", "a  b"), (3, "CMD", "d")]),
    "a no-break space after the escape": ("RUN a \\\xa0\nCMD d", [(1, "RUN", "a \\"), (2, "CMD", "d")]),
    "an escaped escape does not continue": ("RUN a \\\\\nCMD b", [(1, "RUN", "a \\\\"), (2, "CMD", "b")]),
    "comments and blank lines in a continuation": (
        "RUN a \\\n# c \\\n\n  # CMD c\n \t\n b \\\n\nCMD c\nCMD d",
        [(1, "RUN", "a  b CMD c"), (9, "CMD", "d")],
    ),
    "a comment is not continued": ("# a \\\nRUN b", [(2, "RUN", "b")]),
    "a keyword in two lines": ("RU\\\nN a", [(1, "RUN", "a")]),
    "a line that is an escape alone": ("\\\nRUN a", [(1, "RUN", "a")]),
    "a continuation at the end": ("RUN a \\\n", [(1, "RUN", "a")]),
    "another escape": ("# escape=`\nRUN a `\n b \\\nCMD c", [(2, "RUN", "a  b \\"), (4, "CMD", "c")]),
    "an escape directive in any case": ("#  ESCape = ` \nRUN a `\nb", [(2, "RUN", "a b")]),
    "an escape directive after another": ("# syntax=docker/dockerfile:1\n# escape=`\nRUN a `\nb", [(3, "RUN", "a b")]),
    "an escape directive after a mark": ("\ufeff# escape=`\nRUN a `\nb", [(2, "RUN", "a b")]),
    "an escape directive after a blank line": ("\n# escape=`\nRUN a \\\nb", [(3, "RUN", "a b")]),
    "an escape directive after a comment": ("# c\n# escape=`\nRUN a \\\nb", [(3, "RUN", "a b")]),
    "an escape directive after an instruction": (
        "USER a\n# escape=`\nRUN a \\\nb",
        [(1, "USER", "a"), (3, "RUN", "a b")],
    ),
    "an escape directive after an unknown one": ("# x=y\n# escape=`\nRUN a \\\nb", [(3, "RUN", "a b")]),
    "an escape directive after a check": ("# check=skip=all\n# escape=`\nRUN a `\nb", [(3, "RUN", "a b")]),
    "a heredoc": (f"RUN <<EOT\n{EOT}EOT\nUSER a", [(1, "RUN", "<<EOT"), (6, "USER", "a")]),
    "a heredoc with words around": (
        f"RUN sh <<EOT -x\n{EOT}EOT\nUSER a",
        [(1, "RUN", "sh <<EOT -x"), (6, "USER", "a")],
    ),
    "a heredoc for COPY": (f"COPY --chmod=1 <<a.txt /x\n{EOT}a.txt", [(1, "COPY", "<<a.txt /x")]),
    "a heredoc for ADD": (f"add <<A /x\n{EOT}A", [(1, "ADD", "<<A /x")]),
    "a heredoc for ONBUILD": (f"ONBUILD RUN <<A\n{EOT}A\nUSER a", [(1, "ONBUILD", "RUN <<A"), (6, "USER", "a")]),
    "no heredoc for others": ("USER <<EOT\nCMD <<EOT\n", [(1, "USER", "<<EOT"), (2, "CMD", "<<EOT")]),
    "no heredoc in exec form": ('RUN ["<<EOT"]\nCMD y\n', [(1, "RUN", '["<<EOT"]'), (2, "CMD", "y")]),
    "no heredoc in JSON": ('COPY ["<<A", "/x"]\nCMD y', [(1, "COPY", '["<<A", "/x"]'), (2, "CMD", "y")]),
    "a heredoc without its tabs": (f"RUN <<-EOT\n{EOT}\t\tEOT\nUSER a", [(1, "RUN", "<<-EOT"), (6, "USER", "a")]),
    "a heredoc with its tabs": ("RUN <<EOT\n\tEOT\nEOT \n EOT\nEOT\nUSER a", [(1, "RUN", "<<EOT"), (6, "USER", "a")]),
    "a heredoc after a number": (f"RUN 3<<EOT\n{EOT}EOT\nUSER a", [(1, "RUN", "3<<EOT"), (6, "USER", "a")]),
    "a heredoc with quotes": (f"RUN <<'EOT'\n{EOT}EOT\nUSER a", [(1, "RUN", "<<'EOT'"), (6, "USER", "a")]),
    "a heredoc with other quotes": (f'RUN <<-"a b"\n{EOT}a b\nUSER a', [(1, "RUN", '<<-"a b"'), (6, "USER", "a")]),
    "a heredoc with some quotes": (f"RUN <<e'o'\\'f\n{EOT}eo'f\nUSER a", [(1, "RUN", "<<e'o'\\'f"), (6, "USER", "a")]),
    "a heredoc with a variable's name": (f"RUN <<$EOT\n{EOT}$EOT\nUSER a", [(1, "RUN", "<<$EOT"), (6, "USER", "a")]),
    "a heredoc with a blank before its word": (
        f"RUN << EOT\n{EOT}EOT\nUSER a",
        [(1, "RUN", "<< EOT"), (6, "USER", "a")],
    ),
    "two heredocs": (f"COPY <<A <<B /x\n{EOT}B\nA\nA\nB\nUSER a", [(1, "COPY", "<<A <<B /x"), (9, "USER", "a")]),
    "a heredoc in CRLF": ("RUN <<EOT\r\nCMD y\r\nEOT\r\nUSER a", [(1, "RUN", "<<EOT"), (4, "USER", "a")]),
    "a heredoc in a continuation": (
        "RUN a \\\n # <<B\n <<EOT\nCMD y\nEOT\nUSER a",
        [(1, "RUN", "a  <<EOT"), (6, "USER", "a")],
    ),
    "an empty heredoc": ("RUN <<EOT\nEOT\nUSER a", [(1, "RUN", "<<EOT"), (3, "USER", "a")]),
    "no heredoc in quotes": ("RUN \"<<EOT\" '<<EOT'\nCMD y", [(1, "RUN", "\"<<EOT\" '<<EOT'"), (2, "CMD", "y")]),
    "no heredoc in quotes with escapes": ('RUN "\\"<<A"\nCMD y', [(1, "RUN", '"\\"<<A"'), (2, "CMD", "y")]),
    "no heredoc in a word": ("RUN a<<EOT\nCMD y", [(1, "RUN", "a<<EOT"), (2, "CMD", "y")]),
    "no heredoc without a word": ("RUN <<'' <<\nCMD y", [(1, "RUN", "<<'' <<"), (2, "CMD", "y")]),
    "no heredoc after an open quote": ("RUN <<EOT it's\nCMD y", [(1, "RUN", "<<EOT it's"), (2, "CMD", "y")]),
    "a here-string": (
        "RUN a <<<EOT\nRUN a <<< EOT\nCMD y",
        [(1, "RUN", "a <<<EOT"), (2, "RUN", "a <<< EOT"), (3, "CMD", "y")],
    ),
    "flags": ("FROM --platform=$BUILDPLATFORM x AS y", [(1, "FROM", "x AS y")]),
    "the end of flags": ("RUN --mount=type=tmpfs -- --a", [(1, "RUN", "--a")]),
    "a health check is not a CMD": (
        "HEALTHCHECK --interval=5s CMD a\nCMD b",
        [(1, "HEALTHCHECK", "CMD a"), (2, "CMD", "b")],
    ),
    "an unknown instruction": ("FOO a\nCMD b", [(1, "FOO", "a"), (2, "CMD", "b")]),
}

NEWER: Final = {
    "a heredoc with a blank before its word": "since BuildKit v0.22",
    "an escape directive after a check": "since BuildKit v0.14",
}


@pytest.mark.parametrize(("text", "instructions"), CASES.values(), ids=CASES)
def test_what_is_read(text: str, instructions: list[tuple[int, str, str]]) -> None:
    assert [(part.line, part.keyword, part.value) for part in parse(text).instructions] == instructions


@pytest.mark.parametrize("name", [name for name in CASES if name not in NEWER])
def test_buildkit_reads_the_same(name: str, theirs: Reader) -> None:
    text, _ = CASES[name]
    commands = theirs(text)
    assert commands is not None
    assert ours(text) == comparable(commands)


def only(text: str) -> Instruction:
    (instruction,) = parse(text).instructions
    return instruction


def test_the_text_is_as_it_stands_in_the_file() -> None:
    text = "RUN a \\\n  # c\n\n  <<EOT\n\tCMD x\nEOT"
    assert (only(f"\n  {text}\n\n").text, only(f"\n  {text}\n\n").line, only(f"\n  {text}\n\n").last) == (text, 2, 7)


def test_the_flags_have_no_quotes() -> None:
    assert only("""COPY --from=a --chown="b 'c" '--d' e""").flags == ("--from=a", "--chown=b 'c")
    assert only('# escape=`\nCOPY --a=`"`` --b=\\ c d').flags == ('--a="`', "--b=\\")


def test_the_content_of_heredocs() -> None:
    docs = only('COPY <<A <<-"B C" /x\n\ta\n\nA\n\tb\n\t\tB C\n').heredocs
    assert docs == (Heredoc(delimiter="A", content="\ta\n\n"), Heredoc(delimiter="B C", content="b\n"))


def test_a_heredoc_without_an_end_has_the_rest() -> None:
    assert only("RUN <<EOT\nCMD a\n").heredocs == (Heredoc(delimiter="EOT", content="CMD a\n"),)


EXEC: Final = {
    '["node", "a.js"]': ("node", "a.js"),
    ' [ "node" , "é\\n\\u0041" ] ': ("node", "é\nA"),
    '["node", \\\n# c\n "a.js"]': ("node", "a.js"),
    "[]": (),
    "[ ]": (),
    '[""]': ("",),
}


@pytest.mark.parametrize(("value", "argv"), EXEC.items())
@pytest.mark.parametrize("keyword", ["CMD", "entrypoint", "RUN", "SHELL"])
def test_exec_form_is_a_json_array_of_strings(keyword: str, value: str, argv: tuple[str, ...]) -> None:
    command = only(f"{keyword} {value}")
    assert (command.form, command.argv, command.command, command.almost_json) == ("exec", argv, argv, False)


SHELL: Final = {
    "node a.js": False,
    "": False,
    '"node", "a.js"': True,
    '"node", "a.js"]': True,
    '{"node", "a.js"}': True,
    '"node" "a.js"': False,
    "[\u2018node\u2019, \u2018a.js\u2019]": True,
    "[ -f a ] && node": False,
    '[ "$A" = b ] && node': False,
    "[ 'a' ] && node": False,
    "[[ -f a ]] && node": False,
    "['node', 'a.js']": True,
    "[ 'node', 'a.js' ]": True,
    "[ 'node' ]": True,
    "[node, a.js]": True,
    '["node", "a.js",]': True,
    '["node" "a.js"]': True,
    '["node", "a.js"': True,
    '["node", "a.js"] # starts it': True,
    '["node", "a.js"] && true': True,
    "[“node”, “a.js”]": True,
    '["node\t"]': True,
    '["\\q"]': True,
    # BuildKit refuses to build these.
    "[1]": True,
    '["node", null]': True,
    '["node", ["a.js"]]': True,
}


@pytest.mark.parametrize(("value", "almost"), SHELL.items())
def test_all_else_is_shell_form_however_close_it_is(value: str, almost: bool) -> None:
    command = only(f"CMD {value}")
    assert (command.form, command.argv, command.almost_json) == ("shell", None, almost)
    assert command.command == ("/bin/sh", "-c", value)


@pytest.mark.parametrize("text", ['COPY ["a", "b"]', "ENV A=['a']", "FROM x", 'HEALTHCHECK CMD ["a"]', "USER ['a']"])
def test_other_instructions_have_no_form(text: str) -> None:
    part = only(text)
    assert (part.form, part.argv, part.command, part.almost_json) == (None, None, None, False)


# ---------------------------------------------------------------------------------------- from building blocks

NOISE: Final = ["", "  ", "# c", "\t# CMD c \\", "# escape=`", "#"]
WORDS: Final = [
    "node",
    "a.js",
    "&&",
    "x#y",
    "$A",
    "é",
    "=",
    "-x",
    '"two words"',
    "'<<EOT'",
    '"<<EOT"',
    "<<<EOT",
    "a<<EOT",
]
CONTENT: Final = ["", "CMD y", 'ENTRYPOINT ["x"]', "FROM z", "# c", "\ta \\", "  EOT", "EOT ", "<<EOT", "it's"]
DELIMITERS: Final = {"EOT": "EOT", "'EOT'": "EOT", '"a b"': "a b", "f.txt": "f.txt", "E\\T": "ET", "$E": "$E"}
FLAGS: Final = {
    "--a=b": "--a=b",
    "--mount=type=cache,target=/x": "--mount=type=cache,target=/x",
    '--a="b c"': "--a=b c",
}


@dataclass(frozen=True, kw_only=True)
class Block:
    """A piece of a file, and what must be read from it: nothing, where it has no keyword."""

    text: str
    keyword: str = ""
    flags: tuple[str, ...] = ()
    value: str = ""
    heredocs: tuple[Heredoc, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Delimiter:
    """A word that opens a heredoc, and the lines that follow."""

    word: str
    delimiter: str
    content: list[str]
    indent: str

    def lines(self) -> str:
        return "".join(f"\n{line}" for line in [*self.content, self.indent + self.delimiter])

    def heredoc(self) -> Heredoc:
        lines = [line.lstrip("\t") if "-" in self.word else line for line in self.content]
        return Heredoc(delimiter=self.delimiter, content="".join(f"{line}\n" for line in lines))


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
"""No argument of a program has a NUL in it, and the package cuts what follows."""


@st.composite
def delimiters(draw: st.DrawFn) -> Delimiter:
    word, delimiter = draw(st.sampled_from(list(DELIMITERS.items())))
    dash = draw(st.sampled_from(["", "-"]))
    return Delimiter(
        word=f"{draw(st.sampled_from(['', '3']))}<<{dash}{word}",
        delimiter=delimiter,
        content=draw(st.lists(st.sampled_from(CONTENT).filter(lambda line: line != delimiter), max_size=4)),
        indent=draw(st.sampled_from(["", "\t"])) if dash else "",
    )


@st.composite
def gaps(draw: st.DrawFn, escape: str) -> tuple[str, str]:
    """What stands between two words of an instruction, and what is left of it."""
    gap = draw(st.sampled_from([" ", "  ", "\t"]))
    if not draw(st.booleans()):
        return gap, gap
    noise = "".join(f"{line}\n" for line in draw(st.lists(st.sampled_from(NOISE), max_size=2)))
    indent = draw(st.sampled_from(["", "    "]))
    after = draw(st.sampled_from(["", " ", "\t "]))
    return f"{gap}{escape}{after}\n{noise}{indent}", gap + indent


@st.composite
def blocks(draw: st.DrawFn, escape: str) -> Block:
    """Noise, or an instruction in shell form, in exec form, or with heredocs; some of them after ONBUILD."""
    kind = draw(st.sampled_from(["noise", "shell", "exec", "heredocs"]))
    docs: list[Delimiter] = []
    match kind:
        case "noise":
            return Block(text=draw(st.sampled_from(NOISE)))
        case "shell":
            keyword = draw(st.sampled_from(["CMD", "ENTRYPOINT", "RUN", "USER", "WORKDIR", "STOPSIGNAL"]))
            arguments = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=5))
        case "exec":
            keyword = draw(st.sampled_from(["CMD", "ENTRYPOINT", "RUN"]))
            arguments = [json.dumps(draw(st.lists(texts)), ensure_ascii=draw(st.booleans()))]
        case "heredocs":
            keyword = draw(st.sampled_from(["ADD", "COPY", "RUN"]))
            docs = draw(st.lists(delimiters(), min_size=1, max_size=2))
            others = draw(st.lists(st.sampled_from(WORDS), max_size=3))
            arguments = (
                [*(doc.word for doc in docs), *others] if draw(st.booleans()) else [*others, *(d.word for d in docs)]
            )
    flags = draw(st.lists(st.sampled_from(list(FLAGS)), max_size=2))
    onbuild = draw(st.integers(0, 4)) == 0
    parts = [*["ONBUILD"] * onbuild, keyword, *flags, *arguments]
    parts[0] = draw(st.sampled_from([str.upper, str.lower, str.title]))(parts[0])
    written = [draw(gaps(escape)) for _ in parts[1:]]
    text = "".join([parts[0], *(gap + part for (gap, _), part in zip(written, parts[1:], strict=True))])
    left = [gap + part for (_, gap), part in zip(written, parts[1:], strict=True)]
    return Block(
        text=draw(st.sampled_from(["", "  "]))
        + text
        + draw(st.sampled_from(["", " "]))
        + "".join(d.lines() for d in docs),
        keyword="ONBUILD" if onbuild else keyword,
        flags=() if onbuild else tuple(FLAGS[flag] for flag in flags),
        value="".join(left if onbuild else left[len(flags) :]).strip(),
        heredocs=tuple(doc.heredoc() for doc in docs),
    )


File = tuple[str, list[tuple[int, Block]]]


@st.composite
def files(draw: st.DrawFn) -> File:
    """A file of blocks, and the blocks with their lines."""
    escape = draw(st.sampled_from("\\`"))
    heads = ["# escape=`\n\n", "# syntax=x\n#ESCAPE = `\n\n"] if escape == "`" else ["\n", "# c\n", "# escape=\\\n\n"]
    text = draw(st.sampled_from(heads))
    placed = []
    for block in draw(st.lists(blocks(escape), max_size=6)):
        placed.append((text.count("\n") + 1, block))
        text += f"{block.text}\n"
    return draw(st.sampled_from(["", "\ufeff"])) + text, placed


@given(files())
def test_what_was_written_is_read(file: File) -> None:
    text, placed = file
    assert [(p.line, p.keyword, p.flags, p.value, p.heredocs) for p in parse(text).instructions] == [
        (line, block.keyword, block.flags, block.value, block.heredocs) for line, block in placed if block.keyword
    ]


@given(files())
def test_line_ends_do_not_matter(file: File) -> None:
    text, _ = file
    assert [(p.line, p.keyword, p.flags, p.value) for p in parse(text.replace("\n", "\r\n")).instructions] == [
        (p.line, p.keyword, p.flags, p.value) for p in parse(text).instructions
    ]


@given(files())
def test_an_instruction_is_read_the_same_by_itself(file: File) -> None:
    text, _ = file
    for part in parse(text).instructions:
        (alone,) = parse(f"# escape={part.escape}\n{part.text}").instructions
        assert (alone.text, alone.keyword, alone.value, alone.heredocs) == (
            part.text,
            part.keyword,
            part.value,
            part.heredocs,
        )


@given(files())
def test_buildkit_reads_the_same_in_any_file(theirs: Reader, file: File) -> None:
    text, _ = file
    # Without an instruction, BuildKit refuses the file.
    assert ours(text) == comparable(theirs(text) or [])


TOKENS: Final = [
    *("RUN ", "run\t", "CMD ", "ENTRYPOINT ", "COPY ", "USER ", "ONBUILD RUN "),
    *(
        "<<EOT ",
        "<<-EOT ",
        "<<'EOT'",
        '<<"E T"',
        "<<<EOT",
        "3<<EOT ",
        '"<<EOT"',
        "a<<EOT",
        "<<EO\\T ",
        "EOT",
        "\tEOT",
        "E T",
    ),
    *("\n", "\n", "\n", "\\\n", "\\ \n", "\\\\\n", "`\n", "\n\n", "\r\n", "\\\r\n", "\\\v\n", "\nEOT\n"),
    *("# c\n", "#c \\\n", "  # c\n", " ", "\t", "a", "'q q'", "don't", '\\"', "$X", "\\", "`", "é", "\x1c", "\xa0"),
]
"""Left out is what BuildKit v0.12 reads otherwise than later versions: a blank after ``<<`` (no heredoc before v0.22),
more text after a JSON array (ignored before v0.15), the escape character in flags (a backslash before v0.21). And what
nobody can mean: letters beyond ASCII in flags, which are taken for bytes; ``${X:-y}`` in a delimiter, which wipes out
what stands before it."""


@given(
    st.sampled_from(["", "# escape=`\n", "# syntax=x\n# Escape = `\n", "# c\n", "\n# escape=`\n"]),
    st.lists(st.sampled_from(TOKENS)),
)
def test_buildkit_reads_the_same_in_a_jumble(theirs: Reader, head: str, tokens: list[str]) -> None:
    text = head + "".join(tokens)
    commands = theirs(text)
    if commands is not None:
        assert ours(text) == comparable(commands)
