"""What differs between two runs, and whether it holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

REVIEWS = 40


@dataclass(frozen=True)
class Predictions:
    """What a run's Evaluator kept: its columns in memory."""

    review_ids: np.ndarray
    labels: np.ndarray
    scores: np.ndarray
    choices: np.ndarray

    @property
    def is_right(self):
        """Which ones are judged right."""
        return self.choices == self.labels


def predictions(wrong):
    """Returns predictions on the same reviews, of which those in `wrong` are judged wrong."""
    labels = np.arange(REVIEWS) % 2
    choices = np.where(np.isin(np.arange(REVIEWS), list(wrong)), 1 - labels, labels)
    scores = np.stack([1 - choices * 0.8 - 0.1, choices * 0.8 + 0.1], axis=1)
    ids = np.array([f"reviews:{number:02}" for number in range(REVIEWS)], dtype=object)
    return Predictions(ids, labels, scores, choices)
