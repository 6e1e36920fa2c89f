"""What several commands share: options, the selection made of them, and completion."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from harness.cli.help import HOW, JUDGE, PATH, WHAT
from harness.core.baseline import BASELINES, selected
from harness.core.comparison import recorded as recorded_by
from harness.core.errors import ExitCode, UsageError
from harness.core.judged import is_open
from harness.core.policy import REQUIRABLE
from harness.core.question import OTHER_PROBES, Probe, Question
from harness.core.sharding import Share
from harness.engine.registry import DEFAULT
from harness.run.observation import GRACE_S
from harness.run.plan import questions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from harness.core.baseline import Key, Recording
    from harness.core.comparison import Comparison
    from harness.core.document import Document, Row
    from harness.core.verdict import Verdict
    from harness.session import Selection

F = TypeVar("F", bound="Callable[..., Any]")
LONGEST_S: Final = 86_400
"""A day: engines and system calls refuse spans that are absurd, each in its own way."""
MOST_RUNS: Final = 10_000
MOST_JOBS: Final = 1_000


def complete_variants(_ctx: click.Context, _param: click.Parameter, start: str) -> list[str]:
    """Complete the name of a variant of our own catalogue."""
    from harness.catalogues import load_catalogue

    return [variant.name for variant in load_catalogue(None)[1].variants if variant.name.startswith(start)]


def complete_signals(_ctx: click.Context, _param: click.Parameter, start: str) -> list[str]:
    """Complete the name of a signal."""
    from harness.core.signals import catchable_signals

    return [signal.name for signal in catchable_signals() if signal.name.startswith(start.upper())]


def complete_questions(ctx: click.Context, param: click.Parameter, start: str) -> list[str]:
    """Complete the name of a signal or a probe."""
    return complete_signals(ctx, param, start) + [name for name in OTHER_PROBES if name.startswith(start)]


class Seconds(click.FloatRange):
    """A span of time: a number in a range that is one, and has an end."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Read a number. A range lets ``nan`` through, which is neither less nor more than anything (IEEE 754)."""
        if not math.isfinite(click.FLOAT.convert(value, param, ctx)):
            self.fail(f"{value} is not a number of seconds", param, ctx)
        return super().convert(value, param, ctx)


class ShareType(click.ParamType[Any]):
    """A part of a run, such as ``1/3``."""

    name = "part"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Share:
        """Read ``K/N``."""
        try:
            return Share.parse(str(value))
        except UsageError as error:
            return self.fail(f"{error.message}. {error.remedy}", param, ctx)


def base_file_option(about: str) -> Callable[[F], F]:
    """``--base-file``: lists of bases."""
    return WHAT.option("--base-file", "base_files", multiple=True, type=PATH, metavar="F", help=about)


catalogue_option = WHAT.option("--catalogue", type=PATH, metavar="DIR", help="The folder of your own catalogue.toml.")
_repeat = HOW.option(
    "--repeat",
    type=click.IntRange(1, MOST_RUNS),
    metavar="N",
    help="Run each cell N times. [default: once; 10 times if the evidence leaves doubt]",
)
_trace = HOW.option(
    "--trace",
    type=click.Choice(["auto", "on", "off", "helper"]),
    default="auto",
    help="Whether to use the kernel's signal record. With helper, a privileged container on the engine reads it: for "
    "an engine on another machine or in a virtual one, and for who is not root.",
)
_settle = HOW.option(
    "--settle",
    "settle_s",
    type=Seconds(0, LONGEST_S, min_open=True),
    help="How long nothing may change before a verdict is believed. [default: 0 where the app has the signal and "
    "nothing is pending, else 0.8; 1.5 where that cannot be seen]",
)
_grace = HOW.option(
    "--grace",
    "grace_s",
    type=click.IntRange(1, LONGEST_S),
    default=GRACE_S,
    metavar="SECONDS",
    help="Grace period of docker stop before SIGKILL (probe stop).",
)
_pull = HOW.option(
    "--pull",
    type=click.Choice(["missing", "always", "never"]),
    default="missing",
    help="When to pull an image; use always to notice a moved tag.",
)
_isolation = HOW.option(
    "--isolation",
    type=click.Choice(["run", "variant"]),
    help="What gets a fresh container: each run, or each variant, which is then sent one signal after another for as "
    "long as the evidence proves that none has changed it. [default: variant if the catalogue says that its app only "
    "logs, as ours does]",
)
_bases = WHAT.option(
    "--base",
    "bases",
    multiple=True,
    metavar="REF",
    help="Base image, a glob over local tags, or local:<os>-node<version>, which is built from packages. Repeatable. "
    "[default: Node on Alpine and Debian]",
)
_base_file = base_file_option("File with one base per line; # starts a comment. Repeatable.")
_variants = WHAT.option(
    "--variant",
    "variants",
    multiple=True,
    metavar="GLOB",
    shell_complete=complete_variants,
    help="Only variants that match. Repeatable.",
)
_signals = WHAT.option(
    "--signal",
    "signals",
    multiple=True,
    metavar="SIG",
    shell_complete=complete_signals,
    help="Signal to send: HUP, SIGHUP, 1, RTMIN+3, or all. Repeatable. [default: HUP and TERM]",
)
_probes = WHAT.option(
    "--probe",
    "probes",
    multiple=True,
    type=click.Choice([*(probe.value for probe in Probe), "all"]),
    help="What to test: see Probes. Repeatable. [default: signal]",
)
_jobs = HOW.option(
    "--jobs",
    type=click.IntRange(1, MOST_JOBS),
    metavar="N",
    help="Cells to run at once. [default: 2 per processor of the engine, of a catalogue 6, of which 2 start]",
)


