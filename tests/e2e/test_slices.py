"""A weak slice stops a push, through the command line."""

from __future__ import annotations

import csv
import json
import re
from collections import defaultdict

import numpy as np
import pytest
import tensorflow as tf
from tfx.utils import path_utils

from components.dataset.sample import generate_review
from components.evaluator import results
from components.pusher.model_card import FILE as CARD
from pipeline.results.run_record import RunRecord

from .running import sentiment

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


@pytest.fixture
def table(tmp_path):
    """A quarter of the sample; of German reviews of hats, every other has the wrong label."""
    path = tmp_path / "reviews.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["text", "label", "product", "language"])
        for number, index in enumerate(range(0, 2_000, 4)):
            review = generate_review(index)
            product, language = ("shoes", "hats", "")[number % 3], ("en", "de")[number // 3 % 2]
            is_wrong = (product, language) == ("hats", "de") and number % 4 < 2
            label = 1 - review.label if is_wrong else review.label
            rows.writerow([review.text.decode(), label, product, language])
    return path


def accuracies(record):
    """Returns size and accuracy of each slice by the model's own answers to the test reviews."""
    (examples,) = record.outputs("ReviewExampleGen", "examples")
    (model,) = record.outputs("Trainer", "model")
    folder = f"{examples.uri}/Split-test"
    files = tf.io.gfile.glob(f"{folder}/*.gz")
    serialized = list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())
    serve = tf.saved_model.load(path_utils.serving_model_path(model.uri)).signatures[
        "serving_default"
    ]
    probabilities = serve(examples=tf.constant(serialized))["probability"].numpy()
    found = defaultdict(list)
    for each, probability in zip(serialized, probabilities, strict=True):
        feature = tf.train.Example.FromString(each).features.feature
        product, language = (
            feature[f"slice_by_{name}"].bytes_list.value[0].decode()
            for name in ("product", "language")
        )
        is_right = (probability >= 0.5) == feature["label"].int64_list.value[0]
        found[("product", product),].append(is_right)
        found[("language", language), ("product", product)].append(is_right)
    return {key: (len(right), np.mean(right)) for key, right in found.items()}


def test_a_weak_slice_stops_the_push_and_is_named(table, tmp_path):
    """Its accuracy is that of the exported model; with a lower bound the Evaluator alone runs."""
    arguments = ["run", "--data", str(table), "--model", "linear", "--infra-validation", "off"]
    arguments += ["--slice-by", "product,product+language", "--min-slice-size", "8"]
    arguments += ["--min-accuracy", "0.4", "--min-lift", "0", "--min-slice-accuracy"]
    refused = sentiment(*arguments, "0.95", cwd=tmp_path)
    assert refused.returncode == 3, refused.stderr
    record = RunRecord(tmp_path / "artifacts/metadata.db", "reviews_sentiment")
    (evaluation,) = record.outputs("Evaluator", "evaluation")
    measured = results.load(evaluation.uri).slices
    expected = accuracies(record)
    assert (("language", "de"), ("product", "(missing)")) in expected
    for key, (size, accuracy) in expected.items():
        assert measured[key]["examples"] == size
        assert measured[key]["accuracy"] == pytest.approx(accuracy)
    told = " ".join(refused.stdout.split())
    weak = {key: each for key, each in expected.items() if each[0] >= 8 and each[1] < 0.95}
    assert f"on {len(weak)} slices of at least 8 reviews" in told
    key, (size, accuracy) = min(weak.items(), key=lambda each: (each[1][1], -each[1][0]))
    values = dict(key)
    features = [name for name in ("product", "language") if name in values]
    named = f"{'+'.join(features)} '{', '.join(values[name] for name in features)}'"
    assert f"{named} {accuracy:.2%} of {size}" in told
    assert "gate's 95.00% (--min-slice-accuracy)" in told

    pushed = sentiment(*arguments, "0.1", cwd=tmp_path)
    assert pushed.returncode == 0, pushed.stderr
    record = RunRecord(tmp_path / "artifacts/metadata.db", "reviews_sentiment")
    executed = {step.name for step in record.steps if not step.is_cached}
    assert executed == {"LatestBlessedModel", "Evaluator", "Pusher"}
    (version,) = re.findall(r"serving_model/reviews_sentiment/\d+", pushed.stdout)[:1]
    card = json.loads((tmp_path / "artifacts" / version / CARD).read_text())
    assert card["gate"]["min_slice_accuracy"] == 0.1
    assert card["gate"]["min_slice_size"] == 8
    slices = {tuple(sorted(each["slice"].items())): each for each in card["slices"]}
    for key, (size, accuracy) in expected.items():
        assert slices[key]["reviews"] == size
        assert slices[key]["accuracy"] == pytest.approx(accuracy)
