"""Variants that read phrases: a convolution halves the sequence before the LSTM reads it.

Their prediction after a token is the one for the review truncated there: the LSTM's state at that
token has seen one or two words more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from components import features
from components.hyperparameters import Hyperparameters
from components.models.registry import reference_presets, variant
from components.models.shape import IMDB_SHAPE, ModelShape

if TYPE_CHECKING:
    import keras

KERNEL_SIZE = 3
POOL_SIZE = 2
LAYERS = ("embedding_units", "filters", "lstm_units")


@variant(
    "cnn_lstm",
    summary="Conv1D(32, 3), MaxPooling1D(2), LSTM(100)",
    takes=LAYERS,
    presets=reference_presets(),
)
def build_cnn_lstm(
    hyperparameters: Hyperparameters, per_token: bool = False, shape: ModelShape = IMDB_SHAPE
) -> keras.Model:
    """The CNN-LSTM: 216,405 parameters with the reference hyperparameters."""
    return _build("cnn_lstm", hyperparameters, 0.0, per_token, shape)


@variant(
    "cnn_lstm_dropout",
    summary="Dropout(0.2), Conv1D(32, 3), MaxPooling1D(2), LSTM(100), Dropout(0.2)",
    takes=(*LAYERS, "dropout"),
    presets=reference_presets(tuned={"dropout": 0.5}, dropout=0.2),
)
def build_cnn_lstm_dropout(
    hyperparameters: Hyperparameters, per_token: bool = False, shape: ModelShape = IMDB_SHAPE
) -> keras.Model:
    """The CNN-LSTM with dropout around it, as the reference text suggests: 216,405 parameters."""
    return _build("cnn_lstm_dropout", hyperparameters, hyperparameters.dropout, per_token, shape)


def _build(
    name: str,
    hyperparameters: Hyperparameters,
    dropout: float,
    per_token: bool,
    shape: ModelShape,
) -> keras.Model:
    import keras

    from components.layers.convolution import Convolution
    from components.layers.front_padded_lstm import FrontPaddedLSTM
    from components.layers.padding import leading_padding
    from components.layers.per_token_prediction import predict_per_token
    from components.models import inputs

    token_ids = inputs.token_ids_input(shape)
    words = inputs.padded_to_multiple(token_ids, shape, POOL_SIZE)
    embedded = inputs.embed(words, shape, hyperparameters.embedding_units)
    dropped = keras.layers.Dropout(dropout)(embedded)
    phrases = Convolution(hyperparameters.filters, KERNEL_SIZE, padding="same", activation="relu")(
        dropped
    )
    halved = keras.layers.MaxPooling1D(POOL_SIZE)(phrases)
    # The convolution at the last padding sees the first word. Dropout makes all rows differ.
    padding = leading_padding(words, features.PAD_ID)
    halved_padding = None if dropout else keras.ops.maximum(padding - 1, 0) // POOL_SIZE
    state = FrontPaddedLSTM(hyperparameters.lstm_units)(halved, padding=halved_padding)
    state = keras.layers.Dropout(dropout)(state)
    model = keras.Model(token_ids, inputs.probability(state, shape), name=name)
    return predict_per_token(model) if per_token else model
