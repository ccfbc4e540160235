"""Slices by columns: their rows, and why the gate refuses a model for them."""

from __future__ import annotations

from components.cross_validator.figures import CrossValidation, SliceFigures
from components.evaluator.bounds import GateBounds
from components.evaluator.confusion import Confusion
from components.evaluator.results import EvaluationResults
from pipeline.results.slice_rows import refusal_for, slice_rows, weak_slices
from pipeline.results.summary import SliceRow

BOUNDS = GateBounds.of(0, None, 0, 0, 2, min_slice_accuracy=0.75, min_slice_size=100)


def measured(slices):
    """Returns results with slices: (examples, accuracy) by key."""
    return EvaluationResults(
        overall={},
        slices={
            key: {"examples": float(examples), "accuracy": accuracy}
            for key, (examples, accuracy) in slices.items()
        },
    )


RESULTS = measured(
    {
        (("length", "1-100"),): (500, 0.6),
        (("product", "hats"),): (120, 0.7),
        (("product", "shoes"),): (300, 0.9),
        (("language", "de"), ("product", "hats")): (99, 0.5),
        (("language", "en"), ("product", "hats")): (100, 0.6),
    }
)
ASKED = (("product",), ("product", "language"))


def test_slices_by_columns_come_last_and_the_largest_first():
    """The values of two columns stand in the order that was asked for."""
    assert slice_rows(RESULTS, ASKED) == [
        SliceRow("length", "1-100", 500, 0.6),
        SliceRow("product", "shoes", 300, 0.9),
        SliceRow("product", "hats", 120, 0.7),
        SliceRow("product+language", "hats, en", 100, 0.6),
        SliceRow("product+language", "hats, de", 99, 0.5),
    ]


def test_slices_that_nobody_named_are_shown_behind_those_that_were():
    """Whoever reads an old evaluation may not know what was asked for."""
    rows = slice_rows(RESULTS)
    assert [(row.feature, row.value) for row in rows] == [
        ("length", "1-100"),
        ("product", "shoes"),
        ("product", "hats"),
        ("language+product", "en, hats"),
        ("language+product", "de, hats"),
    ]
    assert [row.feature for row in slice_rows(RESULTS, (("product", "language"),))] == [
        "length", "product+language", "product+language", "product", "product",
    ]  # fmt: skip


def test_numbers_stand_in_their_order():
    """Missing ones and the others behind them."""
    values = {"10": 5, "9.5": 50, "(missing)": 90, "(other)": 3, "-1": 4}
    results = measured({(("stars", value),): (size, 0.9) for value, size in values.items()})
    assert [row.value for row in slice_rows(results, (("stars",),))] == [
        "-1", "9.5", "10", "(missing)", "(other)",
    ]  # fmt: skip


def test_stars_that_a_table_spells_its_own_way_are_all_shown():
    """Once, though a slice of every data set is called so."""
    results = measured({(("rating", value),): (40, 0.9) for value in ("5.0", "(missing)")})
    assert [row.value for row in slice_rows(results, (("rating",),))] == ["5.0", "(missing)"]


def test_the_refusal_names_slice_size_accuracy_and_settings():
    """Of all that are large enough, the weakest first."""
    weak = weak_slices(RESULTS, BOUNDS, ASKED)
    assert refusal_for(weak, BOUNDS, "on the test split") == [
        "Its accuracy on the test split, on 2 slices of at least 100 reviews (--min-slice-size), "
        "is below the gate's 75.00% (--min-slice-accuracy): product+language 'hats, en' 60.00% of "
        "100; product 'hats' 70.00% of 120."
    ]
    assert refusal_for([], BOUNDS, "on the test split") == []
    assert weak_slices(RESULTS, GateBounds.of(0, None, 0, 0, 2), ASKED) == []


def test_without_columns_the_slices_of_every_data_set_count():
    """Of these, the length is weak."""
    assert weak_slices(RESULTS, BOUNDS, ()) == [SliceRow("length", "1-100", 500, 0.6)]


def test_many_weak_slices_are_counted():
    """Five are named."""
    results = measured({(("id", f"v{number}"),): (200, 0.1) for number in range(40)})
    (sentence,) = refusal_for(weak_slices(results, BOUNDS, (("id",),)), BOUNDS, "in 5 folds")
    assert "in 5 folds, on 40 slices" in sentence
    assert sentence.endswith("id 'v12' 10.00% of 200; and 35 more.")


def test_with_folds_their_slices_count():
    """And not those of the test split."""
    fold = Confusion(2, {(0, 0): 1})
    folds = CrossValidation((fold, fold), (SliceFigures((("product", "hats"),), 500, 400),))
    assert weak_slices(RESULTS, BOUNDS, ASKED, folds) == []
    weak = CrossValidation((fold, fold), (SliceFigures((("product", "hats"),), 500, 300),))
    assert weak_slices(RESULTS, BOUNDS, ASKED, weak) == [SliceRow("product", "hats", 500, 0.6)]
