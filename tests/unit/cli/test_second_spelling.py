"""``--format FORMAT -o FILE``: the same as ``--FORMAT FILE``, in order; one without a file goes to standard output."""

from __future__ import annotations

import click
import pytest

from harness.cli.check import check
from harness.cli.entry import cli
from harness.cli.formats import SPELLING, paired, targets_of
from harness.cli.run import run
from harness.core.errors import UsageError
from harness.report.formats import Format


def context(command: click.Command, *words: str, **config: str) -> click.Context:
    parent = click.Context(cli, info_name="signal-harness", **cli.context_settings)
    return command.make_context(str(command.name), ["--no-config", *words], parent=parent, default_map=config)


def targets(command: click.Command, *words: str) -> dict[str, str | None]:
    ctx = context(command, *words)
    return {name: target for name, target in targets_of(ctx, dict(ctx.params)).items() if target is not None}


@pytest.mark.parametrize("command", [check, run], ids=lambda command: str(command.name))
@pytest.mark.parametrize(
    ("words", "written"),
    [
        (["--format", "sarif", "-o", "a.sarif"], {"sarif": "a.sarif"}),
        (["--format", "json"], {"json": "-"}),
        (
            ["--format", "sarif", "-o", "a", "--format", "html", "--output", "b", "--junit", "c"],
            {"sarif": "a", "html": "b", "junit": "c"},
        ),
        (["--format", "sarif", "--format", "html", "-o", "a"], {"sarif": "a", "html": "-"}),
        (["--format", "table"], {}),
        (["--format", "table", "--format", "json", "-o", "a"], {"json": "a"}),
        ([], {}),
    ],
    ids=" ".join,
)
def test_a_format_goes_to_its_file(command: click.Command, words: list[str], written: dict[str, str]) -> None:
    assert targets(command, *words) == written


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-o", "a"], "-o a has no --format"),
        (["--format", "table", "-o", "a"], "-o a has no --format"),
        (["--format", "json", "-o", "a", "-o", "b"], "-o b has no --format"),
        (["--format", "json", "--format", "json"], "json is asked for twice"),
        (["--json", "a", "--format", "json", "-o", "b"], "json is asked for twice"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_what_cannot_be_meant_is_told(words: list[str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        targets(check, *words)


def test_what_is_typed_goes_before_the_config() -> None:
    ctx = context(check, "--format", "json", "-o", "typed", json="of the config")
    assert targets_of(ctx, dict(ctx.params))["json"] == "typed"


def test_both_spellings_are_taken_out_of_the_options() -> None:
    ctx = context(run, "--format", "json")
    chosen = dict(ctx.params)
    targets_of(ctx, chosen)
    assert not chosen.keys() & {*Format, *SPELLING}


def test_a_format_with_a_file_of_its_own_takes_no_other() -> None:
    wanted = [(Format.HTML, "own"), (Format.JSON, None), (Format.JUNIT, None)]
    assert paired(wanted, ["a"]) == [(Format.HTML, "own"), (Format.JSON, "a"), (Format.JUNIT, "-")]
