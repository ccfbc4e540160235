"""What a command took is seen from outside."""

from __future__ import annotations

import sys

import pytest

from benchmarks import steps
from benchmarks.in_turns import Times, in_turns, ratios
from benchmarks.measuring import Look, Measurement, measure

_CHILD = """
import subprocess, sys, time
held = b"x" * 50_000_000
held_by_child = "import time; held = b'x' * 120_000_000; time.sleep(2)"
child = subprocess.Popen([sys.executable, "-c", held_by_child])
sum(range(10_000_000))
child.wait()
print("done")
"""


def test_memory_of_the_main_process_and_of_its_largest_child_are_told_apart(tmp_path):
    """And the processor time of all of them, and what they printed."""
    found = measure([sys.executable, "-c", _CHILD], tmp_path)
    assert (found.exit_code, found.output) == (0, "done\n")
    assert found.processor > 0.1
    assert 50e6 < max(look.main for look in found.looks) < 110e6
    assert 120e6 < max(look.largest_other for look in found.looks) < 180e6
    assert found.peak_bytes > 170e6


def test_a_step_has_the_peaks_of_its_own_time():
    """Of looks before and after it, none counts."""
    looks = tuple(Look(at, at * 10, at * 2, at) for at in (1, 2, 3, 4))
    measurement = Measurement(5.0, 1.0, looks, "", 0)
    figures = steps._figures(steps.StepTimes(1.5, 3.5, 0.25), measurement)
    assert figures == steps.StepFigures(2.0, 0.25, 30, 6, 3)


def test_ways_take_turns_and_the_first_changes():
    """Each is run once a turn."""
    order = []
    ways = {name: (lambda turn, name=name: order.append((turn, name))) for name in "ab"}
    times = in_turns(ways, 2)
    assert order == [(0, "b"), (0, "a"), (1, "a"), (1, "b")]
    assert [len(times[name].wall) for name in "ab"] == [2, 2]


@pytest.mark.parametrize(
    ("wall", "expected"), [([1.0, 2.0, 3.0], (0.75, 1.0, 1.25)), ([2.0], (1.0, 1.0, 1.0))]
)
def test_ratios_have_their_quartiles(wall, expected):
    """Of a single turn they are its ratio."""
    figures = ratios(Times(wall, wall), Times([2.0] * len(wall), [1.0] * len(wall)))
    names = ("ratio, lower quartile", "ratio", "ratio, upper quartile")
    assert tuple(figures[f"wall: {name}"] for name in names) == expected
