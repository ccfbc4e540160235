"""The metrics of more than two classes, for TFMA: all from one pass over labels and scores.

Per class quantities of 1,000 classes as TFMA's own metrics would be 3,000 computations.
"""

from __future__ import annotations

import json

import numpy as np
from tensorflow_model_analysis.metrics import metric_types

from components.evaluator import lift, log_loss
from components.evaluator.confusion import Confusion
from components.evaluator.counting import Counts, computations_of

ACCURACY = "accuracy"
MACRO_F1 = "macro_f1"
LOG_LOSS = log_loss.NAME
PROVEN_LIFT = "proven_lift"
CONFUSION = "confusion"
NAMES = (ACCURACY, MACRO_F1, PROVEN_LIFT, LOG_LOSS, CONFUSION)


class ClassMetric(metric_types.Metric):
    """One of NAMES, of a model that gives each class a score.

    The gate's threshold is on a metric of a name of its own; TFMA counts once for all of them.
    """

    def __init__(self, name: str):
        """Takes what is measured: one of NAMES."""
        super().__init__(computations_of(ClassCounts, value_of), name=name)


metric_types.register_metric(ClassMetric)


class ClassCounts(Counts):
    """What is counted of a slice of more than two classes.

    Attributes:
      classes: How many scores a review has.
    """

    def __init__(self) -> None:
        """Counts from nothing."""
        super().__init__()
        self.classes = 0

    def add(self, label: int, scores: np.ndarray, decision: int | None = None) -> None:
        """Counts a review with <float>[classes] scores, and what the model made of them."""
        self.classes = len(scores)
        # The first of equals, as the export decides.
        self.pairs[label, int(scores.argmax()) if decision is None else decision] += 1
        self.loss += log_loss.loss_of(float(scores[label]))

    def merge(self, other: ClassCounts) -> None:
        """Adds what another part of the slice counted."""
        super().merge(other)
        self.classes = max(self.classes, other.classes)


def value_of(name: str, counts: ClassCounts) -> float | str:
    """Returns one of NAMES; CONFUSION as JSON, which TFMA does not subtract a baseline's from."""
    confusion = Confusion(counts.classes, counts.pairs)
    if name == CONFUSION:
        return json.dumps(
            {
                "classes": counts.classes,
                "counts": [[*pair, count] for pair, count in sorted(counts.pairs.items())],
            }
        )
    if name == LOG_LOSS:
        return counts.mean_loss
    if name == PROVEN_LIFT:
        return lift.lift_of(float(confusion.right.sum()), confusion.sizes.tolist())
    return float(getattr(confusion, name))


def read_confusion(text: str) -> Confusion:
    """Reads what `value_of` wrote."""
    written = json.loads(text)
    return Confusion(
        written["classes"],
        {(label, choice): count for label, choice, count in written["counts"]},
    )
