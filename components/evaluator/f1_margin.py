"""How far other reviews may move a macro F1."""

from __future__ import annotations

import math

import numpy as np

from components.evaluator.confusion import Confusion, macro_f1_of

RESAMPLES = 500
_ENDS = (2.5, 97.5)


def macro_f1_margin(confusion: Confusion) -> float:
    """Returns half the 95 % interval of a macro F1, by the bootstrap's percentiles.

    Reviews are drawn anew, with replacement, RESAMPLES times; the seed is fixed. (Efron and
    Tibshirani, An Introduction to the Bootstrap, 1993.) NaN without reviews.
    """
    if not confusion.examples:
        return math.nan
    labels, choices = np.array(list(confusion.counts)).T
    counts = np.array(list(confusion.counts.values()))
    drawn = np.random.default_rng(0).multinomial(
        confusion.examples, counts / counts.sum(), size=RESAMPLES
    )
    is_right = labels == choices
    values = []
    for resample in drawn:
        sizes, chosen, right = (
            np.bincount(of, weights=weights, minlength=confusion.classes)
            for of, weights in (
                (labels, resample),
                (choices, resample),
                (labels, resample * is_right),
            )
        )
        values.append(macro_f1_of(sizes, chosen, right))
    low, high = np.percentile(values, _ENDS)
    return float(high - low) / 2
