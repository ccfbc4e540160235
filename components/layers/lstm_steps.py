"""An LSTM that only reads: rows that begin at different timesteps, each from a state of its own."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from components.layers.fused_lstm import fused_lstm
from components.layers.packed_rows import PackedRows

# Up to this many rows the fused kernel is faster than a loop of TensorFlow's operations: those
# cost some 15 microseconds a timestep. With more rows the kernel's own products are the slower.
FUSED_UP_TO = 16


def read_rows(
    sequences: tf.Tensor,
    begins: tf.Tensor,
    order: tf.Tensor,
    states: tuple[tf.Tensor, tf.Tensor],
    parameters: tuple[tf.Tensor, tf.Tensor],
    return_sequences: bool,
) -> tuple[tf.Tensor, PackedRows]:
    """Runs an LSTM over each row from where it begins.

    Args:
      sequences: <float32>[batch, timesteps, features].
      begins: <int32>[batch], ascending: where the rows begin, in `order`.
      order: <int32>[batch], which row comes first.
      states: Cell state and output before each row's first timestep, both
        <float32>[batch, units], in `order`.
      parameters: Keras' kernel over its recurrent kernel, [features + units, 4 * units], and its
        bias, [4 * units].
      return_sequences: Whether the outputs after each timestep are returned.

    Returns:
      The outputs in the end, <float32>[batch, units] in `order`, or those after each timestep,
      <float32>[packed, units]; and how they are packed.
    """
    timesteps = tf.shape(sequences)[1]
    first = tf.reduce_min(tf.concat([begins, timesteps[tf.newaxis]], axis=0))
    packed = PackedRows.beginning(begins, timesteps, first)

    def fused() -> tf.Tensor:
        by_time = tf.transpose(tf.gather(sequences, order), [1, 0, 2])
        return _fused(by_time, begins, states, parameters, return_sequences)

    def looped() -> tf.Tensor:
        inputs = packed.pack(sequences, order)
        return _looped(inputs, packed, states, parameters, return_sequences)

    return tf.cond(tf.size(begins) <= FUSED_UP_TO, fused, looped), packed


def _fused(
    by_time: tf.Tensor,
    begins: tf.Tensor,
    states: tuple[tf.Tensor, tf.Tensor],
    parameters: tuple[tf.Tensor, tf.Tensor],
    return_sequences: bool,
) -> tf.Tensor:
    """Runs the kernel from one row's begin to the next row's, with all rows that have begun."""
    units = states[0].shape[1]
    rows = tf.size(begins)
    ends = tf.concat([begins[1:], tf.shape(by_time)[:1]], axis=0)

    def step(
        row: tf.Tensor, cell: tf.Tensor, hidden: tf.Tensor, *outputs: tf.TensorArray
    ) -> tuple[Any, ...]:
        cell = tf.concat([cell, states[0][row : row + 1]], axis=0)
        hidden = tf.concat([hidden, states[1][row : row + 1]], axis=0)
        inputs = by_time[begins[row] : ends[row], : row + 1]
        after = fused_lstm(inputs, cell, hidden, *parameters)
        written = [array.write(row, tf.reshape(after[1], [-1, units])) for array in outputs]
        # Two rows may begin at once: no timestep is between them.
        last = [
            tf.concat([state[tf.newaxis], steps], axis=0)[-1]
            for state, steps in zip((cell, hidden), after, strict=True)
        ]
        return (row + 1, *last, *written)

    return _while(step, rows, units, return_sequences)


def _looped(
    inputs: tf.Tensor,
    packed: PackedRows,
    states: tuple[tf.Tensor, tf.Tensor],
    parameters: tuple[tf.Tensor, tf.Tensor],
    return_sequences: bool,
) -> tf.Tensor:
    """Runs one product for all rows that have begun, timestep by timestep."""
    units = states[0].shape[1]
    weights, bias = parameters

    def step(
        time: tf.Tensor, cell: tf.Tensor, hidden: tf.Tensor, *outputs: tf.TensorArray
    ) -> tuple[Any, ...]:
        count, offset = packed.counts[time], packed.offsets[time]
        begun = tf.shape(cell)[0]
        cell = tf.concat([cell, states[0][begun:count]], axis=0)
        hidden = tf.concat([hidden, states[1][begun:count]], axis=0)
        seen = tf.concat([inputs[offset : offset + count], hidden], axis=1)
        gates = tf.split(tf.nn.bias_add(tf.matmul(seen, weights), bias), 4, axis=1)
        cell = tf.sigmoid(gates[1]) * cell + tf.sigmoid(gates[0]) * tf.tanh(gates[2])
        hidden = tf.sigmoid(gates[3]) * tf.tanh(cell)
        return (time + 1, cell, hidden, *[array.write(time, hidden) for array in outputs])

    steps = tf.size(packed.counts)
    read = _while(step, steps, units, return_sequences)
    if return_sequences:
        return read
    # Rows that are nothing but padding have never begun.
    return tf.concat([read, states[1][tf.shape(read)[0] :]], axis=0)


def _while(step: Any, steps: tf.Tensor, units: int, return_sequences: bool) -> tf.Tensor:
    """Runs `step` on growing states; returns the last output, or all of them, packed."""
    nothing = tf.zeros([0, units])
    state = tf.TensorShape([None, units])
    outputs = []
    if return_sequences:
        # One element more, of no rows, so that there is something to concatenate.
        array = tf.TensorArray(tf.float32, steps + 1, infer_shape=False, element_shape=state)
        outputs = [array.write(steps, nothing)]
    _, _, hidden, *outputs = tf.while_loop(
        lambda index, *_: index < steps,
        step,
        [0, nothing, nothing, *outputs],
        shape_invariants=[tf.TensorShape([]), state, state, *[tf.TensorShape(None)] * len(outputs)],
        parallel_iterations=1,
    )
    return outputs[0].concat() if return_sequences else hidden
