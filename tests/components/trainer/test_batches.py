"""What is read for training, and the batches of an epoch."""

from __future__ import annotations

from itertools import chain

import numpy as np
import pytest

from components import features
from components.errors import ConfigurationError
from components.trainer.batches import ReviewBatches, read_examples, refuse_unknown_tokens
from components.transform.token_settings import TokenSettings

from .test_training import reviews, written_examples


def test_examples_are_read_as_they_were_written(tmp_path, transform_output):
    """Token ids in two bytes each, each label with its review."""
    pattern = written_examples(tmp_path, transform_output, 5)
    token_ids, labels = read_examples([pattern], transform_output)
    assert token_ids.dtype == np.uint16
    read = {(row.tobytes(), label) for row, label in zip(token_ids, labels, strict=True)}
    assert read == {
        (row.tobytes(), label) for row, label in zip(*reviews(5), strict=True)
    }  # fmt: skip
    assert len(labels) == 5


@pytest.mark.parametrize(
    ("vocabulary_size", "dtype"),
    [(52, np.uint8), (256, np.uint8), (257, np.uint16), (65_536, np.uint16), (65_537, np.uint32)],
)
def test_a_token_takes_no_more_bytes_than_the_vocabulary_asks_for(
    tmp_path, transform_output, vocabulary_size, dtype
):
    """The largest id is the vocabulary's size less one."""
    pattern = written_examples(tmp_path, transform_output, 5)
    tokens = TokenSettings(vocabulary_size=vocabulary_size)
    token_ids, _ = read_examples([pattern], transform_output, tokens)
    assert token_ids.dtype == dtype
    assert sorted(map(tuple, token_ids)) == sorted(map(tuple, reviews(5)[0]))


@pytest.mark.parametrize("settings", [{"vocabulary_size": 40}, {"max_length": 499}])
def test_other_tokens_than_transforms_are_refused(tmp_path, transform_output, settings):
    """Ids would stand for other words, or for none."""
    pattern = written_examples(tmp_path, transform_output, 5)
    with pytest.raises(ConfigurationError, match="Transform wrote 500 tokens a text, with ids up"):
        read_examples([pattern], transform_output, TokenSettings(**settings))


def test_the_order_of_examples_does_not_depend_on_the_files(tmp_path, transform_output):
    """Workers write in any order and number of files; what is read is the same."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    orders = {whole: slice(None), parts / "a": slice(None, 3, -1), parts / "b": slice(3, None, -1)}
    patterns = {}
    for folder, order in orders.items():
        folder.mkdir(parents=True)
        patterns[folder] = written_examples(folder, transform_output, 9, order)
    expected = read_examples([patterns.pop(whole)], transform_output)
    found = read_examples(list(patterns.values()), transform_output)
    for one, other in zip(expected, found, strict=True):
        np.testing.assert_array_equal(one, other)


def batches_of(epochs, seed=1, pool_batches=1):
    """Returns each epoch's batches of 22 reviews, 4 to a batch, as lists of their lengths."""
    token_ids = np.tri(22, features.MAX_LENGTH, dtype=np.uint16)
    labels = np.arange(22) % 2
    batches = ReviewBatches(token_ids, labels, 4, seed, pool_batches)
    found = []
    for _ in range(epochs):
        epoch = []
        for ids, expected in (batches[index] for index in range(len(batches))):
            lengths = ids.sum(axis=1)
            np.testing.assert_array_equal(expected[:, 0], (lengths - 1) % 2)
            epoch.append(lengths.tolist())
        found.append(epoch)
        batches.on_epoch_end()
    return found


@pytest.mark.parametrize("pool_batches", [1, 3])
def test_an_epoch_has_each_review_once_in_an_order_of_its_own(pool_batches):
    """The seed decides the order."""
    first, second = batches_of(2, pool_batches=pool_batches)
    for epoch in (first, second):
        assert sorted(chain(*epoch)) == list(range(1, 23))
        assert sorted(map(len, epoch)) == [2, 4, 4, 4, 4, 4]
    assert first != second
    assert batches_of(2, pool_batches=pool_batches) == [first, second]
    assert batches_of(1, seed=2, pool_batches=pool_batches) != [first]


def test_batches_of_a_pool_are_of_like_length():
    """All reviews in one pool: the batches are runs of consecutive lengths."""
    (epoch,) = batches_of(1, pool_batches=6)
    assert list(chain(*sorted(epoch))) == list(range(1, 23))
    (mixed,) = batches_of(1)
    assert list(chain(*sorted(mixed))) != list(range(1, 23))


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (TokenSettings(min_word_count=50), "`min_word_count=50`: no token of train occurs so"),
        (TokenSettings(tokens="character_pairs"), "no character pairs to learn from. Is `text_"),
    ],
)
def test_texts_without_a_known_token_are_refused(tokens, message):
    """Padding and unknown tokens teach nothing; a single one that is known is enough."""
    token_ids = np.array([[features.PAD_ID, features.OUT_OF_VOCABULARY_ID]] * 3)
    with pytest.raises(ConfigurationError, match=message):
        refuse_unknown_tokens(token_ids, tokens)
    token_ids[2, 1] = features.FIRST_WORD_ID
    refuse_unknown_tokens(token_ids, tokens)
