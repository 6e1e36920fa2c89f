"""``check``: images of anybody, as they are."""

from __future__ import annotations

import os
import re
import shlex
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from msgspec import structs

from harness.cli.config import config_options, found_config, options_of, policy_of
from harness.cli.formats import format_options, targets_of
from harness.cli.help import EXIT_CODES, HOW, JUDGE, OUTPUT, PATH, PROBES, WHAT, Command, Section
from harness.cli.measuring import cut_of, measure_check
from harness.cli.options import (
    CHECK_PROBES,
    Seconds,
    check_measuring,
    check_options,
    code_of,
    no_try_option,
    require_option,
    together,
)
from harness.cli.output import opened
from harness.cli.reporting import Reporting, resume_option
from harness.cli.requests import is_path, need_reachable, request_options
from harness.core.document import joined
from harness.core.environment import variables, variables_of_file
from harness.core.errors import ExitCode, UsageError
from harness.core.policy import Limits, held_against, required_verdicts
from harness.core.question import Probe
from harness.core.signals import parse_signal
from harness.core.subject import (
    Answering,
    Healthy,
    LaunchOptions,
    Listening,
    LogPattern,
    Quiescent,
    Ready,
    Succeeding,
)
from harness.core.volume import volume
from harness.report.formats import Format, render
from harness.report.style import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from harness.checking import Check, Checking
    from harness.core.document import Cut, Document
    from harness.core.ignoring import Ignore
    from harness.journals import OpenJournal

_LONGEST_S: Final = 86_400
_MOST_PORT: Final = 65_535
_COMMAND: Final = "harness.command"
_ENV_FILE: Final = "Name a file with a line NAME=VALUE for each variable, or give them one by one: --env NAME=VALUE"
_WORDS: Final = "harness.words"
_SIZE: Final = re.compile(r"\d+[bkmg]?", re.ASCII | re.IGNORECASE)
_SPAN: Final = re.compile(r"(?P<number>\d+(\.\d+)?)\s*(?P<unit>ms|s|m)?", re.ASCII)
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0}

SUBJECTS: Final = (
    "What a SUBJECT can be",
    [
        ("IMAGE", "an image that is here, or else is pulled"),
        ("FOLDER", "what is a folder here, or begins with ./ ../ or /: it is built as docker build does"),
        ("docker-archive:FILE", "an image that docker save has written"),
    ],
)
WAYS: Final = (
    "Ways to tell that an app is ready (--ready)",
    [
        ("healthy", "the image's HEALTHCHECK says so; the default where it has one"),
        ("port:N", "something listens on TCP port N; the default where the image exposes ports"),
        ("http:PATH", "it answers GET PATH on --port with 2xx or 3xx"),
        ("log:RE", "a line of its log matches a regular expression"),
        ("exec:CMD", "a command in the container succeeds"),
        ("rest", "all its processes rest, or do the same for 3 s; the default otherwise"),
    ],
)


_PROBES: Final = (PROBES[0], [(name, about) for name, about in PROBES[1] if name in CHECK_PROBES])


class ReadyType(click.ParamType[Any]):
    """A way to tell that an app is ready, such as ``port:8080``."""

    name = "ready"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Ready:
        """Read ``healthy``, ``port:N``, ``http:PATH``, ``log:RE``, ``exec:CMD`` or ``rest``."""
        way, _, rest = str(value).partition(":")
        match way:
            case "healthy" if not rest:
                return Healthy()
            case "rest" if not rest:
                return Quiescent()
            case "port" if rest.isdecimal() and 0 < int(rest) <= _MOST_PORT:
                return Listening(ports=(int(rest),))
            case "http" if is_path(rest):
                return Answering(path=rest)
            case "log" if rest:
                return LogPattern(pattern=_pattern(rest, self, param, ctx))
            case "exec" if rest and (words := _words(rest)):
                return Succeeding(command=words)
        return self.fail(f"{value!r} is none of healthy, port:N, http:/PATH, log:RE, exec:CMD, rest", param, ctx)


