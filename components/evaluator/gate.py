"""`eval_config`: what is measured, on which slices, and the gate, for TFMA."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

# TFMA 0.52 leaves half of these out of its own namespace.
from tensorflow_model_analysis.proto import config_pb2

from components import features
from components.evaluator import binary_metrics, class_metrics, slice_accuracy
from components.evaluator.bounds import MIN_SLICE_SIZE, GateBounds
from components.evaluator.slices import LENGTH, UNKNOWN_WORDS, gated_keys, keys_of
from serving.signature_names import CLASSIFY, SERVING_DEFAULT


def eval_config(
    min_accuracy: float | None = None,
    max_regression: float = 0.005,
    min_lift: float = 0.0,
    classes: Sequence[str] = features.CLASSES,
    min_macro_f1: float | None = None,
    slice_by: Sequence[Sequence[str]] = (),
    min_slice_accuracy: float | None = None,
    min_slice_size: int = MIN_SLICE_SIZE,
) -> config_pb2.EvalConfig:
    """Returns the metrics, the slices and the gate, for TFX's Evaluator.

    The slices but `rating` are made by the extractors of this package: the Evaluator's
    `module_path` has to be "components.evaluator.extractors".

    >>> from components import eval_config
    >>> config = eval_config(min_accuracy=0.85)
    >>> [list(slice.feature_keys) for slice in config.slicing_specs]
    [[], ['rating'], ['length'], ['unknown_words']]
    >>> (gate,) = config.metrics_specs[0].metrics[0].per_slice_thresholds
    >>> gate.threshold.value_threshold.lower_bound.value
    0.85

    Args:
      min_accuracy: The least accuracy on the whole test split that is blessed; slices are measured
        but have no threshold. When it is left out, two classes must reach 0.80 unless
        `min_macro_f1` is given, and more classes need not: `min_lift` fits any number of them.
      max_regression: How much worse than the blessed model the candidate may be. Not asked
        for when there is no blessed model yet.
      min_lift: By how much it must be proven better than always saying the largest class; see
        `lift.proven_lift`. 0 does not ask for it.
      classes: Names of the classes, by label.
      min_macro_f1: The least macro F1, which counts all classes alike, see `Confusion.macro_f1`.
        Given alone, it takes the accuracy's place in the comparison with the blessed model too.
      slice_by: Columns that slices are by, each alone or two together: `ReviewSource.slice_by`.
      min_slice_accuracy: The least accuracy of each slice by `slice_by`, or, where that is empty,
        by length and unknown words; None asks for none.
      min_slice_size: The fewest reviews of a slice that must reach it.
    """
    bounds = GateBounds.of(
        min_accuracy,
        min_macro_f1,
        max_regression,
        min_lift,
        len(classes),
        min_slice_accuracy=min_slice_accuracy,
        min_slice_size=min_slice_size,
    )
    is_binary = len(classes) == len(features.CLASSES)
    return config_pb2.EvalConfig(
        model_specs=[_model_spec(is_binary)],
        metrics_specs=[
            config_pb2.MetricsSpec(metrics=_metrics(bounds, is_binary, gated_keys(slice_by))),
        ],
        slicing_specs=_slicing_specs(slice_by),
    )


def _model_spec(is_binary: bool) -> config_pb2.ModelSpec:
    return config_pb2.ModelSpec(
        signature_name=SERVING_DEFAULT if is_binary else CLASSIFY,
        prediction_key="probability" if is_binary else "scores",
        label_key=features.LABEL,
        preprocessing_function_names=["transform_features"],
    )


def _slicing_specs(slice_by: Sequence[Sequence[str]]) -> list[config_pb2.SlicingSpec]:
    every_data_set = [[], [features.RATING], [LENGTH], [UNKNOWN_WORDS]]
    others = (keys for keys in keys_of(slice_by) if keys not in every_data_set)
    return [config_pb2.SlicingSpec(feature_keys=keys) for keys in (*every_data_set, *others)]


def _metrics(
    bounds: GateBounds, is_binary: bool, gated: Sequence[Sequence[str]]
) -> list[config_pb2.MetricConfig]:
    """Returns what is measured on each slice: a metric of ours by all its names, and the size."""
    measured: Any = binary_metrics if is_binary else class_metrics
    metric = binary_metrics.BinaryMetric if is_binary else class_metrics.ClassMetric
    gates = {
        measured.ACCURACY: _accuracy_gate(bounds),
        measured.MACRO_F1: _macro_f1_gate(bounds),
        measured.PROVEN_LIFT: _lift_gate(bounds),
    }
    return [
        *(
            config_pb2.MetricConfig(
                class_name=metric.__name__,
                module=metric.__module__,
                config=json.dumps({"name": name}),
                per_slice_thresholds=gates.get(name, ()),
            )
            for name in measured.NAMES
        ),
        config_pb2.MetricConfig(class_name="ExampleCount"),
        *_slice_gate(bounds, is_binary, gated),
    ]


def _slice_gate(
    bounds: GateBounds, is_binary: bool, gated: Sequence[Sequence[str]]
) -> list[config_pb2.MetricConfig]:
    """Returns the metric that holds each slice by `gated` to a least accuracy, if one is asked."""
    if bounds.min_slice_accuracy is None:
        return []
    settings = {
        "name": slice_accuracy.NAME,
        "min_size": bounds.min_slice_size,
        "is_binary": is_binary,
    }
    threshold = config_pb2.PerSliceMetricThreshold(
        slicing_specs=[config_pb2.SlicingSpec(feature_keys=keys) for keys in gated],
        threshold=config_pb2.MetricThreshold(
            value_threshold=config_pb2.GenericValueThreshold(
                lower_bound={"value": bounds.min_slice_accuracy}
            )
        ),
    )
    return [
        config_pb2.MetricConfig(
            class_name=slice_accuracy.SliceAccuracy.__name__,
            module=slice_accuracy.SliceAccuracy.__module__,
            config=json.dumps(settings),
            per_slice_thresholds=[threshold],
        )
    ]


def _accuracy_gate(bounds: GateBounds) -> list[config_pb2.PerSliceMetricThreshold]:
    """Returns the bounds on the accuracy; there is always one: TFMA blesses nothing without."""
    worst_change = bounds.max_regression if bounds.compares_accuracy else None
    return [_on_the_whole_split(bounds.min_accuracy, worst_change)]


def _macro_f1_gate(bounds: GateBounds) -> list[config_pb2.PerSliceMetricThreshold]:
    if bounds.min_macro_f1 is None:
        return []
    return [_on_the_whole_split(bounds.min_macro_f1, bounds.max_regression)]


def _lift_gate(bounds: GateBounds) -> list[config_pb2.PerSliceMetricThreshold]:
    return [_on_the_whole_split(bounds.min_lift)] if bounds.min_lift else []


def _on_the_whole_split(
    least: float, max_regression: float | None = None
) -> config_pb2.PerSliceMetricThreshold:
    """Returns bounds for the whole split; a metric's `threshold` is one for slices as well."""
    threshold = config_pb2.MetricThreshold(
        value_threshold=config_pb2.GenericValueThreshold(lower_bound={"value": least})
    )
    if max_regression is not None:
        threshold.change_threshold.CopyFrom(
            config_pb2.GenericChangeThreshold(
                direction=config_pb2.MetricDirection.HIGHER_IS_BETTER,
                absolute={"value": -max_regression},
            )
        )
    return config_pb2.PerSliceMetricThreshold(
        slicing_specs=[config_pb2.SlicingSpec()], threshold=threshold
    )
