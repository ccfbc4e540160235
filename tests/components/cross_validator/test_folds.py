"""Which reviews are judged together, and by which vocabulary."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from components import features
from components.cross_validator.folds import fold_of_each
from components.cross_validator.vocabulary import SplitTexts
from components.errors import TrainingError
from components.transform.token_settings import TokenSettings


def test_folds_are_even_in_all_and_in_each_class():
    """However small a class is; 23 of 103 texts in 5 folds are 4 or 5 in each."""
    texts = [b"text %d" % number for number in range(103)]
    labels = np.array([int(number % 10 in (3, 7) or number > 100) for number in range(103)])
    fold = fold_of_each(texts, labels, 5)
    assert sorted(np.bincount(fold)) == [20, 20, 21, 21, 21]
    of_small_class = np.bincount(fold[labels == 1], minlength=5)
    assert of_small_class.sum() == (labels == 1).sum()
    assert of_small_class.max() - of_small_class.min() <= 1


def test_equal_texts_share_a_fold_whatever_their_labels():
    """Otherwise a model would be judged on what it was fitted to."""
    texts = [b"text %d" % (number % 20) for number in range(60)]
    labels = np.arange(60) // 20 % 2
    fold = fold_of_each(texts, labels, 4)
    for number in range(20):
        assert len(set(fold[number::20])) == 1
    assert np.bincount(fold).tolist() == [15, 15, 15, 15]


def test_the_order_of_the_reviews_does_not_move_them():
    """Files come from workers in any order."""
    texts, labels = [b"text %d" % number for number in range(30)], np.arange(30) % 3
    order = np.random.default_rng(2).permutation(30)
    moved = fold_of_each([texts[place] for place in order], labels[order], 3)
    assert moved.tolist() == fold_of_each(texts, labels, 3)[order].tolist()


def test_more_folds_than_texts_are_refused():
    """The message says how many there are."""
    with pytest.raises(TrainingError, match="`folds` is 3, and there are 2 different texts"):
        fold_of_each([b"a", b"b", b"a"], np.array([0, 1, 0]), 3)


def test_token_ids_are_those_of_transform(sample_texts, transform_output):
    """By a vocabulary of the same texts, ties and all: as the graph writes them."""
    layer = transform_output.transform_features_layer()
    texts = [text.encode() for text in sample_texts]
    expected = layer({features.TEXT: tf.constant(texts)})[features.TOKEN_IDS].numpy()
    found = SplitTexts(texts).token_ids(np.ones(len(texts), bool))
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, expected)


def test_a_folds_vocabulary_knows_no_word_of_what_it_is_judged_on():
    """Words are ranked by the known texts alone; others are unknown, and the last ones are kept."""
    settings = TokenSettings(vocabulary_size=5, max_length=3)
    split = SplitTexts([b"b a a a", b"b c", b"d d d d b", b""], settings)
    known = np.array([True, True, False, True])
    # a is 2, of three; b is 3, of two; c is 4; d is unknown.
    assert split.token_ids(known).tolist() == [[2, 2, 2], [0, 3, 4], [1, 1, 3], [0, 0, 0]]
    rare = TokenSettings(vocabulary_size=5, max_length=3, min_word_count=2)
    assert SplitTexts([b"a a b"], rare).token_ids(np.array([True])).tolist() == [[2, 2, 1]]
