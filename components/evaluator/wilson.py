"""How exactly reviews tell an accuracy: Wilson's interval, by its formula.

SciPy's takes half a second to import, which a list of runs does not have.
"""

from __future__ import annotations

import math
from statistics import NormalDist

CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)


def wilson_interval(right: float, reviews: float) -> tuple[float, float]:
    """Returns the 95 % interval of an accuracy, by Wilson's score.

    (Wilson, Probable Inference, 1927.) It stays within 0 and 1, and says something of 0 mistakes
    as well. Both ends are NaN without reviews.

    Args:
      right: How many reviews are judged right.
      reviews: Of how many.
    """
    if not reviews:
        return math.nan, math.nan
    share, per_review = right / reviews, _Z * _Z / reviews
    middle = share + per_review / 2
    half = _Z * math.sqrt(share * (1 - share) / reviews + per_review / (4 * reviews))
    low, high = ((middle + end) / (1 + per_review) for end in (-half, half))
    return max(low, 0.0), min(high, 1.0)


def margin(accuracy: float, reviews: float) -> float:
    """Returns how far other reviews may move an accuracy: half of `wilson_interval`.

    NaN without reviews.
    """
    low, high = wilson_interval(accuracy * reviews if reviews else 0, reviews)
    return (high - low) / 2
