"""What variants begin and end with: token ids, word embeddings, the probabilities."""

from __future__ import annotations

from typing import Any

import keras

from components import features
from components.models.shape import ModelShape


def token_ids_input(shape: ModelShape) -> Any:
    """Returns the input <int32>[batch, max_length]."""
    return keras.Input((shape.max_length,), dtype="int32", name=features.TOKEN_IDS)


def padded_to_multiple(token_ids: Any, shape: ModelShape, size: int) -> Any:
    """Pads in front until pools of `size` leave no token over, least of all the last ones.

    Returns:
      <int32>[batch, at least max_length]; `token_ids` themselves where nothing is missing.
    """
    missing = -shape.max_length % size
    if not missing:
        return token_ids
    return keras.ops.pad(token_ids, [[0, 0], [missing, 0]], constant_values=features.PAD_ID)


def embed(token_ids: Any, shape: ModelShape, units: int) -> Any:
    """Returns a vector for each word, and for padding too: <float32>[..., units]."""
    return keras.layers.Embedding(shape.vocabulary_size, units)(token_ids)


def probability(state: Any, shape: ModelShape) -> Any:
    """Returns <float32>[..., shape.answers] for a state <float32>[..., units]."""
    # In float32 whatever Keras' policy is: 16 bits round probabilities near 1 to 1.
    return keras.layers.Dense(
        shape.answers, activation=activation(shape), name="probability", dtype="float32"
    )(state)


def activation(shape: ModelShape) -> str:
    """Returns what makes probabilities of a model's last numbers, see `ModelShape`."""
    return "sigmoid" if shape.is_binary else "softmax"
