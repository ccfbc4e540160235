"""Fixes, in a model that is to be exported, what its LSTMs make of padding."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import tensorflow as tf

from components.layers.bidirectional_lstm import BidirectionalLSTM
from components.layers.front_padded_lstm import FrontPaddedLSTM
from components.layers.per_token_prediction import PerTokenPrediction


def fix_padding_states(model: keras.Model, pad_id: int) -> None:
    """Computes the states of a model's LSTMs at padding once and for all.

    Its answers stay the same, and reading padding costs nothing any more; its weights must not
    change from now on.

    Args:
      model: From <int32>[batch, length] token ids that are padded in front; its input names the
        length.
      pad_id: The padding's id.
    """
    for part in _models(model):
        (token_ids,) = part.inputs
        nothing = tf.fill([1, token_ids.shape[1]], pad_id)
        for layer in part.layers:
            if isinstance(layer, BidirectionalLSTM):
                sequences, *_ = keras.tree.flatten(layer.input)
                for direction in (layer.forwards, layer.backwards):
                    direction.fix_padding_states(sequences)
            if isinstance(layer, FrontPaddedLSTM):
                sequences, *_ = keras.tree.flatten(layer.input)
                layer.fix_padding_states(keras.Model(token_ids, sequences)(nothing))


def _models(model: keras.Model) -> Iterator[keras.Model]:
    """Yields a model and the models that its layers run."""
    yield model
    for layer in model.layers:
        if isinstance(layer, PerTokenPrediction):
            yield from _models(layer.model)
