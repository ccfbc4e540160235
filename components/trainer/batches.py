"""What is trained on: transformed examples, and the batches of an epoch."""

from __future__ import annotations

import hashlib
import math
import os
import weakref
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from components import features
from components.errors import ConfigurationError, as_setting
from components.trainer.disk_tokens import Reviews, TokenIds, TokenIdsOnDisk, chunks_of
from components.transform.token_settings import IMDB_TOKENS, TOKENS, TokenSettings
from serving.datasets import record_dataset, without_autotuning


def read_examples(
    file_patterns: Sequence[str],
    transform_output: tft.TFTransformOutput,
    tokens: TokenSettings = IMDB_TOKENS,
    most_bytes: int | None = None,
) -> Reviews:
    """Reads transformed examples, as few bytes a token as the vocabulary allows.

    That is two bytes up to a vocabulary of 65,536: 25,000 reviews of 1,000 tokens take 50 MB, and
    twice that while they are read. Where they are more than `most_bytes`, they are written to a
    temporary file, from which batches are read; in memory stay some 50 bytes a review then. Rows
    and their order are the same.

    Beam's workers write them in any order. Here they are sorted by a hash of their content,
    so that a seed chooses the same batches each time.

    Args:
      file_patterns: The files.
      transform_output: What says how they are read.
      tokens: The settings that they were written with.
      most_bytes: Token ids that are held in memory; None is all of them.

    Returns:
      `token_ids`: <uint8, uint16 or uint32>[reviews, max_length] and `label`: <int64>[reviews].

    Raises:
      ConfigurationError: They were written with others.
      TrainingError: The temporary file cannot be written.
    """
    parts: list[np.ndarray] = []
    digests, labels, held = [], [], 0
    on_disk: TokenIdsOnDisk | None = None
    for parsed, labels_of_part in _parsed(file_patterns, transform_output):
        part = _narrowed(parsed, tokens)
        digests.append(_digests(part))
        labels.append(labels_of_part)
        parts.append(part)
        held += part.nbytes
        if on_disk is None and most_bytes is not None and held > most_bytes:
            on_disk = TokenIdsOnDisk(part.shape[1], part.dtype)
        if on_disk is not None:
            for rows in parts:
                on_disk.append(rows)
            parts.clear()
    all_labels = np.concatenate(labels)
    halves = np.concatenate(digests)
    order = np.lexsort((all_labels, halves[:, 1], halves[:, 0]))
    if on_disk is None:
        return _in_order(parts, order), all_labels[order]
    on_disk.put_in(order)
    return on_disk, all_labels[order]


