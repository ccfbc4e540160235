"""A linear model over which words and pairs of words a review holds."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from components import features

# Pairs of words are told apart by a hash of so many bits.
PAIR_BITS = 20
NGRAMS = features.VOCABULARY_SIZE + 2**PAIR_BITS

# Knuth's multiplicative hash: The Art of Computer Programming, volume 3, section 6.4.
_MULTIPLIER = 2_654_435_761


def ngram_ids(token_ids: tf.Tensor) -> tf.Tensor:
    """Numbers the words and pairs of words of reviews, each where it first occurs.

    Args:
      token_ids: <int>[batch, MAX_LENGTH], padded in front.

    Returns:
      <int32>[batch, MAX_LENGTH, 2], below NGRAMS: the word, and the pair that ends with it;
      PAD_ID where there is none, or where the review has held it before.
    """
    words = tf.cast(token_ids, tf.int64)
    previous = tf.pad(words[:, :-1], [[0, 0], [1, 0]], constant_values=features.PAD_ID)
    hashed = (previous * features.VOCABULARY_SIZE + words) * _MULTIPLIER % 2**32
    pairs = features.VOCABULARY_SIZE + hashed // 2 ** (32 - PAIR_BITS)
    pairs = tf.where(previous == features.PAD_ID, tf.cast(features.PAD_ID, tf.int64), pairs)
    ngrams = tf.cast(tf.stack([words, pairs], axis=2), tf.int32)
    flat = tf.reshape(ngrams, [-1, 2 * features.MAX_LENGTH])
    # Equal ones stand side by side once sorted, and in the order of their occurrence.
    order = tf.argsort(flat, axis=1, stable=True)
    in_order = tf.gather(flat, order, batch_dims=1)
    repeats = tf.pad(in_order[:, 1:] == in_order[:, :-1], [[0, 0], [1, 0]])
    first = tf.where(repeats, features.PAD_ID, in_order)
    return tf.reshape(tf.gather(first, tf.argsort(order, axis=1), batch_dims=1), tf.shape(ngrams))


class NgramWeights(keras.layers.Layer):
    """Adds up a weight for each word and each pair of words that a review holds.

    How often it holds them does not count (Wang & Manning, Baselines and Bigrams, 2012).

    Call arguments:
      token_ids: <int32>[batch, MAX_LENGTH], padded in front.

    Output:
      <float32>[batch, 1], or the sum after each word, [batch, MAX_LENGTH, 1], with `each_word`.
    """

    def __init__(self, each_word: bool = False, **options: Any):
        """`options` are those of `keras.layers.Layer`."""
        super().__init__(**options)
        self.each_word = each_word

    def build(self, token_ids_shape: Any) -> None:
        """Makes the weights <float32>[NGRAMS]; that of padding counts for nothing."""
        self.ngram_weights = self.add_weight(shape=(NGRAMS,), initializer="zeros")
        self.bias = self.add_weight(shape=(), initializer="zeros")

    def compute_output_shape(self, token_ids_shape: Any) -> Any:
        """One number a review, or one a word."""
        return (*token_ids_shape, 1) if self.each_word else (token_ids_shape[0], 1)

    def call(self, token_ids: tf.Tensor) -> tf.Tensor:
        """See the class."""
        ngrams = ngram_ids(token_ids)
        weights = tf.gather(tf.convert_to_tensor(self.ngram_weights), ngrams)
        by_word = tf.reduce_sum(tf.where(ngrams == features.PAD_ID, 0.0, weights), axis=2)
        if self.each_word:
            sums = tf.cumsum(by_word, axis=1)[:, :, tf.newaxis]
        else:
            sums = tf.reduce_sum(by_word, axis=1, keepdims=True)
        return sums + self.bias
