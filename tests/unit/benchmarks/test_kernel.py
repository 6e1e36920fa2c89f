"""The truth's own rules, on records by hand: each verdict, and what must not be taken for it."""

from __future__ import annotations

import pytest

from benchmarks.kernel import Entry, Gone, Left, Running, Sent, apps_among, judge, judge_stop, read_line, worst
from harness.core.verdict import Verdict

INT, KILL, TERM = 2, 9, 15
DELIVERED, IGNORED, MERGED = 0, 1, 2
OTHER, APP, THREAD = 70, 80, 81


def app(*, catches: tuple[int, ...] = (INT, TERM), fetches: bool = False) -> Running:
    caught = sum(1 << (number - 1) for number in catches)
    return process(APP, "node", "app.js", caught=caught, fetches=fetches)


def process(pid: int, *words: str, children: tuple[int, ...] = (), caught: int = 0, fetches: bool = False) -> Running:
    threads = frozenset({pid, THREAD} if pid == APP else {pid})
    return Running(pid=pid, words=words, children=children, caught=caught, blocked=0, fetches=fetches, threads=threads)


def sent(number: int = TERM, *, at_s: float = 1, sender: int = OTHER, fate: int = DELIVERED, target: int = APP) -> Sent:
    return Sent(at_s, sender, number, target, fate)


RECORDS: dict[str, tuple[Running, list[Entry], bool | None, Verdict]] = {
    "runs on": (app(), [sent()], False, Verdict.FORWARDED),
    "fetched": (app(catches=(), fetches=True), [sent(), Left(2, APP, 0), Gone(2, APP)], None, Verdict.FORWARDED),
    "leaves": (app(), [sent(), Left(2, APP, 0), Gone(2, APP)], None, Verdict.FORWARDED),
    "leaves by a thread": (app(), [sent(), Left(2, THREAD, 0), Gone(2, APP)], None, Verdict.FORWARDED),
    "leaves with a code": (app(), [sent(), Left(2, APP, 3), Gone(2, APP)], None, Verdict.FORWARDED),
    "leaves with a code, done": (app(), [sent(), Left(2, APP, 3), Gone(2, APP)], True, Verdict.FORWARDED),
    "leaves with a code, not done": (app(), [sent(), Left(2, APP, 3), Gone(2, APP)], False, Verdict.CUT_SHORT),
    "killed after it": (app(), [sent(), sent(KILL, at_s=2), Gone(2, APP)], None, Verdict.CUT_SHORT),
    "killed as it had left": (
        app(),
        [sent(), Left(2, APP, 0), sent(KILL, at_s=3), Gone(3, APP)],
        None,
        Verdict.FORWARDED,
    ),
    "leaves as it was killed": (
        app(),
        [sent(), sent(KILL, at_s=2), Left(3, APP, 0), Gone(3, APP)],
        None,
        Verdict.CUT_SHORT,
    ),
    "died of another signal": (app(), [sent(), sent(7), Gone(2, APP)], None, Verdict.CUT_SHORT),
    "a thread ends": (app(), [sent(), Gone(2, THREAD)], None, Verdict.FORWARDED),
    "twice": (app(), [sent(), sent(at_s=2)], None, Verdict.DUPLICATED),
    "twice, merged": (app(), [sent(), sent(at_s=2, fate=MERGED)], None, Verdict.DUPLICATED),
    "and another": (app(), [sent(), sent(INT, at_s=2)], None, Verdict.DUPLICATED),
    "and one that ends nothing": (app(), [sent(), sent(28, at_s=2)], None, Verdict.FORWARDED),
    "another": (app(), [sent(INT)], None, Verdict.TRANSLATED),
    "not sent": (app(), [sent(target=OTHER)], None, Verdict.SWALLOWED),
    "dropped": (app(catches=()), [sent(fate=IGNORED)], None, Verdict.SWALLOWED),
    "killed without it": (app(), [sent(KILL), Gone(2, APP)], None, Verdict.KILLED),
    "no handler": (app(catches=()), [sent(), Gone(2, APP)], None, Verdict.KILLED),
    "raised again": (app(), [sent(), sent(sender=APP), Gone(2, APP)], None, Verdict.KILLED),
    "raised again as PID 1": (app(), [sent(), sent(sender=THREAD)], None, Verdict.SWALLOWED),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_is_judged(name: str) -> None:
    running, entries, done, right = RECORDS[name]
    assert judge(running, TERM, entries, done=done) is right


MAIN = process(60, "tini", children=(APP,))
STOPS: dict[str, tuple[list[Entry], bool | None, Verdict]] = {
    "leaves": ([sent(), Left(2, APP, 0), Gone(2, APP)], None, Verdict.GRACEFUL),
    "leaves with a code": ([sent(), Left(2, APP, 3), Gone(2, APP)], None, Verdict.GRACEFUL),
    "leaves with a code, not done": ([sent(), Left(2, APP, 3), Gone(2, APP)], False, Verdict.ABRUPT),
    "killed as PID 1 ends": ([sent(), sent(KILL, at_s=2, sender=60), Gone(2, APP)], None, Verdict.ABRUPT),
    "leaves as PID 1 has killed it": ([sent(KILL, sender=60), Left(2, APP, 0)], None, Verdict.ABRUPT),
    "dies": ([sent(), Gone(2, APP)], None, Verdict.ABRUPT),
    "the engine ends it": ([sent(KILL, at_s=9, target=60), sent(KILL, at_s=9, sender=60)], None, Verdict.FORCED),
    "a child ends PID 1": ([sent(KILL, sender=APP, target=60), Left(2, APP, 0)], None, Verdict.GRACEFUL),
}


@pytest.mark.parametrize("name", STOPS)
def test_a_record_of_a_stop_is_judged(name: str) -> None:
    entries, done, right = STOPS[name]
    assert judge_stop({60: MAIN, APP: app()}, app(), entries, done=done) is right


def test_the_lowest_process_that_names_the_file_is_the_app() -> None:
    first = process(1, "tini", "--", "node", "app.js", children=(2,))
    shell = process(2, "sh", "-c", "node app.js", children=(3, 4))
    one, other = process(3, "node", "/srv/app.js"), process(4, "node", "app.js")
    tree = {one.pid: one for one in (first, shell, one, other)}
    assert [found.pid for found in apps_among(tree, "app.js")] == [3, 4]
    assert apps_among({2: shell}, "app.js") == []


def test_the_worst_of_several_apps_speaks() -> None:
    assert worst([Verdict.FORWARDED, Verdict.SWALLOWED]) is Verdict.SWALLOWED


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        (
            (
                "            runc-4711    [001] d..1.  1234.567890: signal_generate: sig=15 errno=0 code=0"
                " comm=node pid=80 grp=1 res=0"
            ),
            Sent(1234.56789, 4711, 15, 80, 0),
        ),
        ("            node-80      [000] .....  1234.600000: sys_exit_group(error_code: 3)", Left(1234.6, 80, 3)),
        ("            node-80      [000] .....  1234.600000: sys_exit_group(error_code: 0x8f)", Left(1234.6, 80, 143)),
        (
            (
                "            node-80      [000] .....  1234.700000: sched_process_exit: comm=node pid=80 prio=120"
                " group_dead=true"
            ),
            Gone(1234.7, 80),
        ),
        ("CPU:1 [LOST 12 EVENTS]", None),
    ],
)
def test_lines_of_the_record_are_read(line: str, entry: Entry | None) -> None:
    assert read_line(line) == entry
