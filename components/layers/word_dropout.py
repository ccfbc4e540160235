"""Training that cannot rely on any single word."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="sentiment")
class WordDropout(keras.layers.Layer):
    """Takes a random share of words for unknown ones in training (Dai & Le, 2015).

    Args:
      rate: The share, from 0 up to but not including 1.
      unknown_id: The id of unknown words.
      pad_id: The padding's id; padding stays.
      seed: Seed of the random numbers; Keras' own where it is left out.
      **options: Those of `keras.layers.Layer`.

    Call arguments:
      token_ids: <int32>[batch, words].

    Output:
      <int32>[batch, words]; outside of training, and with a rate of 0, `token_ids` themselves.
    """

    def __init__(
        self,
        rate: float,
        unknown_id: int = 1,
        pad_id: int = 0,
        seed: int | None = None,
        **options: Any,
    ):
        """See the class."""
        super().__init__(**options)
        if not 0.0 <= rate < 1.0:
            raise ValueError(f"rate is {rate}; expected a number from 0 up to but not including 1.")
        self.rate = rate
        self.unknown_id = unknown_id
        self.pad_id = pad_id
        self.seed = seed
        if rate:
            self.seed_generator = keras.random.SeedGenerator(seed)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments."""
        return {
            **super().get_config(),
            "rate": self.rate,
            "unknown_id": self.unknown_id,
            "pad_id": self.pad_id,
            "seed": self.seed,
        }

    def compute_output_shape(self, token_ids_shape: Any) -> Any:
        """The shape stays."""
        return token_ids_shape

    def call(self, token_ids: Any, training: bool = False) -> Any:
        """See the class."""
        if not (training and self.rate):
            return token_ids
        chance = keras.random.uniform(keras.ops.shape(token_ids), seed=self.seed_generator)
        is_dropped = keras.ops.logical_and(
            chance < self.rate, keras.ops.not_equal(token_ids, self.pad_id)
        )
        return keras.ops.where(is_dropped, self.unknown_id, token_ids)
