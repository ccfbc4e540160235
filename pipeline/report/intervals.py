"""Intervals of shares."""

from __future__ import annotations

import math


def wilson(right: float, reviews: int) -> tuple[float, float]:
    """Returns the ends of the 95 % interval of a share; NaN without reviews.

    (Wilson, Probable Inference, the Law of Succession, and Statistical Inference, 1927.)

    Args:
      right: How many reviews are right.
      reviews: Of how many.
    """
    if not reviews or math.isnan(right):
        return math.nan, math.nan
    from scipy.stats import binomtest

    interval = binomtest(round(right), reviews).proportion_ci(0.95, method="wilson")
    return float(interval.low), float(interval.high)
