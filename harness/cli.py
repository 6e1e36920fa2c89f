"""The command: arguments, options, output and exit codes. Everything else is below it."""

from __future__ import annotations

import signal as os_signal
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from harness.core.errors import ExitCode, HarnessError, UsageError
from harness.core.model import Expected, Probe, Verdict
from harness.run.watch import GRACE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from harness.core.catalogue import Expectation
    from harness.core.model import Result
    from harness.session import Selection

EXIT_CODES = """\b
Exit codes:
  0    as expected
  1    a verdict differs from what is expected or recorded
  2    usage, or bad input
  3    no engine, or no base
  4    some cells untested, and none differs
  130  interrupted
"""
_EXAMPLES = """\b
Examples:
  signal-harness run
  signal-harness run --base node:24-alpine --variant 'npm-*' --signal TERM --json -
  signal-harness explain local:debian12-node24 npm-start SIGTERM
  signal-harness doctor

"""
_PROBES = """\b
Probes:
  signal     what becomes of each --signal, sent as docker kill does
  stop       docker stop, with a request in flight: does the app get to finish?
  exit-code  the app exits with 42, 0 and 143: what does docker wait say?
  reap       a process is orphaned and ends: does PID 1 wait for it?
  tty        Ctrl-C typed on a terminal: how often does it arrive?

"""
_STORIES = """\b
Examples:
  signal-harness explain local:debian12-node24 npm-start SIGTERM
  signal-harness explain node:24-alpine tini stop

"""
_RECIPES = """\b
REF defaults to local:musl-node24 and local:debian12-node24.
<os> is debian11, debian12, debian13 or musl; Node 18 to 26.
"""
_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
_OTHER_PROBES = tuple(probe.value for probe in Probe if probe is not Probe.SIGNAL)


