"""keras.layers.LSTM for reviews that are padded in front: the same numbers in less time."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

# From this batch size on, two halves run side by side: TensorFlow's fused kernel keeps to one
# thread for most of its work.
SPLIT_FROM_BATCH = 16

# Options that the fused kernel, or reading common padding once, cannot change.
_FIXED_OPTIONS = (
    "activation",
    "recurrent_activation",
    "use_bias",
    "dropout",
    "recurrent_dropout",
    "go_backwards",
    "stateful",
    "return_state",
)


def common_padding(token_ids: Any, pad_id: int) -> Any:
    """Counts the leading columns that hold nothing but padding.

    A review without words counts as one without padding: it is too rare to be worth more.

    Args:
      token_ids: <int>[batch, timesteps].
      pad_id: The padding's id.

    Returns:
      <int32>[].
    """
    first_words = keras.ops.argmax(keras.ops.not_equal(token_ids, pad_id), axis=1)
    # The initial value answers for an empty batch.
    return keras.ops.cast(keras.ops.min(first_words, initial=token_ids.shape[1]), "int32")


@keras.saving.register_keras_serializable(package="sentiment")
class FrontPaddedLSTM(keras.layers.LSTM):
    """An LSTM that reads the padding which all rows have in common once, not once a row.

    There is no mask: padding moves the state. But as long as all rows have read nothing else,
    their states are equal, so one row stands for all. What follows runs in TensorFlow's fused
    kernel, `BlockLSTMV2`, which takes Keras' weights as they are.

    Weights, their order and the results are those of `keras.layers.LSTM(units)`; the tests hold
    outputs and gradients to it.

    Reference: Hochreiter & Schmidhuber, Long Short-Term Memory, 1997.

    Args:
      units: Size of the state.
      return_sequences: Whether the output after each timestep is returned.
      **options: Those of `keras.layers.LSTM`, as far as the fused kernel knows them.

    Raises:
      ValueError: An option asks for what the fused kernel does not compute, e.g. dropout.

    Call arguments:
      sequences: <float32>[batch, timesteps, features].
      padding: <int32>[], how many leading timesteps are equal in all rows; see
        `common_padding`. None are, when it is left out.

    Output:
      <float32>[batch, units], or [batch, timesteps, units] with `return_sequences`.
    """

    def __init__(self, units: int, return_sequences: bool = False, **options: Any):
        """See the class."""
        super().__init__(units, return_sequences=return_sequences, **options)
        config, fixed = self.get_config(), keras.layers.LSTM(units).get_config()
        refused = [name for name in _FIXED_OPTIONS if config[name] != fixed[name]]
        if refused:
            raise ValueError(
                f"FrontPaddedLSTM does not support {', '.join(refused)}: the fused kernel computes "
                "what keras.layers.LSTM computes by default. Use keras.layers.LSTM instead."
            )

    def build(self, sequences_shape: Any, padding_shape: Any = None) -> None:
        """Makes the weights of `keras.layers.LSTM`."""
        super().build(sequences_shape)

    def compute_output_shape(self, sequences_shape: Any, padding_shape: Any = None) -> Any:
        """Returns that of `keras.layers.LSTM`."""
        return super().compute_output_shape(sequences_shape)

    def call(self, sequences: tf.Tensor, padding: tf.Tensor | int = 0) -> tf.Tensor:
        """See the class."""
        by_time = tf.transpose(sequences, [1, 0, 2])
        # An empty batch is all padding; one timestep at least is left for the last state.
        padding = tf.minimum(padding, tf.shape(by_time)[0] - 1)
        batch = tf.shape(sequences)[0]
        # An empty batch has no first row to read; padding it with nothing keeps it empty.
        start = tf.zeros([tf.minimum(batch, 1), self.units])
        read_once = self._run(by_time[:padding, :1], start, start)
        states = [
            tf.repeat(tf.concat([start[tf.newaxis], part], 0)[-1], batch, axis=0)
            for part in read_once
        ]
        _, hidden = self._run(by_time[padding:], *states)
        if not self.return_sequences:
            return hidden[-1]
        shared = tf.repeat(read_once[1], batch, axis=1)
        return tf.transpose(tf.concat([shared, hidden], 0), [1, 0, 2])

    def _run(self, inputs: tf.Tensor, cell: tf.Tensor, hidden: tf.Tensor) -> list[tf.Tensor]:
        """Runs [time, batch, features] from the states [batch, units].

        Returns:
          Cell states and outputs after each step, both <float32>[time, batch, units].
        """
        weights = tf.concat([self.cell.kernel, self.cell.recurrent_kernel], axis=0)
        bias = tf.convert_to_tensor(self.cell.bias)
        batch = tf.shape(inputs)[1]

        def whole() -> list[tf.Tensor]:
            return list(_block_lstm(inputs, cell, hidden, weights, bias))

        def halves() -> list[tf.Tensor]:
            middle = batch // 2
            first = _block_lstm(inputs[:, :middle], cell[:middle], hidden[:middle], weights, bias)
            second = _block_lstm(inputs[:, middle:], cell[middle:], hidden[middle:], weights, bias)
            return [tf.concat(pair, axis=1) for pair in zip(first, second, strict=True)]

        return tf.cond(batch >= SPLIT_FROM_BATCH, halves, whole)


@tf.custom_gradient
def _block_lstm(
    inputs: tf.Tensor, cell: tf.Tensor, hidden: tf.Tensor, weights: tf.Tensor, bias: tf.Tensor
) -> Any:
    """Runs the fused kernel, with the gradient that belongs to it.

    TensorFlow registers for BlockLSTMV2 the gradient of BlockLSTM, whose gates stand in another
    order (tensorflow/python/ops/rnn_grad.py): silently, it is wrong.
    """
    steps = tf.shape(inputs, out_type=tf.int64)[0]
    no_peephole = tf.zeros_like(bias[: tf.shape(hidden)[1]])
    arguments = {
        "seq_len_max": steps,
        "x": inputs,
        "cs_prev": cell,
        "h_prev": hidden,
        "w": weights,
        "wci": no_peephole,
        "wcf": no_peephole,
        "wco": no_peephole,
        "b": bias,
        "use_peephole": False,
    }
    ran = tf.raw_ops.BlockLSTMV2(**arguments, cell_clip=0.0)

    def gradient(cell_gradient: tf.Tensor, hidden_gradient: tf.Tensor) -> Any:
        back = tf.raw_ops.BlockLSTMGradV2(
            **arguments,
            i=ran.i,
            cs=ran.cs,
            f=ran.f,
            o=ran.o,
            ci=ran.ci,
            co=ran.co,
            h=ran.h,
            cs_grad=cell_gradient,
            h_grad=hidden_gradient,
        )
        return back.x_grad, back.cs_prev_grad, back.h_prev_grad, back.w_grad, back.b_grad

    return (ran.cs, ran.h), gradient
