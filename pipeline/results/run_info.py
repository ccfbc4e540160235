"""A run and its steps, as they recorded themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from components.storage.place import Place
from pipeline.metadata.address import MetadataStoreAddress
from pipeline.results import run_properties as names
from pipeline.root import file_of

UNFINISHED = (names.FAILED, names.INTERRUPTED, names.STOPPED, names.RUNNING)
"""States of a run that did not come to its end, or has not yet."""


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
      folder: The pushed version's, or None; it may be gone.
      is_live: Whether servers answer by it: no later version lies beside it.
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
    folder: Place | None = None
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
