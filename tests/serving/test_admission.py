"""Bytes that requests hold together, and turns at what is large."""

from __future__ import annotations

import threading
import time

import pytest

from serving.server.admission import Budget, Gate, Share, in_turns
from serving.status import Code, StatusError


def test_what_others_hold_is_unavailable_and_what_is_too_large_is_refused():
    """With both numbers and the flag; what was held before stays held."""
    budget = Budget(100)
    one, other = Share(budget), Share(budget)
    one.grow(60)
    with pytest.raises(StatusError) as error:
        other.grow(50)
    assert error.value.code is Code.UNAVAILABLE
    assert error.value.message == (
        "Requests in progress hold 60 of the 100 bytes that they may hold together "
        "(--max_bytes_in_flight), and this one needs 50. Send it again later"
    )
    with pytest.raises(StatusError) as error:
        other.grow(101)
    assert error.value.code is Code.RESOURCE_EXHAUSTED
    assert "--max_bytes_in_flight" in error.value.message
    assert budget.held == 60
    one.hold(10)
    other.grow(90)
    assert budget.held == 100


def test_the_last_part_is_kept_for_small_requests():
    """An eighth, for those of 64 KiB or less; one that needs more than the rest, gets it alone."""
    kibibyte = 2**10
    budget = Budget(1024 * kibibyte)
    one, other, small = Share(budget), Share(budget), Share(budget)
    one.grow(800 * kibibyte)
    with pytest.raises(StatusError) as error:
        other.grow(97 * kibibyte)
    assert error.value.code is Code.UNAVAILABLE
    other.grow(96 * kibibyte)
    small.grow(64 * kibibyte)
    assert budget.held == 960 * kibibyte
    other.release()
    small.release()
    one.grow(224 * kibibyte)
    assert budget.held == 1024 * kibibyte


def test_whoever_keeps_python_to_itself_rests_as_long():
    """A fifth of a second at most."""
    for seconds, rest in ((0.05, 0.05), (0.3, 0.2)):
        started = time.monotonic()
        with in_turns():
            time.sleep(seconds)
        assert time.monotonic() - started >= seconds + rest


def test_a_share_is_given_back_once():
    """By hand, or with the last reference: a request that nobody answers holds nothing."""
    budget = Budget(100)
    share = Share(budget)
    share.grow(70)
    share.release()
    share.release()
    assert budget.held == 0
    share.grow(30)
    del share
    assert budget.held == 0


def test_places_are_taken_in_order():
    """One at a time, first come first served."""
    gate, order, started = Gate(1), [], []

    def enter(number: int) -> None:
        with gate.turn():
            order.append(number)

    with gate.turn():
        for number in range(5):
            started.append(threading.Thread(target=enter, args=(number,)))
            started[-1].start()
            while len(gate._waiting) <= number:
                time.sleep(0.001)
    for thread in started:
        thread.join(10)
    assert order == [0, 1, 2, 3, 4]
    with gate.turn(time.monotonic()):
        pass


def test_a_wait_ends_at_the_deadline():
    """And leaves no place behind that nobody takes."""
    gate = Gate(1)
    with gate.turn(), pytest.raises(StatusError) as error, gate.turn(time.monotonic() + 0.05):
        pass
    assert error.value.code is Code.DEADLINE_EXCEEDED
    with gate.turn(time.monotonic() + 0.05):
        pass


def test_too_many_are_not_kept_waiting():
    """They are told so; who has begun goes on."""
    gate = Gate(0)
    gate._waiting.extend(threading.Event() for _ in range(256))
    with pytest.raises(StatusError) as error, gate.turn():
        pass
    assert error.value.code is Code.UNAVAILABLE
    assert error.value.message.startswith("256 large requests wait for their turn already.")
    with pytest.raises(StatusError) as error, gate.turn(time.monotonic(), is_first=False):
        pass
    assert error.value.code is Code.DEADLINE_EXCEEDED