engine_option = HOW.option(
    "--engine",
    default=DEFAULT,
    metavar="NAME|URL",
    help="The engine: docker, podman, or where one answers, such as tcp://127.0.0.1:2375; auto is docker, as "
    "DOCKER_HOST or the current context says, and podman where nothing says so and docker is not there.",
)
engines_option = HOW.option(
    "--engine",
    "engines",
    multiple=True,
    metavar="NAME|URL",
    help="The engine: docker, podman, or where one answers, such as tcp://127.0.0.1:2375. Repeatable: each cell runs "
    "on each of them, and a column shows it. [default: docker, as DOCKER_HOST or the current context says, and podman "
    "where nothing says so and docker is not there]",
)
"""Which engines a matrix runs on."""
share_option = HOW.option(
    "--shard",
    "share",
    type=ShareType(),
    metavar="K/N",
    help="Run the K-th of N parts, as on one of several machines; see merge. What is built once is in one part alone.",
)
"""Which part of a run it is."""
require_option = JUDGE.option(
    "--require",
    "required",
    type=click.Choice(REQUIRABLE),
    multiple=True,
    metavar="VERDICT",
    help="Which verdicts will do, whatever the catalogue expects: good, or one more, such as abrupt. Repeatable.",
)


def baseline_option(what: str) -> Callable[[F], F]:
    """``--baseline``: a path, or the usual folder if no value follows; ``what`` is done with it."""
    return JUDGE.option(
        "--baseline",
        is_flag=False,
        flag_value=BASELINES,
        type=PATH,
        metavar="[F]",
        help=f"{what} a baseline, a results file, or a folder of baselines. [default for F: {BASELINES}/]",
    )


