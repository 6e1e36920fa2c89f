"""A document that holds every verdict and every probe, tested and untested."""

from __future__ import annotations

from harness.core.question import Probe
from harness.core.signals import Signal
from harness.core.subject import Claim, Expectation
from harness.core.trace import Handled
from harness.core.verdict import Expected
from tests.support.evidence import changed
from tests.support.reports import (
    ABRUPT,
    APP,
    DUPLICATED,
    ENGINE,
    FACTS,
    FORCED,
    FORWARDED,
    GRACEFUL,
    KEPT,
    KILLED,
    LOST,
    REAPED,
    SOURCE,
    START,
    SWALLOWED,
    TO_APP,
    TRANSLATED,
    TRIED,
    TYPED,
    UNTESTED,
    ZOMBIE,
    report,
    result,
)

DYING = Handled(time_s=1.75, comm="node", pid=1007, number=9, handler=0)
EVERYTHING = report(
    result(
        "naive",
        SWALLOWED,
        claim=Claim(text="it works", source="an article", forwards=Expectation(forwards=Expected.ALWAYS)),
        start=START,
        expected=Expected.NEVER,
    ),
    result("node", FORWARDED, expected=Expected.ALWAYS),
    result("npm", KILLED),
    result("slow", UNTESTED),
    result("flaky", FORWARDED, SWALLOWED, UNTESTED, signal=Signal(37)),
    result("twice", DUPLICATED),
    result("early", changed(KILLED, receipts=FORWARDED.receipts)),
    result("other", TRANSLATED),
    result("well", GRACEFUL, probe=Probe.STOP, claim=Claim(text="it stops", source="a blog")),
    result("soon", ABRUPT, probe=Probe.STOP, start=changed(START, stop_signal="SIGTERM")),
    changed(result("late", FORCED, probe=Probe.STOP), tried=TRIED),
    result("same", KEPT, probe=Probe.EXIT_CODE),
    result("wrong", LOST, probe=Probe.EXIT_CODE),
    result("clean", REAPED, probe=Probe.REAP),
    result("undead", ZOMBIE, probe=Probe.REAP),
    result(
        "typed",
        TYPED,
        probe=Probe.TTY,
    ),
    result("now and then", REAPED, ZOMBIE, probe=Probe.REAP),
    result("dies of it", changed(KILLED, before=(changed(APP, ppid=900, caught=0),), trace=(TO_APP, DYING))),
    result("dies by itself", changed(KILLED, before=FORWARDED.seen.before, trace=(TO_APP, DYING))),
    *(result(f"no {probe}", UNTESTED, probe=probe) for probe in Probe),
    engine=changed(ENGINE, trace=True),
    facts=changed(
        FACTS,
        digest="node@sha256:def",
        programs={**FACTS.programs, "tini": "0.19.0", "dumb-init": "1.2.5"},
        stop_signal="SIGQUIT",
        entrypoint=("docker-entrypoint.sh",),
        entrypoint_sha256="0f" * 32,
    ),
    sources={"naive": SOURCE},
)
ROWS = {row.subject: row for row in EVERYTHING.results}
"""Its rows by their subjects: each is asked about once."""
