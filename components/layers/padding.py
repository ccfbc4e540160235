"""How much padding stands in front of texts."""

from __future__ import annotations

from typing import Any

import keras


def leading_padding(token_ids: Any, pad_id: int) -> Any:
    """Counts the padding in front of each text.

    Args:
      token_ids: <int>[batch, length].
      pad_id: The padding's id.

    Returns:
      <int32>[batch]; the whole length for a text without words.
    """
    is_padding = keras.ops.equal(token_ids, pad_id)
    first_words = keras.ops.cast(keras.ops.argmin(is_padding, axis=1), "int32")
    whole = keras.ops.sum(keras.ops.cast(is_padding, "int32"), axis=1)
    return keras.ops.where(keras.ops.all(is_padding, axis=1), whole, first_words)


def common_padding(token_ids: Any, pad_id: int) -> Any:
    """Counts the leading columns that hold nothing but padding.

    Args:
      token_ids: <int>[batch, length]; `length` is static.
      pad_id: The padding's id.

    Returns:
      <int32>[]; the whole length for a batch without words.
    """
    # The initial value answers for an empty batch.
    return keras.ops.min(leading_padding(token_ids, pad_id), initial=token_ids.shape[1])
