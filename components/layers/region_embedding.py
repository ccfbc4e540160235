"""Vectors of regions of words, without vectors of words in between."""

from __future__ import annotations

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="sentiment")
class RegionEmbedding(keras.layers.Layer):
    """A convolution over one-hot words (Johnson & Zhang, 2015, 2016: seq-CNN).

    Gives what `Conv1D(units, size, padding="same")` gives for words as one-hot vectors, padding
    as zeros. As such vectors only pick rows of the kernel, those rows are looked up: a word has
    one row for each place in a region.

    Args:
      vocabulary_size: How many words are told apart.
      units: Size of a region's vector.
      size: Words of a region.
      pad_id: The padding's id.
      **options: Those of `keras.layers.Layer`.

    Call arguments:
      token_ids: <int32>[batch, words].

    Output:
      <float32>[batch, words, units]; the region of each word has that word in the middle.
    """

    def __init__(
        self, vocabulary_size: int, units: int, size: int, pad_id: int = 0, **options: Any
    ):
        """See the class."""
        # What is computed here takes no other numbers, whatever Keras' policy is.
        super().__init__(**{"dtype": "float32", **options})
        self.vocabulary_size = vocabulary_size
        self.units = units
        self.pad_id = pad_id
        self.rows = [
            keras.layers.Embedding(vocabulary_size, units, dtype=self.dtype_policy)
            for _ in range(size)
        ]

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments."""
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "units": self.units,
            "size": len(self.rows),
            "pad_id": self.pad_id,
        }

    def build(self, token_ids_shape: Any) -> None:
        """Makes a table for each place in a region, and the bias."""
        for rows in self.rows:
            rows.build(token_ids_shape)
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def compute_output_shape(self, token_ids_shape: Any) -> Any:
        """A vector a word."""
        return (*token_ids_shape, self.units)

    def call(self, token_ids: Any) -> Any:
        """See the class."""
        words = keras.ops.shape(token_ids)[1]
        before = (len(self.rows) - 1) // 2
        after = len(self.rows) - 1 - before
        padded = keras.ops.pad(token_ids, [[0, 0], [before, after]], constant_values=self.pad_id)
        regions = self.bias
        for place, rows in enumerate(self.rows):
            word = padded[:, place : place + words]
            is_word = keras.ops.cast(keras.ops.not_equal(word, self.pad_id), "float32")
            regions = regions + rows(word) * is_word[:, :, None]
        return regions
