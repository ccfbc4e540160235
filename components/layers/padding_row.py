"""What an LSTM makes of padding, one row for all: its states, with their gradient."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from components.layers.lstm_cell import gate_gradients, pass_gates


@tf.custom_gradient
def read_padding(inputs: tf.Tensor, end: tf.Tensor, weights: tf.Tensor, bias: tf.Tensor) -> Any:
    """Runs an LSTM from zeros over one row, by code that XLA compiles.

    TensorFlow's fused kernel and its gradient take 3.7 times as long for one row.

    Args:
      inputs: <float32>[timesteps, features].
      end: How many timesteps are read, <int32>[].
      weights: <float32>[features + units, 4 * units], Keras' kernel over its recurrent kernel.
      bias: <float32>[4 * units].

    Returns:
      Cell states and outputs after each number of timesteps, <float32>[1 + timesteps, units], zeros
      first, and zeros where nothing was read.
    """
    # Sizes are given beside the tensors, see `masked_lstm`.
    features, units = inputs.shape[1], bias.shape[0] // 4
    # Else TensorFlow differentiates what is compiled too, and cannot.
    arguments = map(tf.stop_gradient, (inputs, weights, bias))
    cells, outputs, gates = _forwards(features, units, end, *arguments)

    def gradient(of_cells: tf.Tensor, of_outputs: tf.Tensor) -> Any:
        upstream = map(tf.convert_to_tensor, (of_cells, of_outputs))
        of_sums = _backwards(features, units, end, *upstream, cells, gates, weights)
        seen = tf.concat([inputs, outputs[:-1]], axis=1)
        return (
            tf.matmul(of_sums, weights[:features], transpose_b=True),
            None,
            tf.matmul(seen, of_sums, transpose_a=True),
            tf.reduce_sum(of_sums, axis=0),
        )

    return (cells, outputs), gradient


@tf.function(jit_compile=True, autograph=False, reduce_retracing=True)
def _forwards(
    features: int,
    units: int,
    end: tf.Tensor,
    inputs: tf.Tensor,
    weights: tf.Tensor,
    bias: tf.Tensor,
) -> tuple[tf.Tensor, ...]:
    """Returns cells and outputs, [1 + time, units], and the gates, [time, 4 * units]."""
    timesteps = tf.shape(inputs)[0]

    def step(
        time: tf.Tensor, cell: tf.Tensor, hidden: tf.Tensor, *saved: tf.TensorArray
    ) -> tuple[Any, ...]:
        seen = tf.concat([inputs[time][tf.newaxis], hidden], axis=1)
        sums = tf.matmul(seen, weights) + bias
        gates, cell, hidden = pass_gates(tf.split(sums, 4, axis=1), cell)
        written = [
            array.write(place, value[0])
            for array, place, value in zip(
                saved,
                (time + 1, time + 1, time),
                (cell, hidden, tf.concat(gates, axis=1)),
                strict=True,
            )
        ]
        return (time + 1, cell, hidden, *written)

    arrays = (
        tf.TensorArray(tf.float32, size, element_shape=[width])
        for size, width in ((timesteps + 1, units), (timesteps + 1, units), (timesteps, 4 * units))
    )
    _, _, _, *saved = tf.while_loop(
        lambda time, *_: time < end, step, [0, tf.zeros([1, units]), tf.zeros([1, units]), *arrays]
    )
    return tuple(array.stack() for array in saved)


@tf.function(jit_compile=True, autograph=False, reduce_retracing=True)
def _backwards(
    features: int,
    units: int,
    end: tf.Tensor,
    of_cells: tf.Tensor,
    of_outputs: tf.Tensor,
    cells: tf.Tensor,
    gates: tf.Tensor,
    weights: tf.Tensor,
) -> tf.Tensor:
    """Returns the gradients of what the gates sum up, [time, 4 * units]; zeros behind the end."""
    transposed = tf.transpose(weights[features:])

    def step(
        time: tf.Tensor, of_cell: tf.Tensor, of_hidden: tf.Tensor, written: tf.TensorArray
    ) -> tuple[Any, ...]:
        of_cell += of_cells[time + 1][tf.newaxis]
        of_hidden += of_outputs[time + 1][tf.newaxis]
        before, after = cells[time][tf.newaxis], cells[time + 1][tf.newaxis]
        values = tuple(tf.split(gates[time][tf.newaxis], 4, axis=1))
        of_cell, parts = gate_gradients(of_cell, of_hidden, after, before, values)
        of_sums = tf.concat(parts, axis=1)
        of_hidden = tf.matmul(of_sums, transposed)
        return time - 1, of_cell * values[1], of_hidden, written.write(time, of_sums[0])

    zeros = tf.zeros([1, units])
    written = tf.TensorArray(tf.float32, tf.shape(gates)[0], element_shape=[4 * units])
    *_, written = tf.while_loop(lambda time, *_: time >= 0, step, [end - 1, zeros, zeros, written])
    return written.stack()
