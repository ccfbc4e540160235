"""What one review adds to the log loss."""

from __future__ import annotations

import math

NAME = "log_loss"

# What a probability counts as at least: log(0) is no number.
LEAST_PROBABILITY = 1e-7


def loss_of(probability: float) -> float:
    """Returns the negative log likelihood of a review.

    Args:
      probability: What the model gives the review's label, 0 to 1; counts as LEAST_PROBABILITY at
        least.
    """
    return -math.log(max(probability, LEAST_PROBABILITY))
