"""What is read for training, and the batches of an epoch."""

from __future__ import annotations

import gc
import weakref
from itertools import chain, combinations

import keras
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


def lengths_of(batches):
    """Returns the batches of `epoch_of` as lists of their reviews' lengths."""
    found = []
    for ids, expected in (batches[index] for index in range(len(batches))):
        lengths = ids.sum(axis=1)
        np.testing.assert_array_equal(expected[:, 0], (lengths - 1) % 2)
        found.append(lengths.tolist())
    return found


def some_batches(seed):
    """Returns batches of 22 reviews of the lengths 1 to 22, 4 to a batch."""
    token_ids = np.tri(22, features.MAX_LENGTH, dtype=np.uint16)
    return ReviewBatches(token_ids, np.arange(22) % 2, 4, seed)


def epoch_of(seed, epoch, first=0):
    """Returns the batches of one epoch, as lists of lengths."""
    batches = some_batches(seed)
    batches.begin_epoch(epoch, first)
    return lengths_of(batches)


def test_an_epoch_has_each_review_once_in_an_order_of_its_own():
    """Seed and number of the epoch decide the order, and not what was read before."""
    batches = some_batches(1)
    read = []
    for epoch in range(2):
        batches.begin_epoch(epoch)
        read.append(lengths_of(batches))
    for batches_read in read:
        assert sorted(chain(*batches_read)) == list(range(1, 23))
        assert [*map(len, batches_read)] == [4, 4, 4, 4, 4, 2]
    assert read[0] != read[1]
    assert [epoch_of(1, 0), epoch_of(1, 1)] == read
    assert epoch_of(2, 0) != read[0]


def test_any_review_may_share_a_batch_with_any_other():
    """Over many epochs all pairs of 22 lengths have been together: batches are not of like ones."""
    pairs = {
        frozenset(pair)
        for epoch in range(100)
        for batch in epoch_of(1, epoch)
        for pair in combinations(batch, 2)
    }
    assert len(pairs) == 22 * 21 // 2


def test_an_epoch_can_be_read_from_a_batch_on():
    """What is left is what a whole epoch has from there."""
    assert epoch_of(1, 3, first=4) == epoch_of(1, 3)[4:]


def test_no_thread_of_autotuning_is_waited_for_when_an_epoch_is_given_up():
    """It can miss that its iterator is freed: of six that were 45 seconds old one took 35 more.

    That takes minutes to see; what is tested is the option, and that what Keras reads is the epoch.
    """
    batches = some_batches(1)
    batches.begin_epoch(0)
    dataset = batches.as_dataset()
    assert not dataset.options().autotune.enabled
    read = [ids.sum(axis=1).tolist() for ids, _ in dataset.as_numpy_iterator()]
    assert read == lengths_of(batches)


def test_no_reviews_are_left_in_memory_after_training():
    """TensorFlow keeps the generators of data sets; 400,000 reviews are 400 MB."""
    batches = ReviewBatches(np.ones((22, 3), np.uint16), np.zeros(22, np.int64), 4, 1)
    left = weakref.ref(batches)
    model = keras.Sequential([keras.Input((3,), dtype="int32"), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(batches.as_dataset(), epochs=2, shuffle=False, verbose=0)
    # A data set alone holds what it reads.
    dataset = batches.as_dataset()
    del batches
    assert sum(len(ids) for ids, _ in dataset) == 22
    del dataset
    gc.collect()
    assert left() is None


def test_without_a_seed_reviews_stay_in_their_order():
    """For validation, which needs no other."""
    assert list(chain(*epoch_of(None, 1))) == list(range(1, 23))


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
