"""keras.layers.Conv1D for batches that may be empty."""

from __future__ import annotations

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="sentiment")
class Convolution(keras.layers.Conv1D):
    """A Conv1D that answers an empty batch with an empty batch.

    TensorFlow's convolution on a CPU returns an empty batch as it is, with as many channels as
    it came with. Here it gets a row more, which is taken away again.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """<float32>[batch, timesteps, features] -> [batch, timesteps, filters]."""
        batch = tf.shape(inputs)[0]
        filled = tf.pad(inputs, [[0, tf.cast(batch == 0, tf.int32)], [0, 0], [0, 0]])
        return super().call(filled)[:batch]
