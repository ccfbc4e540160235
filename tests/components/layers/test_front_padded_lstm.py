"""FrontPaddedLSTM and BidirectionalLSTM are held to Keras: outputs, gradients, weights."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.layers import front_padded_lstm
from components.layers.bidirectional_lstm import BidirectionalLSTM
from components.layers.front_padded_lstm import FrontPaddedLSTM
from components.layers.padding import common_padding, leading_padding
from components.layers.padding_states import fix_padding_states
from components.models.registry import get_variant
from components.models.shape import ModelShape
from components.trainer.training import build_served_models

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
    "several groups": [5 + index % 7 for index in range(33)],
    "an odd number of groups": [index * 7 % (TIMESTEPS + 1) for index in range(101)],
}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
def test_outputs_and_gradients_are_those_of_keras(lengths, return_sequences, training):
    """The padding that is read once counts for every row, forwards and backwards."""
    assert_equal(models(return_sequences), reviews(lengths), training)


def assert_equal(both, token_ids, training):
    """Outputs and gradients of ours, the second, are those of the first."""
    outputs, gradients = [], []
    for model in both:
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


def test_a_text_without_words_has_the_whole_length_of_padding():
    """And one that is full has none."""
    padding = leading_padding(reviews([3, 0, TIMESTEPS]), 0)
    assert np.array(padding).tolist() == [TIMESTEPS - 3, TIMESTEPS, 0]


def bidirectional_models(return_sequences):
    """Returns the same model with Keras' layers behind a mask and with ours."""
    token_ids = keras.Input((TIMESTEPS,), dtype="int32")
    lstm = keras.layers.LSTM(12, return_sequences=return_sequences)
    reference = keras.layers.Bidirectional(lstm)(
        keras.layers.Embedding(50, 6, mask_zero=True)(token_ids)
    )
    ours = BidirectionalLSTM(12, return_sequences)(
        keras.layers.Embedding(50, 6)(token_ids), padding=leading_padding(token_ids, 0)
    )
    if return_sequences:
        # Keras' outputs at padding depend on the direction; ours are zeros.
        is_word = keras.ops.cast(keras.ops.not_equal(token_ids, 0), "float32")[:, :, None]
        reference, ours = reference * is_word, ours * is_word
    reference, ours = keras.Model(token_ids, reference), keras.Model(token_ids, ours)
    ours.set_weights(reference.get_weights())
    return reference, ours


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize(
    "name", ["one review", "mixed", "several groups", "an odd number of groups"]
)
def test_both_directions_are_those_of_keras_behind_a_mask(name, return_sequences, training):
    """No step is made for padding in either direction."""
    assert_equal(bidirectional_models(return_sequences), reviews(LENGTHS[name]), training)


@pytest.mark.parametrize(
    "rates",
    [{"dropout": 0.3}, {"recurrent_dropout": 0.4}, {"dropout": 0.3, "recurrent_dropout": 0.4}],
    ids=str,
)
def test_dropout_is_that_of_keras_with_the_same_masks(rates):
    """A mask for the whole review, and one for each gate where the state is dropped too."""
    both = models_with_dropout(rates)
    assert_equal(both, reviews([5, TIMESTEPS, 0]), training=True)
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(*(m(reviews([5]), training=True) for m in (both[1], both[1])))


def models_with_dropout(rates, features=6, units=12, **options):
    """Returns Keras' layer and ours, with the same weights and the same seed of their masks."""
    both = []
    for layer in (keras.layers.LSTM, FrontPaddedLSTM):
        token_ids = keras.Input((TIMESTEPS,), dtype="int32")
        embedded = keras.layers.Embedding(50, features)(token_ids)
        both.append(keras.Model(token_ids, layer(units, seed=3, **rates, **options)(embedded)))
    both[1].set_weights(both[0].get_weights())
    return both


def test_the_state_is_dropped_alike_after_each_timestep():
    """The gradients of all outputs reach the weights, and no group of rows is left out."""
    both = models_with_dropout({"recurrent_dropout": 0.4}, return_sequences=True)
    assert_equal(both, reviews([7, 3, TIMESTEPS, 9]), training=True)


@pytest.mark.slow
def test_layers_of_several_sizes_drop_the_state_in_one_process():
    """What is compiled for one size does not stand in for another's, in either order."""
    rates = {"recurrent_dropout": 0.4}
    for features, units in [(6, 12), (5, 12), (6, 8), (3, 4), (6, 12)]:
        both = models_with_dropout(rates, features, units, return_sequences=True)
        assert_equal(both, reviews([7, 3, TIMESTEPS]), training=True)


def test_an_empty_batch_with_the_state_dropped_gives_an_empty_answer():
    """And no gradient: XLA compiles the shape of no rows too."""
    _, ours = models_with_dropout({"recurrent_dropout": 0.4})
    with tf.GradientTape() as tape:
        output = ours(reviews([]), training=True)
    assert output.shape[0] == 0
    for gradient in tape.gradient(output, [weight.value for weight in ours.layers[-1].weights]):
        np.testing.assert_array_equal(gradient, np.zeros_like(gradient))


