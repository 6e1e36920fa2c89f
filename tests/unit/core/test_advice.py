"""What to change, by what stands above the app and what became of the signal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.core.evidence import Ground, Receipt
from harness.core.question import Probe
from tests.support.evidence import changed
from tests.support.reports import FORWARDED, SWALLOWED, UNTESTED, ZOMBIE, result
from tests.support.scripted import process

if TYPE_CHECKING:
    from harness.core.document import Row
    from harness.core.evidence import SignalEvidence

APP = process(9, "node server.js", parent=8, catches=("TERM",))
NPM = process(8, "npm start", parent=1, catches=("TERM",))


def told(evidence: SignalEvidence) -> str:
    return "\n".join(result("v", evidence).advice)


def below(*above: tuple[str, ...] | str) -> SignalEvidence:
    """A swallowed signal in a chain of processes, the app at its end."""
    chain = [process(n, str(args), parent=n - 1) for n, args in enumerate(above, start=1)]
    app = changed(APP, pid=1000 + len(chain) + 1, ppid=1000 + len(chain))
    tree = (*chain, app)
    return changed(SWALLOWED, before=tree, after=tree, app_pid=app.pid, ground=Ground.SETTLED, trace=None)


def test_a_shell_form_becomes_an_exec_form() -> None:
    text = told(below("/bin/sh -c node server.js"))
    assert text.startswith('Start the app itself:\n  CMD ["node", "server.js"]\n`/bin/sh -c node server.js`: a shell')


def test_an_init_of_the_image_stays_in_front() -> None:
    assert 'CMD ["dumb-init", "node", "server.js"]' in told(below("dumb-init npm start", "npm start"))
    assert 'CMD ["tini", "--", "node", "server.js"]' in told(below("tini -g -- npm start", "npm start"))


def test_an_init_of_the_engine_is_no_part_of_the_dockerfile() -> None:
    assert 'CMD ["node", "server.js"]' in told(below("/sbin/docker-init -- npm start", "npm start"))


def test_the_shell_that_npm_starts_is_npms_affair() -> None:
    text = told(below("npm start", "sh -c node server.js"))
    assert "`npm start`: npm forwards" in text
    assert "sh -c" not in text


def test_a_script_is_told_to_make_way() -> None:
    assert 'ends in `exec "$@"`' in told(below("/bin/sh /entry.sh node server.js"))


def test_an_app_that_is_pid_1_without_a_handler() -> None:
    app = process(1, "node app.js")
    text = told(changed(SWALLOWED, before=(app,), after=(app,), app_pid=1001))
    assert text.splitlines()[:2] == [
        "Handle SIGTERM in the app, for instance",
        "  process.on('SIGTERM', () => server.close());",
    ]


def test_a_group_that_is_signalled_under_an_init_alone() -> None:
    twice = changed(below("dumb-init node server.js"), receipts=FORWARDED.receipts * 2)
    assert told(twice).startswith("Let the init signal the app alone")


def test_a_signal_that_became_another() -> None:
    tree = tuple(changed(process, caught=1 << 2) for process in below("dumb-init x").seen.before)
    other = changed(below("dumb-init x"), before=tree, receipts=(Receipt(signal="SIGQUIT", at_ns=None, read_ns=1),))
    assert "the signal that does arrive" in told(other)


def test_a_zombie_wants_an_init() -> None:
    assert 'CMD ["tini", "--", "node", "server.js"]' in "\n".join(_zombie().advice)


def _zombie() -> Row:
    app = process(1, "node server.js")
    evidence = changed(ZOMBIE, app_pid=1001, before=(app,), after=(app,), orphan=process(5, "sleep", parent=1))
    return result("v", evidence, probe=Probe.REAP)


def test_nothing_to_change_where_the_app_is_pid_1() -> None:
    assert told(FORWARDED) == "No change is needed: the app is PID 1 and handles the signal itself."


def test_what_works_by_npms_grace_is_cautioned() -> None:
    good = changed(below("npm start"), receipts=FORWARDED.receipts)
    assert told(good).startswith("No change is needed here: `npm start` forwards it. It depends on")


def test_what_could_not_be_tested_has_no_advice() -> None:
    assert result("v", UNTESTED).advice == ("Make the cell testable first: see the reason.",)
