"""TensorFlow's fused kernel of an LSTM, with the gradient that belongs to it."""

from __future__ import annotations

from typing import Any

import tensorflow as tf


@tf.custom_gradient
def fused_lstm(
    inputs: tf.Tensor, cell: tf.Tensor, hidden: tf.Tensor, weights: tf.Tensor, bias: tf.Tensor
) -> Any:
    """Runs an LSTM from the states `cell` and `hidden`, both <float32>[batch, units].

    TensorFlow registers for BlockLSTMV2 the gradient of BlockLSTM, whose gates stand in another
    order (tensorflow/python/ops/rnn_grad.py): silently, it is wrong.

    Args:
      inputs: <float32>[time, batch, features].
      cell: Where to begin.
      hidden: Where to begin.
      weights: <float32>[features + units, 4 * units], Keras' kernel over its recurrent kernel.
      bias: <float32>[4 * units].

    Returns:
      Cell states and outputs after each step, both <float32>[time, batch, units].
    """
    arguments = _arguments(inputs, cell, hidden, weights, bias)
    ran = tf.raw_ops.BlockLSTMV2(**arguments, cell_clip=0.0)

    def gradient(cell_gradient: tf.Tensor, hidden_gradient: tf.Tensor) -> Any:
        back = tf.raw_ops.BlockLSTMGradV2(
            **arguments,
            **ran._asdict(),
            cs_grad=tf.convert_to_tensor(cell_gradient),
            h_grad=tf.convert_to_tensor(hidden_gradient),
        )
        # Without rows, the kernel leaves whatever was in the memory of these two.
        is_there = tf.size(inputs) > 0
        of_parameters = (
            tf.where(is_there, each, tf.zeros_like(each)) for each in (back.w_grad, back.b_grad)
        )
        return back.x_grad, back.cs_prev_grad, back.h_prev_grad, *of_parameters

    return (ran.cs, ran.h), gradient


def fused_lstm_without_gradient(
    inputs: tf.Tensor, cell: tf.Tensor, hidden: tf.Tensor, weights: tf.Tensor, bias: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Does what `fused_lstm` does, for exports: TensorFlow warns of gradients it does not save."""
    arguments = _arguments(inputs, cell, hidden, weights, bias)
    ran = tf.raw_ops.BlockLSTMV2(**arguments, cell_clip=0.0)
    return tf.stop_gradient(ran.cs), tf.stop_gradient(ran.h)


def _arguments(
    inputs: tf.Tensor, cell: tf.Tensor, hidden: tf.Tensor, weights: tf.Tensor, bias: tf.Tensor
) -> dict[str, Any]:
    """Returns what the kernel takes, and the kernel of its gradient too."""
    no_peephole = tf.zeros_like(bias[: tf.shape(hidden)[1]])
    return {
        "seq_len_max": tf.shape(inputs, out_type=tf.int64)[0],
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