def models_without_padding(return_sequences):
    """Returns Keras' layer and ours, which is not told of padding, with the same weights."""
    both = []
    for layer in (keras.layers.LSTM, FrontPaddedLSTM):
        token_ids = keras.Input((TIMESTEPS,), dtype="int32")
        state = layer(12, return_sequences=return_sequences)(
            keras.layers.Embedding(50, 6)(token_ids)
        )
        both.append(keras.Model(token_ids, state))
    both[1].set_weights(both[0].get_weights())
    return both


@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("rows", [1, 17, 66])
def test_groups_of_rows_give_the_numbers_of_the_whole_batch(rows, return_sequences):
    """Also where rows are too few for each group to have one, or not a multiple of them."""
    lengths = [index % TIMESTEPS for index in range(rows)]
    assert_equal(models_without_padding(return_sequences), reviews(lengths), training=True)


def test_an_empty_batch_gives_no_gradient():
    """TensorFlow's kernel leaves the weights' gradient as the memory was then."""
    _, ours = models_without_padding(return_sequences=False)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(ours(reviews([]), training=True))
    for gradient in tape.gradient(loss, [variable.value for variable in ours.layers[-1].weights]):
        np.testing.assert_array_equal(gradient, np.zeros_like(gradient))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, True),
        ({"return_sequences": True}, True),
        ({"dropout": 0.2}, True),
        ({"masks_padding": True}, False),
        ({"recurrent_dropout": 0.2}, False),
        ({"dropout": 0.2, "implementation": 1}, False),
    ],
    ids=str,
)
def test_cudnn_is_taken_where_it_computes_the_same(options, expected):
    """With a GPU; without one never."""
    layer = FrontPaddedLSTM(4, **options)
    assert layer.takes_cudnn(True) is expected
    assert layer.takes_cudnn(False) is False
    assert layer.is_left_to_keras(True) is expected
    assert layer.is_left_to_keras(False) is ("return_sequences" in options)


@pytest.mark.parametrize("return_sequences", [False, True])
def test_the_way_to_cudnn_gives_the_same_numbers(monkeypatch, return_sequences):
    """Keras' layer reads all timesteps; here by its own loop, as no GPU is asked."""
    reference, ours = models(return_sequences)
    monkeypatch.setattr(front_padded_lstm, "has_gpu", lambda: True)
    assert_equal((reference, ours), reviews(LENGTHS["mixed"]), training=True)


@pytest.mark.skipif(
    not tf.config.list_physical_devices("GPU"),
    reason="no GPU is here: cuDNN's LSTM cannot be held to Keras' loop on the processor",
)
@pytest.mark.parametrize("return_sequences", [False, True])
def test_a_gpu_gives_the_numbers_of_the_processor(return_sequences):
    """Training by cuDNN, against Keras' layer on the processor with the same weights."""
    reference, ours = models(return_sequences)
    token_ids = reviews(LENGTHS["mixed"])
    with tf.device("CPU:0"):
        expected = reference(token_ids, training=True)
    np.testing.assert_allclose(ours(token_ids, training=True), expected, atol=1e-4)


def test_states_at_padding_that_are_fixed_give_the_same_answers():
    """They are not read again: other weights change nothing of them."""
    for return_sequences in (False, True):
        reference, ours = models(return_sequences)
        fix_padding_states(ours, 0)
        for lengths in ([], [10], LENGTHS["mixed"], LENGTHS["several groups"]):
            token_ids = reviews(lengths)
            if lengths:
                np.testing.assert_allclose(ours(token_ids), reference(token_ids), atol=1e-6)
            else:
                assert ours(token_ids).shape[0] == 0
    empty = ours(reviews([0]))
    ours.set_weights([weight * 2 for weight in ours.get_weights()])
    np.testing.assert_array_equal(ours(reviews([0])), empty)


@pytest.mark.parametrize("length", [1, 2, 3, 11, 12])
def test_a_convolution_before_it_sees_the_first_word_in_the_padding(length):
    """`cnn_lstm` says what Keras says; where pools do not divide the length, with padding more."""
    shape = ModelShape(vocabulary_size=30, max_length=max(length, 2), classes=2)
    variant = get_variant("cnn_lstm")
    ours, _ = build_served_models(
        variant,
        variant.presets["reference"],
        variant.build(variant.presets["reference"], shape=shape),
        shape,
    )
    layers = keras.layers
    reference = keras.Sequential(
        [
            keras.Input((shape.max_length + shape.max_length % 2,), dtype="int32"),
            layers.Embedding(30, 32),
            layers.Conv1D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling1D(2),
            layers.LSTM(100),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    reference.set_weights(ours.get_weights())
    token_ids = np.zeros((shape.max_length + 1, shape.max_length), np.int32)
    for words, row in enumerate(token_ids):
        row[shape.max_length - words :] = np.arange(2, 2 + words)
    padded = np.pad(token_ids, [(0, 0), (shape.max_length % 2, 0)])
    np.testing.assert_allclose(ours(token_ids), reference(padded), atol=1e-6)
