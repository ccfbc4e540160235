"""A model's verdict on a review cut behind each of its words."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from components import features

CHUNK = 64


def each_prefix(model: keras.Model) -> keras.Model:
    """Returns a model over `model`'s weights that says what `model` does after each word.

    Args:
      model: From <int32>[batch, MAX_LENGTH] to <float32>[batch, 1].

    Returns:
      A model from <int32>[batch, MAX_LENGTH] to <float32>[batch, MAX_LENGTH, 1].
    """
    token_ids = keras.Input((features.MAX_LENGTH,), dtype="int32", name=features.TOKEN_IDS)
    return keras.Model(token_ids, EachPrefix(model)(token_ids), name=f"{model.name}_each_word")


class EachPrefix(keras.layers.Layer):
    """Runs a model on every prefix of every review, padded in front as a review of its own.

    For models that cannot tell on the way what they believe: those that look ahead, read
    backwards or pool. A review of n words costs n runs of the model, `CHUNK` at a time.

    Call arguments:
      token_ids: <int32>[batch, MAX_LENGTH], padded in front.

    Output:
      <float32>[batch, MAX_LENGTH, 1]; where there is padding, the verdict on no words.
    """

    def __init__(self, model: keras.Model, **options: Any):
        """Takes the model; `options` are those of `keras.layers.Layer`."""
        super().__init__(**options)
        self.model = model

    def compute_output_shape(self, token_ids_shape: Any) -> Any:
        """One number a word."""
        return (*token_ids_shape, 1)

    def call(self, token_ids: tf.Tensor) -> tf.Tensor:
        """See the class."""
        batch, length = tf.shape(token_ids)[0], features.MAX_LENGTH
        padded = tf.pad(token_ids, [[0, 0], [length, 0]], constant_values=features.PAD_ID)
        places = tf.cast(tf.where(tf.not_equal(token_ids, features.PAD_ID)), tf.int32)
        count = tf.shape(places)[0]
        # The last chunk is filled up with the place (0, 0) if there is any place at all.
        missing = -count % CHUNK
        chunks = tf.reshape(tf.pad(places, [[0, missing], [0, 0]]), [-1, CHUNK, 2])

        def verdicts(chunk: tf.Tensor) -> tf.Tensor:
            """Review and word <int32>[CHUNK, 2] -> <float32>[CHUNK]."""
            # In `padded`, the MAX_LENGTH ids that end at word w begin at w + 1.
            columns = chunk[:, 1:] + 1 + tf.range(length)
            prefixes = tf.gather(tf.gather(padded, chunk[:, 0]), columns, batch_dims=1)
            return tf.squeeze(self.model(prefixes, training=False), axis=1)

        answers = tf.map_fn(verdicts, chunks, fn_output_signature=tf.TensorSpec([CHUNK]))
        no_words = self.model(tf.fill([1, length], features.PAD_ID), training=False)
        beliefs = tf.tensor_scatter_nd_update(
            tf.repeat(tf.repeat(no_words, batch, axis=0), length, axis=1),
            places,
            tf.reshape(answers, [-1])[:count],
        )
        return beliefs[:, :, tf.newaxis]