def _parsed(
    file_patterns: Sequence[str], transform_output: tft.TFTransformOutput
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields token ids <int64>[batch, max_length] and labels <int64>[batch]."""
    specification = transform_output.transformed_feature_spec()

    def parse(serialized: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        example = tf.io.parse_example(serialized, specification)
        return example[features.TOKEN_IDS], example[features.LABEL]

    at_once = len(os.sched_getaffinity(0))
    records = tf.data.Dataset.list_files(file_patterns, shuffle=False).interleave(
        lambda file: record_dataset(file, "GZIP"),
        num_parallel_calls=at_once,
        deterministic=True,
    )
    batches = records.batch(1_024).map(parse, num_parallel_calls=at_once)
    return without_autotuning(batches).as_numpy_iterator()


def _digests(token_ids: np.ndarray) -> np.ndarray:
    """Returns a hash of each row, its 16 bytes as two numbers: <uint64>[rows, 2]."""
    digests = b"".join(hashlib.blake2b(row, digest_size=16).digest() for row in token_ids)
    # Numbers of big-endian bytes stand in the order of the bytes.
    return np.frombuffer(digests, ">u8").reshape(-1, 2).astype(np.uint64)


def _in_order(parts: list[np.ndarray], order: np.ndarray) -> np.ndarray:
    """Returns the rows of all parts in an order; takes the parts out of their list."""
    rows = np.empty((len(order), parts[0].shape[1]), parts[0].dtype)
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    end = len(order)
    while parts:
        part = parts.pop()
        rows[places[end - len(part) : end]] = part
        end -= len(part)
    return rows


def refuse_unknown_tokens(token_ids: TokenIds, tokens: TokenSettings) -> None:
    """Refuses texts of which the vocabulary has no token: all of them look alike to a model.

    Args:
      token_ids: <integer>[reviews, max_length] of train.
      tokens: The settings that they were written with.

    Raises:
      ConfigurationError: Says which setting to change.
    """
    if any((rows >= features.FIRST_WORD_ID).any() for rows in chunks_of(token_ids)):
        return
    if tokens.min_word_count > 1:
        raise ConfigurationError(
            f"{as_setting('min_word_count', tokens.min_word_count)}: no token of train occurs so "
            "often, and the vocabulary is empty. Give a smaller number."
        )
    raise ConfigurationError(
        f"The texts of train have no {tokens.tokens.replace('_', ' ')} to learn from. Is "
        "`text_column` the right one? If they are emoji alone, try `emoji=True`."
    )


def _narrowed(token_ids: np.ndarray, tokens: TokenSettings) -> np.ndarray:
    """Returns <int64>[batch, max_length] in the smallest type that holds the vocabulary.

    Raises:
      ConfigurationError: There are more tokens than the settings say.
    """
    length, largest = token_ids.shape[1], token_ids.max(initial=0)
    if length != tokens.max_length or largest >= tokens.vocabulary_size:
        raise ConfigurationError(
            f"Transform wrote {length:,} tokens a text, with ids up to {largest:,}; the model is "
            f"to read {tokens.max_length:,}, with ids below {tokens.vocabulary_size:,}. Give "
            f"Transform, Tuner and Trainer the same `{TOKENS}` in their `custom_config`."
        )
    return token_ids.astype(np.min_scalar_type(tokens.vocabulary_size - 1))


class ReviewBatches:
    """Batches of all reviews: plain random ones, new in each epoch.

    The order of an epoch depends on the seed and on its number alone, not on what was read before.
    """

    def __init__(
        self,
        token_ids: TokenIds,
        labels: np.ndarray,
        batch_size: int,
        seed: int | None,
        weights: np.ndarray | None = None,
    ):
        """Takes the reviews, and what shuffles them; `begin_epoch` does.

        Args:
          token_ids: <uint>[reviews, max_length].
          labels: <int64>[reviews].
          batch_size: Reviews of a batch.
          seed: Of the order; None leaves them in theirs.
          weights: What a review of each class counts, <float32>[classes]; None for all alike.
        """
        self._token_ids = token_ids
        self._labels = labels
        self._weights = weights
        self._batch_size = batch_size
        self._seed = seed
        self._order = np.arange(len(labels))
        self._first = 0

    def begin_epoch(self, epoch: int, first: int = 0) -> None:
        """Draws the batches of an epoch, counted from 0, and leaves out those before `first`."""
        if self._seed is not None:
            generator = np.random.default_rng([self._seed, epoch])
            self._order = generator.permutation(len(self._labels))
        self._first = first

    def __len__(self) -> int:
        """Returns the number of batches; the last one of an epoch may be smaller."""
        return math.ceil(len(self._labels) / self._batch_size) - self._first

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        """Returns <int32>[batch, max_length], <float32>[batch, 1], and any weights, [batch]."""
        start = (self._first + index) * self._batch_size
        chosen = self._order[start : start + self._batch_size]
        labels = self._labels[chosen].astype(np.float32)[:, np.newaxis]
        batch = self._token_ids[chosen].astype(np.int32), labels
        if self._weights is None:
            return batch
        return *batch, self._weights[self._labels[chosen]]

    def as_dataset(self) -> tf.data.Dataset:
        """Returns what Keras reads: the batches of the epoch that was begun last, each time.

        It says to be of the length that it has now.
        """
        signature = [
            tf.TensorSpec([None, self._token_ids.shape[1]], tf.int32),
            tf.TensorSpec([None, 1], tf.float32),
            tf.TensorSpec([None], tf.float32),
        ]
        # TensorFlow keeps the generator as long as the process lives, and would keep the reviews.
        reviews = weakref.ref(self)
        batches = tf.data.Dataset.from_generator(
            lambda: _all_batches(reviews()),
            output_signature=tuple(signature[: 2 if self._weights is None else 3]),
        ).apply(tf.data.experimental.assert_cardinality(len(self)))
        dataset = without_autotuning(batches.prefetch(2))
        dataset.reviews = self
        return dataset


def _all_batches(batches: ReviewBatches | None) -> Iterator[tuple[np.ndarray, ...]]:
    """Yields an epoch."""
    assert batches is not None, "the data set that holds it is being read"
    for index in range(len(batches)):
        yield batches[index]
