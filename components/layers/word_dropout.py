"""Training that cannot rely on any single word."""

from __future__ import annotations

from typing import Any

import keras

from components import features


class WordDropout(keras.layers.Layer):
    """Takes a random share of words for unknown ones in training (Dai & Le, 2015).

    Call arguments:
      token_ids: <int32>[batch, words].

    Output:
      <int32>[batch, words]; outside of training, and with a rate of 0, `token_ids` themselves.
    """

    def __init__(self, rate: float, **options: Any):
        """Takes the share; `options` are those of `keras.layers.Layer`."""
        super().__init__(**options)
        self.rate = rate
        if rate:
            self.seed_generator = keras.random.SeedGenerator()

    def compute_output_shape(self, token_ids_shape: Any) -> Any:
        """The shape stays."""
        return token_ids_shape

    def call(self, token_ids: Any, training: bool = False) -> Any:
        """See the class."""
        if not (training and self.rate):
            return token_ids
        chance = keras.random.uniform(keras.ops.shape(token_ids), seed=self.seed_generator)
        is_dropped = keras.ops.logical_and(
            chance < self.rate, keras.ops.not_equal(token_ids, features.PAD_ID)
        )
        return keras.ops.where(is_dropped, features.OUT_OF_VOCABULARY_ID, token_ids)
