"""The worst mistakes: the test reviews that were judged wrong with the highest confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from components import features

MOST_MISTAKES = 20


@dataclass(frozen=True)
class WorstMistake:
    """A review that was judged wrong.

    Attributes:
      review_id: Its name.
      label: The class that it has.
      taken_for: The class that the model decided on.
      confidence: The probability of that class, 0 to 1.
    """

    review_id: str
    label: int
    taken_for: int
    confidence: float


def worst_mistakes(
    review_ids: Sequence[str] | np.ndarray,
    labels: np.ndarray,
    scores: np.ndarray,
    threshold: float = features.DECISION_THRESHOLD,
    most: int = MOST_MISTAKES,
) -> tuple[WorstMistake, ...]:
    """Returns the mistakes with the highest confidence first, equal ones by `review_id`.

    Args:
      review_ids: Of the reviews.
      labels: <int64>[reviews].
      scores: <float32>[reviews, classes].
      threshold: With two classes, the probability of the second from which it is decided on.
      most: How many are returned.
    """
    decided = decisions(scores, threshold)
    wrong = np.flatnonzero(decided != labels)
    confidence = scores[wrong, decided[wrong]]
    order = np.lexsort((np.asarray(review_ids, str)[wrong], -confidence))[:most]
    return tuple(
        WorstMistake(str(review_ids[at]), int(labels[at]), int(decided[at]), float(score))
        for at, score in zip(wrong[order].tolist(), confidence[order].tolist(), strict=True)
    )


def decisions(scores: np.ndarray, threshold: float = features.DECISION_THRESHOLD) -> np.ndarray:
    """Returns the labels that a model with these scores decides on, <int64>[reviews].

    With more than two classes the likeliest, of equals the first.
    """
    if scores.shape[1] == len(features.CLASSES):
        return (scores[:, 1] >= scores.dtype.type(threshold)).astype(np.int64)
    return np.argmax(scores, axis=1)
