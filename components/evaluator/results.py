"""Reads what TFMA measured, in plain numbers."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tensorflow_model_analysis as tfma
from tensorflow_model_analysis import constants as tfma_constants
from tensorflow_model_analysis.writers import eval_config_writer

from components.evaluator import binary_metrics, class_metrics
from components.evaluator.binary_metrics import CONFUSION_COUNTS
from components.evaluator.confusion import Confusion

if TYPE_CHECKING:
    # It computes slices, by the tokens: who reads results has nothing of that.
    from components.evaluator.slices import SliceKey

# Of what a configuration with TFMA's own metrics gives.
_CONFUSION = "confusion_matrix_at_thresholds"
_IN_CONFUSION = {
    "true_positives": "truePositives",
    "false_positives": "falsePositives",
    "true_negatives": "trueNegatives",
    "false_negatives": "falseNegatives",
}
_LOG_LOSS = "binary_crossentropy"
_NAMES_OF_TWO = {
    "accuracy": binary_metrics.ACCURACY,
    "auc": binary_metrics.AUC,
    "precision": binary_metrics.PRECISION,
    "recall": binary_metrics.RECALL,
    "log_loss": binary_metrics.LOG_LOSS,
    "calibration": binary_metrics.CALIBRATION,
    "examples": "example_count",
}
_NAMES_OF_MANY = {
    "accuracy": class_metrics.ACCURACY,
    "macro_f1": class_metrics.MACRO_F1,
    "log_loss": class_metrics.LOG_LOSS,
    "examples": "example_count",
}


@dataclass(frozen=True)
class EvaluationResults:
    """Metrics of one model on the test split.

    Attributes:
      overall: By name, of two classes: accuracy, macro_f1, auc, precision, recall, log_loss,
        calibration, examples, and the confusion counts; of more: accuracy, macro_f1, log_loss and
        examples. NaN where a metric is not defined; a configuration other than
        `gate.eval_config` may give fewer.
      slices: The same by ((feature, value),...) of each slice, sorted; what a column of the user's
        is called there, `slices.key_of_column` says.
      confusion: Which classes were taken for which on the whole split; None if that was not
        measured.
    """

    overall: Mapping[str, float]
    slices: Mapping[SliceKey, Mapping[str, float]]
    confusion: Confusion | None = None

    def slices_by(self, keys: Iterable[str]) -> dict[SliceKey, Mapping[str, float]]:
        """Returns the slices by these features and by no other, the largest first."""
        asked = set(keys)
        found = [
            (key, metrics)
            for key, metrics in self.slices.items()
            if {feature for feature, _ in key} == asked
        ]
        return dict(sorted(found, key=lambda pair: (-pair[1]["examples"], pair[0])))


def load(
    directory: str, *, has_baseline: bool = False, baseline: bool = False
) -> EvaluationResults:
    """Reads an Evaluator's `evaluation` artifact.

    Args:
      directory: The artifact's folder.
      has_baseline: Whether a blessed model was measured as well.
      baseline: Whether to return that model's metrics instead of the candidate's.
    """
    model_name = None
    if has_baseline:
        model_name = tfma_constants.BASELINE_KEY if baseline else tfma_constants.CANDIDATE_KEY
    result = tfma.load_eval_result(directory, model_name=model_name)
    written = {
        tuple((feature, str(value)) for feature, value in slice_key): values[""][""]
        for slice_key, values in result.slicing_metrics
    }
    metrics = {slice_key: _plain(values) for slice_key, values in written.items()}
    return EvaluationResults(
        overall=metrics.pop(()), slices=metrics, confusion=_confusion(written[()])
    )


def load_candidate(directory: str) -> EvaluationResults:
    """Reads the candidate's metrics, whether a blessed model was measured as well or not."""
    config, _, _, _ = eval_config_writer.load_eval_run(directory)
    return load(directory, has_baseline=any(spec.is_baseline for spec in config.model_specs))


def _plain(values: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    names = _NAMES_OF_MANY if class_metrics.CONFUSION in values else _NAMES_OF_TWO
    plain = {
        name: float(values[key]["doubleValue"]) for name, key in names.items() if key in values
    }
    if _LOG_LOSS in values:
        plain.setdefault("log_loss", float(values[_LOG_LOSS]["doubleValue"]))
    counts = _counts_of_two(values)
    return plain | ({"macro_f1": Confusion.of_two(counts).macro_f1} | counts if counts else {})


def _counts_of_two(values: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Returns the confusion counts of two classes, or nothing if they were not measured."""
    if all(name in values for name in CONFUSION_COUNTS):
        return {name: float(values[name]["doubleValue"]) for name in CONFUSION_COUNTS}
    if _CONFUSION not in values:
        return {}
    (at_decision,) = values[_CONFUSION]["confusionMatrixAtThresholds"]["matrices"]
    # The JSON form of a proto leaves zeros out.
    return {name: at_decision.get(key, 0.0) for name, key in _IN_CONFUSION.items()}


def _confusion(values: Mapping[str, Mapping[str, Any]]) -> Confusion | None:
    if class_metrics.CONFUSION in values:
        text = base64.b64decode(values[class_metrics.CONFUSION]["bytesValue"]).decode()
        return class_metrics.read_confusion(text)
    counts = _counts_of_two(values)
    return Confusion.of_two(counts) if counts else None
