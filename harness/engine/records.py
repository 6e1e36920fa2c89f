"""What a tracer keeps of a whole machine, so that what concerns one container is found without a look at the rest."""

from __future__ import annotations

from collections import deque
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from harness.core.trace import Sent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.core.trace import TraceRecord

_SLACK_S: Final = 1.0
"""By how much records of several processors may be out of the order of time."""


class Records:
    """Records in the order in which they came, and for each process or thread those that it is part of."""

    def __init__(self) -> None:
        self._kept: deque[TraceRecord] = deque()
        self._let_go = 0
        self._of: dict[int, deque[tuple[int, TraceRecord]]] = {}

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._kept)

    def append(self, record: TraceRecord) -> None:
        """Keep one more."""
        numbered = self._let_go + len(self._kept), record
        self._kept.append(record)
        for number in concerned(record):
            self._of.setdefault(number, deque()).append(numbered)

    def let_go(self) -> float:
        """Forget the oldest; when it was made, on the trace clock."""
        oldest = self._kept.popleft()
        self._let_go += 1
        for number in concerned(oldest):
            of = self._of[number]
            of.popleft()
            if not of:
                del self._of[number]
        return oldest.time_s

    def let_go_before(self, time_s: float) -> None:
        """Forget those from before a time."""
        while self._kept and self._kept[0].time_s < time_s:
            self.let_go()

    def of(self, numbers: Iterable[int], since_s: float) -> tuple[TraceRecord, ...]:
        """The records since a time that any of these processes and threads is part of, in their order."""
        found: dict[int, TraceRecord] = {}
        for number in numbers:
            newest_first = reversed(self._of.get(number, ()))
            recent = takewhile(lambda numbered: numbered[1].time_s >= since_s - _SLACK_S, newest_first)
            found.update(numbered for numbered in recent if numbered[1].time_s >= since_s)
        return tuple(found[place] for place in sorted(found))


class Descent:
    """Which process or thread started which."""

    def __init__(self) -> None:
        self._parents: dict[int, int] = {}
        self._children: dict[int, set[int]] = {}

    def __len__(self) -> int:
        """Of how many it is known who started them."""
        return len(self._parents)

    def begin(self, child: int, parent: int) -> None:
        """One starts another, which may have a number that was another's before."""
        self.forget(child)
        if child != parent:
            self._parents[child] = parent
            self._children.setdefault(parent, set()).add(child)

    def forget(self, number: int) -> None:
        """Forget one that has ended; what it started counts from now on as started by who started it."""
        parent = self._parents.pop(number, None)
        if parent is None:
            return
        siblings = self._children[parent]
        siblings.discard(number)
        for child in self._children.pop(number, ()):
            del self._parents[child]
            if child != parent:
                self._parents[child] = parent
                siblings.add(child)
        if not siblings:
            del self._children[parent]

    def forget_oldest(self) -> None:
        """Forget the one that is known for longest."""
        self.forget(next(iter(self._parents)))

    def family(self, numbers: Iterable[int]) -> set[int]:
        """These, and all that descend from them."""
        found = set(numbers)
        more = [*found]
        while more:
            new = self._children.get(more.pop(), set()) - found
            found |= new
            more += new
        return found


def concerned(record: TraceRecord) -> set[int]:
    """The processes and threads that a record is about."""
    return {record.sender_pid, record.target_pid} if isinstance(record, Sent) else {record.pid}
