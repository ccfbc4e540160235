"""Which classes were taken for which: what accuracy, F1, precision and recall follow from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True)
class Confusion:
    """A confusion matrix of many classes, most of whose pairs never occur.

    Attributes:
      classes: How many classes there are.
      counts: By (label, label that the model decided on), how many reviews; pairs without any are
        left out. At most as many pairs as there are reviews.
    """

    classes: int
    counts: Mapping[tuple[int, int], int]

    @classmethod
    def of_two(cls, counts: Mapping[str, float]) -> Confusion:
        """Returns that of two classes.

        Args:
          counts: true_positives, false_negatives, true_negatives and false_positives.
        """
        pairs = {
            (0, 0): counts["true_negatives"],
            (0, 1): counts["false_positives"],
            (1, 0): counts["false_negatives"],
            (1, 1): counts["true_positives"],
        }
        return cls(2, {pair: round(count) for pair, count in pairs.items() if count})

    @cached_property
    def sizes(self) -> np.ndarray:
        """How many reviews each class has: <int64>[classes]."""
        return self._summed((label, count) for (label, _), count in self.counts.items())

    @cached_property
    def chosen(self) -> np.ndarray:
        """How often the model decided on each class: <int64>[classes]."""
        return self._summed((choice, count) for (_, choice), count in self.counts.items())

    @cached_property
    def right(self) -> np.ndarray:
        """How often it did so rightly: <int64>[classes]."""
        return self._summed(
            (label, count) for (label, choice), count in self.counts.items() if label == choice
        )

    @property
    def examples(self) -> int:
        """How many reviews there are."""
        return int(self.sizes.sum())

    @property
    def accuracy(self) -> float:
        """The share of reviews that are judged right; NaN without reviews."""
        return float(self.right.sum()) / self.examples if self.examples else float("nan")

    @property
    def precision(self) -> np.ndarray:
        """By class, the share of right decisions on it: <float64>[classes], NaN without any."""
        return _share(self.right, self.chosen)

    @property
    def recall(self) -> np.ndarray:
        """By class, the share of its reviews judged right: <float64>[classes], NaN without any."""
        return _share(self.right, self.sizes)

    @property
    def f1(self) -> np.ndarray:
        """By class, the harmonic mean of both: <float64>[classes], NaN where a class is unseen."""
        return _f1(self.sizes, self.chosen, self.right)

    @property
    def macro_f1(self) -> float:
        """The mean of `f1` over the classes that have a review, or that the model decided on.

        As scikit-learn's f1_score(average="macro"). NaN without reviews.
        """
        return macro_f1_of(self.sizes, self.chosen, self.right)

    def mistakes(self) -> list[tuple[int, int, int]]:
        """Returns (label, what it was taken for, how often), the most frequent first."""
        wrong = [(*pair, count) for pair, count in self.counts.items() if pair[0] != pair[1]]
        return sorted(wrong, key=lambda each: (-each[2], each))

    def _summed(self, counted: Iterable[tuple[int, int]]) -> np.ndarray:
        sums = np.zeros(self.classes, np.int64)
        for label, count in counted:
            sums[label] += count
        return sums


def macro_f1_of(sizes: np.ndarray, chosen: np.ndarray, right: np.ndarray) -> float:
    """Returns `Confusion.macro_f1` of `sizes`, `chosen` and `right`, each <number>[classes]."""
    f1 = _f1(sizes, chosen, right)
    found = f1[~np.isnan(f1)]
    return float(found.mean()) if len(found) else float("nan")


def _f1(sizes: np.ndarray, chosen: np.ndarray, right: np.ndarray) -> np.ndarray:
    return _share(2 * right, sizes + chosen)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
