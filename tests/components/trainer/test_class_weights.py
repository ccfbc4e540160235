"""Class weights: what they are, and what they do to the loss and to a small class."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from components.hyperparameters import Hyperparameters
from components.models.class_weights import class_weights
from components.models.registry import get_variant
from components.models.shape import ModelShape
from components.trainer import fit
from components.trainer.batches import ReviewBatches
from components.trainer.loss import log_loss, predicted_labels

SHAPE = ModelShape(vocabulary_size=60, max_length=12)
BALANCED = {"class_weights": "balanced"}


def skewed(count, sizes, seed=5):
    """Returns token ids and labels; three words of twelve are likelier in a class of their own."""
    generator = np.random.default_rng(seed)
    labels = generator.choice(len(sizes), count, p=np.array(sizes) / sum(sizes))
    token_ids = generator.integers(20, 60, size=(count, 12))
    is_told = generator.random((count, 3)) < 0.45
    told = np.where(is_told, 2 + labels[:, np.newaxis], generator.integers(2, 10, (count, 3)))
    token_ids[:, :3] = told
    return token_ids.astype(np.uint8), labels


def recalls(model, token_ids, labels):
    """Returns the share of each class that a model judges right."""
    right = predicted_labels(model.predict_on_batch(token_ids.astype(np.int32))) == labels
    return [right[labels == label].mean() for label in range(labels.max() + 1)]


@pytest.mark.parametrize("sizes", [(95, 5), (70, 20, 10)])
def test_balanced_weights_are_those_of_scikit_learn(sizes):
    """n / (k * c); and a class without reviews counts nothing, and is not counted."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    weights = class_weights(labels, len(sizes), "balanced")
    expected = compute_class_weight("balanced", classes=np.arange(len(sizes)), y=labels)
    assert weights == pytest.approx(expected)
    assert weights == pytest.approx([100 / (len(sizes) * size) for size in sizes])
    assert class_weights(labels, len(sizes) + 1, "balanced") == pytest.approx([*expected, 0.0])
    assert class_weights(labels, len(sizes), "none") is None


def test_a_batch_brings_what_its_reviews_count():
    """The third part of a batch, in the order of its labels; without weights there is none."""
    token_ids, labels = skewed(20, (3, 1))
    weights = class_weights(labels, 2, "balanced")
    _, of_batch, counts = ReviewBatches(token_ids, labels, 20, 7, weights)[0]
    assert counts == pytest.approx(weights[of_batch[:, 0].astype(int)])
    assert counts.mean() == pytest.approx(1.0)
    assert len(ReviewBatches(token_ids, labels, 20, 7)[0]) == 2


def test_the_loss_of_a_step_is_the_weighted_mean_computed_by_hand(tmp_path):
    """A model that answers 0.2 to everything, told by Keras after one batch of four reviews."""
    token_ids, labels = np.ones((4, 12), np.uint8), np.array([0, 0, 0, 1])
    answer = keras.layers.Dense(
        1, "sigmoid", kernel_initializer="zeros", bias_initializer=keras.initializers.Constant(
            np.log(0.25)  # the logit of 0.2
        ),
    )  # fmt: skip
    model = keras.Sequential([keras.Input((12,), dtype="int32"), answer])
    by_hand = (3 * (4 / 6) * -np.log(0.8) + 4 / 2 * -np.log(0.2)) / 4
    weights = class_weights(labels, 2, "balanced")
    assert log_loss(model, token_ids, labels, weights) == pytest.approx(by_hand, rel=1e-5)
    told = []
    listen = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: told.append(logs))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "weight_callbacks", lambda _: [listen])
        hyperparameters = Hyperparameters(epochs=1, batch_size=4, **BALANCED)
        fit.fit(model, (token_ids, labels), (token_ids, labels), hyperparameters, str(tmp_path))
    assert told[0]["loss"] == pytest.approx(by_hand, rel=1e-5)
    # Keras measures eval after the step, by the same weights.
    after = log_loss(model, token_ids, labels, weights)
    assert told[0]["val_loss"] == pytest.approx(after, rel=1e-4)
    assert after != pytest.approx(log_loss(model, token_ids, labels), rel=1e-2)


@pytest.mark.parametrize("name", ["linear", pytest.param("lstm", marks=pytest.mark.slow)])
def test_a_small_class_is_found_more_often(name, tmp_path):
    """95 to 5: the recall of the small class rises by a tenth at least; that of the large falls."""
    train, test = skewed(600, (95, 5)), skewed(1_000, (95, 5), seed=6)
    variant = get_variant(name)
    settings = {} if name == "linear" else {"epochs": 4, "lstm_units": 8, "learning_rate": 0.01}
    found = {}
    for weights in ("none", "balanced"):
        hyperparameters = Hyperparameters(class_weights=weights, **settings)
        fit.set_seeds(hyperparameters)
        model = variant.build(hyperparameters, shape=SHAPE)
        fit.fit_variant(variant, model, train, None, hyperparameters, str(tmp_path))
        found[weights] = recalls(model, *test)
    assert found["balanced"][1] > found["none"][1] + 0.1
    assert found["balanced"][0] < found["none"][0]


def test_the_small_ones_of_three_classes_are_found_more_often(tmp_path):
    """One regression a class; in each, a review counts what its own class does."""
    train, test = skewed(600, (90, 6, 4)), skewed(1_500, (90, 6, 4), seed=6)
    variant, shape = get_variant("linear"), ModelShape(60, 12, 3)
    found = {}
    for weights in ("none", "balanced"):
        hyperparameters = Hyperparameters(class_weights=weights)
        model = variant.build(hyperparameters, shape=shape)
        variant.solve(model, train, hyperparameters)
        found[weights] = recalls(model, *test)
    gains = np.subtract(found["balanced"], found["none"])
    assert gains[0] < 0 and gains[1] > 0.1 and gains[2] > 0.1
