"""Statistics over a few seeds: means, confidence intervals, and differences between means."""

from __future__ import annotations

import math
import statistics
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds.

    Attributes:
      mean: Of the values.
      deviation: Standard deviation of the values, with n - 1; None for one value.
      low: Lower end of the 95 % interval of the mean; None for one value.
      high: Its upper end.
    """

    mean: float
    deviation: float | None = None
    low: float | None = None
    high: float | None = None


def estimate(values: Sequence[float]) -> Estimate:
    """Returns mean and interval by Student's t; the values must be independent of each other."""
    mean = statistics.fmean(values)
    if len(values) == 1:
        return Estimate(mean)
    deviation = statistics.stdev(values)
    if deviation == 0:
        return Estimate(mean, deviation, mean, mean)
    low, high = _interval_of(lambda: stats.ttest_1samp(values, 0.0))
    return Estimate(mean, deviation, low, high)


def difference(first: Sequence[float], second: Sequence[float]) -> Estimate:
    """Returns the difference of the means of `first` and `second`, with Welch's 95 % interval.

    The two may differ in their spread and in their number (Welch, 1947). There is no interval
    where one of them is a single value.
    """
    mean = statistics.fmean(first) - statistics.fmean(second)
    if min(len(first), len(second)) < 2:
        return Estimate(mean)
    variances = [statistics.variance(values) / len(values) for values in (first, second)]
    if not any(variances):
        return Estimate(mean, None, mean, mean)
    low, high = _interval_of(lambda: stats.ttest_ind(first, second, equal_var=False))
    return Estimate(mean, math.sqrt(sum(variances)), low, high)


def _interval_of(test: Callable[[], Any]) -> tuple[float, float]:
    with warnings.catch_warnings():
        # SciPy warns of values that are all the same: a deterministic fit gives one for every seed.
        warnings.simplefilter("ignore", RuntimeWarning)
        low, high = test().confidence_interval(CONFIDENCE)
    return float(low), float(high)
