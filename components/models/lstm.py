"""Variants with one LSTM over the word embeddings (Hochreiter & Schmidhuber, 1997)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from components import features
from components.hyperparameters import Hyperparameters
from components.models.registry import variant

if TYPE_CHECKING:
    import keras


@variant("lstm", summary="LSTM(100)")
def build_lstm(hyperparameters: Hyperparameters, each_word: bool = False) -> keras.Model:
    """The plain LSTM: 213,301 parameters with the reference hyperparameters.

    There is no mask: the LSTM reads the padding in front of a short review as words.
    """
    import keras

    from components.layers.front_padded_lstm import FrontPaddedLSTM, common_padding

    token_ids = keras.Input((features.MAX_LENGTH,), dtype="int32", name=features.TOKEN_IDS)
    embedded = keras.layers.Embedding(features.VOCABULARY_SIZE, hyperparameters.embedding_units)(
        token_ids
    )
    padding = common_padding(token_ids, features.PAD_ID)
    state = FrontPaddedLSTM(hyperparameters.lstm_units, each_word)(embedded, padding)
    probability = keras.layers.Dense(1, activation="sigmoid", name="probability")(state)
    return keras.Model(token_ids, probability, name="lstm")
