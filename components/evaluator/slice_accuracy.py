"""The accuracy of slices that are large enough to be held to one, for TFMA's gate."""

from __future__ import annotations

from tensorflow_model_analysis.metrics import metric_types

from components.evaluator.binary_metrics import BinaryCounts
from components.evaluator.class_metrics import ClassCounts
from components.evaluator.confusion import Confusion
from components.evaluator.counting import computations_of

NAME = "accuracy_of_large_slices"
# Of a slice that is too small: it passes any threshold.
TOO_SMALL = 1.0


class SliceAccuracy(metric_types.Metric):
    """The accuracy, or 1 where a slice has fewer than `min_size` reviews.

    TFMA's thresholds are on values alone and cannot ask for a size.
    """

    def __init__(self, name: str, min_size: int, is_binary: bool):
        """Describes the metric.

        Args:
          name: Of the metric.
          min_size: The fewest reviews for which the accuracy counts.
          is_binary: Whether the model gives a probability to the second of two classes.
        """

        def value_of(_: str, counts: BinaryCounts | ClassCounts) -> float:
            classes = 2 if isinstance(counts, BinaryCounts) else counts.classes
            confusion = Confusion(classes, counts.pairs)
            return confusion.accuracy if confusion.examples >= min_size else TOO_SMALL

        super().__init__(
            computations_of(BinaryCounts, value_of)
            if is_binary
            else computations_of(ClassCounts, value_of),
            name=name,
        )


metric_types.register_metric(SliceAccuracy)
