"""The gate's thresholds and the slices."""

from __future__ import annotations

import json

import apache_beam as beam
import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from components import features
from components.evaluator import lift, ranks, results, slices
from components.evaluator.gate import eval_config
from components.transform.token_settings import TokenSettings


def test_the_gate_holds_accuracy_to_both_bounds():
    """On the whole split: at least the minimum, and not much worse than the blessed model."""
    config = eval_config(min_accuracy=0.8, max_regression=0.005)
    (gate,) = (
        gate for metric in config.metrics_specs[0].metrics for gate in metric.per_slice_thresholds
    )
    assert list(gate.slicing_specs) == [config_pb2.SlicingSpec()]
    threshold = gate.threshold
    assert threshold.value_threshold.lower_bound.value == pytest.approx(0.8)
    assert threshold.change_threshold.absolute.value == pytest.approx(-0.005)


def test_no_other_metric_gates():
    """A model is refused for its accuracy alone."""
    config = eval_config(min_accuracy=0.8, max_regression=0.005)
    gated = [
        json.loads(metric.config)["name"]
        for metric in config.metrics_specs[0].metrics
        if metric.HasField("threshold") or metric.per_slice_thresholds
    ]
    assert gated == ["binary_accuracy"]


def judged(folder, labels, predictions, **bounds):
    """Returns the measurements and the verdict of TFMA's own validator, without a baseline."""
    config = eval_config(**{"min_accuracy": 0.0, "max_regression": 0.1, **bounds})
    config.model_specs[0].CopyFrom(
        config_pb2.ModelSpec(label_key="label", prediction_key="prediction")
    )
    del config.slicing_specs[1:]
    config = tfma.utils.update_eval_config_with_defaults(config, rubber_stamp=True)
    frame = pd.DataFrame(
        {"label": np.array(labels, float), "prediction": np.array(predictions, float)}
    )
    tfma.analyze_raw_data(frame, config, output_path=str(folder))
    return (
        results.load(str(folder)).overall,
        tfma.load_validation_result(str(folder)).validation_ok,
    )


# Positives and negatives of the test split, and how many of each are judged rightly.
@pytest.mark.parametrize(
    ("split", "right", "is_blessed"),
    [
        ((5, 195), (0, 195), False),  # 97.5 % right, and never a positive
        ((6, 194), (3, 194), False),  # 98.5 % beside 97 %: three reviews may be luck
        ((29, 28), (23, 23), True),  # 81 % of 57 beside 51 %
    ],
)
def test_a_model_no_better_than_saying_the_larger_class_is_refused(
    tmp_path, split, right, is_blessed
):
    """However high its accuracy is, and though any accuracy is enough."""
    labels, predictions = [], []
    for label, (reviews, hits) in enumerate(zip(reversed(split), reversed(right), strict=True)):
        labels += [label] * reviews
        rightly, wrongly = (0.9, 0.1) if label else (0.1, 0.9)
        predictions += [rightly] * hits + [wrongly] * (reviews - hits)
    measured, is_ok = judged(tmp_path, labels, predictions, min_lift=0.001)
    assert measured["accuracy"] == pytest.approx(sum(right) / sum(split))
    assert is_ok == is_blessed == (lift.proven_lift(measured) >= 0.001)


def test_a_lift_of_zero_is_not_asked_for(tmp_path):
    """Whoever wants one class only, gets it."""
    assert judged(tmp_path, [0, 0, 0, 1], [0.1] * 4, min_lift=0.0)[1]


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
        (501, "truncated"),
    ],
)
def test_a_text_falls_into_the_slice_of_its_length_in_words(words, name):
    """Bounds are inclusive; a text is truncated from 501 words on."""
    texts = np.array([("word " * words).encode()], dtype=object)
    assert slices.length_names(texts) == [name]


