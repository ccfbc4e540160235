"""How exactly reviews tell an accuracy, and whether two models on the same reviews differ.

Imports neither TensorFlow nor TFX.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from components.evaluator.predictions import Predictions
from components.evaluator.wilson import wilson_interval

# From which p on two models are not told apart.
SIGNIFICANCE = 0.05


def with_margin(right: float, reviews: float, sign: str = "±") -> str:
    """Returns an accuracy with half its `wilson_interval` in points: `86.14 % ± 0.43`."""
    if not reviews:
        return "undefined"
    low, high = wilson_interval(right, reviews)
    return f"{100 * right / reviews:.2f} % {sign} {100 * (high - low) / 2:.2f}"


def mcnemar(better: int, worse: int) -> float:
    """Returns the two-sided p of McNemar's exact test; 1 where no review tells two models apart.

    (McNemar, Note on the Sampling Error of the Difference between Correlated Proportions or
    Percentages, 1947.)

    Args:
      better: Reviews that the first model alone judges right.
      worse: Reviews that the second one alone judges right.
    """
    return min(2 * _tail(min(better, worse), better + worse), 1.0)


def mcnemar_worse(better: int, worse: int) -> float:
    """Returns the one-sided p of `mcnemar`: small where the first model is the worse one."""
    return _tail(better, better + worse)


def _tail(successes: int, trials: int) -> float:
    """Returns how likely at most so many heads are of so many tosses of a fair coin."""
    # Not `scipy.stats`, which takes a quarter of a second more to import.
    from scipy.special import bdtr

    return float(bdtr(successes, trials, 0.5)) if trials else 1.0


class Pairs(NamedTuple):
    """Two models on the same reviews.

    Attributes:
      better: Reviews that the first one alone judges right.
      worse: Reviews that the second one alone judges right.
    """

    better: int
    worse: int

    @classmethod
    def of(cls, first: np.ndarray, second: np.ndarray) -> Pairs:
        """Counts, of which reviews each model judges right: both <bool>[reviews]."""
        return cls(int(np.sum(first & ~second)), int(np.sum(second & ~first)))

    @classmethod
    def in_predictions(cls, predictions: Predictions) -> Pairs | None:
        """Returns those of a model and the last blessed one; None where there was none."""
        if predictions.baseline_choices is None:
            return None
        baseline_is_right = predictions.baseline_choices == predictions.labels
        return cls.of(predictions.is_right, baseline_is_right)

    @property
    def p(self) -> float:
        """The two-sided p of McNemar's exact test."""
        return mcnemar(self.better, self.worse)

    @property
    def p_worse(self) -> float:
        """The one-sided p that the first model is the worse one."""
        return mcnemar_worse(self.better, self.worse)

    @property
    def verdict(self) -> str:
        """What the test says of the first model, in two words or three."""
        if self.p >= SIGNIFICANCE:
            return "not told apart"
        return f"significantly {'better' if self.better > self.worse else 'worse'}"

    @property
    def in_words(self) -> str:
        """The counts and the verdict: `12 better, 30 worse: significantly worse (p = 0.008)`."""
        if self.better == self.worse == 0:
            return "0 better, 0 worse: the same reviews right"
        return f"{self.better:,} better, {self.worse:,} worse: {self.verdict} ({p_text(self.p)})"

    def to_json(self) -> Mapping[str, float]:
        """Returns counts and test for a card."""
        return {"better": self.better, "worse": self.worse, "mcnemar_p": self.p}


def p_text(p: float) -> str:
    """Returns a p as people write it: `p = 0.008`, `p < 0.001`."""
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"
