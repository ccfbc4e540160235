"""How much an accuracy says where one class is larger than the other, and on few reviews.

Where 97 reviews of 100 are negative, always saying "negative" is right 97 times. A model must be
right more often than that; the literature calls it the no-information rate (Kuhn, Building
Predictive Models in R Using the caret Package, 2008).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from components import features

CONFIDENCE = 0.95


class LargerClass(NamedTuple):
    """The class of more reviews than the other.

    Attributes:
      name: One of `features.CLASSES`; empty when both have as many.
      share: Of all reviews, 0.5 to 1; NaN without reviews.
    """

    name: str
    share: float

    @property
    def always(self) -> str:
        """What the model is compared with, in words."""
        return f"always saying {self.name or 'the same'}"


def larger_class(counts: Mapping[str, float]) -> LargerClass:
    """Returns the larger class of the reviews that `counts` is about.

    Args:
      counts: true_positives, false_negatives, true_negatives and false_positives.
    """
    positives = counts["true_positives"] + counts["false_negatives"]
    negatives = counts["true_negatives"] + counts["false_positives"]
    if positives == negatives:
        return LargerClass("", 0.5 if positives else float("nan"))
    larger = features.POSITIVE if positives > negatives else features.NEGATIVE
    return LargerClass(
        features.CLASSES[larger], max(positives, negatives) / (positives + negatives)
    )


def proven_accuracy(right: float, reviews: float) -> float:
    """Returns the accuracy that `right` of `reviews` answers prove, at a confidence of 95 %.

    The lower end of the exact one-sided 95 % interval (Clopper & Pearson, The Use of Confidence or
    Fiducial Limits, 1934). It holds for a handful of reviews and beside 0 and 1 as well, where
    the normal approximation fails. NaN without reviews.
    """
    if not reviews:
        return float("nan")
    from scipy.stats import binomtest

    test = binomtest(round(right), round(reviews), alternative="greater")
    return float(test.proportion_ci(CONFIDENCE, method="exact").low)


def proven_lift(counts: Mapping[str, float]) -> float:
    """Returns by how much a model is proven better than always saying the larger class.

    Args:
      counts: As `larger_class` takes them.

    Returns:
      `proven_accuracy` minus the larger class's share, -1 to 0.5. The share is no estimate: a
      constant answer is right that often on these very reviews.
    """
    right = counts["true_positives"] + counts["true_negatives"]
    wrong = counts["false_positives"] + counts["false_negatives"]
    return proven_accuracy(right, right + wrong) - larger_class(counts).share


def margin(accuracy: float, reviews: float) -> float:
    """Returns how far other reviews may move an accuracy: half the 95 % interval by Wilson's score.

    (Wilson, Probable Inference, 1927.) NaN without reviews.
    """
    if not reviews:
        return float("nan")
    from scipy.stats import binomtest

    interval = binomtest(round(accuracy * reviews), round(reviews)).proportion_ci(
        CONFIDENCE, method="wilson"
    )
    return float(interval.high - interval.low) / 2
