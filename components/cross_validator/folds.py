"""Folds: which reviews are judged together, by a model that is fitted to all others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from components.dataset.splits import bucket
from components.errors import TrainingError

FEWEST, MOST = 2, 20
_SALT = "fold"


def fold_of_each(texts: Sequence[bytes], labels: np.ndarray, folds: int) -> np.ndarray:
    """Deals reviews to folds: equal texts into the same one, and each class evenly.

    Different texts are put in the order of their class, then of a hash, and dealt one by one; so
    folds differ by one text at most, in all and in each class.

    Args:
      texts: Of the reviews.
      labels: <int64>[reviews]; equal texts may have several.
      folds: How many there are.

    Returns:
      <int64>[reviews], from 0 to below `folds`.

    Raises:
      TrainingError: There are fewer different texts than folds.
    """
    class_of: dict[bytes, int] = {}
    for text, label in zip(texts, labels.tolist(), strict=True):
        class_of[text] = min(label, class_of.get(text, label))
    if len(class_of) < folds:
        raise TrainingError(
            f"`folds` is {folds}, and there are {len(class_of)} different texts: a fold would be "
            "empty. Ask for fewer folds."
        )
    order = sorted(class_of, key=lambda text: (class_of[text], bucket(text, _SALT), text))
    fold = {text: place % folds for place, text in enumerate(order)}
    return np.array([fold[text] for text in texts], np.int64)
