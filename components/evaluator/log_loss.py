"""The exact log loss, for TFMA, and what one review adds to it.

TFMA's own BinaryCrossEntropy is no number as soon as one answer is exactly 0 or 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import apache_beam as beam
from tensorflow_model_analysis.metrics import metric_types, metric_util

# TFMA 0.52 leaves half of these out of its own namespace.
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator.labels_and_scores import labels_and_scores

NAME = "log_loss"

# What a probability counts as at least: log(0) is no number.
LEAST_PROBABILITY = 1e-7


class LogLoss(metric_types.Metric):
    """Mean negative log likelihood of the labels of two classes; NaN without reviews."""

    def __init__(self, name: str = NAME):
        """Takes the name that it is reported under."""
        super().__init__(metric_util.merge_per_key_computations(_computations), name=name)


metric_types.register_metric(LogLoss)


def loss_of(probability: float) -> float:
    """Returns the negative log likelihood of a review.

    Args:
      probability: What the model gives the review's label, 0 to 1; counts as LEAST_PROBABILITY at
        least.
    """
    return -math.log(max(probability, LEAST_PROBABILITY))


class _Sum(NamedTuple):
    loss: float = 0.0
    reviews: int = 0


class _SumOfLosses(beam.CombineFn):
    """StandardMetricInputs of a slice's reviews -> {key: mean loss}."""

    def __init__(self, key: metric_types.MetricKey, eval_config: config_pb2.EvalConfig | None):
        self._key = key
        self._eval_config = eval_config

    def create_accumulator(self) -> _Sum:
        return _Sum()

    def add_input(self, total: _Sum, inputs: metric_types.StandardMetricInputs) -> _Sum:
        for label, scores in labels_and_scores(inputs, self._key, self._eval_config):
            (positive,) = scores.tolist()
            loss = loss_of(positive if label else 1.0 - positive)
            total = _Sum(total.loss + loss, total.reviews + 1)
        return total

    def merge_accumulators(self, accumulators: Iterable[_Sum]) -> _Sum:
        losses, reviews = zip(*accumulators, strict=True)
        return _Sum(math.fsum(losses), sum(reviews))

    def extract_output(self, total: _Sum) -> dict[metric_types.MetricKey, float]:
        return {self._key: total.loss / total.reviews if total.reviews else math.nan}


def _computations(
    name: str,
    eval_config: config_pb2.EvalConfig | None = None,
    model_name: str = "",
    output_name: str = "",
) -> metric_types.MetricComputations:
    key = metric_types.MetricKey(name=name, model_name=model_name, output_name=output_name)
    return [
        metric_types.MetricComputation(
            keys=[key], preprocessors=None, combiner=_SumOfLosses(key, eval_config)
        )
    ]
