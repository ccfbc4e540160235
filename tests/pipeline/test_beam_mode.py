"""Whether Beam runs in one process or in several."""

from __future__ import annotations

import pytest

from pipeline.beam_mode import are_worth_their_start, choose_mode, least_bytes
from pipeline.config import PipelineConfig


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


@pytest.mark.parametrize(
    ("settings", "small", "large"),
    [
        ({}, "in_memory", "multi_processing"),
        ({"beam_workers": 0}, "in_memory", "multi_processing"),
        ({"beam_workers": 1}, "in_memory", "in_memory"),
        ({"beam_workers": 2}, "multi_processing", "multi_processing"),
        ({"beam_mode": "in_memory", "beam_workers": 2}, "in_memory", "in_memory"),
        ({"beam_mode": "multi_processing"}, "multi_processing", "multi_processing"),
    ],
)
def test_several_processes_are_for_large_data_or_for_whom_asks_for_them(
    monkeypatch, settings, small, large
):
    """What is said of mode and number wins over the size."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    config = PipelineConfig(**settings)
    assert choose_mode(config.beam_mode, config.engine.processes) == small
    assert choose_mode(config.beam_mode, config.engine.processes, 1_000_000_000) == large
