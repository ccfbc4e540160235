"""`sentiment run --plan`: finds the data as a run would, and shows what the run would do."""

from __future__ import annotations

import os
from collections.abc import Sequence

from components import progress
from pipeline.config import PipelineConfig
from pipeline.console.terminal import Console
from pipeline.loading import read_environment
from pipeline.paths import shown
from pipeline.planning.plan import PlannedStep, plan
from pipeline.planning.reason_words import RUNS_EVERY_TIME
from pipeline.resolution import resolve


def show_plan(config: PipelineConfig, console: Console) -> None:
    """Tells `console` which steps a run would execute.

    Raises:
      SentimentError: The run would not start either, or the root's metadata cannot be read.
    """
    with progress.listening(console.progress):
        run = resolve(config, read_environment(os.environ), console.notice, note=console.note)
    console.plan_started(run.pipeline_name, config.model, run.source.name, shown(run.root))
    steps = plan(run)
    for each in steps:
        console.step_planned(each.step, each.will_run, each.reason, each.seconds_last)
    running = steps_to_count(steps)
    known = [each.seconds_last for each in running if each.seconds_last is not None]
    console.plan_ended(len(running), len(steps), sum(known), len(running) - len(known))


def steps_to_count(steps: Sequence[PlannedStep]) -> list[PlannedStep]:
    """Returns the steps that would run; none if these are only ones that run every time."""
    running = [each for each in steps if each.will_run]
    return [] if all(each.reason == RUNS_EVERY_TIME for each in running) else running