@pytest.mark.parametrize(
    ("max_length", "lengths", "names"),
    [
        (40, (0, 1, 40, 41), ["no words", "1-40", "1-40", "truncated"]),
        (100, (100, 101), ["1-100", "truncated"]),
        (150, (101, 150, 151), ["101-150", "101-150", "truncated"]),
        (1_200, (500, 501, 1_000, 1_001), ["201-500", "501-1000", "501-1000", "1001-1200"]),
    ],
)
def test_length_slices_follow_what_the_model_reads(max_length, lengths, names):
    """The last one ends there; in characters where these are the tokens."""
    settings = TokenSettings(max_length=max_length, tokens="characters")
    texts = np.array([b"ab " * (length // 2) + b"c" * (length % 2) for length in lengths], object)
    assert slices.length_names(texts, settings) == names


def test_length_slices_are_sorted_as_people_count():
    """Whatever the model reads."""
    names = ["truncated", "1001-1200", "201-500", "1-100", "501-1000", "no words"]
    expected = ["no words", "1-100", "201-500", "501-1000", "1001-1200", "truncated"]
    assert slices.lengths_in_order(names) == expected


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
    assert slices.unknown_share_names(token_ids) == [name]


def gates(config):
    """Returns the bounds by metric: (least, change)."""
    return {
        (json.loads(metric.config)["name"] if metric.config else metric.class_name): (
            gate.threshold.value_threshold.lower_bound.value,
            gate.threshold.change_threshold.absolute.value
            if gate.threshold.HasField("change_threshold")
            else None,
        )
        for metric in config.metrics_specs[0].metrics
        for gate in metric.per_slice_thresholds
    }


@pytest.mark.parametrize(
    ("bounds", "classes", "expected"),
    [
        ({}, 2, {"binary_accuracy": (0.8, -0.005)}),
        ({"min_macro_f1": 0.6}, 2, {"binary_accuracy": (0.0, None), "macro_f1": (0.6, -0.005)}),
        (
            {"min_accuracy": 0.7, "min_macro_f1": 0.6},
            2,
            {"binary_accuracy": (0.7, -0.005), "macro_f1": (0.6, -0.005)},
        ),
        ({}, 3, {"accuracy": (0.0, -0.005)}),
        ({"min_lift": 0.01}, 3, {"accuracy": (0.0, -0.005), "proven_lift": (0.01, None)}),
        ({"min_accuracy": 0.4}, 3, {"accuracy": (0.4, -0.005)}),
        ({"min_macro_f1": 0.3}, 3, {"accuracy": (0.0, None), "macro_f1": (0.3, -0.005)}),
    ],
)
def test_the_gate_asks_for_accuracy_or_for_macro_f1(bounds, classes, expected):
    """Least value and change by metric; where nothing is set, two classes must reach 80 %."""
    names = ("a", "b", "c")[:classes]
    assert gates(eval_config(**bounds, classes=names)) == {
        name: tuple(pytest.approx(value) if value is not None else None for value in values)
        for name, values in expected.items()
    }


@pytest.mark.parametrize(("least", "is_blessed"), [(0.47, True), (0.48, False)])
def test_two_classes_can_be_held_to_their_macro_f1(tmp_path, least, is_blessed):
    """Nine of ten right, and never the smaller class: F1 of 18/19 and of 0."""
    bounds = {"min_accuracy": None, "min_macro_f1": least}
    measured, is_ok = judged(tmp_path, [0] * 9 + [1], [0.1] * 10, **bounds)
    assert measured["macro_f1"] == pytest.approx(9 / 19)
    assert is_ok == is_blessed


def test_the_metrics_of_two_classes_are_scikit_learns(tmp_path):
    """To six digits and more; in the log loss 0 and 1 count as 1e-7 from it."""
    predictions = np.random.default_rng(5).beta(0.2, 0.2, 1_000).astype(np.float32)
    predictions[:6] = [0.0, 1.0, 0.0, 1.0, 0.5, 0.5]
    labels = np.arange(1_000) % 3 == 0
    measured, _ = judged(tmp_path, labels, predictions)
    decisions = predictions >= 0.5
    clipped = predictions.astype(float).clip(1e-7, 1 - 1e-7)
    (true_negatives, false_positives), (false_negatives, true_positives) = (
        sklearn.metrics.confusion_matrix(labels, decisions)
    )
    assert measured == pytest.approx(
        {
            "accuracy": sklearn.metrics.accuracy_score(labels, decisions),
            "macro_f1": sklearn.metrics.f1_score(labels, decisions, average="macro"),
            "auc": sklearn.metrics.roc_auc_score(labels, predictions),
            "precision": sklearn.metrics.precision_score(labels, decisions),
            "recall": sklearn.metrics.recall_score(labels, decisions),
            "log_loss": sklearn.metrics.log_loss(labels, clipped),
            "calibration": predictions.astype(float).sum() / labels.sum(),
            "examples": 1_000,
            "true_negatives": true_negatives,
            "false_positives": false_positives,
            "false_negatives": false_negatives,
            "true_positives": true_positives,
        },
        abs=1e-6,
    )


@pytest.mark.parametrize("most_keys", [1 << 17, 100])
def test_the_area_under_the_curve_does_not_depend_on_the_parts(monkeypatch, most_keys):
    """Exact while probabilities are told apart; close to it, in bounded memory, beyond."""
    monkeypatch.setattr(ranks, "MOST_KEYS", most_keys)
    generator = np.random.default_rng(2)
    labels = generator.integers(0, 2, 3_000)
    probabilities = generator.beta(1 + labels, 2 - labels).astype(np.float32).round(3)
    parts = [ranks.Ranks() for _ in range(3)]
    for place, (label, probability) in enumerate(zip(labels, probabilities, strict=True)):
        parts[place % 5 % 3].add(int(label), float(probability))
    merged = ranks.Ranks()
    for part in parts:
        merged.merge(part)
    exact = sklearn.metrics.roc_auc_score(labels, probabilities)
    assert merged.area == pytest.approx(exact, abs=1e-12 if most_keys > 3_000 else 3e-3)
    assert len(merged._counts) <= most_keys


@pytest.mark.parametrize(
    ("better", "worse", "is_blessed"),
    [(12, 30, False), (30, 12, True), (0, 4, True), (0, 5, False), (0, 0, True)],
)
def test_a_gate_by_significance_compares_review_by_review(tmp_path, better, worse, is_blessed):
    """In TFMA's own validator: only what is surely worse is refused, by however many points."""
    candidate = [0.9] * better + [0.1] * worse + [0.9] * 5
    baseline = [0.1] * better + [0.9] * worse + [0.9] * 5
    config = tfma.utils.update_eval_config_with_defaults(
        eval_config(min_accuracy=0.0, max_regression=0.0, by_significance=True), has_baseline=True
    )
    extracts = [
        {
            tfma.LABELS_KEY: {"candidate": np.array([1]), "baseline": np.array([1])},
            tfma.PREDICTIONS_KEY: {
                name: {"probability": np.array([probability])}
                for name, probability in (("candidate", first), ("baseline", second))
            },
            tfma.SLICE_KEY_TYPES_KEY: [()],
        }
        for first, second in zip(candidate, baseline, strict=True)
    ]
    judge = tfma.evaluators.MetricsPlotsAndValidationsEvaluator(eval_config=config)
    with beam.Pipeline(runner="FnApiRunner") as pipeline:
        verdicts = (pipeline | beam.Create(extracts) | judge.ptransform)[tfma.VALIDATIONS_KEY]
        _ = (
            verdicts
            | beam.Map(lambda verdict: str(verdict.validation_ok))
            | beam.io.WriteToText(str(tmp_path / "verdict"))
        )
    (file,) = tmp_path.glob("verdict*")
    assert file.read_text().split() == [str(is_blessed)]


def test_a_gate_by_significance_lets_a_first_model_pass(tmp_path):
    """There is nothing that it could be worse than."""
    assert judged(tmp_path, [0, 0, 1, 1], [0.1, 0.1, 0.9, 0.9], by_significance=True)[1]
