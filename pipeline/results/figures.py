"""Figures of a leaderboard, spelled for people."""

from __future__ import annotations

from pipeline.results.statistics import Estimate


def deviation(estimate: Estimate) -> str:
    """Returns the standard deviation, in percentage points, or "-" where there is none."""
    return "-" if estimate.deviation is None else f"{estimate.deviation * 100:.2f}"


def interval(estimate: Estimate) -> str:
    """Returns the ends of the interval in percent, "85.41-86.63", or "-" where there is none."""
    low, high = estimate.low, estimate.high
    return "-" if low is None or high is None else f"{low * 100:.2f}-{high * 100:.2f}"


def seconds(value: float) -> str:
    """Returns "1,234" or, below ten, "2.5"."""
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def megabytes(count: float) -> str:
    """Returns a number of bytes in MB, "1.7"."""
    return f"{count / 1e6:.1f}"
