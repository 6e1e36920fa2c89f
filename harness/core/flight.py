"""Work in flight as a container is told to stop: what became of requests that were under way, and of new ones. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_ERRORS_FROM: Final = 400
"""RFC 9110, 15: 4xx and 5xx are errors."""


class End(StrEnum):
    """How a request ended.

    ``ANSWERED``: the answer came whole. ``RESET``: the connection was reset (RST). ``CUT``: it was closed before the
    answer was whole, or the container ended. ``REFUSED``: nobody took the connection. ``CLOSED``: a proxy of the engine
    closed it without an answer, so that whether the app refused the request or lost it is not known.
    """

    ANSWERED = "answered"
    RESET = "reset"
    CUT = "cut"
    REFUSED = "refused"
    CLOSED = "closed without an answer"


_LOST: Final = (End.RESET, End.CUT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Exchange:
    """One request: when it was begun and when it ended, in nanoseconds of the monotonic clock; and how.

    ``status`` is that of the answer, as far as it came. ``taken`` says whether the app had read the request before the
    stop; ``None`` where that cannot be seen.
    """

    began_ns: int
    ended_ns: int
    end: End
    status: int | None = None
    taken: bool | None = None

    @property
    def failed(self) -> bool:
        """Whether it was answered with an error."""
        return self.end is End.ANSWERED and self.status is not None and self.status >= _ERRORS_FROM


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """All requests of a run: those sent before the stop, and those tried from then on.

    ``more`` says whether there were so many unanswered new ones at once that no more were tried for a while.
    """

    sent: tuple[Exchange, ...]
    new: tuple[Exchange, ...]
    more: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Flight:
    """The requests that were in flight as the stop signal came, and the new ones that were tried after it.

    ``told_ns`` is when the signal was sent, in nanoseconds of the monotonic clock, or the latest moment at which it may
    have been. ``before`` is how many requests had ended by then, ``more`` is as in `Traffic`.
    """

    in_flight: tuple[Exchange, ...]
    before: int = 0
    new: tuple[Exchange, ...]
    told_ns: int
    more: bool = False

    @property
    def lost(self) -> int:
        """How many of the requests in flight were not answered whole."""
        return sum(one.end is not End.ANSWERED for one in self.in_flight)

    @property
    def failed(self) -> Exchange | None:
        """One of the requests in flight that was answered with an error."""
        return next((one for one in self.in_flight if one.failed), None)

    @property
    def ends(self) -> Mapping[End, int]:
        """How often a request in flight ended in which way."""
        return Counter(one.end for one in self.in_flight)

    @property
    def accepting_s(self) -> float:
        """How long after the signal a new request was begun that was still answered whole, and with no error."""
        good = [one.began_ns for one in self.new if one.end is End.ANSWERED and not one.failed]
        return max(0.0, (max(good, default=0) - self.told_ns) / 1e9)

    @property
    def turned_away(self) -> tuple[Exchange, ...]:
        """The new requests behind the last one that was answered."""
        answered = max((one.began_ns for one in self.new if one.end is End.ANSWERED and not one.failed), default=0)
        return tuple(one for one in self.new if one.began_ns > max(answered, self.told_ns))

    @property
    def new_lost(self) -> int:
        """How many new requests were taken and then lost."""
        return sum(one.end in _LOST for one in self.new if one.began_ns >= self.told_ns)

    @property
    def then(self) -> str | None:
        """What became of a new request once none was answered any more; ``None`` if none came after."""
        away = self.turned_away
        if not away:
            return None
        counts = Counter("answered with an error" if one.failed else one.end.value for one in away)
        return counts.most_common(1)[0][0]

    @property
    def facts(self) -> dict[str, int | float | bool | str | None]:
        """All of it for other programs."""
        ends = self.ends
        return {
            "in_flight": len(self.in_flight),
            "in_flight_answered": ends[End.ANSWERED],
            "in_flight_reset": ends[End.RESET],
            "in_flight_cut": len(self.in_flight) - ends[End.ANSWERED] - ends[End.RESET],
            "before_the_stop": self.before,
            "in_flight_not_taken": sum(one.taken is False for one in self.in_flight),
            "accepting_s": round(self.accepting_s, 3),
            "new_requests": len(self.new),
            "new_lost": self.new_lost,
            "new_then": self.then,
        }


def flight(traffic: Traffic, *, sent_ns: tuple[int, int]) -> Flight | str:
    """What was in flight as the stop signal came.

    Args:
        traffic: all requests.
        sent_ns: the moments between which the signal was sent.

    Returns:
        Why nothing is known to have been in flight, if so. A request that was answered between those moments may have
        been answered before the signal, and is not counted. One that was broken off is: an app that has just taken
        it breaks it off because of something.
    """
    earliest, latest = sent_ns
    in_flight = tuple(
        one for one in traffic.sent if (one.ended_ns > latest if one.end is End.ANSWERED else one.ended_ns >= earliest)
    )
    if not in_flight:
        return not_in_flight(traffic.sent)
    before = len(traffic.sent) - len(in_flight)
    return Flight(in_flight=in_flight, before=before, new=traffic.new, told_ns=latest, more=traffic.more)


def not_in_flight(sent: Sequence[Exchange]) -> str:
    """Why nothing was in flight, with what to do, by requests that ended before the stop."""
    which = "the request" if len(sent) == 1 else f"each of the {len(sent)} requests"
    broken = next((one for one in sent if one.end is not End.ANSWERED), None)
    if broken is not None:
        ended = f"{which} ended before the stop, and one was {broken.end}, so nothing was in flight"
        return f"{ended}: see the app's log, and whether it listens on that port on all addresses"
    longest = max(sent, key=lambda one: one.ended_ns - one.began_ns)
    took = f"status {longest.status}, after {(longest.ended_ns - longest.began_ns) / 1e9:.3f} s"
    return (
        f"{which} was complete before the stop ({took}), so nothing was in flight: "
        "give --request a path whose answer takes longer"
    )


def lost(flown: Flight) -> str:
    """What became of the requests in flight that were lost, as a clause: ``2 of 3 requests in flight were cut``."""
    ends: dict[End, int] = {end: count for end, count in flown.ends.items() if end is not End.ANSWERED}
    number, total = sum(ends.values()), len(flown.in_flight)
    several = f"all {total} requests in flight" if number == total else f"{number} of {total} requests in flight"
    subject = "the request in flight" if total == 1 else several
    were = "was" if number == 1 else "were"
    if len(ends) == 1:
        return f"{subject} {were} {next(iter(ends))}"
    return f"{subject} {were} lost ({_counted(ends)})"


def answered(flown: Flight) -> str:
    """The requests in flight that were answered, as an object: ``the 3 requests in flight``."""
    return "the request in flight" if len(flown.in_flight) == 1 else f"the {len(flown.in_flight)} requests in flight"


def told(flown: Flight) -> str:
    """All of it for people: the requests in flight, and the new ones."""
    number = len(flown.in_flight)
    waiting = sum(one.taken is False for one in flown.in_flight)
    parts = [f"{number} request{'' if number == 1 else 's'} in flight: {_counted(flown.ends)}"]
    if waiting:
        parts[0] += f" ({waiting} not yet read by the app as the stop came)"
    if flown.before:
        parts[0] += f" ({flown.before} more ended before the stop)"
    least = "at least " if flown.more else ""
    then = f", then {flown.then}" if flown.then else ""
    parts.append(f"new requests: accepting for {least}{flown.accepting_s:.2f} s after the signal{then}")
    if flown.new_lost:
        were = "was" if flown.new_lost == 1 else "were"
        parts.append(
            f"{flown.new_lost} of {len(flown.new)} new ones {were} accepted and then lost, "
            "which is work lost where a load balancer still sends traffic"
        )
    return "; ".join(parts)


def _counted(ends: Mapping[End, int]) -> str:
    """How many ended in which way: ``1 answered, 2 cut``."""
    return ", ".join(f"{ends[end]} {end}" for end in End if ends.get(end))


def sent_between(times: Iterable[float], *, began_ns: int, told_ns: int) -> tuple[int, int]:
    """The moments between which a signal was sent, in nanoseconds.

    Args:
        times: when it was sent by the kernel's record, in seconds of the monotonic clock; none without a record.
        began_ns: before that it was not.
        told_ns: by then it was, as the engine has told of it.
    """
    first = min((round(time * 1e9) for time in times), default=None)
    return (began_ns, told_ns) if first is None else (first, first)
