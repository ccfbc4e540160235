"""The runs below a root, as they recorded themselves; read in milliseconds, without TensorFlow."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from components.errors import ConfigurationError, did_you_mean
from components.place import Place
from pipeline.metadata.address import MetadataStoreAddress, SqliteFile
from pipeline.paths import shown
from pipeline.program import command_in
from pipeline.root import file_of

_LATEST = re.compile(r"latest(?:~(\d{1,6}))?")
# How many runs an error lists.
_LISTED = 5


@dataclass(frozen=True)
class StepInfo:
    """One step of one run.

    Attributes:
      name: The step's id in the pipeline.
      execution_id: Its execution in ML Metadata.
      state: done, cached, skipped (it had nothing to do), running, failed, interrupted, stopped, or
        unknown.
      seconds: Wall time; None where it did not end.
      peak_memory: The most bytes that this process and Beam's workers had in memory at once
        meanwhile; None where it was not measured.
      reason: Why it ran, or did not, in a few words; "" where that was not recorded.
    """

    name: str
    execution_id: int
    state: str
    seconds: float | None = None
    peak_memory: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class RunInfo:
    """A run. What an earlier release did not record is None, empty, or "unknown".

    Attributes:
      run_id: Its name among all runs of the root.
      pipeline_name: Of which pipeline.
      model_name: The name that its model is served under; "" if it is not known.
      started: When, with an offset from UTC.
      seconds: Wall time; None while it runs, and of one that was killed.
      state: running, complete, failed, interrupted, stopped (killed), or unknown.
      error: Why it failed, in one line.
      failed_step: The step that it failed or was interrupted in; "" if there is none.
      settings: Those that are not the defaults, and the seed.
      data_name: Short name of the data.
      data: Its `name`, `origin`, `digest`, `classes` and `reviews` by split and label.
      model: The model variant.
      accuracy: On the test split.
      interval: Its 95 % interval by Wilson's score, two shares.
      metrics: On the test split, see `EvaluationResults.overall`; None where one is not defined.
      baseline: The same of the last blessed model of then, if there was one.
      slices: By ((feature, value), ...), the reviews and the accuracy.
      is_blessed: Whether the model passed the gate, and the infra validation if there was one; None
        if the run did not come that far.
      refusals: Why it was not blessed, a sentence each.
      version: The pushed version's number, or None.
      is_live: Whether servers of this root answer by it: no later version is on the disk.
      is_comparison: Whether the model was only measured.
      versions: Of Python, of this package and of the libraries.
      commit: The git commit of the checkout that ran; "" if it is not known.
      is_dirty: Whether tracked files differed from that commit.
      fingerprints: By step, the hash of its code.
      functions: By step, the hash of each function that it reaches, by qualified name.
      steps: In the order in which they began.
      metadata: Where it is recorded; None is the file of its root.
      root: Its root.
    """

    run_id: str
    pipeline_name: str
    model_name: str
    started: datetime
    state: str
    seconds: float | None = None
    error: str = ""
    failed_step: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    data_name: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    model: str = ""
    accuracy: float | None = None
    interval: tuple[float, float] | None = None
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    baseline: Mapping[str, float | None] = field(default_factory=dict)
    slices: Mapping[tuple[tuple[str, str], ...], tuple[int, float]] = field(default_factory=dict)
    is_blessed: bool | None = None
    refusals: tuple[str, ...] = ()
    version: int | None = None
    is_live: bool = False
    is_comparison: bool = False
    versions: Mapping[str, str] = field(default_factory=dict)
    commit: str = ""
    is_dirty: bool = False
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    functions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    steps: tuple[StepInfo, ...] = ()
    metadata: MetadataStoreAddress | None = None
    root: Place | None = None

    def metadata_in(self, root: Place) -> MetadataStoreAddress:
        """Returns where it is recorded: by default in the file of its root."""
        return self.metadata or file_of(root)


def list_runs(
    root: Place,
    pipeline_name: str = "",
    model_name: str = "",
    metadata: MetadataStoreAddress | None = None,
) -> list[RunInfo]:
    """Returns the runs below a root, or all of a database that several share, the newest first.

    Args:
      root: Of the runs.
      pipeline_name: Of this pipeline alone, if it is given.
      model_name: Of those that make this model alone, if it is given.
      metadata: Where they are recorded; None is the file of the root.

    Raises:
      ConfigurationError: The root is a file, its metadata is damaged, locked or of another version,
        or there are runs but none of that pipeline or model.
    """
    from pipeline.results.stored_runs import read_runs

    if root.exists() and not root.is_dir():
        raise ConfigurationError(
            f"`root` is {shown(root)}, which is a file; expected the folder that the runs wrote to."
        )
    address = metadata or file_of(root)
    is_there = not isinstance(address, SqliteFile) or address.path.exists()
    runs = read_runs(address, root) if is_there else []
    found = [
        run
        for run in runs
        if pipeline_name in ("", run.pipeline_name) and model_name in ("", run.model_name)
    ]
    if runs and not found:
        raise ConfigurationError(_none_of(runs, root, pipeline_name, model_name))
    return found


def find_run(
    root: Place,
    name: str,
    pipeline_name: str = "",
    model_name: str = "",
    metadata: MetadataStoreAddress | None = None,
) -> RunInfo:
    """Returns the run that a name stands for.

    Args:
      root: Of the runs.
      name: An id, an unambiguous beginning of one, `latest`, or `latest~1` for the one before it.
      pipeline_name: Of this pipeline alone, if it is given.
      model_name: Of those that make this model alone, if it is given.
      metadata: Where they are recorded; None is the file of the root.

    Raises:
      ConfigurationError: There is no such run, or there are several: names the nearest; or see
        `list_runs`.
    """
    runs = list_runs(root, pipeline_name, model_name, metadata)
    if not runs:
        raise ConfigurationError(no_runs(root))
    if place := _LATEST.fullmatch(name):
        number = int(place[1] or 0)
        if number < len(runs):
            return runs[number]
        has = f"{len(runs):,} runs; the oldest is latest~{len(runs) - 1}"
        has = has if len(runs) > 1 else "one run"
        raise ConfigurationError(
            f"There is no run '{name}': {shown(root)} has {has}. {command_in(root, 'runs')} lists "
            "them."
        )
    found = [run for run in runs if run.run_id == name]
    found = found or [run for run in runs if name and run.run_id.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigurationError(f"'{name}' is the beginning of {_listed(found)}. Give more of it.")
    ids = [run.run_id for run in runs]
    nearest = did_you_mean(name, [*ids, "latest"]) or f" The newest are {_listed(runs)}."
    raise ConfigurationError(f"There is no run '{name}' in {shown(root)}.{nearest}")


def no_runs(root: Place) -> str:
    """Says that a root has no runs yet, and how to make one."""
    where = "yet" if root.is_dir() else "as there is no such folder"
    command = command_in(root, "run --data sample")
    return (
        f"There are no runs in {shown(root)} {where}. {command} makes one in a minute or two; set "
        "`root` if yours are elsewhere."
    )


def _none_of(runs: Sequence[RunInfo], root: Place, pipeline_name: str, model_name: str) -> str:
    pipelines = sorted({run.pipeline_name for run in runs})
    models = sorted({run.model_name for run in runs if run.model_name})
    if pipeline_name and pipeline_name not in pipelines:
        return (
            f"No run of the pipeline '{pipeline_name}' is in {shown(root)}. Choose from: "
            f"{', '.join(pipelines)}.{did_you_mean(pipeline_name, pipelines)}"
        )
    if model_name not in models:
        return (
            f"No run of the model '{model_name}' is in {shown(root)}. Choose from: "
            f"{', '.join(models) or 'none'}.{did_you_mean(model_name, models)}"
        )
    return f"No run of the pipeline '{pipeline_name}' makes the model '{model_name}'."


def _listed(runs: Sequence[RunInfo]) -> str:
    more = f" and {len(runs) - _LISTED:,} more" if len(runs) > _LISTED else ""
    return f"{', '.join(run.run_id for run in runs[:_LISTED])}{more}"