class _Group(click.Group):
    """A group that lists its commands in the order of their definition."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        return list(self.commands)


@click.group(cls=_Group, epilog=_EXAMPLES + EXIT_CODES, context_settings=_SETTINGS)
@click.version_option(package_name="signal-harness", message="%(prog)s %(version)s")
def cli() -> None:
    """Find out what a signal really does in a container, with evidence.

    Builds every variant of a catalogue of Dockerfiles on every base, starts a fresh container for each signal, sends
    it with `docker kill`, and tells what arrived.
    """


def _complete_variants(_ctx: click.Context, _param: click.Parameter, start: str) -> list[str]:
    from harness.session import load_catalogue

    return [variant.name for variant in load_catalogue(None)[1].variants if variant.name.startswith(start)]


def _complete_questions(ctx: click.Context, param: click.Parameter, start: str) -> list[str]:
    return _complete_signals(ctx, param, start) + [name for name in _OTHER_PROBES if name.startswith(start)]


def _complete_signals(_ctx: click.Context, _param: click.Parameter, start: str) -> list[str]:
    from harness.core.signals import catchable_signals

    return [signal.name for signal in catchable_signals() if signal.name.startswith(start.upper())]


_catalogue_option = click.option(
    "--catalogue", type=click.Path(path_type=Path), metavar="DIR", help="A folder with your own catalogue.toml."
)
_repeat_option = click.option(
    "--repeat",
    type=click.IntRange(1),
    metavar="N",
    help="Run each cell N times. [default: once, and 10 times where the evidence leaves room for doubt]",
)
_trace_option = click.option(
    "--trace",
    type=click.Choice(["auto", "on", "off"]),
    default="auto",
    show_default=True,
    help="The kernel's record of signals.",
)
_settle_option = click.option(
    "--settle",
    "settle_s",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="How long all must rest before 'not received' is believed. [default: 0.8; 1.5 where /proc cannot be seen]",
)
_grace_option = click.option(
    "--grace",
    "grace_s",
    type=click.IntRange(1),
    default=GRACE_S,
    show_default=True,
    metavar="SECONDS",
    help="What docker stop is given before SIGKILL, for the probe stop.",
)


@cli.command(epilog=_PROBES + EXIT_CODES)
@click.option(
    "--base",
    "bases",
    multiple=True,
    metavar="REF",
    help="Base image, or local:<os>-node<version> made from packages. Repeatable. [default: Node on Alpine and Debian]",
)
@click.option(
    "--variant",
    "variants",
    multiple=True,
    metavar="GLOB",
    shell_complete=_complete_variants,
    help="Only variants of this name. Repeatable.",
)
@click.option(
    "--signal",
    "signals",
    multiple=True,
    metavar="SIG",
    shell_complete=_complete_signals,
    help="HUP, SIGHUP, 1, RTMIN+3; or: all. Repeatable. [default: HUP and TERM]",
)
@click.option(
    "--probe",
    "probes",
    multiple=True,
    type=click.Choice([*(probe.value for probe in Probe), "all"]),
    help="What to ask: see below. Repeatable. [default: signal]",
)
@_repeat_option
@click.option(
    "--jobs", type=click.IntRange(1), metavar="N", help="Cells at once. [default: 2 per processor of the engine]"
)
@_catalogue_option
@_trace_option
@_settle_option
@_grace_option
@click.option("--json", "json_to", metavar="F", help="Write the results to a file, or - for standard output.")
@click.option(
    "--baseline", type=click.Path(path_type=Path), metavar="F", help="Results to compare with, as --json wrote them."
)
def run(json_to: str | None, baseline: Path | None, **chosen: Any) -> None:
    """Run the matrix: every variant on every base, one fresh container per signal."""
    sys.exit(_run(_selection(**chosen), json_to=json_to, baseline=baseline))


def _selection(
    *,
    bases: tuple[str, ...],
    variants: tuple[str, ...],
    signals: tuple[str, ...],
    probes: tuple[str, ...],
    trace: str,
    **rest: Any,
) -> Selection:
    from harness.session import Selection, TraceMode, select_signals

    return Selection(
        bases=tuple(dict.fromkeys(bases)),
        variants=variants,
        signals=select_signals(signals),
        probes=tuple(Probe)
        if "all" in probes
        else tuple(Probe(name) for name in dict.fromkeys(probes)) or (Probe.SIGNAL,),
        trace=TraceMode(trace),
        **rest,
    )


def _run(selection: Selection, *, json_to: str | None, baseline: Path | None) -> ExitCode:
    from harness.report import document, table
    from harness.report.progress import Progress
    from harness.session import Hooks, Session, read_baseline

    recorded = read_baseline(baseline)
    out = _Output(json_to)
    people = table.console(stderr=json_to == "-")
    results: list[Result] = []

    with Progress() as progress:

        def on_result(result: Result) -> None:
            results.append(result)
            progress.result(result)

        hooks = Hooks(note=progress.note, build=progress.build, result=on_result)
        with Session(selection, hooks) as session:
            order = {cell.id: number for number, cell in enumerate(session.cells)}
            try:
                progress.begin(len(session.cells))
                for future in session.run():
                    future.result()
            finally:
                # What was found so far is kept, whatever ended the run.
                results.sort(key=lambda result: order[result.cell.id])
                report = session.report(results)
                out.write(document.write(report))
    people.print(table.render(report, recorded))
    if said := table.claims(report):
        people.print(f"\n{said}")
    people.print(f"\n{table.summary(report, recorded)}")
    if out.path is not None:
        people.print(f"Results: {out.path}", soft_wrap=True)
    return _code(report.results, recorded)


def _code(results: Iterable[Result], recorded: Mapping[str, Verdict]) -> ExitCode:
    """The exit code that results come to."""
    from harness.report.looks import differs

    told = list(results)
    if any(differs(result, recorded) for result in told):
        return ExitCode.DIFFERS
    return ExitCode.UNTESTED if any(result.verdict is Verdict.UNTESTED for result in told) else ExitCode.OK


class _Output:
    """A file for results, opened before the run so that a wrong path is told at once and nothing is lost."""

    def __init__(self, target: str | None) -> None:
        self.path = None if target in (None, "-") else Path(str(target))
        self._standard = target == "-"
        if self.path is not None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                new = not self.path.exists()
                self.path.open("a", encoding="utf-8").close()
                if new:
                    self.path.unlink()
            except OSError as error:
                raise UsageError(f"{self.path} cannot be written: {error.strerror}") from error

    def write(self, text: str) -> None:
        if self._standard:
            click.echo(text, nl=False)
        elif self.path is not None:
            beside = self.path.with_name(f".{self.path.name}.new")
            beside.write_text(text, encoding="utf-8")
            beside.replace(self.path)


@cli.command(epilog=_STORIES + EXIT_CODES)
@click.argument("base", metavar="BASE")
@click.argument("variant", metavar="VARIANT", shell_complete=_complete_variants)
@click.argument("question", metavar="SIGNAL|PROBE", shell_complete=_complete_questions)
@_catalogue_option
@_repeat_option
@_trace_option
@_settle_option
@_grace_option
def explain(base: str, variant: str, question: str, **chosen: Any) -> None:
    """Tell the story of one cell: what is started, where the signal goes, what to change."""
    probe = question in _OTHER_PROBES
    selection = _selection(
        bases=(base,),
        variants=(variant,),
        signals=() if probe else (question,),
        probes=(question,) if probe else (),
        **chosen,
    )
    sys.exit(_explain(selection))


def _explain(selection: Selection) -> ExitCode:
    from harness.core.dockerfile import starting
    from harness.report import explain, table
    from harness.report.progress import Progress
    from harness.session import Hooks, Session

    with Progress() as progress, Session(selection, Hooks(note=progress.note, build=progress.build)) as session:
        if len(session.cells) != 1:
            raise UsageError(
                f"{len(session.cells)} cells match, and one can be explained",
                remedy="Name one variant and one signal: signal-harness list",
            )
        (cell,) = session.cells
        progress.begin(1)
        (future,) = session.run()
        result = future.result()
        instructions = starting(session.dockerfile_of(cell), cell.variant.target)
    # Commands are for copying: they are neither wrapped nor cut.
    table.console().print(explain.render(result, instructions), crop=False)
    return _code([result], {})


@cli.command("list")
@_catalogue_option
def list_variants(catalogue: Path | None) -> None:
    """List the variants, what is expected of each, and what is claimed."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from harness.report.table import console
    from harness.session import load_catalogue

    _, found = load_catalogue(catalogue)
    rows = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("variant", "what", "expected", "claim"):
        rows.add_column(heading, no_wrap=heading == "variant")
    for variant in found.variants:
        rows.add_row(
            variant.name,
            escape(variant.title),
            _expected(variant.expect),
            escape(f"{variant.claim.text} ({variant.claim.source})") if variant.claim else "",
        )
    console().print(rows)


