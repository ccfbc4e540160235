"""What stands on the page of a run. Each part is there, or says in one line why it is not."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from components.errors import summary_of
from components.evaluator.confusion import Confusion
from components.evaluator.lift import LargerClass
from components.infra_validator.outcome import Outcome
from components.models.training_record import CurvePoint
from components.transform.token_settings import WORDS
from pipeline.results.insight.curves import Calibration, Curve, ThresholdTable
from pipeline.results.insight.label_errors import LabelErrors
from pipeline.results.insight.near_duplicates import NearDuplicates
from pipeline.results.lineage import Lineage
from pipeline.results.run_info import RunInfo
from pipeline.results.summary import SliceRow

if TYPE_CHECKING:
    # It needs TensorFlow, which the page of a run that failed early does not.
    from pipeline.results.insight.data_facts import DataFacts


T = TypeVar("T")


@dataclass(frozen=True)
class Missing:
    """Takes the place of a part that is not there.

    Attributes:
      why: One sentence.
      is_unmade: Whether the run ended before it was made.
    """

    why: str
    is_unmade: bool = False


class UnmadeError(LookupError):
    """The run ended before something was made."""


def part(read: Callable[[], T]) -> T | Missing:
    """Returns what `read` returns, or why there is nothing."""
    try:
        return read()
    except LookupError as error:
        why = str(error.args[0]) if error.args else "It is not there."
        return Missing(why, isinstance(error, UnmadeError))
    except Exception as error:  # whatever was damaged, the other parts are shown
        return Missing(f"It could not be read: {summary_of(error)}")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What was decided, and on what grounds.

    Attributes:
      is_blessed: Whether the model passed all that judged it.
      refusals: Why not, a sentence each.
      accuracy: Share of the judged reviews that the model is right about.
      low: Lower end of the accuracy's 95 % interval (Wilson).
      high: Its upper end.
      reviews: How many were judged.
      judged_on: Which they are, e.g. "test reviews".
      by_fold: Accuracy and number of the reviews in each fold; none if it was judged on test.
      min_accuracy: The gate's least accuracy; None asks for none.
      min_macro_f1: The gate's least macro F1; None asks for none.
      macro_f1: The model's.
      max_regression: How much less accurate than the last blessed model it may be.
      by_significance: Whether only a significantly worse one is refused, however many points apart.
      min_slice_accuracy: The gate's least accuracy of slices; None asks for none.
      min_slice_size: The fewest reviews of a slice that must reach it.
      test_accuracy: Share of the test reviews that it is right about: what `baseline_accuracy` is
        compared with; None where that is `accuracy`.
      baseline_accuracy: That model's accuracy on the same reviews; None if there is none.
      compared: How both differ on the same reviews, in words; "" where that is not known.
      larger_class: The class that the reviews have most of.
      infra_validation: What a model server made of it; None if none was asked.
      pushed_to: The version's folder; None if it was not pushed.
    """

    is_blessed: bool
    refusals: tuple[str, ...]
    accuracy: float
    low: float
    high: float
    reviews: int
    judged_on: str
    by_fold: tuple[tuple[float, int], ...] = ()
    min_accuracy: float | None
    min_macro_f1: float | None
    macro_f1: float
    max_regression: float
    by_significance: bool = False
    min_slice_accuracy: float | None = None
    min_slice_size: int = 0
    test_accuracy: float | None = None
    baseline_accuracy: float | None
    compared: str
    larger_class: LargerClass
    infra_validation: Outcome | None
    pushed_to: str | None


@dataclass(frozen=True)
class Quality:
    """What the predictions of two classes show.

    Attributes:
      roc: False positive rate and true positive rate.
      precision_recall: Recall and precision.
      base_rate: Share of positives: the precision of a model that knows nothing.
      calibration: By the probability of positive.
      table: The confusion matrix at each of many thresholds.
      threshold: The one that the model decides by.
    """

    roc: Curve
    precision_recall: Curve
    base_rate: float
    calibration: Calibration
    table: ThresholdTable
    threshold: float = 0.5


@dataclass(frozen=True)
class Decided:
    """The confusion matrix at a threshold."""

    threshold: float
    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int

    @property
    def recall(self) -> float:
        """The true positive rate; NaN without positives."""
        return _share(self.true_positives, self.false_negatives)

    @property
    def precision(self) -> float:
        """Share of the decisions on positive that are right; NaN without any."""
        return _share(self.true_positives, self.false_positives)

    @property
    def false_positive_rate(self) -> float:
        """Share of the negatives that are taken for positives; NaN without negatives."""
        return _share(self.false_positives, self.true_negatives)


