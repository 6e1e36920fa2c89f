"""Signals by number and name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import ExitCode, UsageError
from harness.core.signals import DEFAULT_SIGNALS, Signal, catchable_signals, mask_signals, parse_signal

NAMED = st.integers(min_value=1, max_value=64).filter(lambda number: number not in {9, 19, 32, 33})
CASES = st.sampled_from([str.upper, str.lower, str.title])


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("HUP", 1),
        ("SIGHUP", 1),
        ("1", 1),
        ("sighup", 1),
        (" SIGTERM\n", 15),
        ("RTMIN", 34),
        ("RTMIN+3", 37),
        ("SIGRTMIN+3", 37),
        ("rtmax-1", 63),
        ("RTMAX", 64),
        ("RTMAX-30", 34),
        ("RTMIN+30", 64),
        ("64", 64),
        ("IOT", 6),
        ("CLD", 17),
        ("POLL", 29),
        ("UNUSED", 31),
    ],
)
def test_a_signal_is_read(text: str, number: int) -> None:
    assert parse_signal(text) == Signal(number)


@pytest.mark.parametrize("text", ["KILL", "sigkill", "9", "STOP", "SIGSTOP", "19"])
def test_a_signal_nobody_can_catch_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^SIG(KILL|STOP) cannot be caught by any process"):
        parse_signal(text)


@pytest.mark.parametrize(
    "text",
    [
        *("0", "65", "-1", "99999", "", " ", "SIG", "SIGSIGTERM", "TERMINATE", "1.5", "HUP,TERM"),
        *("RTMAX+1", "RTMIN-1", "RTMIN+31", "RTMAX-31", "RTMIN+", "RTMIN+3x", "RT"),
    ],
)
def test_what_is_no_signal_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_signal(text)
    assert caught.value.message == f"{text!r} is not a signal"
    assert caught.value.exit_code is ExitCode.USAGE
    assert "RTMIN+3" in caught.value.remedy


@given(st.text())
def test_any_text_is_a_catchable_signal_or_a_usage_error(text: str) -> None:
    try:
        signal = parse_signal(text)
    except UsageError:
        return
    assert 1 <= signal.number <= 64
    assert signal.catchable


@given(NAMED, CASES)
def test_a_name_reads_back_as_the_same_signal(number: int, case: object) -> None:
    name = Signal(number).name
    assert callable(case)
    assert parse_signal(case(name)).number == number
    assert parse_signal(case(name.removeprefix("SIG"))).number == number
    assert parse_signal(str(number)).number == number


def test_no_two_signals_share_a_name() -> None:
    names = [Signal(number).name for number in range(1, 65)]
    assert len(set(names)) == 64


@pytest.mark.parametrize(("number", "name"), [(15, "SIGTERM"), (29, "SIGIO"), (34, "SIGRTMIN"), (37, "SIGRTMIN+3")])
def test_the_name_shown(number: int, name: str) -> None:
    assert Signal(number).name == name
    assert str(Signal(number)) == name


@pytest.mark.parametrize("number", [32, 33])
def test_the_c_librarys_own_signals_are_shown_by_number(number: int) -> None:
    assert Signal(number).name == str(number)


def test_a_mask_names_its_signals() -> None:
    assert [signal.name for signal in mask_signals(0x4001 | 1 << 63)] == ["SIGHUP", "SIGTERM", "SIGRTMIN+30"]


@given(st.integers(min_value=0, max_value=2**64 - 1))
def test_a_mask_is_the_sum_of_its_signals(mask: int) -> None:
    assert sum(1 << (signal.number - 1) for signal in mask_signals(mask)) == mask


def test_twenty_nine_standard_signals_can_be_caught() -> None:
    catchable = catchable_signals()
    assert len(catchable) == 29
    assert list(catchable) == sorted(set(catchable))
    assert not {9, 19} & {signal.number for signal in catchable}


def test_the_default_signals() -> None:
    assert [signal.name for signal in DEFAULT_SIGNALS] == ["SIGHUP", "SIGTERM"]


@pytest.mark.parametrize("text", ["1" * 5000, "٣"])
def test_odd_digits_are_no_signal(text: str) -> None:
    with pytest.raises(UsageError, match="is not a signal"):
        parse_signal(text)
