"""The gate's metric against a model that always says the larger class, for TFMA."""

from __future__ import annotations

from tensorflow_model_analysis.metrics import confusion_matrix_metrics, metric_types

from components import features
from components.evaluator import lift

NAME = "proven_lift"


class ProvenLift(confusion_matrix_metrics.ConfusionMatrixMetric):
    """See `lift.proven_lift`. TFMA's validator compares it with a threshold as any other metric."""

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
        return lift.proven_lift(
            {
                "true_positives": tp,
                "true_negatives": tn,
                "false_positives": fp,
                "false_negatives": fn,
            }
        )


metric_types.register_metric(ProvenLift)
