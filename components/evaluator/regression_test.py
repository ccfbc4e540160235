"""Whether a model is significantly worse than the last blessed one, as a metric of TFMA's.

A metric, so that TFMA's own validation decides on the blessing, whoever runs the Evaluator.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2

from components.evaluator.counting import labels_and_decisions
from components.evaluator.significance import mcnemar_worse

NAME = "regression_p"


class RegressionTest(metric_types.Metric):
    """The one-sided p of McNemar's exact test: below 0.05 the candidate is surely worse.

    It is of both models, as TFMA's differences are, and there is none without a baseline.
    """

    def __init__(self, name: str = NAME):
        """Takes the metric's name."""
        super().__init__(_computations, name=name)


metric_types.register_metric(RegressionTest)


def _computations(
    name: str, eval_config: config_pb2.EvalConfig, model_names: Iterable[str] = ("",)
) -> metric_types.MetricComputations:
    baselines = {spec.name for spec in eval_config.model_specs if spec.is_baseline}
    if not baselines:
        return []
    (baseline,) = baselines
    computations = []
    for candidate in sorted(set(model_names) - baselines):
        key = metric_types.MetricKey(name=name, model_name=candidate, is_diff=True)
        computations.append(
            metric_types.MetricComputation(
                keys=[key],
                preprocessors=[_WhoIsRight(candidate, baseline, eval_config)],
                combiner=_CountPairs(key),
            )
        )
    return computations


class _WhoIsRight(metric_types.Preprocessor):
    """Extracts of a review -> whether candidate and baseline judge it right."""

    def __init__(self, candidate: str, baseline: str, eval_config: config_pb2.EvalConfig):
        super().__init__(name=f"who_is_right:{candidate}")
        self._models = (candidate, baseline)
        self._eval_config = eval_config

    def process(self, extracts: dict[str, Any]) -> Iterator[tuple[bool, bool]]:
        candidate, baseline = (
            list(labels_and_decisions(extracts, self._eval_config, model)) for model in self._models
        )
        for (label, choice), (_, other) in zip(candidate, baseline, strict=True):
            yield choice == label, other == label


class _CountPairs(beam.CombineFn):
    """Who is right on a slice's reviews -> {key: p}."""

    def __init__(self, key: metric_types.MetricKey):
        self._key = key

    def create_accumulator(self) -> np.ndarray:
        return np.zeros(2, np.int64)

    def add_input(self, counts: np.ndarray, is_right: tuple[bool, bool]) -> np.ndarray:
        candidate, baseline = is_right
        counts[0] += candidate and not baseline
        counts[1] += baseline and not candidate
        return counts

    def merge_accumulators(self, accumulators: Iterable[np.ndarray]) -> np.ndarray:
        return np.sum(list(accumulators), axis=0)

    def extract_output(self, counts: np.ndarray) -> dict[metric_types.MetricKey, float]:
        better, worse = counts.tolist()
        return {self._key: mcnemar_worse(better, worse)}
