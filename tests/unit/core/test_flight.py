"""What was in flight as a stop signal came, and what is said of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.core.flight import (
    End,
    Exchange,
    Flight,
    Traffic,
    answered,
    flight,
    lost,
    not_in_flight,
    sent_between,
    told,
)

MS = 1_000_000
SENT_NS = 1_000 * MS


def ended(at_ms: int, end: End = End.ANSWERED, *, began_ms: int = 500, status: int | None = 200) -> Exchange:
    return Exchange(
        began_ns=began_ms * MS, ended_ns=at_ms * MS, end=end, status=status if end is End.ANSWERED else None
    )


def tried(at_ms: int, end: End = End.ANSWERED, status: int | None = 200) -> Exchange:
    return ended(at_ms + 1, end, began_ms=at_ms, status=status)


def flown(*in_flight: Exchange, new: tuple[Exchange, ...] = (), more: bool = False) -> Flight:
    found = flight(Traffic(sent=in_flight, new=new, more=more), sent_ns=(SENT_NS, SENT_NS))
    assert isinstance(found, Flight), found
    return found


ANSWERED, CUT, RESET = ended(1500), ended(1100, End.CUT), ended(1100, End.RESET)


def test_what_ends_before_the_signal_was_not_in_flight() -> None:
    found = flown(ANSWERED, ended(999), ended(800, End.CUT))
    assert (found.in_flight, found.before, found.lost) == ((ANSWERED,), 2, 0)


@pytest.mark.parametrize(
    ("at_ms", "end", "counts"),
    [
        (1000, End.ANSWERED, False),
        (1010, End.ANSWERED, False),
        (1021, End.ANSWERED, True),
        (1010, End.CUT, True),
        (1000, End.CUT, True),
        (999, End.CUT, False),
    ],
)
def test_an_answer_while_the_signal_was_sent_may_have_come_before_it(at_ms: int, end: End, counts: bool) -> None:
    found = flight(Traffic(sent=(ended(at_ms, end),), new=()), sent_ns=(1000 * MS, 1020 * MS))
    assert isinstance(found, Flight) is counts


def test_nothing_in_flight_is_told_with_what_to_do() -> None:
    assert not_in_flight([ended(503)]) == (
        "the request was complete before the stop (status 200, after 0.003 s), so nothing was in flight: "
        "give --request a path whose answer takes longer"
    )
    assert not_in_flight([ended(503), ended(900, status=404)]).startswith(
        "each of the 2 requests was complete before the stop (status 404, after 0.400 s)"
    )
    assert not_in_flight([ended(503, End.RESET)]) == (
        "the request ended before the stop, and one was reset, so nothing was in flight: see the app's log, "
        "and whether it listens on that port on all addresses"
    )


@pytest.mark.parametrize(
    ("in_flight", "words"),
    [
        ((CUT,), "the request in flight was cut"),
        ((RESET, RESET), "all 2 requests in flight were reset"),
        ((ANSWERED, CUT, CUT), "2 of 3 requests in flight were cut"),
        ((ANSWERED, CUT), "1 of 2 requests in flight was cut"),
        ((CUT, RESET, ANSWERED), "2 of 3 requests in flight were lost (1 reset, 1 cut)"),
    ],
)
def test_what_was_lost_in_words(in_flight: tuple[Exchange, ...], words: str) -> None:
    found = flown(*in_flight)
    assert lost(found) == words
    assert found.lost == len([one for one in in_flight if one is not ANSWERED])


def test_what_was_answered_in_words() -> None:
    assert answered(flown(ANSWERED)) == "the request in flight"
    assert answered(flown(ANSWERED, ANSWERED)) == "the 2 requests in flight"


def test_how_long_new_ones_are_accepted_counts_from_the_signal() -> None:
    new = (tried(900), tried(1000), tried(1250), tried(1270, End.REFUSED), tried(1290, End.REFUSED))
    found = flown(ANSWERED, new=new)
    assert (found.accepting_s, found.then, found.new_lost) == (0.25, "refused", 0)
    assert told(found) == (
        "1 request in flight: 1 answered; new requests: accepting for 0.25 s after the signal, then refused"
    )


def test_before_the_signal_is_not_after_it() -> None:
    found = flown(ANSWERED, new=(tried(900), tried(950, End.CUT)))
    assert (found.accepting_s, found.then, found.new_lost) == (0.0, None, 0)
    assert told(found).endswith("accepting for 0.00 s after the signal")


def test_new_ones_that_are_lost_are_said_to_be() -> None:
    found = flown(CUT, new=(tried(1020), tried(1040, End.CUT), tried(1060, End.RESET), tried(1080, End.CUT)))
    assert (found.new_lost, found.then) == (3, "cut")
    assert told(found).endswith(
        "then cut; 3 of 4 new ones were accepted and then lost, which is work lost where a load balancer still sends "
        "traffic"
    )


def test_an_error_is_no_answer_to_a_new_one_nor_does_it_count_as_lost() -> None:
    found = flown(ANSWERED, new=(tried(1020), tried(1040, status=503)))
    assert (found.accepting_s, found.then, found.new_lost) == (0.02, "answered with an error", 0)


def test_an_error_in_flight_is_known() -> None:
    assert flown(ANSWERED, ended(1200, status=503)).failed == ended(1200, status=503)
    assert flown(ANSWERED, ended(1200, status=302)).failed is None
    assert flown(CUT).failed is None


def test_what_a_proxy_hides_is_neither_lost_nor_refused() -> None:
    found = flown(ANSWERED, new=(tried(1020, End.CLOSED),))
    assert (found.then, found.new_lost) == ("closed without an answer", 0)


def test_too_many_unanswered_ones_are_a_lower_bound() -> None:
    assert "accepting for at least 0.20 s" in told(flown(ANSWERED, new=(tried(1200),), more=True))


def test_what_the_app_had_not_read_and_what_was_over_are_told() -> None:
    found = flown(ANSWERED, replace(RESET, taken=False), ended(700))
    assert told(found).startswith(
        "2 requests in flight: 1 answered, 1 reset (1 not yet read by the app as the stop came) "
        "(1 more ended before the stop)"
    )


def test_the_facts_are_numbers() -> None:
    found = flown(ANSWERED, CUT, replace(RESET, taken=False), ended(700), new=(tried(1020), tried(1040, End.REFUSED)))
    assert found.facts == {
        "in_flight": 3,
        "in_flight_answered": 1,
        "in_flight_reset": 1,
        "in_flight_cut": 1,
        "before_the_stop": 1,
        "in_flight_not_taken": 1,
        "accepting_s": 0.02,
        "new_requests": 2,
        "new_lost": 0,
        "new_then": "refused",
    }


def test_the_kernels_record_says_when_the_signal_was_sent_else_the_engine_does() -> None:
    assert sent_between([2.5, 2.25], began_ns=1, told_ns=9) == (2_250_000_000, 2_250_000_000)
    assert sent_between([], began_ns=1, told_ns=9) == (1, 9)