class SizeType(click.ParamType[Any]):
    """An amount of memory, as docker run takes it."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse what is none."""
        if _SIZE.fullmatch(str(value)) is None:
            self.fail(f"{value!r} is not a size, such as 512m or 2g", param, ctx)
        return str(value)


class SpanType(click.ParamType[Any]):
    """A span of time, such as ``5s``, ``500ms`` or ``2m``; a number alone is seconds."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read it, as seconds."""
        span = _SPAN.fullmatch(str(value).strip())
        seconds = float(span["number"]) * _UNITS[span["unit"] or "s"] if span else 0.0
        if not 0 < seconds <= _LONGEST_S:
            self.fail(f"{value!r} is not a span of time, such as 5s, 500ms or 2m", param, ctx)
        return seconds


class PatternType(click.ParamType[Any]):
    """A regular expression."""

    name = "pattern"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> re.Pattern[str]:
        """Compile it."""
        return _pattern(str(value), self, param, ctx)


def _pattern(
    text: str, kind: click.ParamType[Any], param: click.Parameter | None, ctx: click.Context | None
) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        return kind.fail(f"{text!r} is not a regular expression: {error}", param, ctx)


def _words(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text))
    except ValueError:
        return ()


BUILDING: Final = Section("How to build a folder")
BUILD: Final = (
    BUILDING.option(
        "-f",
        "--file",
        type=PATH,
        metavar="F",
        help="The Dockerfile of a build folder, from where you are. [default: Dockerfile in the folder]",
    ),
    BUILDING.option("--target", metavar="STAGE", help="The stage of it to build. [default: the last]"),
    BUILDING.option(
        "--build-arg",
        "build_args",
        multiple=True,
        metavar="NAME[=VALUE]",
        help="Set a build argument; without a value it has that of your own environment. Repeatable.",
    ),
)
"""Options of docker build, by its names."""

APP: Final = WHAT.option(
    "--app",
    "process",
    type=PatternType(),
    metavar="RE",
    help="Tell the app by its command line. [default: the first processes that are no shell, init, supervisor or "
    "package manager]",
)
READY: Final = (
    HOW.option("--ready", type=ReadyType(), metavar="WAY", help="When the app is ready: see below."),
    HOW.option(
        "--ready-timeout",
        "ready_s",
        type=Seconds(0, _LONGEST_S, min_open=True),
        default=30.0,
        metavar="SECONDS",
        help="How long that may take.",
    ),
)
"""When an app is ready."""

RUN: Final = (
    HOW.option("--init", is_flag=True, help="Run the engine's init as PID 1."),
    HOW.option("--entrypoint", metavar="CMD", help="Another ENTRYPOINT than the image's."),
    HOW.option(
        "-e",
        "--env",
        "env",
        multiple=True,
        metavar="NAME[=VALUE]",
        help="Set a variable; without a value it has that of your own environment. Repeatable.",
    ),
    HOW.option(
        "--env-file",
        "env_files",
        multiple=True,
        type=PATH,
        metavar="F",
        help="Set the variables of a file. Repeatable.",
    ),
    HOW.option("-u", "--user", metavar="USER", help="Run as another user."),
    HOW.option("-v", "--volume", "volumes", multiple=True, metavar="SRC:DST[:ro]", help="Mount a folder. Repeatable."),
    HOW.option("--network", metavar="MODE", help="A network, such as none."),
    HOW.option("--stop-signal", metavar="SIG", help="The signal that a stop sends, in place of the image's."),
    HOW.option(
        "--stop-timeout",
        type=click.IntRange(1, _LONGEST_S),
        metavar="SECONDS",
        help="The grace period of a stop. [default: 10, as docker stop's]",
    ),
    HOW.option("--memory", type=SizeType(), metavar="SIZE", help="A limit of memory, such as 512m."),
    HOW.option("--pids-limit", type=click.IntRange(1), metavar="N", help="A limit of processes."),
    HOW.option("--cap-add", multiple=True, metavar="CAP", help="Add a capability, such as SYS_PTRACE. Repeatable."),
    HOW.option("--read-only", is_flag=True, help="Mount the container's root file system read-only."),
    HOW.option(
        "--tmpfs", multiple=True, metavar="DST[:OPTS]", help="Mount a tmpfs, such as /run:size=64m. Repeatable."
    ),
    HOW.option("--platform", metavar="OS/ARCH", help="The platform to pull, build and run for, if there are several."),
)
"""Options of docker run, by its names."""

