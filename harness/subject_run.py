"""The subjects of a config put to the test for a runner of tests: side by side ahead of them, or each as it comes."""

from __future__ import annotations

import datetime as dt
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

from msgspec import structs

from harness.checking import Checking
from harness.core.errors import EngineFault
from harness.core.policy import Policy, held_against

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from harness.cli.subjects import Subject
    from harness.core.document import Document
    from harness.core.question import Question
    from harness.session import Hooks


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came out of one question: a document with the one row, and what to tell of ignores that count no more."""

    document: Document
    told: tuple[str, ...]


class SubjectRun:
    """Checks of subjects, each on its own, so that one that cannot be tested is nothing to the others.

    Args:
        jobs: how many containers run at once; by default two per processor here.
        hooks: called from several threads.
    """

    def __init__(self, jobs: int | None, hooks: Hooks) -> None:
        self._jobs = jobs or 2 * (os.cpu_count() or 1)
        self._hooks = hooks
        self._pool: ThreadPoolExecutor | None = None
        self._ahead: dict[tuple[str, Question], Future[dict[Question, Answer]]] = {}
        self._lock = Lock()
        self._open: list[Checking] = []
        self._left = False

    def start(self, wanted: Mapping[str, tuple[Subject, Sequence[Question]]]) -> None:
        """Start checking subjects, by keys that tell them apart, side by side, after those that are under way."""
        if not wanted:
            return
        self.settle()
        at_once = min(self._jobs, len(wanted))
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="subject")
        for key, (subject, asked) in wanted.items():
            future = self._pool.submit(self._answers, subject, asked, self._jobs // at_once)
            self._ahead |= {(key, question): future for question in asked}

    def answer(self, key: str, subject: Subject, question: Question) -> Answer:
        """The answer to one question, waiting for it; what was not started is run now.

        Raises:
            HarnessError: there is no engine, no such image, or it does not build.
        """
        ahead = self._ahead.get((key, question))
        answers = self._answers(subject, [question], self._jobs) if ahead is None else ahead.result()
        return answers[question]

    def settle(self) -> None:
        """Wait for what was started."""
        if self._pool is not None:
            self._pool.shutdown()

    def close(self) -> None:
        """Stop what is under way and clear up."""
        with self._lock:
            self._left = True
            under_way, self._open = self._open, []
        for checking in under_way:
            checking.__exit__()
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _answers(self, subject: Subject, asked: Sequence[Question], jobs: int) -> dict[Question, Answer]:
        check = subject.check
        few = replace(check, tries=False, jobs=min(check.jobs or jobs, jobs))
        with self._checking(Checking(few, self._hooks)) as checking:
            futures = checking.run([cell for cell in checking.cells if cell.question in asked])
            documents = [checking.document([subject.limits.of(future.result())]) for future in futures]
            ignores = (*subject.ignores, *checking.ignores)
        policy = Policy(ignores=ignores, today=dt.datetime.now().astimezone().date())
        return {document.results[0].question: _answer(document, subject, policy) for document in documents}

    @contextmanager
    def _checking(self, checking: Checking) -> Iterator[Checking]:
        """Open a check, and close it, unless that is done from elsewhere."""
        checking.__enter__()
        with self._lock:
            self._open.append(checking)
            left = self._left
        try:
            if left:
                raise EngineFault("the tests have ended")
            yield checking
        finally:
            with self._lock:
                ours = checking in self._open
                if ours:
                    self._open.remove(checking)
            if ours:
                checking.__exit__()


def _answer(document: Document, subject: Subject, policy: Policy) -> Answer:
    """A document that calls a subject as the config does, with what is left be."""
    ((image, facts),), (row,) = document.subjects.items(), document.results
    named = structs.replace(
        document,
        subjects={subject.name: structs.replace(facts, title=subject.name)},
        results=(structs.replace(row, subject=subject.name),),
    )
    held, told = held_against(named, policy, {subject.name: [subject.typed, image]})
    return Answer(document=held, told=tuple(told))
