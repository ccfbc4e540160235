"""What variants begin and end with: token ids, word embeddings, one sigmoid unit."""

from __future__ import annotations

from typing import Any

import keras

from components import features


def token_ids_input() -> Any:
    """Returns the input <int32>[batch, MAX_LENGTH]."""
    return keras.Input((features.MAX_LENGTH,), dtype="int32", name=features.TOKEN_IDS)


def embed(token_ids: Any, units: int) -> Any:
    """Returns a vector for each word, and for padding too: <float32>[..., units]."""
    return keras.layers.Embedding(features.VOCABULARY_SIZE, units)(token_ids)


def probability(state: Any) -> Any:
    """Returns <float32>[..., 1] for a state <float32>[..., units]."""
    return keras.layers.Dense(1, activation="sigmoid", name="probability")(state)
