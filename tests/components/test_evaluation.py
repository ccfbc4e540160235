"""The gate's thresholds and the slices."""

from __future__ import annotations

import numpy as np
import pytest
from tensorflow_model_analysis.proto import config_pb2

from components import evaluation, features


def test_the_gate_holds_accuracy_to_both_bounds():
    """On the whole split: at least the minimum, and not much worse than the blessed model."""
    config = evaluation.eval_config(min_accuracy=0.8, max_regression=0.005)
    (gate,) = (
        gate for metric in config.metrics_specs[0].metrics for gate in metric.per_slice_thresholds
    )
    assert list(gate.slicing_specs) == [config_pb2.SlicingSpec()]
    threshold = gate.threshold
    assert threshold.value_threshold.lower_bound.value == pytest.approx(0.8)
    assert threshold.change_threshold.absolute.value == pytest.approx(-0.005)


def test_no_other_metric_gates():
    """A model is refused for its accuracy alone."""
    config = evaluation.eval_config(min_accuracy=0.8, max_regression=0.005)
    gated = [
        metric.class_name
        for metric in config.metrics_specs[0].metrics
        if metric.HasField("threshold") or metric.per_slice_thresholds
    ]
    assert gated == ["BinaryAccuracy"]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (0, "no words"),
        (1, "1-100"),
        (100, "1-100"),
        (101, "101-200"),
        (200, "101-200"),
        (201, "201-500"),
        (500, "201-500"),
        (501, "cut"),
    ],
)
def test_a_text_falls_into_the_slice_of_its_length_in_words(words, name):
    """Bounds are inclusive; a text is cut from 501 words on."""
    texts = np.array([("word " * words).encode()], dtype=object)
    assert evaluation.length_names(texts) == [name]


@pytest.mark.parametrize(
    ("unknown", "known", "name"),
    [
        (0, 0, "under 5 %"),
        (4, 96, "under 5 %"),
        (5, 95, "5-10 %"),
        (10, 90, "10-15 %"),
        (15, 85, "15-20 %"),
        (20, 80, "20 % or more"),
        (3, 0, "20 % or more"),
    ],
)
def test_the_unknown_share_counts_words_and_not_padding(unknown, known, name):
    """A share is that of the words that the model reads."""
    token_ids = np.zeros((1, features.MAX_LENGTH), np.int64)
    if unknown + known:
        token_ids[0, -(unknown + known) :] = [features.OUT_OF_VOCABULARY_ID] * unknown + [7] * known
    assert evaluation.unknown_share_names(token_ids) == [name]
