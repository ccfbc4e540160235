"""Variants with one LSTM over the word embeddings (Hochreiter & Schmidhuber, 1997).

There is no mask: the LSTM reads the padding in front of a short review as words. Their prediction
after each token comes from the LSTM's state after that token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from components import features
from components.hyperparameters import Hyperparameters
from components.models.registry import reference_presets, variant
from components.models.shape import IMDB_SHAPE, ModelShape

if TYPE_CHECKING:
    import keras


@variant(
    "lstm",
    summary="LSTM(100)",
    takes=("embedding_units", "lstm_units"),
    presets=reference_presets(),
)
def build_lstm(
    hyperparameters: Hyperparameters, per_token: bool = False, shape: ModelShape = IMDB_SHAPE
) -> keras.Model:
    """The plain LSTM: 213,301 parameters with the reference hyperparameters."""
    import keras

    from components.layers.front_padded_lstm import FrontPaddedLSTM
    from components.layers.padding import leading_padding
    from components.models import inputs

    token_ids = inputs.token_ids_input(shape)
    embedded = inputs.embed(token_ids, shape, hyperparameters.embedding_units)
    padding = leading_padding(token_ids, features.PAD_ID)
    state = FrontPaddedLSTM(hyperparameters.lstm_units, per_token)(embedded, padding=padding)
    return keras.Model(token_ids, inputs.probability(state, shape), name="lstm")


@variant(
    "lstm_dropout",
    summary="Dropout(0.2), LSTM(100), Dropout(0.2)",
    takes=("embedding_units", "lstm_units", "dropout"),
    presets=reference_presets(tuned={"dropout": 0.5}, dropout=0.2),
)
def build_lstm_dropout(
    hyperparameters: Hyperparameters, per_token: bool = False, shape: ModelShape = IMDB_SHAPE
) -> keras.Model:
    """The LSTM with dropout before and after it (Srivastava et al., 2014): 213,301 parameters.

    Dropout zeroes another part of the padding in each row: no padding is common to rows then.
    """
    import keras

    from components.layers.front_padded_lstm import FrontPaddedLSTM
    from components.layers.padding import leading_padding
    from components.models import inputs

    rate = hyperparameters.dropout
    token_ids = inputs.token_ids_input(shape)
    embedded = inputs.embed(token_ids, shape, hyperparameters.embedding_units)
    dropped = keras.layers.Dropout(rate)(embedded)
    padding = None if rate else leading_padding(token_ids, features.PAD_ID)
    state = FrontPaddedLSTM(hyperparameters.lstm_units, per_token)(dropped, padding=padding)
    state = keras.layers.Dropout(rate)(state)
    return keras.Model(token_ids, inputs.probability(state, shape), name="lstm_dropout")


@variant(
    "lstm_recurrent_dropout",
    summary="LSTM(100, dropout=0.2, recurrent_dropout=0.2)",
    takes=("embedding_units", "lstm_units", "dropout", "recurrent_dropout"),
    presets=reference_presets(dropout=0.2, recurrent_dropout=0.2),
)
def build_lstm_recurrent_dropout(
    hyperparameters: Hyperparameters, per_token: bool = False, shape: ModelShape = IMDB_SHAPE
) -> keras.Model:
    """The LSTM with one dropout mask for all timesteps (Gal & Ghahramani, 2016).

    213,301 parameters with the reference hyperparameters.
    """
    import keras

    from components.layers.front_padded_lstm import FrontPaddedLSTM
    from components.layers.padding import leading_padding
    from components.models import inputs

    units = hyperparameters.lstm_units
    token_ids = inputs.token_ids_input(shape)
    embedded = inputs.embed(token_ids, shape, hyperparameters.embedding_units)
    state = FrontPaddedLSTM(
        units,
        per_token,
        dropout=hyperparameters.dropout,
        recurrent_dropout=hyperparameters.recurrent_dropout,
    )(embedded, padding=leading_padding(token_ids, features.PAD_ID))
    return keras.Model(token_ids, inputs.probability(state, shape), name="lstm_recurrent_dropout")
