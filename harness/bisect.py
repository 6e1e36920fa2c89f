"""A bisection: one cell on base after base, or image after image, as few as it takes; each in a session of its own."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.checking import Check, Checking
from harness.core.errors import Abandoned, BaseUnavailable
from harness.core.question import Probe
from harness.core.search import Found, Tried
from harness.run.plan import questions
from harness.session import Hooks, Session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.core.search import Search
    from harness.core.verdict import Verdict
    from harness.session import Selection


class Bisection:
    """Runs one cell on the bases that a search asks for. A context manager: on leaving, what is under way has ended.

    ``one`` is the cell and how it is run, whatever its bases; or a check with one question, whatever its images, which
    then are the references; ``jobs`` of the ``references`` are tried at once.
    ``note`` is called with what takes long; ``tell`` with how many bases were tried, how many at least are to be
    tried, and which one is begun.
    """

    def __init__(
        self,
        one: Selection | Check,
        references: Sequence[str],
        *,
        jobs: int,
        note: Callable[[str], None],
        tell: Callable[[int, int, str], None],
    ) -> None:
        self._one = one
        self._references = tuple(references)
        self._note = note
        self._tell = tell
        self._tried: dict[int, Tried] = {}
        self._asked = 0
        self._sessions: set[Session | Checking] = set()
        self._left = False
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="base")

    def __enter__(self) -> Bisection:
        """Nothing is begun yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Drop the bases that wait, and give up those under way."""
        with self._lock:
            self._left = True
            for session in self._sessions:
                session.abandon()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def run(self, search: Search) -> Found:
        """Search, and return what was found."""
        while wanted := search.next(self._answers()):
            self._asked += len(wanted)
            # One round's places do not depend on each other.
            for place, tried in zip(wanted, self._pool.map(self._try, wanted), strict=True):
                self._tried[place] = tried
                self._tell(len(self._tried), self._asked, "")
        question = questions(self._one.signals, self._one.probes or (Probe.SIGNAL,))[0]
        return Found(
            cell=question.name if isinstance(self._one, Check) else f"{self._one.variants[0]}/{question.name}",
            as_is=isinstance(self._one, Check),
            references=self._references,
            gap=search.gap,
            tried=self._tried,
            changes=search.changes(self._answers()),
        )

    def _answers(self) -> dict[int, Verdict]:
        return {place: tried.verdict for place, tried in self._tried.items()}

    def _try(self, place: int) -> Tried:
        """Run the cell on one base; a base that cannot be had does not end the search."""
        reference = self._references[place]
        self._tell(len(self._tried), self._asked, reference)
        try:
            with self._opened(reference) as session:
                with self._lock:
                    # One that was being opened as the others were given up has not been told.
                    if self._left:
                        raise Abandoned(f"{reference} was given up")
                    self._sessions.add(session)
                try:
                    return Tried(document=session.document(future.result() for future in session.run()))
                finally:
                    with self._lock:
                        self._sessions.discard(session)
        except BaseUnavailable as refusal:
            return Tried(document=None, refusal=refusal.message)

    def _opened(self, reference: str) -> Session | Checking:
        hooks = Hooks(note=self._note)
        if isinstance(self._one, Check):
            return Checking(replace(self._one, images=(reference,)), hooks)
        return Session(replace(self._one, bases=(reference,)), hooks)
