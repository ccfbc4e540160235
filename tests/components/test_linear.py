"""The linear variant's fit."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
import tensorflow as tf

from components import features, progress
from components.hyperparameters import Hyperparameters
from components.models import linear
from components.models.linear import log_count_ratios
from components.models.registry import get_variant
from components.models.shape import ModelShape

from .transforming import analyze


def test_the_fit_learns_what_a_pair_of_words_decides():
    """`2 3` against `3 2`: the words are the same, the pair tells; training words do not."""
    generator = np.random.default_rng(4)
    labels = np.arange(200) % 2
    token_ids = np.zeros((200, features.MAX_LENGTH), np.uint16)
    token_ids[:, -30:] = generator.integers(10, 60, size=(200, 30))
    token_ids[:, -12:-10] = np.where(labels[:, np.newaxis], [2, 3], [3, 2])
    variant = get_variant("linear")
    hyperparameters = variant.presets["tuned"]
    model = variant.build(hyperparameters)
    heard = []
    with progress.listening(heard.append):
        variant.solve(model, (token_ids[:150], labels[:150]), hyperparameters)
    answers = model(token_ids[150:].astype(np.int32)).numpy()[:, 0]
    assert np.mean((answers >= 0.5) == labels[150:]) > 0.9
    assert [report.done for report in heard] == [0, 1, 2]


def test_the_fit_learns_what_a_run_of_three_words_decides():
    """Words and pairs are the same in both classes; `ngrams` says how far the model looks."""
    generator = np.random.default_rng(4)
    labels = np.arange(300) % 2
    # The first word tells, but only before the same two words.
    runs = {0: [[2, 4, 5], [3, 4, 6]], 1: [[3, 4, 5], [2, 4, 6]]}
    token_ids = np.array(
        [[*runs[label][0], 9, 9, *runs[label][1]] if generator.random() < 0.5
         else [*runs[label][1], 9, 9, *runs[label][0]] for label in labels], np.uint8
    )  # fmt: skip
    variant, shape, right = get_variant("linear"), ModelShape(10, 8), {}
    for ngrams in (1, 2, 3):
        hyperparameters = Hyperparameters(ngrams=ngrams)
        model = variant.build(hyperparameters, shape=shape)
        assert model.count_params() == 10 + (ngrams - 1) * 2**20 + 1
        variant.solve(model, (token_ids[:200], labels[:200]), hyperparameters)
        answers = model(token_ids[200:].astype(np.int32)).numpy()[:, 0]
        right[ngrams] = np.mean((answers >= 0.5) == labels[200:])
    assert right[1] < 0.7 and right[2] < 0.7 and right[3] == 1.0


def test_two_classes_that_a_vowel_sign_tells_apart_are_learned(tmp_path):
    """From Hindi text on: `की` against `को`, which differ in a combining mark alone."""
    labels = np.random.default_rng(6).integers(0, 2, 400)
    texts = [
        f"मैं {'को' if label else 'की'} बात {number}".encode() for number, label in enumerate(labels)
    ]
    layer = analyze([text.decode() for text in texts[:300]], tmp_path).transform_features_layer()
    token_ids = layer({features.TEXT: tf.constant(texts)})[features.TOKEN_IDS].numpy()
    variant = get_variant("linear")
    model = variant.build(variant.presets["tuned"])
    variant.solve(
        model, (token_ids[:300].astype(np.uint16), labels[:300]), variant.presets["tuned"]
    )
    answers = model(token_ids[300:].astype(np.int32)).numpy()[:, 0]
    assert np.mean((answers >= 0.5) == labels[300:]) >= 0.99


def test_ngrams_that_nobody_wrote_are_left_out_of_the_solver_and_change_nothing(monkeypatch):
    """The same ratios and, but for rounding, the same weights, from a fraction of the columns."""
    generator = np.random.default_rng(9)
    token_ids = generator.integers(2, 40, (120, 8)).astype(np.uint8)
    labels = (token_ids[:, 3] % 5 == 0).astype(np.int64)
    variant, shape, found = get_variant("linear"), ModelShape(60, 8), []
    for share in (0.0, 0.25):
        monkeypatch.setattr(linear, "SPARSE_SHARE", share)
        model = variant.build(Hyperparameters(class_weights="balanced"), shape=shape)
        variant.solve(model, (token_ids, labels), Hyperparameters(class_weights="balanced"))
        found.append(model(token_ids.astype(np.int32)).numpy()[:, 0])
    assert np.ptp(found[0]) > 0.5
    np.testing.assert_allclose(found[0], found[1], atol=2e-3)


def test_a_words_ratio_is_that_of_its_share_in_either_class():
    """Held by 3 of 4 positive and 1 of 4 negative reviews, each counted once more."""
    held = scipy.sparse.csr_matrix([[1, 1], [1, 0], [1, 0], [0, 1], [1, 1], [0, 1], [0, 1], [0, 1]])
    labels = np.repeat([features.POSITIVE, features.NEGATIVE], 4)
    ratios = log_count_ratios(held, labels == features.POSITIVE)
    expected = [np.log((4 / 7) / (2 / 7)), np.log((3 / 7) / (5 / 7))]
    np.testing.assert_allclose(ratios, expected, rtol=1e-6)


def test_regularization_holds_the_weights_down():
    """Ten times as much, smaller weights."""
    variant = get_variant("linear")
    token_ids = np.zeros((40, features.MAX_LENGTH), np.uint16)
    token_ids[:, -3:] = np.random.default_rng(3).integers(2, 9, size=(40, 3))
    labels = np.arange(40) % 2
    norms = []
    for regularization in (0.1, 1.0, 10.0):
        hyperparameters = Hyperparameters(regularization=regularization)
        model = variant.build(hyperparameters)
        variant.solve(model, (token_ids, labels), hyperparameters)
        norms.append(np.linalg.norm(model.get_weights()[0]))
    assert norms[0] > 1.5 * norms[1] > 2 * norms[2] > 0.0


@pytest.mark.parametrize(("weight", "verdict"), [(5.0, 1), (-5.0, 0)])
def test_no_probability_is_so_sure_that_it_has_no_log_loss(weight, verdict):
    """500 different words of weight 5 add up to 2,500; both logarithms stay numbers."""
    variant = get_variant("linear")
    model = variant.build(variant.presets["tuned"])
    weights, bias = model.get_weights()
    model.set_weights([np.full_like(weights, weight), bias])
    token_ids = np.arange(2, 2 + features.MAX_LENGTH, dtype=np.int32)[np.newaxis]
    probability = model(token_ids).numpy()[0, 0]
    assert np.isfinite(np.log([probability, np.float32(1) - probability])).all()
    assert probability == pytest.approx(verdict, abs=1e-6)
