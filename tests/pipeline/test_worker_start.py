"""From how much data on worker processes are worth their start."""

from __future__ import annotations

import pytest

from pipeline.worker_start import are_worth_their_start, least_bytes


@pytest.mark.parametrize(
    ("processors", "megabytes"), [(2, 200), (4, 113), (8, 92), (1_000, 78), (1, float("inf"))]
)
def test_more_processors_make_up_for_the_start_sooner(processors, megabytes):
    """By hand: 29 s / (0.37 - 0.45 / processors) s/MB; one worker never does."""
    assert least_bytes(processors) / 1e6 == pytest.approx(megabytes, rel=0.01)


def test_without_a_number_there_is_one_for_each_processor(monkeypatch):
    """Of those that this process may use."""
    for processors, expected in ((1, False), (2, False), (3, True)):
        monkeypatch.setattr("os.sched_getaffinity", lambda _, n=processors: set(range(n)))
        assert are_worth_their_start(180_000_000) is expected
    assert are_worth_their_start(300_000_000, 2)