def _expected(expect: Expectation) -> str:
    """What is expected of a variant: first of every signal, then what differs, grouped."""
    named = [*expect.signals.items(), *expect.probes.items()]
    lines = [f"signals {expect.forwards}"] if expect.forwards else []
    grouped = {
        expected: [str(asked).removeprefix("SIG") for asked, said in named if said is expected] for expected in Expected
    }
    lines += [f"{expected}: {' '.join(names)}" for expected, names in grouped.items() if names]
    return "\n".join(lines)


@cli.group()
def bases() -> None:
    """Get base images, or assemble stand-ins from packages where no registry answers."""


@bases.command("build", epilog=_RECIPES)
@click.argument("references", nargs=-1, metavar="[REF]...")
@click.option("--rebuild", is_flag=True, help="Assemble again, to get newer releases.")
def build_bases(references: tuple[str, ...], *, rebuild: bool) -> None:
    """Make sure that bases are there: pull, or assemble local:<os>-node<version>[-npm<version>]."""
    from harness.engine.bases import LOCAL_DEFAULTS, Bases
    from harness.engine.client import connect
    from harness.session import cache_folder

    api = connect()
    store = Bases(api, cache=cache_folder(), report=lambda line: click.echo(line, err=True))
    for reference in references or LOCAL_DEFAULTS:
        store.get(reference, rebuild=rebuild)
        click.echo(reference)


