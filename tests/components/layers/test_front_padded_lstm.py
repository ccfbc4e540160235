"""FrontPaddedLSTM is held to keras.layers.LSTM: outputs, gradients, weights."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.layers.front_padded_lstm import FrontPaddedLSTM
from components.layers.padding import common_padding, leading_padding

TIMESTEPS = 40


def models(return_sequences):
    """Returns the same model with Keras' layer and with ours, with the same weights."""
    token_ids = keras.Input((TIMESTEPS,), dtype="int32")
    reference = keras.layers.LSTM(12, return_sequences=return_sequences)(
        keras.layers.Embedding(50, 6)(token_ids)
    )
    ours = FrontPaddedLSTM(12, return_sequences=return_sequences)(
        keras.layers.Embedding(50, 6)(token_ids), leading_padding(token_ids, 0)
    )
    reference, ours = keras.Model(token_ids, reference), keras.Model(token_ids, ours)
    ours.set_weights(reference.get_weights())
    return reference, ours


def reviews(lengths):
    """Returns token ids, padded in front, of these lengths."""
    generator = np.random.default_rng(2)
    token_ids = np.zeros((len(lengths), TIMESTEPS), np.int32)
    for row, length in zip(token_ids, lengths, strict=True):
        row[TIMESTEPS - length :] = generator.integers(1, 50, size=length)
    return token_ids


LENGTHS = {
    "one review": [10],
    "one full review": [TIMESTEPS],
    "one without words": [0],
    "mixed": [3, 0, TIMESTEPS, 17],
    "like lengths": [7, 8, 9, 8],
    "split in halves": [5 + index % 7 for index in range(33)],
}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
def test_outputs_and_gradients_are_those_of_keras(lengths, return_sequences, training):
    """The padding that is read once counts for every row, forwards and backwards."""
    token_ids = reviews(lengths)
    outputs, gradients = [], []
    for model in models(return_sequences):
        with tf.GradientTape() as tape:
            output = model(token_ids, training=training)
            loss = tf.reduce_sum(output**3)
        variables = [variable.value for variable in model.trainable_variables]
        outputs.append(output)
        gradients.append([tf.convert_to_tensor(g) for g in tape.gradient(loss, variables)])
    np.testing.assert_allclose(outputs[1], outputs[0], atol=1e-6)
    for ours, reference in zip(gradients[1], gradients[0], strict=True):
        np.testing.assert_allclose(ours, reference, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("return_sequences", [False, True])
def test_an_empty_batch_gives_an_empty_answer(return_sequences):
    """A server may be asked about no review at all."""
    _, ours = models(return_sequences)
    assert ours(reviews([])).shape[0] == 0


@pytest.mark.parametrize(
    ("lengths", "padding"), [([10, 12], TIMESTEPS - 12), ([10, TIMESTEPS], 0), ([], TIMESTEPS)]
)
def test_common_padding_is_that_of_the_longest_review(lengths, padding):
    """No row loses a word."""
    assert int(common_padding(reviews(lengths), 0)) == padding
