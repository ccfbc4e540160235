"""Steps of a TFX pipeline, run in a process of their own, and what each of them takes.

The process that runs them, started by `run_steps`, writes when each step began and ended and its
processor time; the one that started it looks at the memory meanwhile.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measuring import Measurement, measure
from pipeline.runners.announcements import announced_to

if TYPE_CHECKING:
    from tfx.orchestration.pipeline import Pipeline

_PROJECT = Path(__file__).parents[1]
_RUN_ID = "benchmark"


@dataclass(frozen=True)
class StepTimes:
    """What a step took.

    Attributes:
      began: Seconds since the epoch.
      ended: The same.
      processor: Seconds of all processors, in this process and in those that it started.
    """

    began: float
    ended: float
    processor: float

    @property
    def seconds(self) -> float:
        """Returns the wall time."""
        return self.ended - self.began


@dataclass(frozen=True)
class StepFigures:
    """What a step took, seen from outside as well.

    Attributes:
      seconds: Wall time.
      processor: Seconds of all processors.
      peak: Bytes of the whole tree of processes; shared pages are counted once.
      main: Most bytes of the process that runs the pipeline; shared pages are counted in full.
      worker: Most bytes of one of Beam's workers, counted so; 0 if there was none.
    """

    seconds: float
    processor: float
    peak: int
    main: int
    worker: int


class StepClock:
    """Notes what each step takes."""

    def __init__(self) -> None:
        """Nothing ran yet."""
        self.times: dict[str, StepTimes] = {}
        self._began = self._processor = 0.0

    def step_started(self, step: str) -> None:
        """The step of that name begins."""
        self._began, self._processor = time.time(), _processor_seconds()

    def step_cached(self, step: str, execution_id: int) -> None:
        """Its outputs are taken from the cache."""

    def step_finished(self, step: str) -> None:
        """The step ended well."""
        used = _processor_seconds() - self._processor
        self.times[step] = StepTimes(self._began, time.time(), used)


def _processor_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def only(pipeline: Pipeline, steps: Iterable[str]) -> Pipeline:
    """Returns a pipeline of some steps; those that they read from must be among them."""
    from tfx.orchestration.pipeline import Pipeline

    names = set(steps)
    for step in pipeline.components:
        for later in list(step.downstream_nodes):
            if later.id not in names:
                later.remove_upstream_node(step)
    return Pipeline(
        pipeline_name=pipeline.pipeline_info.pipeline_name,
        pipeline_root=pipeline.pipeline_info.pipeline_root,
        components=[step for step in pipeline.components if step.id in names],
        enable_cache=False,
        metadata_connection_config=pipeline.metadata_connection_config,
        beam_pipeline_args=pipeline.beam_pipeline_args,
    )


def run_timed(pipeline: Pipeline, output: Path) -> None:
    """Runs a pipeline in this process, and writes what each step took as JSON."""
    from components.tfx_base.tfx_adapter import run_locally

    clock = StepClock()
    with announced_to(clock):
        run_locally(pipeline, _RUN_ID)
    times = {step: asdict(each) for step, each in clock.times.items()}
    output.write_text(json.dumps(times), encoding="utf-8")


def run_steps(module: str, arguments: Sequence[str], output: Path) -> dict[str, StepFigures]:
    """Runs a module that calls `run_timed(..., output)`; returns what each step took.

    Raises:
      SystemExit: It failed; the end of what it printed is shown.
    """
    measurement = measure([sys.executable, "-m", module, *arguments], _PROJECT)
    if measurement.exit_code or not output.is_file():
        sys.exit(f"exit code {measurement.exit_code}:\n{measurement.output[-3_000:]}")
    times = json.loads(output.read_text(encoding="utf-8"))
    return {step: _figures(StepTimes(**each), measurement) for step, each in times.items()}


def _figures(times: StepTimes, measurement: Measurement) -> StepFigures:
    looks = [look for look in measurement.looks if times.began <= look.at <= times.ended]
    return StepFigures(
        times.seconds,
        times.processor,
        max((look.tree for look in looks), default=0),
        max((look.main for look in looks), default=0),
        max((look.largest_other for look in looks), default=0),
    )
