"""Images as they are, recorded: what is known of each, and why one is stopped well and the other is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from harness.core.as_is import images
from harness.core.baseline import recordings
from harness.core.comparison import compare
from harness.core.question import Probe
from harness.core.ranking import Change
from harness.core.verdict import Verdict
from tests.support.evidence import changed
from tests.support.facts import start_command
from tests.support.reports import (
    ENGINE,
    FORCED,
    FORWARDED,
    GRACEFUL,
    SWALLOWED,
    UNTESTED,
    chained,
    report,
    result,
)

if TYPE_CHECKING:
    from harness.core.comparison import Comparison
    from harness.core.document import Document, Row
    from harness.core.facts import StartCommand

EXEC = start_command(command=("node", "server.js"))
SHELL = start_command(command=("/bin/sh", "-c", "node server.js"))
APP = "node server.js"
SH = "/bin/sh -c node server.js"
NOW_SHELL = "CMD is now /bin/sh -c node server.js, was node server.js"


def given(name: str, *rows: Row) -> tuple[Row, ...]:
    return tuple(changed(row, subject=name, base=None) for row in rows)


def document(rows: tuple[Row, ...], **digests: str) -> Document:
    """A check of images, by their names in order."""
    some = report(result("any", FORWARDED))
    names = dict.fromkeys(row.subject for row in rows)
    subjects = {name: structs.replace(some.subjects["any"], digest=digests.get(name)) for name in names}
    return changed(some, subjects=subjects, bases={}, results=rows)


def told(old: Row, new: Row) -> Comparison:
    before, after = images(document((*given("a", old), *given("b", new)), a="sha256:1", b="sha256:2"))
    return compare(before, after)


def cause(old: Row, new: Row) -> str:
    (difference,) = told(old, new).differences
    assert difference.cause is not None
    return f"{difference.cause.text}|{difference.cause.detail}"


def forwarded(*chain: str, start: StartCommand = EXEC) -> Row:
    return result("any", chained(*chain, of=FORWARDED), start=start)


def swallowed(*chain: str, start: StartCommand = EXEC) -> Row:
    return changed(result("any", chained(*chain), start=start), verdict=Verdict.SWALLOWED)


def test_each_image_is_recorded_by_what_it_starts() -> None:
    start = start_command(entrypoint=("entry",), command=("node", "x y"), stop_signal="SIGQUIT")
    rows = (
        *given("my/app:2", result("any", FORCED, probe=Probe.STOP, start=start), result("any", SWALLOWED, start=start)),
        *given("my/app:1", result("any", GRACEFUL, probe=Probe.STOP, start=EXEC)),
    )
    two, one = images(document(rows))
    assert (two.base.reference, two.base.entrypoint, two.base.stop_signal) == ("my/app:2", ("entry",), "SIGQUIT")
    assert (two.command, two.engine) == (("node", "x y"), ENGINE)
    assert {key: found.verdict for key, found in two.findings.items()} == {
        ("image", "stop"): Verdict.FORCED,
        ("image", "SIGTERM"): Verdict.SWALLOWED,
    }
    assert (one.base.reference, one.command, len(one.findings)) == ("my/app:1", ("node", "server.js"), 1)


def test_images_are_no_bases_and_bases_no_images() -> None:
    assert images(report(result("npm-start", FORWARDED))) == ()
    assert recordings(document(given("a", forwarded(APP)))) == ()


def test_what_differs_is_the_image_and_what_it_starts() -> None:
    found = told(forwarded(APP), swallowed(SH, APP, start=SHELL))
    assert [str(shift) for shift in (found.image, *found.base)] == [
        "the image is now sha256:2, was sha256:1",
        NOW_SHELL,
    ]


def test_of_an_image_that_could_not_be_tested_nothing_is_said_to_differ() -> None:
    found = told(forwarded(APP), result("any", UNTESTED))
    assert found.base == ()
    assert [(one.change, one.cause) for one in found.differences] == [(Change.UNKNOWN, None)]


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (
            forwarded(APP),
            swallowed(SH, APP, start=SHELL),
            f"a shell now stays the parent of what it starts ({NOW_SHELL})|PID 1 was `{APP}`, is `{SH}`",
        ),
        (
            forwarded(APP),
            swallowed("node other.js", start=start_command(command=("node", "other.js"))),
            "the app is now `node other.js`, was `node server.js` (CMD is now node other.js, was node server.js)|",
        ),
        (
            forwarded(APP),
            swallowed(APP, start=start_command(command=("node", "server.js"), stop_signal="SIGHUP")),
            "nothing on the signal's way changed; the images differ in this: STOPSIGNAL is now SIGHUP, was absent|",
        ),
        (forwarded(APP), swallowed(APP), "the image changed, but nothing that is recorded of it differs|"),
    ],
    ids=["shell form", "another app", "another stop signal", "what is in it"],
)
def test_the_cause_is_what_is_started(old: Row, new: Row, text: str) -> None:
    assert cause(old, new) == text
