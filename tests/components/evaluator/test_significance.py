"""How exactly reviews tell an accuracy, and whether two models on the same reviews differ."""

from __future__ import annotations

import math

import numpy as np
import pytest

from components.evaluator.predictions import Predictions
from components.evaluator.significance import (
    Pairs,
    mcnemar,
    mcnemar_worse,
    p_text,
    with_margin,
)
from components.evaluator.wilson import wilson_interval


@pytest.mark.parametrize(
    ("right", "reviews", "low", "high"),
    [
        (21_535, 25_000, 0.857061, 0.865628),
        (0, 10, 0.0, 0.277533),
        (10, 10, 0.722467, 1.0),
        (9, 10, 0.595850, 0.982124),
    ],
)
def test_wilsons_interval_holds_beside_0_and_1(right, reviews, low, high):
    """(p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n), with z = 1.95996."""
    z, p = 1.959963984540054, right / reviews
    middle = (p + z * z / (2 * reviews)) / (1 + z * z / reviews)
    half = z / (1 + z * z / reviews) * math.sqrt(p * (1 - p) / reviews + (z / (2 * reviews)) ** 2)
    assert wilson_interval(right, reviews) == pytest.approx((low, high), abs=1e-6)
    assert (middle - half, middle + half) == pytest.approx((low, high), abs=1e-6)


@pytest.mark.parametrize(
    ("right", "reviews", "text"),
    [
        (21_535, 25_000, "86.14 % ± 0.43"),
        (46, 57, "80.70 % ± 10.10"),
        (57, 57, "100.00 % ± 3.16"),
        (0, 0, "undefined"),
    ],
)
def test_an_accuracy_is_told_with_its_margin(right, reviews, text):
    """In points."""
    assert with_margin(right, reviews) == text


def test_a_margin_can_be_told_in_ascii():
    """For terminals that know nothing else."""
    assert with_margin(21_535, 25_000, "+-") == "86.14 % +- 0.43"


@pytest.mark.parametrize(
    ("better", "worse", "words"),
    [
        (12, 30, "12 better, 30 worse: significantly worse (p = 0.008)"),
        (30, 12, "30 better, 12 worse: significantly better (p = 0.008)"),
        (12, 20, "12 better, 20 worse: not told apart (p = 0.22)"),
        (0, 5, "0 better, 5 worse: not told apart (p = 0.062)"),
        (1, 0, "1 better, 0 worse: not told apart (p = 1.00)"),
        (7, 7, "7 better, 7 worse: not told apart (p = 1.00)"),
        (0, 0, "0 better, 0 worse: the same reviews right"),
        (1_000, 2_000, "1,000 better, 2,000 worse: significantly worse (p < 0.001)"),
    ],
)
def test_two_models_are_compared_in_words(better, worse, words):
    """By McNemar's exact test: a fair coin for each review that tells them apart."""
    assert Pairs(better, worse).in_words == words


@pytest.mark.parametrize(("better", "worse"), [(12, 30), (0, 5), (3, 3), (0, 0), (9, 2)])
def test_mcnemars_p_is_the_binomials(better, worse):
    """Summed up here term by term."""
    trials = better + worse
    terms = [math.comb(trials, k) / 2**trials for k in range(trials + 1)]
    tail = sum(terms[: better + 1])
    assert mcnemar_worse(better, worse) == pytest.approx(tail)
    smaller = min(better, worse)
    assert mcnemar(better, worse) == pytest.approx(min(1.0, 2 * sum(terms[: smaller + 1])))


def test_only_reviews_that_tell_two_models_apart_count():
    """Both right, or both wrong, says nothing."""
    labels = np.array([0, 0, 1, 1, 1])
    kept = Predictions(
        review_ids=np.array([*"abcde"], object),
        labels=labels,
        scores=np.zeros((5, 2), np.float32),
        choices=np.array([0, 0, 1, 0, 0]),
        baseline_scores=np.zeros((5, 2), np.float32),
        baseline_choices=np.array([0, 1, 0, 1, 0]),
    )
    assert Pairs.in_predictions(kept) == (2, 1)


def test_without_another_model_there_are_no_pairs():
    """A first model is compared with none."""
    none = np.zeros(0, np.int64)
    assert Pairs.in_predictions(Predictions(none, none, none, none)) is None


@pytest.mark.parametrize(
    ("p", "text"), [(0.0001, "p < 0.001"), (0.0079, "p = 0.008"), (0.5, "p = 0.50")]
)
def test_a_p_is_written_as_people_write_it(p, text):
    """With as many digits as matter."""
    assert p_text(p) == text
