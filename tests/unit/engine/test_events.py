"""The stream of an engine's events, cut wherever it may be: each event is told once, and in order."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from harness.core.errors import EngineUnavailable
from harness.engine import events as events_module
from harness.engine.events import Events

if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT = 256
START_S = 1000
LONG_S = 30
NS = 1_000_000_000


@pytest.fixture(autouse=True, scope="module")
def _hurried() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(events_module, "_PAUSE_S", 0.001)
        yield


def event(number: int, at_ns: int) -> dict[str, Any]:
    actor = {"ID": f"c{number}", "Attributes": {"number": str(number)}}
    return {"Action": "kill", "timeNano": at_ns, "Actor": actor}


class Cut:
    """A stream that ends after so many bytes, which are those of what the engine keeps and of what comes."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    def close(self) -> None:
        self.closed.set()


class Engine:
    """Tells of its events from a time on, as Docker does: of the last ones, back to the first that is too old.

    Each stream has events that happen while it goes on, and is cut after some bytes of what it has to say.
    """

    def __init__(self, events: list[dict[str, Any]], cuts: list[tuple[int, int, int]], *, kept: int = KEPT) -> None:
        self.events = events
        self.cuts = list(cuts)
        self.kept = kept
        self.happened = 0
        self.whole = False
        self.asked: list[str] = []

    def begin(self, since: str) -> Cut:
        self.asked.append(since)
        self.whole = not self.cuts and len(self.asked) > 1
        whole, _, rest = since.partition(".")
        since_ns = int(whole) * NS + int(rest)
        new, cut, size = self.cuts.pop(0) if self.cuts else (len(self.events), 1 << 30, 7)
        old = list[dict[str, Any]]()
        for one in reversed(self.events[max(0, self.happened - self.kept) : self.happened]):
            if one["timeNano"] < since_ns:
                break
            old.insert(0, one)
        fresh = self.events[self.happened : self.happened + new]
        self.happened += len(fresh)
        data = b"".join(json.dumps(one).encode() + b"\n" for one in (*old, *fresh))[:cut]
        return Cut([data[at : at + size] for at in range(0, len(data), size)])


def told_by(engine: Engine) -> tuple[list[str], list[str]]:
    """The numbers of the events that are told until all streams are used up, and what else is."""
    told: list[str] = []
    also: list[str] = []
    over = threading.Event()

    events = Events(
        engine.begin,
        lambda one: told.append(one["Actor"]["Attributes"]["number"]),
        answers=lambda: not engine.whole,
        resumed=lambda: also.append("resumed"),
        missed=lambda: also.append("missed"),
        gone=over.set,
    )
    events.start(START_S)
    assert over.wait(LONG_S)
    events.close()
    return told, also


# Events get their times before they get in line: their order is not quite that of their times.
TIMES = st.lists(st.integers(0, 900_000_000), max_size=12, unique=True)
CUTS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 600), st.integers(1, 50)), max_size=4)


@given(jitter=TIMES, cuts=CUTS)
@example(jitter=[900_000_000, 1, 2, 0], cuts=[]).via("two of one moment")
@settings(max_examples=60, deadline=None)
def test_whatever_is_cut_each_event_is_told_once_and_in_order(
    jitter: list[int], cuts: list[tuple[int, int, int]]
) -> None:
    events = [event(number, START_S * NS + NS + number * 300_000_000 + add) for number, add in enumerate(jitter)]
    told, also = told_by(Engine(events, cuts))
    assert told == [str(number) for number in range(len(events))]
    assert "missed" not in also


def test_it_is_taken_up_from_a_moment_before_the_last_event() -> None:
    engine = Engine([event(0, START_S * NS + 5 * NS + 7), event(1, START_S * NS + 6 * NS)], [(1, 1 << 30, 9)])
    assert told_by(engine) == (["0", "1"], ["resumed"])
    assert engine.asked == ["1000.000000000", "1004.000000007"]


def test_what_the_engine_does_not_keep_is_said_to_be_missed() -> None:
    events = [event(number, START_S * NS + NS + number) for number in range(6)]
    # The second stream breaks before its first byte; four events happen meanwhile, of which two are kept.
    told, also = told_by(Engine(events, [(1, 1 << 30, 9), (4, 0, 9)], kept=2))
    assert told == ["0", "3", "4", "5"]
    assert also.count("missed") == 1


def test_what_is_no_json_breaks_the_stream_and_hides_nothing() -> None:
    class Garbled(Engine):
        def begin(self, since: str) -> Cut:
            stream = super().begin(since)
            return Cut([b"\x00\xffgarbage\n", *stream]) if len(self.asked) == 1 else stream

    told, _ = told_by(Garbled([event(0, START_S * NS + NS), event(1, START_S * NS + 2 * NS)], [(1, 1 << 30, 9)]))
    assert told == ["0", "1"]


def test_an_engine_that_cannot_be_begun_with_is_told_at_once() -> None:
    def begin(_: str) -> Cut:
        raise ConnectionRefusedError

    events = Events(begin, lambda _: None, answers=lambda: True)
    with pytest.raises(EngineUnavailable, match="does not answer"):
        events.start(START_S)


def test_closing_ends_it_and_does_not_call_the_engine_gone() -> None:
    reading, gone = threading.Event(), threading.Event()
    others = threading.enumerate()

    class Open(Cut):
        def __iter__(self) -> Iterator[bytes]:
            reading.set()
            self.closed.wait(LONG_S)
            yield from ()

    events = Events(lambda _: Open([]), lambda _: None, answers=lambda: True, gone=gone.set)
    events.start(START_S)
    assert reading.wait(LONG_S)
    events.close()
    assert not gone.is_set()
    left = [thread for thread in threading.enumerate() if thread not in others]
    assert "engine-events" not in {thread.name for thread in left}