_AS_THEY_ARE: Final = (
    "user",
    "network",
    "memory",
    "pids_limit",
    "stop_timeout",
    "cap_add",
    "read_only",
    "tmpfs",
    "platform",
)
_OF_CHECK: Final = (
    "process",
    "tries",
    "ready",
    "ready_s",
    "request",
    "in_flight",
    "port",
    "repeat",
    "jobs",
    "settle_s",
    "engine",
)
_NOTHING: Final = "For instance: signal-harness check nginx:1.27; or name subjects in signal-harness.toml"


class _WithCommand(Command):
    """A command whose arguments behind ``--`` are those of a container, whatever they look like."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put them aside."""
        if "--" in args:
            at = args.index("--")
            ctx.meta[_COMMAND], args = args[at + 1 :], args[:at]
        ctx.meta[_WORDS] = list(args)
        return super().parse_args(ctx, args)


@click.command(
    cls=_WithCommand,
    examples=[
        "signal-harness check nginx:1.27",
        "signal-harness check my/app:latest --signal TERM --signal HUP",
        "signal-harness check my/app --ready port:8080 --stop-timeout 30",
        "signal-harness check my/app --request /slow --in-flight 3 --port 8080",
        "signal-harness check node:24-alpine -- node server.js",
        "signal-harness check ./my-app --target production --build-arg VERSION=2",
        "signal-harness check docker-archive:my-app.tar --read-only --tmpfs /run",
        "signal-harness check --max-stop 5s",
    ],
    tables=[SUBJECTS, WAYS, _PROBES, EXIT_CODES],
)
@click.argument("images", nargs=-1, metavar="[SUBJECT]… [-- COMMAND…]")
@check_options
@APP
@config_options(defaults=True)
@no_try_option
@together(*READY)
@together(*BUILD)
@request_options
@together(*RUN)
@check_measuring
@resume_option
@require_option
@JUDGE.option(
    "--max-stop",
    "max_stop_s",
    type=SpanType(),
    metavar="SPAN",
    help="How long a graceful stop may take, such as 5s or 500ms. [default: its grace period]",
)
@together(*(OUTPUT.option(f"--{wanted}", metavar="F", help=wanted.about) for wanted in Format))
@format_options
def check(
    images: tuple[str, ...], signals: tuple[str, ...], probes: tuple[str, ...], resume: bool, **chosen: Any
) -> None:
    """Check any image: is it stopped well?

    Runs the image as it is, stops it as the engine does, and says what became of each of its processes. A command
    behind -- takes the place of the image's CMD. Without a SUBJECT, those of the config are checked. What may help a
    bad verdict is run, too; of a folder that is built, as a patch of its Dockerfile or start script.
    With --json, each row is on disk as its cell ends, in a journal beside that file, until the results are.
    """
    from rich.text import Text

    from harness.report import checked, table

    ctx = click.get_current_context()
    outputs = dict(opened(targets_of(ctx, chosen).items()))
    reporting = Reporting(outputs, resume=resume)
    names: dict[str, list[str]] = {}
    groups = groups_of(ctx, images, {**chosen, "signals": signals, "probes": probes}, names)
    ignores: list[Ignore] = []
    codes: list[ExitCode] = []

    def write(document: Document) -> None:
        document, told = held_against(reporting.whole(document), policy_of(found_config(ctx), *ignores), names)
        codes.append(code_of(document.results, {}))
        lines = (*told, table.summary(document, ()))
        reporting.parts.extend([checked.render(document), *(Text(f"\n{printable(line)}") for line in lines)])
        reporting.write(document, [(each.value, each.label, partial(render, each, document, ())) for each in Format])

    with reporting:
        _measure(groups, reporting.journal, begin=lambda checking: ignores.extend(checking.ignores), end=write)
    sys.exit(codes[0])


