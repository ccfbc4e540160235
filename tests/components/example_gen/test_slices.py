"""Columns that slices are by, in the Examples: by value, and how many values stay."""

from __future__ import annotations

import csv
from collections import Counter

import numpy as np
import pytest

from components import features
from components.dataset.records import Review
from components.dataset.slice_values import MISSING, MOST_VALUES, OTHER
from components.example_gen import largest_values
from components.example_gen.largest_values import _CountValues
from components.schema_gen.executor import schema_of
from tests.components.example_gen.test_example_gen import Ingested


def review(value, split=features.TEST_SPLIT):
    """Returns a review with a value in its one column."""
    return Review(b"fine", 1, b"a:1", split, None, (value,))


def largest(*parts):
    """Returns the values that stay, counted part by part."""
    combine = _CountValues(1)
    counted = []
    for part in parts:
        counts = combine.create_accumulator()
        for each in part:
            counts = combine.add_input(counts, each)
        counted.append(counts)
    (values,) = combine.extract_output(combine.merge_accumulators(counted))
    return values


def test_values_are_features_and_rare_ones_are_one_slice(tmp_path, monkeypatch):
    """The report says how many reviews of test that is; the schema knows the features."""
    monkeypatch.setattr(largest_values, "MOST_VALUES", 2)
    rows = [
        (f"text {number}", number % 2, product, f"c{number}")
        for number, product in enumerate(["shoes", "shoes", "hats", "", "", "", "coats", "caps"])
    ]
    for split in ("train", "test"):
        with (tmp_path / f"{split}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("text", "label", "product", "the id"), *rows])
    found = Ingested(tmp_path / "out", tmp_path, slice_by="product,the id", drop_leaks=False)
    schema = schema_of(["a", "b"], ["product", "the id"])
    names = [feature.name for feature in schema.feature]
    assert names[-2:] == ["slice_by_product", names[-1]] and names[-1].startswith("slice_by_the_id")
    for split in ("train", "test"):
        examples = found.examples(split)
        assert set(examples[0]) == {"text", "label", "review_id", *names[-2:]}
        assert [each["slice_by_product"].decode() for each in examples] == [
            "shoes", "shoes", OTHER, MISSING, MISSING, MISSING, OTHER, OTHER,
        ]  # fmt: skip
        assert [each[names[-1]].decode() for each in examples] == ["c0", "c1", *[OTHER] * 6]
    assert found.report.other_slices == {"product": 3, "the id": 6}


def test_without_slices_nothing_is_added(tmp_path):
    """A review has the features that it always had."""
    (tmp_path / "a.csv").write_text("text,label,product\ngood,1,x\nbad,0,y\n")
    found = Ingested(tmp_path / "out", tmp_path / "a.csv")
    examples = [each for split in found.splits for each in found.examples(split)]
    assert {name for each in examples for name in each} == {"text", "label", "review_id"}
    assert found.report.other_slices == {}


def test_values_of_test_stay_first_and_those_of_train_fill_up():
    """Slices are measured on test; cross-validation knows the others as well."""
    train = [review(f"train {number}", "train") for number in range(150) for _ in range(3)]
    test = [review(f"test {number:02}") for number in range(60)]
    values = largest(train[:200], test, train[200:])
    assert {f"test {number:02}" for number in range(60)} <= values
    assert len(values) == MOST_VALUES
    assert largest([review("b"), review("a")]) == {"a", "b"}
    assert largest([]) == frozenset()


@pytest.mark.parametrize("parts", [1, 7])
def test_the_largest_values_are_found_in_bounded_memory(monkeypatch, parts):
    """Among more values than are counted exactly, in however many parts they come."""
    monkeypatch.setattr(largest_values, "COUNTED_VALUES", 200)
    generator = np.random.default_rng(3)
    frequent = [f"large {number}" for number in range(50) for _ in range(100)]
    values = frequent + [f"rare {number}" for number in range(10_000)]
    generator.shuffle(values)
    combine = _CountValues(1)
    counted = []
    for part in range(parts):
        counts = combine.create_accumulator()
        for value in values[part::parts]:
            counts = combine.add_input(counts, review(value))
            assert len(counts[0][0]) <= 400
        counted.append(counts)
    merged = combine.merge_accumulators(counted)
    assert len(merged[0][0]) <= 400
    assert set(Counter(frequent)) <= combine.extract_output(merged)[0]
