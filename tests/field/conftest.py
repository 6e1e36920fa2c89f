"""All cases that are wanted are run ahead of their tests: one run for each catalogue, base and mode, some at once."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import count
from typing import TYPE_CHECKING

import pytest

from tests.support.cases import DEBIAN, NEVER_READY, Case
from tests.support.field import Said, ask, write_catalogue
from tests.support.python_base import python_base

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Answers = dict[tuple[str, str], Said]

AT_ONCE, JOBS = 4, 12


@pytest.fixture(scope="session")
def said(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Case, str], Said]]:
    """What the harness says of a case, with the kernel's record or without."""
    wanted = defaultdict[tuple[str, str, str], list[Case]](list)
    for item in request.session.items:
        params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        if isinstance(case := params.get("case"), Case):
            wanted[case.words, case.base, params["trace"]].append(case)
    if any(base == DEBIAN for _, base, _ in wanted):
        python_base()
    folder, numbers = tmp_path_factory.mktemp("field"), count(1)
    pool = ThreadPoolExecutor(max_workers=AT_ONCE)
    runs: dict[tuple[str, str, str], Future[Answers]] = {
        key: pool.submit(_run, folder / str(next(numbers)), cases, key)
        for key, cases in sorted(wanted.items(), key=_longest_first)
    }

    def get(case: Case, trace: str) -> Said:
        return runs[case.words, case.base, trace].result()[case.row.variant, case.question]

    yield get
    pool.shutdown(cancel_futures=True)


def _longest_first(entry: tuple[tuple[str, str, str], list[Case]]) -> tuple[bool, int]:
    (words, _, _), cases = entry
    return words != NEVER_READY, -len(cases)


def _run(folder: Path, cases: list[Case], key: tuple[str, str, str]) -> Answers:
    """What the harness says of the cases of one catalogue; a run asks all its rows the same questions."""
    words, base, trace = key
    by_questions = defaultdict[tuple[str, ...], dict[str, Case]](dict)
    questions = defaultdict[str, list[str]](list)
    for case in cases:
        questions[case.row.variant].append(case.question)
    for case in cases:
        by_questions[tuple(sorted(questions[case.row.variant]))][case.row.variant] = case
    answers: Answers = {}
    folder.mkdir()
    for number, (asked, rows) in enumerate(by_questions.items()):
        catalogue = write_catalogue(folder / str(number), words, [case.row for case in rows.values()])
        options = [word for question in asked for word in _options(question)]
        answers |= ask(catalogue, base, "--trace", trace, "--jobs", str(JOBS), "--repeat", "1", *options)
    return answers


def _options(question: str) -> tuple[str, ...]:
    return ("--probe", "signal", "--signal", question) if question.startswith("SIG") else ("--probe", question)
