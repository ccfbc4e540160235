"""What a person wants to know of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from components import features
from components.evaluator.lift import LargerClass
from components.evaluator.significance import Pairs
from components.infra_validator.outcome import Outcome

if TYPE_CHECKING:
    from components.cross_validator.figures import CrossValidation


@dataclass(frozen=True)
class SliceRow:
    """How accurate the model is on a part of the test split.

    Attributes:
      feature: What the slice is by, e.g. "length" or "product+language".
      value: Which part, e.g. "1-100" or "shoes, de".
      examples: Reviews in it.
      accuracy: Share of them that is judged right.
    """

    feature: str
    value: str
    examples: int
    accuracy: float


@dataclass(frozen=True)
class ClassRow:
    """How well the model knows one class of the test split.

    Attributes:
      name: The class's.
      reviews: How many there are of it.
      precision: Share of the model's decisions on it that are right; NaN without any.
      recall: Share of its reviews that are judged right; NaN without any.
    """

    name: str
    reviews: int
    precision: float
    recall: float


@dataclass(frozen=True)
class Mistake:
    """How often the reviews of one class are taken for another.

    Attributes:
      name: The class that they have.
      taken_for: The one that the model decides on.
      reviews: How many.
    """

    name: str
    taken_for: str
    reviews: int


@dataclass(frozen=True)
class RunSummary:
    """The outcome of a run.

    Attributes:
      pipeline_name: Name of the pipeline.
      model: The model variant that was trained.
      data_name: Short name of the data.
      counts: Reviews by split.
      leaks: Distinct texts that are in both train and test.
      dropped_leaks: Reviews that were taken out of train for it.
      bad_records: Records that could not be read.
      left_out: Reviews of labels that were not asked for, by reason: {"labelled '3'": 51}.
      metrics: On the test split, see `EvaluationResults.overall`.
      min_accuracy: The gate's least accuracy; None asks for none.
      min_lift: By how much it must be proven better than always saying the largest class; 0 asks
        for nothing.
      baseline_accuracy: The last blessed model's accuracy on the same reviews, if there is one.
      max_regression: How much less accurate than that a model may be.
      larger_class: The class that the test split has most of, and its share.
      margin: How far other reviews may move the accuracy; see `wilson.margin`.
      passed_gate: Whether the Evaluator blessed the model.
      refusals: Why the model was not blessed, a sentence each, and what to try.
      infra_validation: What a model server made of it; None if none was asked.
      slices: Accuracy by parts of the test split.
      pushed_to: The version's folder, or None.
      executed: Steps that ran.
      cached: Steps that were taken from the cache.
      seconds: Wall time of the run.
      log_path: Where every log line is.
      next_commands: (what for, command) pairs to try next.
      is_sample: Whether the reviews are the generated sample's.
      classes: Names of the classes, by label.
      min_macro_f1: The gate's least macro F1; None asks for none.
      baseline_macro_f1: The last blessed model's macro F1, if there is one.
      class_rows: Of more than two classes, each of them.
      mistakes: Of more than two classes, the most frequent mistakes first.
      tokens: What the model reads: words, characters or character_pairs.
      chosen_because: Why it is this variant, in a sentence; "" where it was asked for.
      decided_because: Which threshold it decides at, and why; "" at 0.5 unasked.
      cross_validation: What the gate's minimums hold for instead of the test split, if it was asked
        for.
      other_slices: By column that slices are by, how many test reviews have a value too rare for a
        slice of its own; see `ReadingReport.other_slices`.
      pairs: How many reviews it, and the last blessed model, alone judge right; None if there is
        no such model, or no predictions were kept.
      by_significance: Whether the gate compares with that model by `pairs` instead of points.
      advice: What to try, a sentence each, where the model is worth little, blessed or not.
      macro_f1_margin: How far other reviews may move the macro F1; see `macro_f1_margin`.
      page: Where the page of the run is; None if none was asked for, or written.
    """

    pipeline_name: str
    model: str
    data_name: str
    counts: Mapping[str, int]
    leaks: int
    dropped_leaks: int
    bad_records: int
    left_out: Mapping[str, int]
    metrics: Mapping[str, float]
    min_accuracy: float | None
    baseline_accuracy: float | None
    max_regression: float
    larger_class: LargerClass
    margin: float
    passed_gate: bool
    refusals: tuple[str, ...]
    infra_validation: Outcome | None
    slices: tuple[SliceRow, ...]
    pushed_to: str | None
    executed: tuple[str, ...]
    cached: tuple[str, ...]
    seconds: float
    log_path: str
    next_commands: tuple[tuple[str, str], ...]
    is_sample: bool = False
    classes: tuple[str, ...] = features.CLASSES
    min_macro_f1: float | None = None
    baseline_macro_f1: float | None = None
    class_rows: tuple[ClassRow, ...] = ()
    mistakes: tuple[Mistake, ...] = ()
    tokens: str = "words"
    min_lift: float = 0.0
    chosen_because: str = ""
    decided_because: str = ""
    cross_validation: CrossValidation | None = None
    macro_f1_margin: float = float("nan")
    other_slices: Mapping[str, int] = field(default_factory=dict)
    page: str | None = None
    pairs: Pairs | None = None
    by_significance: bool = False
    advice: tuple[str, ...] = ()

    @property
    def is_blessed(self) -> bool:
        """Whether the model passed the gate, and the infra validation if there was one."""
        return self.passed_gate and not (self.infra_validation and self.infra_validation.refusal)