@bases.command("get")
def get_bases() -> None:
    """Get the default bases: official images where a registry answers, else stand-ins."""
    from harness.engine.bases import Bases
    from harness.engine.client import connect
    from harness.session import cache_folder

    store = Bases(connect(), cache=cache_folder(), report=lambda line: click.echo(line, err=True))
    for reference in store.defaults():
        store.get(reference)
        click.echo(reference)


@cli.group()
def engine() -> None:
    """Bring a Docker Engine up on a bare Debian machine, and down again."""


@engine.command("up")
def engine_up() -> None:
    """Find an engine; where none answers, install and start Debian's (Linux, root, apt)."""
    from harness.engine.server import up

    click.echo(up(lambda line: click.echo(line, err=True)))


@engine.command("down")
def engine_down() -> None:
    """Stop the engine that `engine up` started, and no other."""
    from harness.engine.server import down

    click.echo(down())


@cli.command()
def doctor() -> None:
    """Check engine, bases, evidence and leftovers, and say how to mend each."""
    from rich.console import Console

    from harness.doctor import examine

    console = Console(highlight=False)
    worst = ExitCode.OK
    for finding in examine():
        console.print(
            f"[{'green' if finding.good else 'yellow'}]{'✓' if finding.good else '!'}[/] {finding.subject:12}", end=" "
        )
        console.print(finding.text, markup=False, soft_wrap=True)
        if finding.remedy:
            console.print(
                "\n".join(f"               {line}" for line in finding.remedy.splitlines()),
                markup=False,
                soft_wrap=True,
            )
        if not finding.good and finding.needed:
            worst = ExitCode.UNAVAILABLE
    sys.exit(worst)


@cli.command()
@click.option("--images", is_flag=True, help="Remove the images of variants and stand-in bases, too.")
def clean(*, images: bool) -> None:
    """Remove what killed runs left behind: containers and trace instances."""
    from harness.engine.client import connect
    from harness.engine.containers import sweep
    from harness.engine.images import remove_images
    from harness.engine.tracing import sweep as sweep_traces

    api = connect()
    click.echo(f"{sweep(api)} containers and {sweep_traces()} trace instances removed")
    if images:
        click.echo(f"{remove_images(api)} images removed")


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell: eval "$(signal-harness completion bash)"."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is not None:
        click.echo(kind(cli, {}, "signal-harness", "_SIGNAL_HARNESS_COMPLETE").source())


@contextmanager
def _terminating() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end a run as Ctrl-C does, so that it clears up."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    before: dict[int, Callable[..., Any] | int | None] = {
        number: os_signal.signal(number, interrupt) for number in (os_signal.SIGTERM, os_signal.SIGHUP)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            os_signal.signal(number, handler)


def main() -> None:
    """Run the command; every expected failure ends with its message, next step and exit code."""
    try:
        with _terminating():
            cli.main(prog_name="signal-harness", standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.USAGE)
    except (KeyboardInterrupt, click.Abort):
        click.echo("signal-harness: interrupted; what was under way has been cleared up", err=True)
        sys.exit(ExitCode.INTERRUPTED)
    except HarnessError as error:
        click.echo(f"signal-harness: {error.message}", err=True)
        if error.remedy:
            click.echo("\n".join(f"  {line}" for line in error.remedy.splitlines()), err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output has enough; Python must not complain about it at exit.
        sys.stdout = None
        sys.exit(ExitCode.OK)
