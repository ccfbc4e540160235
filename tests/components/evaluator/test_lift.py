"""What an accuracy is worth beside the larger class and the number of reviews."""

from __future__ import annotations

import math

import pytest

from components.evaluator import lift, wilson


def counts(positives, negatives, right_positives, right_negatives):
    """A confusion matrix."""
    return {
        "true_positives": right_positives,
        "false_negatives": positives - right_positives,
        "true_negatives": right_negatives,
        "false_positives": negatives - right_negatives,
    }


@pytest.mark.parametrize(
    ("positives", "negatives", "name", "share", "always"),
    [
        (6, 194, "negative", 0.97, "always saying negative"),
        (3, 1, "positive", 0.75, "always saying positive"),
        (5, 5, "", 0.5, "always saying the same"),
    ],
)
def test_the_larger_class_and_its_share(positives, negatives, name, share, always):
    """However they are judged."""
    for right in (0, 1):
        larger = lift.larger_class(counts(positives, negatives, right, right))
        assert (larger.name, larger.share, larger.always) == (name, pytest.approx(share), always)


@pytest.mark.parametrize(
    ("right", "reviews", "proven"),
    [
        # Of n right answers the bound is the n-th root of 0.05; of none, 0.
        (10, 10, 0.05**0.1),
        (0, 10, 0.0),
        # Clopper and Pearson's 90 % interval of 15 of 20 has this lower end.
        (15, 20, 0.5444),
        (46, 57, 0.7010),
        (21_535, 25_000, 0.8577),
    ],
)
def test_the_accuracy_that_reviews_prove(right, reviews, proven):
    """Exact for few, near the accuracy for many."""
    assert lift.proven_accuracy(right, reviews) == pytest.approx(proven, abs=1e-3)


def test_the_proven_lift_is_what_lies_above_the_larger_class():
    """IMDB's first run: 36 points, of which hardly any hang on the number of reviews."""
    first_run = counts(12_500, 12_500, 10_419, 11_115)
    assert lift.proven_lift(first_run) == pytest.approx(0.8577 - 0.5, abs=1e-3)
    assert lift.proven_lift(counts(5, 195, 0, 195)) < 0.0


@pytest.mark.parametrize(
    ("split", "right", "is_proven"),
    [
        ((5, 195), (0, 195), False),
        ((195, 5), (195, 0), False),
        ((6, 194), (6, 194), True),
        ((6, 194), (3, 194), False),
        ((29, 28), (23, 23), True),
        ((50, 50), (25, 25), False),
        ((50, 50), (50, 0), False),
        ((50, 50), (30, 25), False),
        ((50, 50), (30, 30), True),
        ((5_000, 5_000), (2_550, 2_550), True),
    ],
)
def test_a_lift_is_proven_by_its_size_and_by_the_number_of_reviews(split, right, is_proven):
    """(Positives, negatives) of the split, and how many of each are judged rightly."""
    assert (lift.proven_lift(counts(*split, *right)) > 0) == is_proven


@pytest.mark.parametrize(
    ("accuracy", "reviews", "points"),
    [(46 / 57, 57, 10.1), (0.975, 200, 2.3), (0.5, 100, 9.6), (0.8614, 25_000, 0.4)],
)
def test_how_far_other_reviews_may_move_an_accuracy(accuracy, reviews, points):
    """In points to both sides."""
    assert wilson.margin(accuracy, reviews) * 100 == pytest.approx(points, abs=0.06)


def test_without_reviews_nothing_is_known():
    """NaN, which passes no gate."""
    nothing = counts(0, 0, 0, 0)
    assert math.isnan(lift.proven_lift(nothing)) and math.isnan(wilson.margin(math.nan, 0))


@pytest.mark.parametrize(
    ("sizes", "name", "share"),
    [((3, 5, 2), "b", 0.5), ((4, 4, 2), "", 0.4), ((0, 0, 0), "", math.nan)],
)
def test_the_largest_of_many_classes(sizes, name, share):
    """None where two are as large."""
    found = lift.largest_class(sizes, ("a", "b", "c"))
    assert found == (name, pytest.approx(share, nan_ok=True))


def test_the_lift_of_many_classes_is_over_the_largest():
    """With eight classes, 40 % right of 1,000 may be much."""
    assert lift.lift_of(400, [200, *[100] * 8]) == pytest.approx(0.3744 - 0.2, abs=1e-3)
    assert lift.lift_of(210, [200, *[100] * 8]) < 0.0
    assert math.isnan(lift.lift_of(0, [0, 0, 0]))