def together(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator, in the order of the help."""

    def decorate(command: F) -> F:
        for each in reversed(options):
            command = each(command)
        return command

    return decorate


no_try_option = HOW.option(
    "--no-try",
    "tries",
    flag_value=False,
    default=True,
    show_default=False,
    help="Do not run what may help a bad verdict.",
)

cell_arguments = together(
    click.argument("variant", metavar="VARIANT", shell_complete=complete_variants),
    click.argument("question", metavar="SIGNAL|PROBE", shell_complete=complete_questions),
)
"""Which cell it is on a base."""

one_cell_options = together(catalogue_option, _repeat, _trace, _settle, _grace, _pull)
"""How a cell is run."""

cell_options = together(_variants, _signals, _probes, _jobs, _isolation, one_cell_options)
"""Which cells there are on a base, and how each is run."""

CHECK_PROBES: Final = tuple(probe for probe in Probe if probe is not Probe.EXIT_CODE)
"""What can be asked of a given image: how its app is made to exit with a code, nobody has said."""

check_options = together(
    WHAT.option(
        "--signal",
        "signals",
        multiple=True,
        metavar="SIG",
        shell_complete=complete_signals,
        help="Signal to send, too: HUP, SIGHUP, 1, RTMIN+3. Repeatable. [default: none; the image is stopped]",
    ),
    WHAT.option(
        "--probe",
        "probes",
        multiple=True,
        type=click.Choice([*(probe.value for probe in CHECK_PROBES), "all"]),
        help="What to test: see Probes. Repeatable. [default: stop, or signal if one is named]",
    ),
)
"""What is asked of a given image."""

check_measuring = together(engine_option, _pull, _repeat, _jobs, _trace, _settle)
"""How that is measured."""

matrix_options = together(_bases, _base_file, cell_options)
"""Which cells there are, and how each is run."""


def selection_of(
    *,
    trace: str,
    pull: str,
    bases: Iterable[str] = (),
    base_files: Iterable[Path] = (),
    variants: tuple[str, ...] = (),
    signals: Iterable[str] = (),
    probes: Iterable[str] = (),
    isolation: str | None = None,
    **rest: Any,
) -> Selection:
    """The selection that the options make.

    Raises:
        UsageError: there is no such signal, or a list of bases cannot be read or is empty.
    """
    from harness.files import listed
    from harness.session import Isolation, Pull, Selection, TraceMode, select_signals

    return Selection(
        bases=listed(bases, base_files),
        variants=variants,
        signals=select_signals(signals),
        probes=select_probes(probes),
        trace=TraceMode(trace),
        pull=Pull(pull),
        isolation=None if isolation is None else Isolation(isolation),
        **rest,
    )


def asking(question: str) -> dict[str, Any]:
    """The options that ask one question: the name of a signal, or of another probe."""
    return {"probes": (question,)} if question in OTHER_PROBES else {"signals": (question,)}


def with_known(selection: Selection, known: Iterable[Recording]) -> Selection:
    """A selection that asks, beside its own questions, all that baselines hold already."""
    from harness.catalogues import load_catalogue

    names = dict.fromkeys(question for recording in known for _, question in recording.findings)
    asked = [Question.parse(name) for name in names]
    probes = selection.probes or load_catalogue(selection.catalogue)[1].app.probes
    return replace(
        selection,
        signals=tuple(dict.fromkeys([*selection.signals, *(question.signal for question in asked if question.signal)])),
        probes=tuple(dict.fromkeys([*probes, *(question.probe for question in asked if question.signal is None)])),
    )


def only_known(selection: Selection, known: Iterable[Recording]) -> Selection:
    """A selection that asks what baselines hold, and nothing else; its own questions where they hold none."""
    names = dict.fromkeys(question for recording in known for _, question in recording.findings)
    asked = [Question.parse(name) for name in names]
    if not asked:
        return selection
    return replace(
        selection,
        signals=tuple(question.signal for question in asked if question.signal) or selection.signals,
        probes=tuple(dict.fromkeys(question.probe for question in asked)),
    )


def chosen_of(recording: Recording, selection: Selection, chosen: Mapping[str, Any]) -> set[Key]:
    """The recorded cells that the options choose; all if they choose none."""
    some = chosen["signals"] or chosen["probes"]
    asked = {question.name for question in questions(selection.signals, selection.probes or ())} if some else None
    return selected(recording, globs=selection.variants, asked=asked)


def select_probes(names: Iterable[str]) -> tuple[Probe, ...]:
    """Read names of probes, of which ``all`` is every one; ``signal`` if there are none."""
    chosen = tuple(dict.fromkeys(names))
    return tuple(Probe) if "all" in chosen else tuple(Probe(name) for name in chosen) or (Probe.SIGNAL,)


def code_of(rows: Sequence[Row], recorded: Mapping[str, Verdict]) -> ExitCode:
    """The exit code that rows come to."""
    from harness.report.rows import differs

    if any(differs(row, recorded) for row in rows):
        return ExitCode.DIFFERS
    return ExitCode.OK if all(row.tested for row in rows) else ExitCode.UNTESTED


def code_of_run(document: Document, compared: Sequence[Comparison]) -> ExitCode:
    """The exit code that a run comes to, compared with what was recorded; cells that are missing were not tested."""
    ended = ExitCode(document.cut.exit_code) if document.cut else ExitCode.OK
    if ended not in (ExitCode.OK, ExitCode.UNTESTED):
        return ended
    code = code_of(document.results, recorded_by(compared))
    if code is not ExitCode.OK:
        return code
    return ExitCode.UNTESTED if document.cut or is_open(document, compared) else code