def _measure(
    groups: Sequence[tuple[Check, Limits]],
    journal: OpenJournal | None,
    *,
    begin: Callable[[Checking], None],
    end: Callable[[Document], None],
) -> None:
    """Run checks one after the other; ``end`` is called with the results of all, whatever ended one."""
    documents: list[Document] = []
    planned = tuple(name for asked, _ in groups for name in asked.planned)

    def keep(limits: Limits, document: Document) -> None:
        documents.append(structs.replace(document, results=tuple(map(limits.of, document.results))))

    cut: Cut | None = None
    try:
        for asked, limits in groups:
            measure_check(asked, planned=planned, begin=begin, end=partial(keep, limits), journal=journal)
    except BaseException as error:
        cut = cut_of(error, len(planned))
        raise
    finally:
        if documents:  # something was begun
            end(structs.replace(joined(documents), cut=cut))


def groups_of(
    ctx: click.Context, images: tuple[str, ...], chosen: dict[str, Any], names: dict[str, list[str]]
) -> list[tuple[Check, Limits]]:
    """What to check: the images that are named, else those of the config, which says how; those alike in one.

    ``names`` takes the names that a config has for them.
    """
    found = found_config(ctx)
    words = ctx.meta[_WORDS]
    typed = tuple(ctx.meta.get(_COMMAND, ())) or None
    known = {found.subject(subject): subject for subject in found.config.subjects} if found else {}
    known |= {subject.name: subject for subject in known.values() if subject.name in images}
    if not images and not known:
        raise UsageError("nothing is named to check", remedy=_NOTHING)
    groups: list[tuple[Check, Limits]] = []
    for image in images or known:
        subject = known.get(image)
        if subject is None or found is None:
            options, command = chosen, typed
        else:
            options, command = options_of(ctx, found, subject, words), typed or subject.command
            names[image] = [subject.name]
        one = check_of(image, options, command)
        limits = Limits(max_stop_s=options["max_stop_s"], required=required_verdicts(options["required"]))
        for at, (other, its) in enumerate(groups):
            if its == limits and replace(other, images=one.images) == one:
                groups[at] = replace(one, images=(*other.images, image)), its
                break
        else:
            groups.append((one, limits))
    return groups


def check_of(image: str, chosen: Mapping[str, Any], command: tuple[str, ...] | None) -> Check:
    """A check of one image, by the options for it."""
    from harness.checking import Check
    from harness.obtaining import BuildOptions
    from harness.session import Pull, TraceMode

    options = LaunchOptions(
        init=chosen["init"],
        entrypoint=_entrypoint(chosen["entrypoint"]),
        command=command,
        environment=_environment(chosen["env_files"], chosen["env"]),
        volumes=tuple(volume(text, here=str(Path.cwd())) for text in chosen["volumes"]),
        stop_signal=_signal(chosen["stop_signal"]),
        **{name: chosen[name] for name in _AS_THEY_ARE},
    )
    probes = chosen["probes"]
    asked = Check(
        images=(image,),
        build=BuildOptions(
            file=chosen["file"],
            target=chosen["target"],
            arguments=tuple(variables(chosen["build_args"], own=os.environ).items()),
        ),
        options=options,
        signals=tuple(dict.fromkeys(map(parse_signal, chosen["signals"]))),
        probes=CHECK_PROBES if "all" in probes else tuple(dict.fromkeys(map(Probe, probes))),
        trace=TraceMode(chosen["trace"]),
        pull=Pull(chosen["pull"]),
        **{name: chosen[name] for name in _OF_CHECK},
    )
    need_reachable(asked)
    return asked


def _entrypoint(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else (text,)


def _environment(files: Iterable[Path], pairs: Iterable[str]) -> dict[str, str]:
    """The variables of files, and above them those that are named one by one."""
    from harness.files import read_file

    environment: dict[str, str] = {}
    for file in files:
        try:
            content = read_file(file)
        except UsageError as error:
            raise UsageError(f"--env-file: {error.message}", remedy=_ENV_FILE) from error
        environment |= variables_of_file(content, place=str(file), own=os.environ)
    return environment | variables(pairs, own=os.environ)


def _signal(text: str | None) -> str | None:
    return None if text is None else parse_signal(text).name
