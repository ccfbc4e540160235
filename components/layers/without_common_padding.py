"""Takes away the leading columns that hold nothing but padding."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from components.layers.padding import common_padding


@keras.saving.register_keras_serializable(package="sentiment")
class WithoutCommonPadding(keras.layers.Layer):
    """Shortens a batch to the length of its longest review; at least one column stays.

    For models that mask padding: their answers stay the same, in less time.

    Args:
      multiple_of: What is left is a multiple of so many columns, as the whole length must be.
      pad_id: The padding's id.
      **options: Those of `keras.layers.Layer`.

    Call arguments:
      token_ids: <int32>[batch, length], padded in front.

    Output:
      <int32>[batch, at most length].
    """

    def __init__(self, multiple_of: int = 1, pad_id: int = 0, **options: Any):
        """See the class."""
        super().__init__(**options)
        self.multiple_of = multiple_of
        self.pad_id = pad_id

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments."""
        return {**super().get_config(), "multiple_of": self.multiple_of, "pad_id": self.pad_id}

    def build(self, token_ids_shape: Any) -> None:
        """Checks the length.

        Raises:
          ValueError: It is no multiple of `multiple_of`.
        """
        if (token_ids_shape[1] or 0) % self.multiple_of:
            raise ValueError(
                f"multiple_of is {self.multiple_of}; expected a divisor of the length, "
                f"{token_ids_shape[1]}."
            )

    def compute_output_shape(self, token_ids_shape: Any) -> Any:
        """The length depends on the batch."""
        return token_ids_shape[0], None

    def call(self, token_ids: tf.Tensor) -> tf.Tensor:
        """See the class."""
        padding = common_padding(token_ids, self.pad_id)
        padding = tf.minimum(padding, tf.shape(token_ids)[1] - 1)
        return token_ids[:, padding // self.multiple_of * self.multiple_of :]
