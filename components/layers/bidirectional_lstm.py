"""keras.layers.Bidirectional of an LSTM behind a mask, for texts that are padded in front."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from components.layers.front_padded_lstm import FrontPaddedLSTM


@keras.saving.register_keras_serializable(package="sentiment")
class BidirectionalLSTM(keras.layers.Layer):
    """Two LSTMs that read each text from either end; padding takes no part.

    Weights, their order and the results are those of
    `keras.layers.Bidirectional(keras.layers.LSTM(units))` with a mask over padding; outputs at
    padding are zeros.

    Reference: Schuster & Paliwal, Bidirectional Recurrent Neural Networks, 1997.

    Args:
      units: Size of each LSTM's state.
      return_sequences: Whether the outputs after each timestep are returned.
      **options: Those of `keras.layers.Layer`.

    Call arguments:
      sequences: <float32>[batch, timesteps, features].
      padding: <int32>[batch], how many leading timesteps of each row are padding.

    Output:
      <float32>[batch, 2 * units], or [batch, timesteps, 2 * units] with `return_sequences`.
    """

    def __init__(self, units: int, return_sequences: bool = False, **options: Any):
        """See the class."""
        super().__init__(**options)
        self.units = units
        self.return_sequences = return_sequences
        self.forwards = FrontPaddedLSTM(units, return_sequences, masks_padding=True)
        self.backwards = FrontPaddedLSTM(units, return_sequences, masks_padding=True)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "return_sequences": self.return_sequences,
        }

    def build(self, sequences_shape: Any, padding_shape: Any = None) -> None:
        """Makes the weights of both LSTMs."""
        self.forwards.build(sequences_shape)
        self.backwards.build(sequences_shape)

    def compute_output_shape(self, sequences_shape: Any, padding_shape: Any = None) -> Any:
        """Both outputs, side by side."""
        return (*self.forwards.compute_output_shape(sequences_shape)[:-1], 2 * self.units)

    def call(self, sequences: tf.Tensor, padding: tf.Tensor, training: bool = False) -> tf.Tensor:
        """See the class."""
        forwards = self.forwards(sequences, padding=padding, training=training)
        turned = _turned(sequences, padding)
        backwards = self.backwards(turned, padding=padding, training=training)
        if self.return_sequences:
            backwards = _turned(backwards, padding)
        return tf.concat([forwards, backwards], axis=-1)


def _turned(sequences: tf.Tensor, padding: tf.Tensor) -> tf.Tensor:
    """Turns what stands behind the padding around: <float32>[batch, timesteps, features]."""
    timesteps = tf.shape(sequences)[1]
    times = tf.range(timesteps)[tf.newaxis]
    from_end = timesteps - 1 - times + padding[:, tf.newaxis]
    places = tf.where(times < padding[:, tf.newaxis], times, from_end)
    return tf.gather(sequences, places, batch_dims=1)
