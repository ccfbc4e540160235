"""Metrics for TFMA that all follow from one pass over labels and scores.

TFMA's own metrics unpack a review anew for each slice that it is in, each metric by itself.
"""

from __future__ import annotations

import abc
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.metrics import metric_types, metric_util

# TFMA 0.52 leaves half of these out of its own namespace.
from tensorflow_model_analysis.proto import config_pb2

from components import features
from components.evaluator.decisions import DECISION


class Counts(abc.ABC):
    """What is counted of the reviews of a slice.

    Attributes:
      pairs: By (label, decision), how many.
      loss: Sum of the negative log likelihoods.
    """

    def __init__(self) -> None:
        """Counts from nothing."""
        self.pairs: Counter[tuple[int, int]] = Counter()
        self.loss = 0.0

    @abc.abstractmethod
    def add(self, label: int, scores: np.ndarray, decision: int | None = None) -> None:
        """Counts a review with <float>[classes] scores, of two classes <float>[1].

        `decision` is the label that the model decided on; None where only its scores are known.
        """

    def merge(self, other: Any) -> None:
        """Adds what another part of the slice counted."""
        self.pairs.update(other.pairs)
        self.loss += other.loss

    @property
    def mean_loss(self) -> float:
        """Negative log likelihood of a review; NaN without reviews."""
        return self.loss / self.pairs.total() if self.pairs else math.nan


C = TypeVar("C", bound=Counts)


def computations_of(
    counts: Callable[[], C], value_of: Callable[[str, C], float | str]
) -> Callable[..., metric_types.MetricComputations]:
    """Returns the computations of a TFMA metric; metrics of several names share one count.

    Args:
      counts: Begins to count a part of a slice. Its name tells what is counted.
      value_of: From the metric's name and what was counted to the metric.
    """

    def computations(
        name: str,
        eval_config: config_pb2.EvalConfig | None = None,
        model_name: str = "",
        output_name: str = "",
    ) -> metric_types.MetricComputations:
        counts_key, key = (
            metric_types.MetricKey(name=each, model_name=model_name, output_name=output_name)
            # TFMA keeps what begins with an underscore to itself.
            for each in (f"_{counts.__name__}", name)
        )

        def result(
            metrics: dict[metric_types.MetricKey, Any],
        ) -> dict[metric_types.MetricKey, Any]:
            return {key: value_of(name, metrics[counts_key])}

        return [
            metric_types.MetricComputation(
                keys=[counts_key],
                preprocessors=[_Unpack(counts_key, eval_config)],
                combiner=_Count(counts_key, counts),
            ),
            metric_types.DerivedMetricComputation(keys=[key], result=result),
        ]

    return metric_util.merge_per_key_computations(computations)


class _Unpack(metric_types.Preprocessor):
    """Extracts of a review -> (label, scores, decision), for all slices that it is in."""

    def __init__(self, key: metric_types.MetricKey, eval_config: config_pb2.EvalConfig | None):
        super().__init__(name=f"unpack:{key.model_name}:{key.output_name}")
        self._key = key
        self._eval_config = eval_config

    def process(self, extracts: dict[str, Any]) -> Iterator[tuple[int, np.ndarray, int | None]]:
        yield from _answers(
            extracts, self._eval_config, self._key.model_name, self._key.output_name
        )


def labels_and_decisions(
    extracts: dict[str, Any], eval_config: config_pb2.EvalConfig | None, model_name: str
) -> Iterator[tuple[int, int]]:
    """Yields the label and the decision of a model on each review in TFMA's extracts."""
    for label, scores, decision in _answers(extracts, eval_config, model_name):
        if decision is None and len(scores) == 1:
            decision = int(scores[0] >= features.DECISION_THRESHOLD)
        yield label, int(scores.argmax()) if decision is None else decision


def _answers(
    extracts: dict[str, Any],
    eval_config: config_pb2.EvalConfig | None,
    model_name: str,
    output_name: str = "",
) -> Iterator[tuple[int, np.ndarray, int | None]]:
    inputs = metric_util.to_standard_metric_inputs(extracts)
    decision = _decision_in(inputs.get_predictions(model_name, output_name))
    for label, scores, _ in metric_util.to_label_prediction_example_weight(
        inputs,
        eval_config=eval_config,
        model_name=model_name,
        output_name=output_name,
        flatten=False,
    ):
        yield int(label.reshape(-1)[0]), scores.reshape(-1), decision


def _decision_in(outputs: Any) -> int | None:
    """Returns what a model decided on, if the extractors of this package found it."""
    if not isinstance(outputs, Mapping) or DECISION not in outputs:
        return None
    return int(np.reshape(outputs[DECISION], -1)[0])


class _Count(beam.CombineFn):
    """(label, scores, decision) of a slice's reviews -> {key: Counts}."""

    def __init__(self, key: metric_types.MetricKey, counts: Callable[[], Any]):
        self._key = key
        self._counts = counts

    def create_accumulator(self) -> Any:
        return self._counts()

    def add_input(self, counts: Any, review: tuple[int, np.ndarray, int | None]) -> Any:
        counts.add(*review)
        return counts

    def merge_accumulators(self, accumulators: Iterable[Any]) -> Any:
        merged = self._counts()
        for counts in accumulators:
            merged.merge(counts)
        return merged

    def extract_output(self, counts: Any) -> dict[metric_types.MetricKey, Any]:
        return {self._key: counts}
