"""Layers that do one small thing: values by hand."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from components import features
from components.layers.convolution import Convolution
from components.layers.ngram_weights import NgramWeights
from components.layers.opinion_pool import OpinionPool
from components.layers.region_embedding import RegionEmbedding
from components.layers.without_common_padding import WithoutCommonPadding
from components.layers.word_dropout import WordDropout

LINEAR = NgramWeights(features.VOCABULARY_SIZE, pair_bits=20)


def padded(*reviews):
    """Returns token ids <int32>[reviews, MAX_LENGTH]."""
    token_ids = np.zeros((len(reviews), features.MAX_LENGTH), np.int32)
    for row, review in zip(token_ids, reviews, strict=True):
        row[features.MAX_LENGTH - len(review) :] = review
    return token_ids


@pytest.mark.parametrize(("multiple_of", "left"), [(1, 3), (2, 4), (5, 5)])
def test_common_padding_is_cut_off(multiple_of, left):
    """The longest review stays whole, in a multiple of columns."""
    shortened = WithoutCommonPadding(multiple_of)(padded([7, 8, 9], [5])).numpy()
    assert shortened[:, -3:].tolist() == [[7, 8, 9], [0, 0, 5]]
    assert shortened.shape == (2, left)
    assert WithoutCommonPadding(multiple_of)(padded()).shape == (0, multiple_of)


def test_word_dropout_takes_its_share_of_words_in_training_alone():
    """Padding stays padding; what is dropped is an unknown word."""
    token_ids = np.tile(padded(range(100, 500)), (20, 1))
    layer = WordDropout(0.25)
    dropped = layer(token_ids, training=True).numpy()
    assert set(np.unique(dropped[dropped != token_ids])) == {features.OUT_OF_VOCABULARY_ID}
    assert np.mean(dropped[:, 100:] != token_ids[:, 100:]) == pytest.approx(0.25, abs=0.02)
    assert not dropped[:, :100].any()
    np.testing.assert_array_equal(layer(token_ids, training=False), token_ids)


def test_the_convolution_is_keras_and_takes_an_empty_batch():
    """The same numbers; none for none."""
    ours = Convolution(7, 3, padding="same", activation="relu")
    keras_layer = keras.layers.Conv1D(7, 3, padding="same", activation="relu")
    values = np.random.default_rng(0).normal(size=(2, 6, 4)).astype(np.float32)
    ours(values), keras_layer(values)
    keras_layer.set_weights(ours.get_weights())
    np.testing.assert_allclose(ours(values), keras_layer(values), atol=1e-6)
    assert ours(values[:0]).shape == (0, 6, 7)


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_a_region_embedding_is_a_convolution_of_one_hot_words(size):
    """The same kernel gives the same numbers, at either end of the review too."""
    ours = RegionEmbedding(features.VOCABULARY_SIZE, 4, size)
    token_ids = np.array([[7, 8, 9, 7, 4_999], [0, 0, 0, 1, 2]], np.int32)
    ours(token_ids)
    generator = np.random.default_rng(0)
    ours.set_weights([generator.normal(size=weight.shape) for weight in ours.weights])
    one_hot = np.eye(features.VOCABULARY_SIZE, dtype=np.float32)[token_ids]
    one_hot[:, :, features.PAD_ID] = 0.0
    convolution = keras.layers.Conv1D(4, size, padding="same")
    convolution(one_hot)
    convolution.set_weights([np.stack([rows.embeddings for rows in ours.rows]), ours.bias])
    np.testing.assert_allclose(ours(token_ids), convolution(one_hot), atol=1e-6)
    assert ours(token_ids[:0]).shape == (0, 5, 4)


def test_an_opinion_pool_is_the_mean_of_log_odds_but_in_training():
    """There the first model learns as if it were alone."""
    log_odds = [np.array([[3.0], [-1.0]]), np.array([[-1.0], [-3.0]])]
    pool = OpinionPool()
    np.testing.assert_array_equal(pool(log_odds), [[1.0], [-2.0]])
    np.testing.assert_array_equal(pool(log_odds, training=True), log_odds[0])


def test_words_and_pairs_are_numbered_where_they_first_occur():
    """A repeated word or pair counts once; the first word ends no pair."""
    ngrams = LINEAR.ngram_ids(padded([7, 8, 7, 8, 9])).numpy()[0, -5:]
    assert ngrams[:, 0].tolist() == [7, 8, 0, 0, 9]
    assert (ngrams[:, 1] == 0).tolist() == [True, False, False, True, False]
    pairs = ngrams[[1, 2, 4], 1]
    assert len(set(pairs)) == 3 and pairs.min() >= features.VOCABULARY_SIZE
    assert ngrams.max() < LINEAR.ngrams


def test_longer_runs_are_numbered_too():
    """Each length has numbers of its own, and no run begins before the first word."""
    layer = NgramWeights(1_000, pair_bits=12, longest=4)
    ngrams = layer.ngram_ids(padded([7, 8, 9, 7, 8, 9])).numpy()[0, -6:]
    assert layer.ngrams == 1_000 + 3 * 2**12
    for length in (2, 3, 4):
        column = ngrams[:, length - 1]
        assert (column[: length - 1] == 0).all()
        first = 1_000 + (length - 2) * 2**12
        assert ((column >= first) & (column < first + 2**12))[length - 1 : length + 2].all()
    assert (ngrams != 0).sum(axis=0).tolist() == [3, 3, 3, 3]
    np.testing.assert_array_equal(
        NgramWeights(1_000, pair_bits=12).ngram_ids(padded([7, 8, 9])),
        layer.ngram_ids(padded([7, 8, 9]))[:, :, :2],
    )
    assert NgramWeights(1_000, longest=1).ngrams == 1_000


@pytest.mark.parametrize("longest", [1, 2, 3])
@pytest.mark.parametrize("per_token", [False, True])
def test_several_answers_are_sums_of_their_own(longest, per_token):
    """Each is what a layer of one answer with these weights gives, whatever the longest run."""
    token_ids = padded([7, 8, 9, 7, 8, 9], [5], [])
    options = {"pair_bits": 8, "per_token": per_token, "longest": longest}
    three, one = NgramWeights(100, answers=3, **options), NgramWeights(100, **options)
    three(token_ids), one(token_ids)
    weights = np.random.default_rng(1).normal(size=(three.ngrams, 3)).astype(np.float32)
    three.set_weights([weights, np.array([0.5, 0.0, -0.5], np.float32)])
    answers = three(token_ids).numpy()
    for answer, bias in enumerate((0.5, 0.0, -0.5)):
        one.set_weights([weights[:, answer], np.float32(bias)])
        np.testing.assert_allclose(answers[..., [answer]], one(token_ids), atol=1e-5)


@pytest.mark.parametrize("vocabulary_size", [100, 65_536, 1_000_000])
def test_runs_of_three_hardly_ever_share_a_number(vocabulary_size):
    """Whichever of their words differs, and whatever the vocabulary's size is."""
    layer = NgramWeights(vocabulary_size, longest=3)
    generator = np.random.default_rng(2)
    for place in range(3):
        runs = np.tile(generator.integers(2, vocabulary_size, 3), (90, 1))
        runs[:, place] = generator.choice(np.arange(2, vocabulary_size), 90, replace=False)
        assert len({*layer.ngram_ids(runs.astype(np.int32)).numpy()[:, -1, 2]}) >= 88


def test_the_same_pair_has_the_same_number_anywhere():
    """Whatever stands around it."""
    first = LINEAR.ngram_ids(padded([7, 8])).numpy()[0, -1, 1]
    assert LINEAR.ngram_ids(padded([4, 4_999, 7, 8, 3])).numpy()[0, -2, 1] == first
