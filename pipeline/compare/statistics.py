"""What a few seeds say about all of them: means, intervals, and differences between means."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

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
    """Returns mean and interval by Student's t; the values are taken as drawn independently."""
    mean = statistics.fmean(values)
    if len(values) == 1:
        return Estimate(mean)
    deviation = statistics.stdev(values)
    half = _t(len(values) - 1) * deviation / math.sqrt(len(values))
    return Estimate(mean, deviation, mean - half, mean + half)


def difference(first: Sequence[float], second: Sequence[float]) -> Estimate:
    """Returns the difference of the means of `first` and `second`, with Welch's 95 % interval.

    The two may differ in their spread and in their number (Welch, 1947). There is no interval
    where one of them is a single value.
    """
    mean = statistics.fmean(first) - statistics.fmean(second)
    if min(len(first), len(second)) < 2:
        return Estimate(mean)
    parts = [statistics.variance(values) / len(values) for values in (first, second)]
    error = sum(parts)
    if error == 0:
        return Estimate(mean, None, mean, mean)
    freedom = error**2 / sum(
        part**2 / (len(values) - 1) for part, values in zip(parts, (first, second), strict=True)
    )
    half = _t(freedom) * math.sqrt(error)
    return Estimate(mean, math.sqrt(error), mean - half, mean + half)


def _t(degrees_of_freedom: float) -> float:
    return float(stats.t.ppf((1 + CONFIDENCE) / 2, degrees_of_freedom))
