"""`eval_config`: what is measured, on which slices, and the gate, for TFMA."""

from __future__ import annotations

import json

# TFMA 0.52 leaves half of these out of its own namespace.
from tensorflow_model_analysis.proto import config_pb2

from components import features
from components.evaluator import proven_lift
from components.evaluator.slices import LENGTH, UNKNOWN_WORDS
from serving.signature_names import SERVING_DEFAULT


def eval_config(
    min_accuracy: float = 0.80, max_regression: float = 0.005, min_lift: float = 0.0
) -> config_pb2.EvalConfig:
    """Returns the metrics, the slices and the gate, for TFX's Evaluator.

    The slices but `rating` are computed by the extractors of this package: the Evaluator's
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
        but have no threshold.
      max_regression: How much worse than the blessed model the candidate may be. Not asked
        for when there is no blessed model yet.
      min_lift: By how much it must be proven better than always saying the larger class; see
        `lift.proven_lift`. 0 does not ask for it.
    """
    accuracy_gate = _on_the_whole_split(
        config_pb2.MetricThreshold(
            value_threshold=config_pb2.GenericValueThreshold(lower_bound={"value": min_accuracy}),
            change_threshold=config_pb2.GenericChangeThreshold(
                direction=config_pb2.MetricDirection.HIGHER_IS_BETTER,
                absolute={"value": -max_regression},
            ),
        )
    )
    lift_gate = _on_the_whole_split(
        config_pb2.MetricThreshold(
            value_threshold=config_pb2.GenericValueThreshold(lower_bound={"value": min_lift})
        )
    )
    return config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                signature_name=SERVING_DEFAULT,
                prediction_key="probability",
                label_key=features.LABEL,
                preprocessing_function_names=["transform_features"],
            )
        ],
        metrics_specs=[
            config_pb2.MetricsSpec(metrics=_metrics(accuracy_gate, lift_gate if min_lift else None))
        ],
        slicing_specs=[
            config_pb2.SlicingSpec(),
            config_pb2.SlicingSpec(feature_keys=[features.RATING]),
            config_pb2.SlicingSpec(feature_keys=[LENGTH]),
            config_pb2.SlicingSpec(feature_keys=[UNKNOWN_WORDS]),
        ],
    )


def _metrics(
    accuracy_gate: config_pb2.PerSliceMetricThreshold,
    lift_gate: config_pb2.PerSliceMetricThreshold | None,
) -> list[config_pb2.MetricConfig]:
    """Returns what is measured on each slice; without `lift_gate` the lift is not asked for."""
    at_decision = json.dumps({"thresholds": [features.DECISION_THRESHOLD]})
    return [
        config_pb2.MetricConfig(class_name="BinaryAccuracy", per_slice_thresholds=[accuracy_gate]),
        config_pb2.MetricConfig(
            class_name=proven_lift.ProvenLift.__name__,
            module=proven_lift.__name__,
            per_slice_thresholds=[lift_gate] if lift_gate else [],
        ),
        config_pb2.MetricConfig(class_name="ExampleCount"),
        config_pb2.MetricConfig(class_name="AUC"),
        config_pb2.MetricConfig(class_name="Precision"),
        config_pb2.MetricConfig(class_name="Recall"),
        config_pb2.MetricConfig(class_name="BinaryCrossEntropy"),
        config_pb2.MetricConfig(class_name="Calibration"),
        config_pb2.MetricConfig(class_name="CalibrationPlot"),
        config_pb2.MetricConfig(class_name="ConfusionMatrixAtThresholds", config=at_decision),
    ]


def _on_the_whole_split(
    threshold: config_pb2.MetricThreshold,
) -> config_pb2.PerSliceMetricThreshold:
    """Returns a threshold for the whole split; a metric's `threshold` is one for slices as well."""
    return config_pb2.PerSliceMetricThreshold(
        slicing_specs=[config_pb2.SlicingSpec()], threshold=threshold
    )
