"""``list``: the variants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from harness.cli.help import Command
from harness.cli.options import catalogue_option
from harness.core.verdict import Expected

if TYPE_CHECKING:
    from pathlib import Path

    from harness.core.subject import Expectation


@click.command("list", cls=Command, examples=["signal-harness list", "signal-harness list --catalogue my-images"])
@catalogue_option
def list_variants(catalogue: Path | None) -> None:
    """List the variants and what is expected.

    A claim is a published statement about a variant.
    """
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    from harness.catalogues import load_catalogue
    from harness.report.table import console

    rows = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("variant", "what", "expected", "claim"):
        rows.add_column(heading, no_wrap=heading == "variant")
    for variant in load_catalogue(catalogue)[1].variants:
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
