"""The variant that reads each review in both directions (Schuster & Paliwal, 1997).

Its prediction after a token is the one for the review truncated there: the LSTM that reads
backwards has seen the end of the whole review first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from components import features
from components.hyperparameters import Hyperparameters
from components.models.registry import SAMPLE, SAMPLE_TRAINING, TUNED, TUNED_TRAINING, variant
from components.models.shape import IMDB_SHAPE, ModelShape

if TYPE_CHECKING:
    import keras


@variant(
    "bilstm",
    summary="Masking, Bidirectional(LSTM(100))",
    takes=("embedding_units", "lstm_units"),
    presets={TUNED: TUNED_TRAINING, SAMPLE: SAMPLE_TRAINING},
)
def build_bilstm(
    hyperparameters: Hyperparameters, per_token: bool = False, shape: ModelShape = IMDB_SHAPE
) -> keras.Model:
    """Two LSTMs, one from either end: 266,601 parameters.

    Padding is left out: the LSTM that reads backwards would end on it and forget the review.
    """
    import keras

    from components.layers.bidirectional_lstm import BidirectionalLSTM
    from components.layers.padding import leading_padding
    from components.layers.per_token_prediction import predict_per_token
    from components.models import inputs

    token_ids = inputs.token_ids_input(shape)
    embedded = inputs.embed(token_ids, shape, hyperparameters.embedding_units)
    padding = leading_padding(token_ids, features.PAD_ID)
    state = BidirectionalLSTM(hyperparameters.lstm_units)(embedded, padding=padding)
    model = keras.Model(token_ids, inputs.probability(state, shape), name="bilstm")
    return predict_per_token(model) if per_token else model
