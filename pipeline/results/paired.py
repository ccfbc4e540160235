"""Whether two accuracies differ, on the same reviews or on different ones; without SciPy.

SciPy's `binomtest` takes half a second to import, which a list of runs does not have.
"""

from __future__ import annotations

import math

from pipeline.results.stored_runs import wilson


def mcnemar(better: int, worse: int) -> float:
    """Returns the two-sided p of McNemar's exact test.

    Of the reviews that two models judge differently, half would fall to each if they were equally
    good: a binomial test (McNemar, Note on the Sampling Error of the Difference between Correlated
    Proportions, 1947).

    Args:
      better: Reviews that the second model alone judges right.
      worse: Reviews that the first model alone judges right.
    """
    total = better + worse
    tail = sum(
        math.exp(
            math.lgamma(total + 1)
            - math.lgamma(count + 1)
            - math.lgamma(total - count + 1)
            - total * math.log(2)
        )
        for count in range(min(better, worse) + 1)
    )
    return min(2 * tail, 1.0)


def newcombe(
    first: float, first_reviews: float, second: float, second_reviews: float
) -> tuple[float, float] | None:
    """Returns the 95 % interval of the second share minus the first, of different reviews.

    Newcombe's hybrid of two Wilson intervals (Interval Estimation for the Difference between
    Independent Proportions, method 10, 1998). None where one of them is of no reviews. Of the same
    reviews it is wider than it need be.
    """
    one, two = wilson(first, first_reviews), wilson(second, second_reviews)
    if one is None or two is None:
        return None
    difference = second - first
    below = math.hypot(second - two[0], one[1] - first)
    above = math.hypot(two[1] - second, first - one[0])
    return difference - below, difference + above
