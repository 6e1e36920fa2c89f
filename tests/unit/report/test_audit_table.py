"""An audit as people see it: the worst first, words that nobody takes for measured, and what to do next."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from harness.core.audit import SCHEMA, Audit, Looked, ranked
from harness.core.document import Tool
from harness.report.audit_table import changes, commands, render, summary
from tests.support.evidence import changed
from tests.support.standing import NGINX, NODE, SHELL, SLEEP, standing

SHOWN = """\
container   a stop would be     because
──────────────────────────────────────────────────────────────────────────────────────────
web         forced (certain)    PID 1, `/bin/sh -c node server.js`, neither handles nor
                                blocks SIGTERM, so that the kernel drops it: SIGKILL ends
                                the container after 10 s; the app, `node server.js`, is
                                never told
                                started with --rm: as it ends, the engine removes it and
                                its log
api         cannot tell         PID 1 is the app, `node server.js`: Node always handles
                                SIGTERM, so the app's own handler cannot be seen
proxy       graceful (likely)   PID 1 is the app, `nginx: master process`, which handles
                                SIGTERM and has 10 s to end
"""
WEB, API = standing("web", SHELL, removed=True), standing("api", (NODE,), number=2)
PROXY = standing("proxy", NGINX, number=3, reference="nginx:1.27")


def audit(*looked: Looked, left_out: tuple[str, ...] = (), ended: tuple[str, ...] = ()) -> Audit:
    return Audit(
        schema=SCHEMA,
        tool=Tool(name="signal-harness", version="1"),
        engine="unix:///run/docker.sock",
        started="2026-01-02T03:04:05+00:00",
        duration_s=0.12,
        containers=ranked(looked),
        left_out=left_out,
        ended=ended,
    )


def printed(found: Audit, width: int = 90) -> str:
    sink = StringIO()
    Console(file=sink, width=width, no_color=True).print(render(found))
    return "".join(f"{line.rstrip()}\n" for line in sink.getvalue().splitlines())


def test_a_table_has_the_worst_first() -> None:
    assert printed(audit(PROXY, API, WEB)) == SHOWN


def test_no_symbol_makes_it_look_measured() -> None:
    assert not set("✓✗✂○") & set(printed(audit(PROXY, API, WEB)))


def test_what_comes_from_a_container_is_no_markup_and_no_control() -> None:
    (shell, *_) = SHELL
    shown = printed(audit(standing("web", (changed(shell, argv=("sh", "/[red]x\x1b[31m")),))))
    assert "[red]x\\x1b[31m" in shown
    assert "\x1b" not in shown


def test_what_is_not_expected_to_end_well_can_be_measured() -> None:
    twin = standing("twin", SLEEP, number=4)
    assert commands(audit(PROXY, API, WEB, twin)) == ["signal-harness check my/app   # twin, web, api"]
    assert commands(audit(PROXY)) == []
    assert commands(audit(standing("web", image=None))) == []


def test_a_line_says_how_many_of_each_there_are() -> None:
    assert summary(audit(PROXY, API, WEB)) == (
        "3 containers in 0.1 s: 1 forced (certain), 1 cannot tell, 1 graceful (likely)"
    )
    assert summary(audit(WEB, left_out=("a", "b"), ended=("c",))) == (
        "1 container in 0.1 s: 1 forced (certain); 2 of signal-harness's own left out: a, b; 1 ended meanwhile: c"
    )
    assert summary(audit(left_out=tuple("abcdef"))).endswith(
        "none; 6 of signal-harness's own left out: a, b, c, d, 2 more"
    )


def test_only_changes_are_told_of_a_watch() -> None:
    first = list(changes(None, audit(WEB, PROXY)))
    assert [line.partition(": ")[0] for line in first] == ["web", "proxy"]
    assert list(changes(audit(WEB, PROXY), audit(WEB, PROXY))) == []
    mended = standing("web", NGINX)
    assert list(changes(audit(WEB, PROXY), audit(mended))) == [
        "web: graceful (likely): PID 1 is the app, `nginx: master process`, which handles SIGTERM and has 10 s to end",
        "proxy: gone",
    ]
