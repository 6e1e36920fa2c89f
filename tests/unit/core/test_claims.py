"""What others say, compared with what was measured: the linter, and the claims of the catalogue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.core.claims import LINT_RULE, Tally, lint, tally, together
from harness.core.dockerfile import starting
from harness.core.question import Probe
from harness.core.signals import Signal
from harness.core.subject import Claim, Expectation
from harness.core.verdict import Expected, Holds
from tests.support.facts import start_command
from tests.support.reports import ABRUPT, FORWARDED, GRACEFUL, KILLED, REAPED, SWALLOWED, UNTESTED, ZOMBIE, result

if TYPE_CHECKING:
    from harness.core.dockerfile import Instruction
    from harness.core.document import Row

HUP, TERM = Signal(1), Signal(15)
SHELL_FORM = start_command(command=("/bin/sh", "-c", "node server.js"))
EXEC_FORM = start_command(entrypoint=("docker-entrypoint.sh",), command=("node", "server.js"))
HELD, REFUTED = Holds.HELD, Holds.REFUTED


def starting_in(*lines: str) -> tuple[Instruction, ...]:
    """The instructions that start what a Dockerfile of these lines builds."""
    return starting("\n".join(("FROM base", *lines)))


@pytest.mark.parametrize(
    "lines",
    [
        ("CMD node server.js",),
        ("ENTRYPOINT exec node server.js",),
        ('ENTRYPOINT ["tini", "--"]', "CMD npm start"),
        ("CMD ['node', 'server.js']",),
        ('CMD ["node", "server.js",]',),
    ],
)
def test_the_shell_form_is_warned_of(lines: tuple[str, ...]) -> None:
    assert lint(starting_in(*lines)) == LINT_RULE


@pytest.mark.parametrize(
    "lines",
    [
        (),
        ('CMD ["node", "server.js"]',),
        ('CMD ["sh", "-c", "node server.js"]',),
        ('ENTRYPOINT ["/bin/bash", "-euo", "pipefail", "-c", "node server.js"]',),
        ('SHELL ["/bin/bash", "-o", "pipefail", "-c"]', "CMD node server.js | tee log"),
        ('SHELL ["/bin/sh", "-c"]', "ENTRYPOINT node server.js"),
        ("CMD node server.js", 'CMD ["node", "server.js"]'),
    ],
)
def test_the_exec_form_and_a_shell_that_is_named_are_not(lines: tuple[str, ...]) -> None:
    assert lint(starting_in(*lines)) is None


def held_in(row: Row) -> Holds | None:
    return row.claim.held if row.claim else None


def said(**keys: Expected) -> Claim:
    """A claim of some expectations by name."""
    signals = {Signal(number): keys[name] for name, number in (("hup", 1), ("term", 15)) if name in keys}
    probes = {probe: keys[probe.name.lower()] for probe in Probe if probe.name.lower() in keys}
    return Claim(
        text="so it is",
        source="an article",
        forwards=Expectation(forwards=keys.get("forwards"), signals=signals, probes=probes),
    )


ALWAYS, NEVER, DEPENDS = Expected.ALWAYS, Expected.NEVER, Expected.DEPENDS


@pytest.mark.parametrize(
    ("claim", "seen", "held"),
    [
        (said(forwards=ALWAYS), FORWARDED, HELD),
        (said(forwards=ALWAYS), SWALLOWED, REFUTED),
        (said(forwards=NEVER), SWALLOWED, HELD),
        (said(forwards=NEVER), KILLED, HELD),
        (said(forwards=NEVER), FORWARDED, REFUTED),
        (said(forwards=NEVER, term=ALWAYS), FORWARDED, HELD),
        (said(term=NEVER), FORWARDED, REFUTED),
        (said(hup=NEVER), FORWARDED, None),
        (said(forwards=DEPENDS), FORWARDED, None),
        (said(forwards=ALWAYS), UNTESTED, None),
        (said(forwards=NEVER), UNTESTED, None),
        (said(), FORWARDED, None),
        (said(stop=ALWAYS), FORWARDED, None),
        (None, FORWARDED, None),
    ],
)
def test_a_claim_on_a_signal(claim: Claim | None, seen: object, held: Holds | None) -> None:
    assert held_in(result("v", seen, claim=claim)) is held


@pytest.mark.parametrize(
    ("probe", "claim", "seen", "held"),
    [
        (Probe.STOP, said(stop=ALWAYS), GRACEFUL, HELD),
        (Probe.STOP, said(stop=ALWAYS), ABRUPT, REFUTED),
        (Probe.STOP, said(stop=NEVER), ABRUPT, HELD),
        (Probe.STOP, said(forwards=ALWAYS, term=ALWAYS), ABRUPT, None),
        (Probe.REAP, said(reap=NEVER), ZOMBIE, HELD),
        (Probe.REAP, said(reap=NEVER), REAPED, REFUTED),
        (Probe.TTY, said(tty=ALWAYS), FORWARDED, HELD),
        (Probe.TTY, said(tty=ALWAYS), SWALLOWED, REFUTED),
        (Probe.EXIT_CODE, said(exit_code=ALWAYS), UNTESTED, None),
    ],
)
def test_a_claim_on_another_probe(probe: Probe, claim: Claim, seen: object, held: Holds | None) -> None:
    assert held_in(result("v", seen, probe=probe, claim=claim)) is held


def test_runs_that_disagree_refute_that_it_always_works() -> None:
    assert held_in(result("v", FORWARDED, SWALLOWED, claim=said(forwards=ALWAYS))) is REFUTED


@pytest.mark.parametrize(
    ("findings", "all_in_all"),
    [
        ([], None),
        ([None, None], None),
        ([None, HELD], HELD),
        ([HELD, HELD], HELD),
        ([HELD, REFUTED, None], REFUTED),
        ([REFUTED], REFUTED),
    ],
)
def test_one_cell_refutes_a_claim(findings: list[Holds | None], all_in_all: Holds | None) -> None:
    assert together(findings) is all_in_all
    assert together(reversed(findings)) is all_in_all


def test_variants_are_counted_base_by_base() -> None:
    always = said(forwards=ALWAYS)
    results = [
        result("held", FORWARDED, signal=HUP, claim=always, start=EXEC_FORM, base="b"),
        result("held", FORWARDED, claim=always, start=EXEC_FORM, base="b"),
        result("refuted in one cell", FORWARDED, signal=HUP, claim=always, start=SHELL_FORM, base="b"),
        result("refuted in one cell", SWALLOWED, claim=always, start=SHELL_FORM, base="b"),
        result("untested", UNTESTED, claim=always, base="b"),
        result("no claim, warned of for nothing", FORWARDED, start=SHELL_FORM, base="b"),
        result("no claim, missed", SWALLOWED, start=EXEC_FORM, base="b"),
        result("no claim, missed at a stop", ABRUPT, probe=Probe.STOP, start=EXEC_FORM, base="b"),
        result("no claim, and nothing about signals", ZOMBIE, probe=Probe.REAP, start=EXEC_FORM, base="b"),
        result("held", SWALLOWED, claim=always, start=SHELL_FORM, base="a"),
    ]
    told = tally(results)
    assert list(told) == ["b", "a"]
    assert told == {
        "b": Tally(claims=2, held=1, warned=2, justified=1, missed=2),
        "a": Tally(claims=1, held=0, warned=1, justified=1, missed=0),
    }


def test_what_was_never_started_was_never_linted() -> None:
    assert tally([result("v", UNTESTED)]) == {
        "local:musl-node24": Tally(claims=0, held=0, warned=0, justified=0, missed=0)
    }


def test_nothing_is_counted_as_nothing() -> None:
    assert tally([]) == {}
