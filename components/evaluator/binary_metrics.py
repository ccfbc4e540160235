"""The metrics of two classes, for TFMA: all from one pass over labels and probabilities."""

from __future__ import annotations

import math

import numpy as np
from tensorflow_model_analysis.metrics import metric_types

from components import features
from components.evaluator import lift, log_loss
from components.evaluator.confusion import Confusion
from components.evaluator.counting import Counts, computations_of
from components.evaluator.ranks import Ranks

# As TFMA calls its own.
ACCURACY = "binary_accuracy"
AUC = "auc"
PRECISION = "precision"
RECALL = "recall"
CALIBRATION = "calibration"
MACRO_F1 = "macro_f1"
PROVEN_LIFT = "proven_lift"
LOG_LOSS = log_loss.NAME
CONFUSION_COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")
NAMES = (
    ACCURACY, MACRO_F1, PROVEN_LIFT, AUC, PRECISION, RECALL, LOG_LOSS, CALIBRATION,
    *CONFUSION_COUNTS,
)  # fmt: skip


class BinaryMetric(metric_types.Metric):
    """One of NAMES, of a model that gives a probability to the second of two classes.

    NaN where a metric is not defined.
    """

    def __init__(self, name: str):
        """Takes what is measured: one of NAMES."""
        super().__init__(computations_of(BinaryCounts, value_of), name=name)


metric_types.register_metric(BinaryMetric)


class BinaryCounts(Counts):
    """What is counted of a slice of two classes.

    Attributes:
      probability: Sum of the probabilities.
      ranks: How many of each class by probability.
    """

    def __init__(self) -> None:
        """Counts from nothing."""
        super().__init__()
        self.probability = 0.0
        self.ranks = Ranks()

    def add(self, label: int, scores: np.ndarray, decision: int | None = None) -> None:
        """Counts a review with a <float>[1] probability, and what the model made of that."""
        probability = float(scores[0])
        if decision is None:
            decision = int(probability >= features.DECISION_THRESHOLD)
        self.pairs[label, decision] += 1
        self.loss += log_loss.loss_of(probability if label else 1.0 - probability)
        self.probability += probability
        self.ranks.add(label, probability)

    def merge(self, other: BinaryCounts) -> None:
        """Adds what another part of the slice counted."""
        super().merge(other)
        self.probability += other.probability
        self.ranks.merge(other.ranks)


def value_of(name: str, counts: BinaryCounts) -> float:
    """Returns one of NAMES."""
    confusion = Confusion(2, counts.pairs)
    if name in CONFUSION_COUNTS:
        return float(counts_of(counts)[name])
    if name == AUC:
        return counts.ranks.area
    if name == CALIBRATION:
        positives = int(confusion.sizes[features.POSITIVE])
        return counts.probability / positives if positives else math.nan
    if name == LOG_LOSS:
        return counts.mean_loss
    if name == PROVEN_LIFT:
        return lift.lift_of(float(confusion.right.sum()), confusion.sizes.tolist())
    if name == MACRO_F1:
        return confusion.macro_f1
    if name == ACCURACY:
        return confusion.accuracy
    of_class = {PRECISION: confusion.precision, RECALL: confusion.recall}[name]
    return float(of_class[features.POSITIVE])


def counts_of(counts: BinaryCounts) -> dict[str, int]:
    """Returns the confusion matrix by CONFUSION_COUNTS."""
    pairs = ((1, 1), (0, 1), (0, 0), (1, 0))
    return {name: counts.pairs[pair] for name, pair in zip(CONFUSION_COUNTS, pairs, strict=True)}
