"""Takes away the leading columns that hold nothing but padding."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from components import features
from components.layers.front_padded_lstm import common_padding


class WithoutCommonPadding(keras.layers.Layer):
    """Cuts a batch to its longest review; one column is left at least.

    For models that mask padding: their answers stay the same, in less time.

    With `multiple_of`, what is left is a multiple of so many columns, which MAX_LENGTH must be.

    Call arguments:
      token_ids: <int32>[batch, MAX_LENGTH], padded in front.

    Output:
      <int32>[batch, at most MAX_LENGTH].
    """

    def __init__(self, multiple_of: int = 1, **options: Any):
        """`options` are those of `keras.layers.Layer`."""
        super().__init__(**options)
        self.multiple_of = multiple_of

    def compute_output_shape(self, token_ids_shape: Any) -> Any:
        """The length depends on the batch."""
        return token_ids_shape[0], None

    def call(self, token_ids: tf.Tensor) -> tf.Tensor:
        """See the class."""
        padding = common_padding(token_ids, features.PAD_ID)
        padding = tf.minimum(padding, features.MAX_LENGTH - 1)
        return token_ids[:, padding // self.multiple_of * self.multiple_of :]
