"""The registry and its variants."""

from __future__ import annotations

import functools
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from components import features
from components.errors import ConfigurationError
from components.hyperparameters import Hyperparameters
from components.models.registry import REFERENCE, SAMPLE, TUNED, get_variant, variant_names

REFERENCE_VARIANTS = {
    "lstm": 213_301,
    "lstm_dropout": 213_301,
    "lstm_recurrent_dropout": 213_301,
    "cnn_lstm": 216_405,
}
LENGTHS = (0, 1, 7, 8, 90, features.MAX_LENGTH)


def reviews(lengths=LENGTHS):
    """Returns token ids <int32>[lengths, MAX_LENGTH], padded in front."""
    generator = np.random.default_rng(5)
    token_ids = np.zeros((len(lengths), features.MAX_LENGTH), np.int32)
    for row, length in zip(token_ids, lengths, strict=True):
        row[features.MAX_LENGTH - length :] = generator.integers(1, 5_000, size=length)
    return token_ids


def default(name):
    """Returns the variant and the hyperparameters that real reviews are trained with."""
    variant = get_variant(name)
    return variant, variant.presets[variant.default_preset]


def with_large_weights(model):
    """Sets weights from which words make a difference that can be seen."""
    generator = np.random.default_rng(6)
    model.set_weights([generator.normal(0, 0.1, weight.shape) for weight in model.weights])
    return model


def in_graph(model):
    """Returns the model as it is served: a graph, built once for batches of any size."""
    specification = tf.TensorSpec([None, features.MAX_LENGTH], tf.int32)
    return tf.function(model, input_signature=[specification], autograph=False)


@functools.cache
def served(name):
    """Returns a variant's model without noise, with large weights, and the same in a graph."""
    variant, hyperparameters = default(name)
    model = with_large_weights(variant.build(hyperparameters.without_noise()))
    return model, in_graph(model)


@functools.cache
def served_per_token(name):
    """Returns the per-token model of that variant, also with large weights, and it in a graph."""
    variant, hyperparameters = default(name)
    per_token = with_large_weights(variant.build(hyperparameters.without_noise(), per_token=True))
    return per_token, in_graph(per_token)


@pytest.mark.parametrize(("name", "parameters"), REFERENCE_VARIANTS.items())
def test_a_reference_variant_has_the_parameters_of_the_text(name, parameters):
    """The plain LSTM: embedding 160,000, LSTM 53,200, output 101; the convolution adds 3,104."""
    variant, hyperparameters = default(name)
    assert variant.default_preset == REFERENCE
    assert variant.build(hyperparameters).count_params() == parameters


@pytest.mark.parametrize("name", REFERENCE_VARIANTS)
def test_the_reference_preset_is_the_texts(name):
    """Three epochs of batches of 64, Adam at its default rate, and nothing else but dropout."""
    rates = {
        "lstm_dropout": {"dropout": 0.2},
        "lstm_recurrent_dropout": {"dropout": 0.2, "recurrent_dropout": 0.2},
    }
    sizes = {"embedding_units": 32, "lstm_units": 100, "filters": 32}
    assert get_variant(name).presets[REFERENCE] == Hyperparameters(
        epochs=3, batch_size=64, learning_rate=0.001, **sizes, **rates.get(name, {})
    )


def layers(model):
    """Returns what the layers between embedding and output are, with what the text sets."""
    described = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout) and layer.rate:
            described.append(f"Dropout({layer.rate})")
        elif isinstance(layer, keras.layers.LSTM):
            rates = f"{layer.dropout}, {layer.recurrent_dropout}"
            described.append(f"LSTM({layer.units}, {rates})")
        elif isinstance(layer, keras.layers.Conv1D):
            activation = layer.activation.__name__
            size = f"{layer.filters}, {layer.kernel_size[0]}, {layer.padding}"
            described.append(f"Conv1D({size}, {activation})")
        elif isinstance(layer, keras.layers.MaxPooling1D):
            described.append(f"MaxPooling1D({layer.pool_size[0]})")
    return described


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lstm", ["LSTM(100, 0.0, 0.0)"]),
        ("lstm_dropout", ["Dropout(0.2)", "LSTM(100, 0.0, 0.0)", "Dropout(0.2)"]),
        ("lstm_recurrent_dropout", ["LSTM(100, 0.2, 0.2)"]),
        (
            "cnn_lstm",
            ["Conv1D(32, 3, same, relu)", "MaxPooling1D(2)", "LSTM(100, 0.0, 0.0)"],
        ),
    ],
)
def test_a_reference_variant_has_the_layers_of_the_text(name, expected):
    """In this order, between the embedding and one sigmoid unit."""
    variant, hyperparameters = default(name)
    model = variant.build(hyperparameters)
    assert layers(model) == expected
    assert model.layers[-1].activation is keras.activations.sigmoid


