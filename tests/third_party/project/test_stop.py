"""A project of somebody else's, with signal-harness installed as any other package: an image that it is about."""

from __future__ import annotations

import os

import pytest

from harness.testing import assert_forwards, assert_graceful_stop

IMAGE = os.environ["IMAGE"]
GOOD = ["node", "-e", "process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1000)"]
WRAPPED = ["sh", "-c", 'node -e "setInterval(() => {}, 1000)"; true']


def test_it_is_stopped_well():
    assert_graceful_stop(IMAGE, within=5, command=GOOD)


def test_it_gets_the_signal():
    assert_forwards(IMAGE, "SIGTERM", command=GOOD)


def test_it_ends(signal_container):
    container = signal_container(IMAGE, command=GOOD)
    container.send("SIGTERM")
    assert container.wait_for_exit(5) == 0


def test_two_at_once(signal_container):
    first, second = (signal_container(IMAGE, command=GOOD) for _ in range(2))
    first.send("TERM")
    assert first.wait_for_exit(5) == 0
    assert second.process_tree()


@pytest.mark.parametrize("within", [1])
def test_a_shell_in_front_is_caught(within):
    assert_graceful_stop(IMAGE, within=within, command=WRAPPED)