def _share(part: int, rest: int) -> float:
    return part / (part + rest) if part + rest else math.nan


def decided_at(quality: Quality) -> Decided:
    """Returns the confusion matrix at the threshold of the table that is nearest to the model's."""
    table = quality.table
    distances = [abs(each - quality.threshold) for each in table.thresholds]
    at = distances.index(min(distances))
    return Decided(
        table.thresholds[at],
        table.true_positives[at],
        table.false_positives[at],
        table.true_negatives[at],
        table.false_negatives[at],
    )


@dataclass(frozen=True)
class Piece:
    """A part of a text, and by how much it moved the log odds; 0 for what is not read."""

    text: str
    log_odds: float = 0.0


@dataclass(frozen=True)
class ShownMistake:
    """A review that the model is sure about, and wrong.

    Attributes:
      review_id: The review's.
      label: Its class.
      decided: The class that the model decided on.
      probability: Which the model gives that class.
      pieces: The text; one piece of it where the model cannot tell what each word did.
      start: Log odds of a text without words; NaN where they are not known.
      end: Log odds of the whole text.
      is_cut: Whether the text has more in front, which the model did not read.
    """

    review_id: str
    label: str
    decided: str
    probability: float
    pieces: tuple[Piece, ...]
    start: float = math.nan
    end: float = math.nan
    is_cut: bool = False

    @property
    def is_explained(self) -> bool:
        """Whether it is known what each word did."""
        return not math.isnan(self.start)


@dataclass(frozen=True)
class Mistakes:
    """What the model was wrong about.

    Attributes:
      shown: Those that it was surest about, the surest first.
      total: How many there are.
      note: Why it is not known what each word did; "" where it is.
    """

    shown: tuple[ShownMistake, ...]
    total: int
    note: str = ""


@dataclass(frozen=True)
class Setting:
    """A setting and its value; `is_default` where the user left it as it is."""

    name: str
    value: str
    is_default: bool = False


@dataclass(frozen=True, kw_only=True)
class Contents:
    """All that the page of a run shows.

    Attributes:
      run: What the run recorded of itself.
      parameters: How many weights the model has; 0 if it is not known.
      classes: Names of the classes, by label.
      chosen_because: Why it is this variant; "" where it was asked for.
      decided_because: Why it decides at its threshold; "" where that is the usual one.
      is_sample: Whether the reviews are the generated ones.
      tokens: What the model reads of a text, as `TokenSettings.tokens` names it.
      other_slices: By column that slices are by, how many test reviews have a value that is too
        rare for a slice of its own.
      verdict: What was decided.
      metrics: On the test split, see `EvaluationResults.overall`.
      training: Points of the training's curve.
      confusion: Which classes were taken for which, on the test split.
      quality: Curves and thresholds of two classes.
      slices: Accuracy by parts of the test split.
      gated_slices: What those slices are by that must reach a least accuracy, as `SliceRow.feature`
        has it.
      mistakes: What the model was wrong about.
      data: What was read.
      anomalies: What ExampleValidator found, a sentence each.
      duplicates: Reviews that are the same, or nearly.
      doubts: Reviews whose label may be wrong.
      doubts_file: Where all of them are; "" if nowhere.
      lineage: Steps and artifacts.
      hyperparameters: What the model was trained with.
      history: Runs of the same pipeline, the newest first; this one is among them.
      commands: (purpose, command) pairs.
    """

    run: RunInfo
    parameters: int = 0
    classes: tuple[str, ...]
    chosen_because: str = ""
    decided_because: str = ""
    is_sample: bool = False
    tokens: str = WORDS
    other_slices: Mapping[str, int] = field(default_factory=dict)
    verdict: Verdict | Missing
    metrics: Mapping[str, float] | Missing
    training: tuple[CurvePoint, ...] | Missing
    confusion: Confusion | Missing
    quality: Quality | Missing
    slices: tuple[SliceRow, ...] | Missing
    gated_slices: frozenset[str] = frozenset()
    mistakes: Mistakes | Missing
    data: DataFacts | Missing
    anomalies: tuple[str, ...] | Missing
    duplicates: NearDuplicates | Missing
    doubts: LabelErrors | Missing
    doubts_file: str = ""
    lineage: Lineage | Missing
    hyperparameters: tuple[Setting, ...] | Missing
    history: tuple[RunInfo, ...] | Missing
    commands: tuple[tuple[str, str], ...] = ()
