"""How much an accuracy says where one class is larger than the others, and on few reviews.

Where 97 reviews of 100 are negative, always saying "negative" is right 97 times. A model must be
right more often than that; the literature calls it the no-information rate (Kuhn, Building
Predictive Models in R Using the caret Package, 2008).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from components import features
from components.evaluator.wilson import CONFIDENCE
from components.models.class_list import short


class LargerClass(NamedTuple):
    """The class of more reviews than any other.

    Attributes:
      name: The class's; empty when another has as many.
      share: Of all reviews, 1 / classes to 1; NaN without reviews.
    """

    name: str
    share: float

    @property
    def always(self) -> str:
        """What the model is compared with, in words."""
        return f"always saying {short(self.name) or 'the same'}"


def larger_class(
    counts: Mapping[str, float], classes: Sequence[str] = features.CLASSES
) -> LargerClass:
    """Returns the larger of two classes of the reviews that `counts` is about.

    Args:
      counts: true_positives, false_negatives, true_negatives and false_positives.
      classes: The names of both, the negative one first.
    """
    return largest_class(_sizes(counts), classes)


def largest_class(sizes: Sequence[float], classes: Sequence[str]) -> LargerClass:
    """Returns the class with the most reviews.

    Args:
      sizes: Reviews of each class.
      classes: Their names.
    """
    greatest = max(sizes)
    if not greatest:
        return LargerClass("", float("nan"))
    names = [name for name, size in zip(classes, sizes, strict=True) if size == greatest]
    return LargerClass(names[0] if len(names) == 1 else "", greatest / sum(sizes))


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
    """Returns `lift_of` of two classes; `counts` as `larger_class` takes them."""
    return lift_of(counts["true_positives"] + counts["true_negatives"], _sizes(counts))


def lift_of(right: float, sizes: Sequence[float]) -> float:
    """Returns by how much a model is proven better than always saying the largest class.

    Args:
      right: How many reviews it judges right.
      sizes: Reviews of each class.

    Returns:
      `proven_accuracy` minus the largest class's share, -1 to 1. The share is no estimate: a
      constant answer is right that often on these very reviews. NaN without reviews.
    """
    reviews = sum(sizes)
    return proven_accuracy(right, reviews) - (max(sizes) / reviews if reviews else float("nan"))


def _sizes(counts: Mapping[str, float]) -> tuple[float, float]:
    """Returns how many negatives and positives there are."""
    return (
        counts["true_negatives"] + counts["false_positives"],
        counts["true_positives"] + counts["false_negatives"],
    )
