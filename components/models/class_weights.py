"""Class weights: how much a review counts in training, by its class."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.hyperparameters import CLASS_WEIGHTS

if TYPE_CHECKING:
    import numpy as np

NONE, BALANCED = CLASS_WEIGHTS


def class_weights(labels: np.ndarray, classes: int, choice: str) -> np.ndarray | None:
    """Returns what a training review of each class counts; None where all count alike.

    BALANCED gives all classes the same weight in sum, and each review 1 on average: a class with c
    of n reviews has n / (k * c), where k is the number of classes that have a review, as in
    scikit-learn (King & Zeng, Logistic Regression in Rare Events Data, 2001).

    Args:
      labels: Of the training reviews, <int64>[reviews].
      classes: How many classes there are.
      choice: NONE or BALANCED.

    Returns:
      <float32>[classes]; 0 for a class without training reviews.
    """
    import numpy as np

    if choice == NONE:
        return None
    sizes = np.bincount(labels, minlength=classes)
    weights = len(labels) / (np.count_nonzero(sizes) * np.maximum(sizes, 1))
    return np.where(sizes > 0, weights, 0.0).astype(np.float32)
