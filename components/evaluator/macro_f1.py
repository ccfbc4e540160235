"""The gate's metric of two classes that counts both alike, for TFMA."""

from __future__ import annotations

from tensorflow_model_analysis.metrics import confusion_matrix_metrics, metric_types

from components import features
from components.evaluator.confusion import Confusion

NAME = "macro_f1"


class MacroF1(confusion_matrix_metrics.ConfusionMatrixMetric):
    """See `Confusion.macro_f1`."""

    def __init__(self, name: str = NAME):
        """Takes the decision threshold of the export."""
        super().__init__(thresholds=features.DECISION_THRESHOLD, name=name)

    def get_config(self) -> dict[str, str]:
        """Returns the arguments."""
        return {"name": self.name}

    def _default_name(self) -> str:
        return NAME

    def result(self, tp: float, tn: float, fp: float, fn: float) -> float:
        """Returns the metric of a confusion matrix."""
        return Confusion.of_two(
            {
                "true_positives": tp,
                "true_negatives": tn,
                "false_positives": fp,
                "false_negatives": fn,
            }
        ).macro_f1


metric_types.register_metric(MacroF1)
