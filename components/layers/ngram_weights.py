"""A linear model over which words and pairs of words a review holds."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

# Knuth's multiplicative hash: The Art of Computer Programming, volume 3, section 6.4.
_MULTIPLIER = 2_654_435_761


def ngram_ids(
    token_ids: tf.Tensor,
    vocabulary_size: int,
    pair_bits: int,
    pad_id: int = 0,
    longest: int = 2,
) -> tf.Tensor:
    """Numbers the words of reviews, and the pairs and longer runs, each where it first occurs.

    Args:
      token_ids: <int>[batch, length], below `vocabulary_size`, padded in front.
      vocabulary_size: How many words are told apart.
      pair_bits: Pairs of words are told apart by a hash of so many bits, and so are runs of three,
        of four and so on, each length by itself.
      pad_id: The padding's id.
      longest: Words of the longest run.

    Returns:
      <int32>[batch, length, longest], below `vocabulary_size + (longest - 1) * 2**pair_bits`: the
      word, the pair that ends with it, and so on; `pad_id` where there is none, or where the
      review has held it before.
    """
    words = tf.cast(token_ids, tf.int64)
    runs, previous, hashed = [words], words, words
    for length in range(2, longest + 1):
        previous = tf.pad(previous[:, :-1], [[0, 0], [1, 0]], constant_values=pad_id)
        if length == 2:
            hashed = (previous * vocabulary_size + words) * _MULTIPLIER % 2**32
        else:
            # The hash of all words but the last one, and that one.
            before = tf.pad(hashed[:, :-1], [[0, 0], [1, 0]])
            hashed = (before + words) * _MULTIPLIER % 2**32
        first_id = vocabulary_size + (length - 2) * 2**pair_bits
        numbered = first_id + hashed // 2 ** (32 - pair_bits)
        runs.append(tf.where(previous == pad_id, tf.cast(pad_id, tf.int64), numbered))
    ngrams = tf.cast(tf.stack(runs, axis=2), tf.int32)
    flat = tf.reshape(ngrams, [-1, longest * token_ids.shape[1]])
    # Equal ones stand side by side once sorted, and in the order of their occurrence.
    order = tf.argsort(flat, axis=1, stable=True)
    in_order = tf.gather(flat, order, batch_dims=1)
    repeats = tf.pad(in_order[:, 1:] == in_order[:, :-1], [[0, 0], [1, 0]])
    first = tf.where(repeats, pad_id, in_order)
    return tf.reshape(tf.gather(first, tf.argsort(order, axis=1), batch_dims=1), tf.shape(ngrams))


@keras.saving.register_keras_serializable(package="sentiment")
class NgramWeights(keras.layers.Layer):
    """Adds up a weight for each word, and each pair or longer run, that a review holds.

    How often it holds them does not count (Wang & Manning, Baselines and Bigrams, 2012).

    Args:
      vocabulary_size: How many words are told apart.
      pair_bits: Pairs of words are told apart by a hash of so many bits, 1 to 31; longer runs
        too.
      per_token: Whether the sum after each token is returned.
      pad_id: The padding's id.
      longest: Words of the longest run that has a weight; 1 is words alone.
      **options: Those of `keras.layers.Layer`.

    Attributes:
      ngrams: Number of weights: `vocabulary_size + (longest - 1) * 2**pair_bits`.

    Call arguments:
      token_ids: <int32>[batch, length], padded in front.

    Output:
      <float32>[batch, 1], or the sum after each token, [batch, length, 1], with `per_token`.
    """

    def __init__(
        self,
        vocabulary_size: int,
        pair_bits: int = 20,
        per_token: bool = False,
        pad_id: int = 0,
        longest: int = 2,
        **options: Any,
    ):
        """See the class."""
        super().__init__(**options)
        if longest < 1:
            raise ValueError(f"longest is {longest}; expected a number from 1 on.")
        if not 1 <= pair_bits <= 31:
            raise ValueError(f"pair_bits is {pair_bits}; expected a number from 1 to 31.")
        self.vocabulary_size = vocabulary_size
        self.pair_bits = pair_bits
        self.per_token = per_token
        self.pad_id = pad_id
        self.longest = longest
        self.ngrams = vocabulary_size + (longest - 1) * 2**pair_bits

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments."""
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "pair_bits": self.pair_bits,
            "per_token": self.per_token,
            "pad_id": self.pad_id,
            "longest": self.longest,
        }

    def build(self, token_ids_shape: Any) -> None:
        """Makes the weights <float32>[ngrams]; that of padding counts for nothing."""
        self.ngram_weights = self.add_weight(shape=(self.ngrams,), initializer="zeros")
        self.bias = self.add_weight(shape=(), initializer="zeros")

    def compute_output_shape(self, token_ids_shape: Any) -> Any:
        """One number a review, or one a token."""
        return (*token_ids_shape, 1) if self.per_token else (token_ids_shape[0], 1)

    def ngram_ids(self, token_ids: tf.Tensor) -> tf.Tensor:
        """Numbers the n-grams as the weights are numbered: <int32>[batch, length, longest]."""
        return ngram_ids(token_ids, self.vocabulary_size, self.pair_bits, self.pad_id, self.longest)

    def call(self, token_ids: tf.Tensor) -> tf.Tensor:
        """See the class."""
        ngrams = self.ngram_ids(token_ids)
        weights = tf.gather(tf.convert_to_tensor(self.ngram_weights), ngrams)
        by_word = tf.reduce_sum(tf.where(ngrams == self.pad_id, 0.0, weights), axis=2)
        if self.per_token:
            sums = tf.cumsum(by_word, axis=1)[:, :, tf.newaxis]
        else:
            sums = tf.reduce_sum(by_word, axis=1, keepdims=True)
        return sums + self.bias
