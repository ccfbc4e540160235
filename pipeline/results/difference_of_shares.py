"""Whether two accuracies on different reviews differ."""

from __future__ import annotations

import math

from components.evaluator.wilson import wilson_interval


def newcombe(
    first: float, first_reviews: float, second: float, second_reviews: float
) -> tuple[float, float] | None:
    """Returns the 95 % interval of the second share minus the first, of different reviews.

    Newcombe's hybrid of two Wilson intervals (Interval Estimation for the Difference between
    Independent Proportions, method 10, 1998). None where one of them is of no reviews. Of the same
    reviews it is wider than it need be.
    """
    if not first_reviews or not second_reviews:
        return None
    one = wilson_interval(first * first_reviews, first_reviews)
    two = wilson_interval(second * second_reviews, second_reviews)
    difference = second - first
    below = math.hypot(second - two[0], one[1] - first)
    above = math.hypot(two[1] - second, first - one[0])
    return difference - below, difference + above
