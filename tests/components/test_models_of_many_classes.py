"""Every variant with more than two classes: one probability each."""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from components import progress
from components.models.linear import MOST_PAIR_WEIGHTS, pair_bits
from components.models.registry import SAMPLE, get_variant, variant_names
from components.models.shape import ModelShape
from components.trainer.fit import fit_variant

WORDS, LENGTH = 40, 20
SHAPE = ModelShape(WORDS, LENGTH, classes=3)
SMALL = {"embedding_units": 6, "lstm_units": 6, "filters": 6, "batch_size": 8, "epochs": 12}


def small(name):
    """Returns the variant and hyperparameters that train it in seconds."""
    variant = get_variant(name)
    taken = {key: value for key, value in SMALL.items() if key in variant.takes}
    return variant, variant.presets[SAMPLE].overridden(**taken)


def texts(count):
    """Returns token ids and labels: the word 2, 3 or 4 somewhere tells the class."""
    generator = np.random.default_rng(2)
    token_ids = generator.integers(5, WORDS, size=(count, LENGTH))
    labels = np.arange(count) % 3
    for row, label in zip(token_ids, labels, strict=True):
        row[generator.integers(LENGTH - 6, LENGTH)] = 2 + label
        row[: generator.integers(0, 12)] = 0
    return token_ids.astype(np.uint16), labels.astype(np.int64)


@functools.cache
def served(name):
    """Returns a variant without noise, with weights that matter, and its per-token model."""
    variant, hyperparameters = small(name)
    models = [
        variant.build(hyperparameters.without_noise(), per_token, SHAPE)
        for per_token in (False, True)
    ]
    generator = np.random.default_rng(6)
    weights = [generator.normal(0, 0.7, weight.shape) for weight in models[0].weights]
    for model in models:
        model.set_weights(weights)
    return models


@pytest.mark.parametrize("name", variant_names())
def test_each_class_has_a_probability(name):
    """They sum to 1, after the whole text as after each token of it."""
    model, per_token = served(name)
    token_ids = texts(4)[0].astype(np.int32)
    answers, trace = model(token_ids).numpy(), per_token(token_ids).numpy()
    assert answers.shape == (4, 3) and trace.shape == (4, LENGTH, 3)
    np.testing.assert_allclose(answers.sum(axis=1), 1.0, atol=1e-6)
    np.testing.assert_allclose(trace.sum(axis=2), 1.0, atol=1e-6)
    np.testing.assert_allclose(trace[:, -1], answers, atol=2e-6)
    assert answers.std(axis=0).min() > 1e-3
    assert np.abs(trace[:, -2] - answers).max() > 1e-3


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow) if name.startswith("cnn_bilstm") else name
        for name in variant_names()
    ],
)
def test_an_answer_of_many_classes_does_not_depend_on_the_other_texts_of_the_batch(name):
    """One by one or together, and none for none."""
    model, per_token = served(name)
    token_ids = texts(3)[0].astype(np.int32)
    together = model(token_ids).numpy()
    one_by_one = np.concatenate([model(row[np.newaxis]) for row in token_ids])
    np.testing.assert_allclose(one_by_one, together, atol=2e-6)
    specification = tf.TensorSpec([None, LENGTH], tf.int32)
    for each, shape in ((model, (0, 3)), (per_token, (0, LENGTH, 3))):
        in_graph = tf.function(each, input_signature=[specification], autograph=False)
        assert in_graph(token_ids[:0]).shape == shape


@pytest.mark.parametrize("per_token", [False, True])
@pytest.mark.parametrize("name", variant_names())
def test_a_saved_variant_of_many_classes_answers_the_same(name, per_token, tmp_path):
    """As `.keras`, for those who take a model out of the pipeline."""
    model = served(name)[per_token]
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    token_ids = texts(2)[0].astype(np.int32)
    np.testing.assert_allclose(again(token_ids), model(token_ids), atol=1e-6)


@pytest.mark.parametrize(
    "name",
    [
        "linear",
        pytest.param("cnn_lstm", marks=pytest.mark.slow),
        pytest.param("cnn_bilstm_linear", marks=pytest.mark.slow),
    ],
)
def test_a_head_of_each_kind_learns_three_classes(name, tmp_path):
    """By the fit that the Trainer uses; label smoothing and all that a preset has included."""
    keras.utils.set_random_seed(7)
    variant, hyperparameters = small(name)
    if variant.uses_gradient_descent:
        hyperparameters = hyperparameters.overridden(learning_rate=0.02, label_smoothing=0.05)
    model = variant.build(hyperparameters, shape=SHAPE)
    training = texts(240)
    heard = []
    with progress.listening(heard.append):
        fit_variant(variant, model, training, texts(30), hyperparameters, str(tmp_path))
    answers = model(training[0].astype(np.int32), training=False).numpy()
    assert np.mean(answers.argmax(axis=1) == training[1]) > 0.8
    if variant.uses_gradient_descent:
        assert 0.6 < heard[-1].metrics["accuracy"] <= 1.0
    else:
        assert [report.done for report in heard] == [0, 1, 2, 3, 4]


def test_two_classes_have_one_probability_and_one_weight_an_ngram():
    """Whatever they are called."""
    shape = ModelShape(WORDS, LENGTH)
    for name in variant_names():
        variant, hyperparameters = small(name)
        assert variant.build(hyperparameters, shape=shape).output_shape == (None, 1)
    model = get_variant("linear").build(get_variant("linear").presets[SAMPLE], shape=shape)
    assert [weight.shape for weight in model.weights] == [(WORDS + 2**20,), ()]


@pytest.mark.parametrize(
    ("answers", "bits"), [(1, 20), (3, 20), (32, 20), (33, 19), (64, 19), (65, 18), (1_000, 15)]
)
def test_pairs_of_many_classes_share_a_bound(answers, bits):
    """134 MB of weights, however many classes there are."""
    assert pair_bits(answers) == bits
    assert answers * 2**bits <= MOST_PAIR_WEIGHTS


def test_a_class_without_a_text_is_never_likely():
    """It was named, and train has none of it."""
    variant, hyperparameters = small("linear")
    token_ids, labels = texts(60)
    chosen = labels < 2
    model = variant.build(hyperparameters, shape=SHAPE)
    variant.solve(model, (token_ids[chosen], labels[chosen]), hyperparameters)
    answers = model(token_ids.astype(np.int32)).numpy()
    assert answers[:, 2].max() < 1e-5
    assert np.isfinite(np.log(answers)).all()
