"""Slices by columns in TFMA: their accuracies, and the gate on them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis.proto import config_pb2

from components.dataset.slice_values import feature_of
from components.evaluator import extractors, results
from components.evaluator.bounds import GateBounds
from components.evaluator.gate import eval_config
from components.evaluator.slices import key_of_column

# Right and all reviews of each product and language; shoes in German are weak.
CELLS = {
    ("shoes", "en"): (38, 40),
    ("shoes", "de"): (20, 40),
    ("hats", "en"): (29, 30),
    ("hats", "de"): (1, 9),
}
BOTH = (("product",), ("product", "language"))


def frame(classes=2):
    """Returns reviews with labels and predictions, of which so many are right in each cell."""
    rows = []
    for (product, language), (right, size) in CELLS.items():
        for number in range(size):
            label = number % classes
            choice = label if number < right else (label + 1) % classes
            scores = np.full(classes, 0.1)
            scores[choice] = 0.9
            prediction = scores[1] if classes == 2 else scores
            rows.append((float(label), prediction, product, language))
    return pd.DataFrame(rows, columns=["label", "prediction", "product", "language"])


def judged(folder, classes=2, **bounds):
    """Returns the reviews, the measurements and TFMA's verdict, without a baseline."""
    names = [f"class {number}" for number in range(classes)]
    config = eval_config(min_accuracy=0.0, classes=names, **bounds)
    config.model_specs[0].CopyFrom(
        config_pb2.ModelSpec(label_key="label", prediction_key="prediction")
    )
    columns = [spec for spec in config.slicing_specs if "product" in spec.feature_keys]
    del config.slicing_specs[1:]
    config.slicing_specs.extend(columns)
    config = tfma.utils.update_eval_config_with_defaults(config, rubber_stamp=True)
    reviews = frame(classes)
    tfma.analyze_raw_data(reviews, config, output_path=str(folder))
    return reviews, results.load(str(folder)), tfma.load_validation_result(str(folder))


def measured_by_pandas(reviews, columns, classes):
    """Returns size and accuracy of each slice by these columns."""
    predictions = reviews["prediction"]
    choices = predictions >= 0.5 if classes == 2 else predictions.map(np.argmax)
    is_right = (choices == reviews["label"]).groupby([reviews[column] for column in columns])
    return {
        # Before pandas 2, the value of a single column came without a tuple around it.
        tuple(zip(columns, values if isinstance(values, tuple) else (values,), strict=True)): (
            len(group),
            pytest.approx(group.mean()),
        )
        for values, group in is_right
    }


@pytest.mark.parametrize(
    ("classes", "slice_by", "least", "size", "weak"),
    [
        (
            2,
            (("product",), ("product", "language")),
            0.74,
            40,
            {("shoes", "de"): 0.5, "shoes": 0.725},
        ),
        (3, (("product", "language"),), 0.5, 9, {("hats", "de"): 1 / 9}),
        (2, (("language", "product"),), 0.7, 41, {}),
    ],
)
def test_a_large_and_weak_slice_refuses_the_model(tmp_path, classes, slice_by, least, size, weak):
    """Accuracies are those of pandas, and TFMA's verdict is that of the bounds.

    In whatever order two columns are named. With several features in one threshold TFMA may take
    slices for missing that it has measured (tensorflow/model-analysis, issue 150), and then
    blesses nothing.
    """
    reviews, found, verdict = judged(
        tmp_path, classes, slice_by=slice_by, min_slice_accuracy=least, min_slice_size=size
    )
    expected = {}
    for columns in slice_by:
        expected |= measured_by_pandas(reviews, sorted(columns), classes)
    assert {
        key: (metrics["examples"], metrics["accuracy"]) for key, metrics in found.slices.items()
    } == expected
    refused = {
        tuple((each.column, each.bytes_value.decode()) for each in slices.single_slice_keys): value
        for slices, value in (
            (failed.slice_key, failed.failures[0].metric_value.double_value.value)
            for failed in verdict.metric_validations_per_slice
        )
    }
    assert refused == {
        (("product", value),)
        if isinstance(value, str)
        else (("language", value[1]), ("product", value[0])): pytest.approx(accuracy)
        for value, accuracy in weak.items()
    }
    assert list(verdict.missing_slices) == []
    assert verdict.validation_ok == (not weak)


def test_what_the_slice_gate_asks_for():
    """Of the user's columns; where none is named, of what every data set has; else nothing."""

    def gated(**settings):
        config = eval_config(min_accuracy=0.0, min_slice_accuracy=0.75, **settings)
        (metric,) = (
            each for each in config.metrics_specs[0].metrics if each.class_name == "SliceAccuracy"
        )
        (threshold,) = metric.per_slice_thresholds
        assert threshold.threshold.value_threshold.lower_bound.value == 0.75
        return [list(spec.feature_keys) for spec in threshold.slicing_specs]

    assert gated(slice_by=BOTH) == [["product"], ["product", "language"]]
    assert gated() == [["length"], ["unknown_words"]]
    metrics = eval_config(min_accuracy=0.0, slice_by=BOTH).metrics_specs[0].metrics
    assert "SliceAccuracy" not in {metric.class_name for metric in metrics}


def test_slices_by_columns_come_beside_those_of_every_data_set():
    """A column that is called as one of them is told from it; stars are sliced by once."""
    config = eval_config(slice_by=(("length",), ("rating",), ("rating", "unknown_words")))
    assert [list(spec.feature_keys) for spec in config.slicing_specs] == [
        [],
        ["rating"],
        ["length"],
        ["unknown_words"],
        ["length (column)"],
        ["rating", "unknown_words (column)"],
    ]


@pytest.mark.parametrize("column", ["product", "length", "length (column)", "a b", "\x1b[0m", "ä"])
def test_the_extractor_finds_the_feature_of_each_column(column):
    """By the name of the slice alone."""
    key = key_of_column(column)
    values = np.array([["x"], ["y"]], object)
    extracts = {
        "features": {"text": np.array([b"one", b"two"], object), feature_of(column): values},
        "transformed_features": {"token_ids": np.zeros((2, 5), np.int64)},
    }
    found = extractors._with_slice_features(extracts, None, {key, "rating"})["features"]
    assert found[key] is values
    assert found["length"].ravel().tolist() == [b"1-5", b"1-5"]
    assert "rating" not in found


def test_a_slice_as_large_as_asked_is_held_to_the_bound():
    """One review fewer is not; the bound itself is enough; NaN is not."""
    bounds = GateBounds.of(0, None, 0, 0, 2, min_slice_accuracy=0.75, min_slice_size=100)
    assert bounds.is_weak(100, 0.7499) and bounds.is_weak(100, float("nan"))
    assert not bounds.is_weak(99, 0.0) and not bounds.is_weak(100, 0.75)
    assert not GateBounds.of(0, None, 0, 0, 2).is_weak(1_000, 0.0)
