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
      answers: How many sums there are, each of weights of its own.
      longest: Words of the longest run that has a weight; 1 is words alone.
      **options: Those of `keras.layers.Layer`.

    Attributes:
      ngrams: Number of n-grams that have weights: `vocabulary_size + (longest - 1) * 2**pair_bits`.

    Call arguments:
      token_ids: <int32>[batch, length], padded in front.

    Output:
      <float32>[batch, answers], or the sums after each token, [batch, length, answers], with
      `per_token`.
    """

    def __init__(
        self,
        vocabulary_size: int,
        pair_bits: int = 20,
        per_token: bool = False,
        pad_id: int = 0,
        answers: int = 1,
        longest: int = 2,
        **options: Any,
    ):
        """See the class."""
        # What is computed here takes no other numbers, whatever Keras' policy is.
        super().__init__(**{"dtype": "float32", **options})
        if longest < 1:
            raise ValueError(f"longest is {longest}; expected a number from 1 on.")
        if not 1 <= pair_bits <= 31:
            raise ValueError(f"pair_bits is {pair_bits}; expected a number from 1 to 31.")
        self.vocabulary_size = vocabulary_size
        self.pair_bits = pair_bits
        self.per_token = per_token
        self.pad_id = pad_id
        self.answers = answers
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
            "answers": self.answers,
            "longest": self.longest,
        }

    def build(self, token_ids_shape: Any) -> None:
        """Makes the weights <float32>[ngrams], or with several answers, [ngrams, answers].

        Those of padding count for nothing.
        """
        each = () if self.answers == 1 else (self.answers,)
        self.ngram_weights = self.add_weight(shape=(self.ngrams, *each), initializer="zeros")
        self.bias = self.add_weight(shape=each, initializer="zeros")

    def compute_output_shape(self, token_ids_shape: Any) -> Any:
        """So many numbers a review, or a token."""
        if self.per_token:
            return (*token_ids_shape, self.answers)
        return token_ids_shape[0], self.answers

    def ngram_ids(self, token_ids: tf.Tensor) -> tf.Tensor:
        """Numbers the n-grams as the weights are numbered: <int32>[batch, length, longest]."""
        return ngram_ids(token_ids, self.vocabulary_size, self.pair_bits, self.pad_id, self.longest)

    def call(self, token_ids: tf.Tensor) -> tf.Tensor:
        """See the class."""
        ngrams = self.ngram_ids(token_ids)
        if self.answers == 1:
            return self._one_sum(ngrams) + self.bias
        return (self._sums_per_token(ngrams) if self.per_token else self._sums(ngrams)) + self.bias

    def _one_sum(self, ngrams: tf.Tensor) -> tf.Tensor:
        weights = tf.gather(tf.convert_to_tensor(self.ngram_weights), ngrams)
        by_word = tf.reduce_sum(tf.where(ngrams == self.pad_id, 0.0, weights), axis=2)
        if self.per_token:
            return tf.cumsum(by_word, axis=1)[:, :, tf.newaxis]
        return tf.reduce_sum(by_word, axis=1, keepdims=True)

    def _sums(self, ngrams: tf.Tensor) -> tf.Tensor:
        """Multiplies matrices: no weight is copied for the reviews that hold its n-gram."""
        flat = tf.reshape(ngrams, [tf.shape(ngrams)[0], self.longest * ngrams.shape[1]])
        places = tf.where(flat != self.pad_id)
        columns = tf.cast(tf.gather_nd(flat, places), tf.int64)
        held = tf.SparseTensor(
            tf.stack([places[:, 0], columns], axis=1),
            tf.ones_like(columns, tf.float32),
            tf.stack([tf.shape(flat, tf.int64)[0], self.ngrams]),
        )
        return tf.sparse.sparse_dense_matmul(held, tf.convert_to_tensor(self.ngram_weights))

    def _sums_per_token(self, ngrams: tf.Tensor) -> tf.Tensor:
        def of(column: tf.Tensor) -> tf.Tensor:
            weights = tf.gather(tf.convert_to_tensor(self.ngram_weights), column)
            return tf.where((column == self.pad_id)[:, :, tf.newaxis], 0.0, weights)

        by_length = [of(ngrams[:, :, length]) for length in range(self.longest)]
        return tf.cumsum(tf.add_n(by_length), axis=1)
