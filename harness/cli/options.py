"""What several commands share: options, the selection made of them, completion, and words for their help."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from harness.core.baseline import BASELINES
from harness.core.errors import ExitCode
from harness.core.question import Probe
from harness.core.verdict import Verdict
from harness.run.observation import GRACE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from harness.core.baseline import Recording
    from harness.core.result import Result
    from harness.session import Selection

F = TypeVar("F", bound="Callable[..., Any]")
EXIT_CODES: Final = """\b
Exit codes:
  0    as expected
  1    a verdict differs from what is expected or recorded
  2    usage, or bad input
  3    no engine, or no base
  4    some cells untested, and none differs
  130  interrupted
"""
PROBES: Final = """\b
Probes:
  signal     what becomes of each --signal, sent as docker kill does
  stop       docker stop, with a request in flight: does the app get to finish?
  exit-code  the app exits with 42, 0 and 143: what does docker wait say?
  reap       a process is orphaned and ends: does PID 1 wait for it?
  tty        Ctrl-C typed on a terminal: how often does it arrive?

"""
OTHER_PROBES: Final = tuple(probe.value for probe in Probe if probe is not Probe.SIGNAL)


def complete_variants(_ctx: click.Context, _param: click.Parameter, start: str) -> list[str]:
    """Complete the name of a variant of our own catalogue."""
    from harness.session import load_catalogue

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
        seconds = super().convert(value, param, ctx)
        if not math.isfinite(seconds):
            self.fail(f"{value} is no number of seconds", param, ctx)
        return seconds


catalogue_option = click.option(
    "--catalogue", type=click.Path(path_type=Path), metavar="DIR", help="A folder with your own catalogue.toml."
)
_repeat = click.option(
    "--repeat",
    type=click.IntRange(1),
    metavar="N",
    help="Run each cell N times. [default: once, and 10 times where the evidence leaves room for doubt]",
)
_trace = click.option(
    "--trace",
    type=click.Choice(["auto", "on", "off"]),
    default="auto",
    show_default=True,
    help="The kernel's record of signals.",
)
_settle = click.option(
    "--settle",
    "settle_s",
    type=Seconds(0, min_open=True),
    metavar="SECONDS",
    help="How long all must rest before 'not received' is believed. [default: 0.8; 1.5 where /proc cannot be seen]",
)
_grace = click.option(
    "--grace",
    "grace_s",
    type=click.IntRange(1),
    default=GRACE_S,
    show_default=True,
    metavar="SECONDS",
    help="What docker stop is given before SIGKILL, for the probe stop.",
)
_pull = click.option(
    "--pull",
    type=click.Choice(["missing", "always", "never"]),
    default="missing",
    show_default=True,
    help="When to ask a registry for a base; always sees a tag that was moved.",
)
_bases = click.option(
    "--base",
    "bases",
    multiple=True,
    metavar="REF",
    help="Base image, a glob over local tags, or local:<os>-node<version> made from packages. Repeatable. "
    "[default: Node on Alpine and Debian]",
)
_base_file = click.option(
    "--base-file",
    "base_files",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="F",
    help="A list of bases, one per line, # for comments.",
)
_variants = click.option(
    "--variant",
    "variants",
    multiple=True,
    metavar="GLOB",
    shell_complete=complete_variants,
    help="Only variants of this name. Repeatable.",
)
_signals = click.option(
    "--signal",
    "signals",
    multiple=True,
    metavar="SIG",
    shell_complete=complete_signals,
    help="HUP, SIGHUP, 1, RTMIN+3; or: all. Repeatable. [default: HUP and TERM]",
)
_probes = click.option(
    "--probe",
    "probes",
    multiple=True,
    type=click.Choice([*(probe.value for probe in Probe), "all"]),
    help="What to ask: see below. Repeatable. [default: signal]",
)
_jobs = click.option(
    "--jobs", type=click.IntRange(1), metavar="N", help="Cells at once. [default: 2 per processor of the engine]"
)


def baseline_option(what: str) -> Callable[[F], F]:
    """``--baseline``: a path, or the usual folder if there is none behind it; ``what`` is done with it."""
    return click.option(
        "--baseline",
        is_flag=False,
        flag_value=BASELINES,
        type=click.Path(path_type=Path),
        metavar="[F]",
        help=f"{what} a baseline, a results file, or a folder of baselines. [F: {BASELINES}/]",
    )


def _all(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator, in the order of the help."""

    def decorate(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


one_cell_options = _all(catalogue_option, _repeat, _trace, _settle, _grace, _pull)
"""How a cell is run."""

cell_options = _all(_variants, _signals, _probes, _jobs, one_cell_options)
"""Which cells there are on a base, and how each is run."""

matrix_options = _all(_bases, _base_file, cell_options)
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
    **rest: Any,
) -> Selection:
    """The selection that the options make.

    Raises:
        UsageError: there is no such signal, or a list of bases cannot be read or is empty.
    """
    from harness.session import Pull, Selection, TraceMode, read_list, select_signals

    listed = [reference for file in base_files for reference in read_list(file)]
    return Selection(
        bases=tuple(dict.fromkeys([*bases, *listed])),
        variants=variants,
        signals=select_signals(signals),
        probes=select_probes(probes),
        trace=TraceMode(trace),
        pull=Pull(pull),
        **rest,
    )


def with_known(selection: Selection, known: Iterable[Recording]) -> Selection:
    """A selection that asks, beside its own questions, all that baselines hold already."""
    from harness.core.question import Probe
    from harness.core.signals import parse_signal
    from harness.session import load_catalogue

    asked = dict.fromkeys(question for recording in known for _, question in recording.findings)
    signals = [parse_signal(question) for question in asked if question not in OTHER_PROBES]
    probes = selection.probes or load_catalogue(selection.catalogue)[1].app.probes
    others = [Probe(question) for question in asked if question in OTHER_PROBES]
    return replace(
        selection,
        signals=tuple(dict.fromkeys([*selection.signals, *signals])),
        probes=tuple(dict.fromkeys([*probes, *others])),
    )


def select_probes(names: Iterable[str]) -> tuple[Probe, ...]:
    """Read names of probes, of which ``all`` is every one; ``signal`` if there are none."""
    chosen = tuple(dict.fromkeys(names))
    return tuple(Probe) if "all" in chosen else tuple(Probe(name) for name in chosen) or (Probe.SIGNAL,)


def code_of(results: Iterable[Result], recorded: Mapping[str, Verdict]) -> ExitCode:
    """The exit code that results come to."""
    from harness.report.style import differs

    told = list(results)
    if any(differs(result, recorded) for result in told):
        return ExitCode.DIFFERS
    return ExitCode.UNTESTED if any(result.verdict is Verdict.UNTESTED for result in told) else ExitCode.OK
