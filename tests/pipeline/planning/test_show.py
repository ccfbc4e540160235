"""What the last line of a plan counts."""

from __future__ import annotations

from pipeline.planning.plan import PlannedStep
from pipeline.planning.reason_words import RUNS_EVERY_TIME
from pipeline.planning.show import steps_to_count

LOOKS = PlannedStep("LatestBlessedModel", True, RUNS_EVERY_TIME, 0.2)
EDITED = PlannedStep("Trainer", True, "--seed is 8, was 7", 60.0)
CACHED = PlannedStep("Transform", False, "nothing changed", 9.0)


def test_all_steps_that_are_listed_as_to_run_are_counted():
    """As the panel of a run counts them, one that only looks for something among them."""
    assert steps_to_count([CACHED, EDITED, LOOKS]) == [EDITED, LOOKS]


def test_steps_that_only_look_anew_are_no_change():
    """Then nothing is to be run."""
    assert steps_to_count([CACHED, LOOKS]) == []
