"""One prediction from several models that read the same review."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras


@keras.saving.register_keras_serializable(package="sentiment")
class OpinionPool(keras.layers.Layer):
    """The logarithmic opinion pool with equal weights: the mean of log odds.

    Reference: Genest & Zidek, Combining Probability Distributions, 1986, section 3.

    In training it passes the first model's log odds on: that one learns as if it were alone,
    instead of what the others leave to it.

    Call arguments:
      log_odds: Of each model, <float32>[batch, answers]: log odds of two classes; of more,
        logarithms of their probabilities, from which a softmax takes away what is common to all.

    Output:
      <float32>[batch, answers], of the same kind.
    """

    def compute_output_shape(self, log_odds_shapes: Sequence[Any]) -> Any:
        """As many numbers a review as each model gives."""
        return log_odds_shapes[0]

    def call(self, log_odds: Sequence[Any], training: bool = False) -> Any:
        """See the class."""
        return log_odds[0] if training else keras.ops.mean(keras.ops.stack(log_odds), axis=0)
