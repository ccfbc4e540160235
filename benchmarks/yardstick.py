"""The yardstick: the reference variants in plain Keras, as a user would write them."""

from __future__ import annotations

import keras

from components import features

LENGTH, WORDS = features.MAX_LENGTH, features.VOCABULARY_SIZE


def stock_model(name: str) -> keras.Model:
    """Returns a variant, by its name, of layers of Keras alone; its weights are random."""
    layers = keras.layers
    embedding = layers.Embedding(WORDS, 32)
    between = {
        "lstm": [embedding, layers.LSTM(100)],
        "lstm_dropout": [
            embedding,
            layers.Dropout(0.2),
            layers.LSTM(100),
            layers.Dropout(0.2),
        ],
        "lstm_recurrent_dropout": [
            embedding,
            layers.LSTM(100, dropout=0.2, recurrent_dropout=0.2),
        ],
        "cnn_lstm": [
            embedding,
            layers.Conv1D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling1D(2),
            layers.LSTM(100),
        ],
        "bilstm": [
            layers.Embedding(WORDS, 32, mask_zero=True),
            layers.Bidirectional(layers.LSTM(100)),
        ],
    }[name]
    return keras.Sequential(
        [
            keras.Input((LENGTH,), dtype="int32"),
            *between,
            layers.Dense(1, activation="sigmoid"),
        ]
    )