@pytest.mark.parametrize("name", ["lstm", "lstm_dropout", "cnn_lstm"])
def test_a_fast_variant_says_what_plain_keras_says(name):
    """Padding that is read once changes no answer: the same layers of Keras give the same."""
    model, _ = served(name)
    plain = [keras.Input((features.MAX_LENGTH,)), keras.layers.Embedding(5_000, 32)]
    if name == "cnn_lstm":
        plain += [
            keras.layers.Conv1D(32, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling1D(2),
        ]
    plain = keras.Sequential(
        [*plain, keras.layers.LSTM(100), keras.layers.Dense(1, activation="sigmoid")]
    )
    plain.set_weights(model.get_weights())
    expected = in_graph(plain)
    for lengths in (LENGTHS, (7,), (8,), (90, 8)):
        token_ids = reviews(lengths)
        np.testing.assert_allclose(model(token_ids), expected(token_ids), atol=2e-6)


@pytest.mark.parametrize("name", variant_names())
def test_noise_is_in_training_alone(name):
    """The model that is served has the trained one's weights and answers."""
    variant, hyperparameters = default(name)
    model = with_large_weights(variant.build(hyperparameters))
    served = variant.build(hyperparameters.without_noise())
    served.set_weights(model.get_weights())
    token_ids = reviews((3, 40))
    expected = served(token_ids, training=False)
    np.testing.assert_allclose(model(token_ids, training=False), expected, atol=1e-6)
    np.testing.assert_array_equal(*(served(token_ids, training=True) for _ in range(2)))
    if hyperparameters != hyperparameters.without_noise():
        assert np.abs(model(token_ids, training=True) - expected).max() > 1e-4


@pytest.mark.parametrize("name", variant_names())
def test_an_answer_does_not_depend_on_the_other_reviews_of_the_batch(name):
    """One by one or together, long beside short: the same probabilities, and none for none."""
    _, answer = served(name)
    together = answer(reviews()).numpy()
    one_by_one = np.concatenate([answer(review[np.newaxis]) for review in reviews()])
    np.testing.assert_allclose(one_by_one, together, atol=2e-6)
    assert together.std() > 1e-3
    assert answer(reviews(())).shape == (0, 1)


@pytest.mark.parametrize("name", variant_names())
def test_the_per_token_model_has_the_same_weights_in_the_same_order(name):
    """So that it can read the model's variables; its last prediction is the model's answer."""
    model, _ = served(name)
    per_token, predict = served_per_token(name)
    assert [weight.shape for weight in per_token.weights] == [
        weight.shape for weight in model.weights
    ]
    per_token.set_weights(model.get_weights())
    token_ids = reviews((0, 12, 70))
    predictions = predict(token_ids)
    assert predictions.shape == (3, features.MAX_LENGTH, 1)
    np.testing.assert_allclose(predictions[:, -1], model(token_ids), atol=2e-6)
    assert predict(reviews(())).shape[0] == 0


@pytest.mark.parametrize("name", variant_names())
def test_the_prediction_after_a_token_does_not_depend_on_later_ones(name):
    """Two reviews with the same beginning have the same predictions there."""
    _, predict = served_per_token(name)
    token_ids = np.repeat(reviews((30,)), 2, axis=0)
    token_ids[1, -10:] = token_ids[1, -10:][::-1]
    predictions = predict(token_ids)[:, :, 0].numpy()
    np.testing.assert_allclose(predictions[0, :-10], predictions[1, :-10], atol=2e-6)
    assert np.abs(predictions[0, -10:] - predictions[1, -10:]).max() > 1e-3


@pytest.mark.parametrize("name", ["cnn_lstm", "bilstm", "cnn_bilstm_pool", "cnn_bilstm_linear"])
def test_a_variant_that_looks_ahead_predicts_for_the_truncated_review(name):
    """After its n-th word, a review counts as one of n words."""
    model, answer = served(name)
    per_token, predict = served_per_token(name)
    per_token.set_weights(model.get_weights())
    review = reviews((30,))
    predictions = predict(review)[0, :, 0].numpy()
    for words in (0, 1, 11, 29):
        truncated = np.roll(review, 30 - words, axis=1)
        truncated[:, : features.MAX_LENGTH - words] = 0
        prediction = predictions[features.MAX_LENGTH - 31 + words]
        np.testing.assert_allclose(prediction, answer(truncated)[0, 0], atol=2e-6)
    np.testing.assert_allclose(predictions[: features.MAX_LENGTH - 30], predictions[0])


@pytest.mark.parametrize("name", variant_names())
def test_a_variant_has_presets_for_real_and_for_generated_reviews(name):
    """And sets nothing in them that it does not take."""
    variant = get_variant(name)
    assert variant.default_preset in (REFERENCE, TUNED)
    assert {TUNED, SAMPLE} <= variant.presets.keys()
    for preset in variant.presets.values():
        set_values = {
            field: value
            for field, value in preset.to_config().items()
            if value != getattr(Hyperparameters(), field)
        }
        assert set_values.keys() <= set(variant.takes)


def test_an_unknown_model_lists_the_choices_and_names_the_nearest():
    """A typing error costs one look."""
    with pytest.raises(ConfigurationError) as error:
        get_variant("lsmt")
    assert str(error.value) == (
        f"Unknown model 'lsmt'. Choose from: {', '.join(variant_names())}. Did you mean 'lstm'?"
    )


def test_listing_the_variants_imports_no_library():
    """The command line lists them before TensorFlow is needed."""
    script = (
        "import sys\n"
        "from components.models.registry import variant_names\n"
        "variant_names()\n"
        "print({'keras', 'tensorflow', 'numpy', 'sklearn'} & set(sys.modules))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout == "set()\n"
