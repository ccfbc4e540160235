"""How the candidate is evaluated: metrics, slices, and the gate, for TFMA."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis import constants as tfma_constants
from tensorflow_model_analysis.extractors import extractor, transformed_features_extractor

# TFMA 0.52 leaves half of these out of its own namespace.
from tensorflow_model_analysis.proto import config_pb2

from components import features
from components.evaluator import proven_lift
from components.transform import preprocessing

ACCURACY = "binary_accuracy"

# Slices that are computed here; `rating` comes with the reviews.
LENGTH = "length"
UNKNOWN_WORDS = "unknown_words"
LENGTH_NAMES = ("no words", "1-100", "101-200", "201-500", "truncated")
UNKNOWN_SHARE_BOUNDS = (0.05, 0.10, 0.15, 0.20)
UNKNOWN_SHARE_NAMES = ("under 5 %", "5-10 %", "10-15 %", "15-20 %", "20 % or more")


def eval_config(
    min_accuracy: float, max_regression: float, min_lift: float = 0.0
) -> config_pb2.EvalConfig:
    """Returns the metrics, the slices and the gate.

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
    at_decision = json.dumps({"thresholds": [features.DECISION_THRESHOLD]})
    return config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                signature_name="serving_default",
                prediction_key="probability",
                label_key=features.LABEL,
                preprocessing_function_names=["transform_features"],
            )
        ],
        metrics_specs=[
            config_pb2.MetricsSpec(
                metrics=[
                    config_pb2.MetricConfig(
                        class_name="BinaryAccuracy", per_slice_thresholds=[accuracy_gate]
                    ),
                    config_pb2.MetricConfig(
                        class_name=proven_lift.ProvenLift.__name__,
                        module=proven_lift.__name__,
                        per_slice_thresholds=[lift_gate] if min_lift else [],
                    ),
                    config_pb2.MetricConfig(class_name="ExampleCount"),
                    config_pb2.MetricConfig(class_name="AUC"),
                    config_pb2.MetricConfig(class_name="Precision"),
                    config_pb2.MetricConfig(class_name="Recall"),
                    config_pb2.MetricConfig(class_name="BinaryCrossEntropy"),
                    config_pb2.MetricConfig(class_name="Calibration"),
                    config_pb2.MetricConfig(class_name="CalibrationPlot"),
                    config_pb2.MetricConfig(
                        class_name="ConfusionMatrixAtThresholds", config=at_decision
                    ),
                ]
            )
        ],
        slicing_specs=[
            config_pb2.SlicingSpec(),
            config_pb2.SlicingSpec(feature_keys=[features.RATING]),
            config_pb2.SlicingSpec(feature_keys=[LENGTH]),
            config_pb2.SlicingSpec(feature_keys=[UNKNOWN_WORDS]),
        ],
    )


def _on_the_whole_split(
    threshold: config_pb2.MetricThreshold,
) -> config_pb2.PerSliceMetricThreshold:
    """Returns a threshold for the whole split; a metric's `threshold` is one for slices as well."""
    return config_pb2.PerSliceMetricThreshold(
        slicing_specs=[config_pb2.SlicingSpec()], threshold=threshold
    )


def custom_extractors(
    eval_shared_model: Any, eval_config: config_pb2.EvalConfig, tensor_adapter_config: Any
) -> list[extractor.Extractor]:
    """Returns TFMA's extractors, with one that adds the slice features to each batch.

    The Evaluator finds this function by its name; see TFX's Evaluator, `module_path`.
    """
    extractors = tfma.default_extractors(
        eval_shared_model=eval_shared_model,
        eval_config=eval_config,
        tensor_adapter_config=tensor_adapter_config,
    )
    stages = [stage.stage_name for stage in extractors]
    extractors.insert(
        stages.index(transformed_features_extractor._TRANSFORMED_FEATURES_EXTRACTOR_STAGE_NAME) + 1,
        extractor.Extractor(
            stage_name="ExtractSliceFeatures",
            ptransform="ExtractSliceFeatures" >> beam.Map(_with_slice_features),
        ),
    )
    return extractors


def _with_slice_features(extracts: dict[str, Any]) -> dict[str, Any]:
    """Adds LENGTH and UNKNOWN_WORDS to the features of a batch of extracts."""
    token_ids = _token_ids(extracts[tfma_constants.TRANSFORMED_FEATURES_KEY])
    texts = np.asarray(extracts[tfma_constants.FEATURES_KEY][features.TEXT]).reshape(-1)
    sliced = {
        **extracts[tfma_constants.FEATURES_KEY],
        LENGTH: _as_feature(length_names(texts)),
        UNKNOWN_WORDS: _as_feature(unknown_share_names(token_ids)),
    }
    return {**extracts, tfma_constants.FEATURES_KEY: sliced}


def _token_ids(transformed: dict[str, Any]) -> np.ndarray:
    """Returns the candidate's token ids; with a baseline, TFMA nests them by model name."""
    transformed = transformed.get(tfma_constants.CANDIDATE_KEY, transformed)
    return np.asarray(transformed[features.TOKEN_IDS]).reshape(-1, features.MAX_LENGTH)


def _as_feature(names: Sequence[str]) -> np.ndarray:
    return np.array([[name.encode()] for name in names], dtype=object)


def length_names(texts: np.ndarray) -> list[str]:
    """Names the length of each text in words: <object>[batch] of bytes -> LENGTH_NAMES."""
    counts = preprocessing.tokenize(tf.constant(texts, tf.string)).row_lengths().numpy()
    ranks = np.digitize(counts, [1, 101, 201, features.MAX_LENGTH + 1])
    return [LENGTH_NAMES[rank] for rank in ranks]


def unknown_share_names(token_ids: np.ndarray) -> list[str]:
    """Names the share of unknown words among the words that the model reads.

    Args:
      token_ids: <int64>[batch, MAX_LENGTH].

    Returns:
      One of UNKNOWN_SHARE_NAMES for each review; a review without words has a share of 0.
    """
    words = np.sum(token_ids != features.PAD_ID, axis=1)
    unknown = np.sum(token_ids == features.OUT_OF_VOCABULARY_ID, axis=1)
    ranks = np.digitize(unknown / np.maximum(words, 1), UNKNOWN_SHARE_BOUNDS)
    return [UNKNOWN_SHARE_NAMES[rank] for rank in ranks]
