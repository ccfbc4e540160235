"""An LSTM that only reads: rows that begin at different timesteps, each from a state of its own."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from components.layers.fused_lstm import fused_lstm, fused_lstm_without_gradient

# Rows that the fused kernel reads together. It costs some 5 microseconds a timestep and 1.6 a row.
# Where there are two threads, it shares 13 to 15 rows between them, and more than 25: that takes at
# least twice the time. As rows join their group one by one, it must not come to 13.
GROUP = 12
# Groups that are read side by side: the kernel keeps to one thread.
PARALLEL_GROUPS = 2
# The kernel writes seven numbers for each of the state. Those of so many timesteps stay in a
# processor's cache.
TIMESTEPS = 32


def read_rows(
    sequences: tf.Tensor,
    begins: tf.Tensor,
    order: tf.Tensor,
    states: tuple[tf.Tensor, tf.Tensor],
    parameters: tuple[tf.Tensor, tf.Tensor],
    return_sequences: bool,
    has_gradient: bool = True,
) -> tuple[tf.Tensor, tf.Tensor]:
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
      has_gradient: Whether there is one; an export has none.

    Returns:
      The outputs in the end, <float32>[batch, units] in `order`, or those after each timestep of
      each row, <float32>[read, units]; and of each its row and timestep, <int32>[read, 2].
    """
    units = states[0].shape[1]
    kernel = fused_lstm if has_gradient else fused_lstm_without_gradient
    groups = -(-tf.size(begins) // GROUP)
    # One element more, of no rows, so that there is something to concatenate.
    values = tf.TensorArray(tf.float32, groups + 1, infer_shape=False, element_shape=[None, units])
    places = tf.TensorArray(tf.int32, groups + 1, infer_shape=False, element_shape=[None, 2])

    def step(group: tf.Tensor, values: tf.TensorArray, places: tf.TensorArray) -> tuple[Any, ...]:
        rows = slice(group * GROUP, (group + 1) * GROUP)
        of_group = begins[rows], tuple(state[rows] for state in states)
        read, where = _read_group(
            sequences, order[rows], *of_group, parameters, return_sequences, kernel
        )
        return group + 1, values.write(group, read), places.write(group, where)

    _, values, places = tf.while_loop(
        lambda group, *_: group < groups,
        step,
        [
            0,
            values.write(groups, tf.zeros([0, units])),
            places.write(groups, tf.zeros([0, 2], tf.int32)),
        ],
        parallel_iterations=PARALLEL_GROUPS,
    )
    return values.concat(), places.concat()


def _read_group(
    sequences: tf.Tensor,
    order: tf.Tensor,
    begins: tf.Tensor,
    states: tuple[tf.Tensor, tf.Tensor],
    parameters: tuple[tf.Tensor, tf.Tensor],
    return_sequences: bool,
    kernel: Any,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Runs the kernel on all rows that have begun, until the next one does."""
    units = states[0].shape[1]
    first, timesteps = begins[0], tf.shape(sequences)[1]
    places = tf.stack(
        tf.meshgrid(order, tf.range(first, timesteps)),  # both [timesteps - first, rows]
        axis=2,
    )
    by_time = tf.gather_nd(sequences, places)
    begins, timesteps = begins - first, timesteps - first
    stops = tf.concat([begins, timesteps[tf.newaxis]], axis=0)

    def step(
        index: tf.Tensor,
        time: tf.Tensor,
        cell: tf.Tensor,
        hidden: tf.Tensor,
        *written: tf.TensorArray,
    ) -> tuple[Any, ...]:
        begun = tf.shape(cell)[0]
        count = tf.math.count_nonzero(begins <= time, dtype=tf.int32)
        cell = tf.concat([cell, states[0][begun:count]], axis=0)
        hidden = tf.concat([hidden, states[1][begun:count]], axis=0)
        stop = tf.minimum(stops[count], time + TIMESTEPS)
        after = kernel(by_time[time:stop, :count], cell, hidden, *parameters)
        values = after[1], places[time:stop, :count]
        kept = [
            array.write(index, tf.reshape(value, [-1, value.shape[2]]))
            for array, value in zip(written, values, strict=False)
        ]
        return (index + 1, stop, after[0][-1], after[1][-1], *kept)

    kept = []
    for dtype, width in ((tf.float32, units), (tf.int32, 2)) if return_sequences else ():
        array = tf.TensorArray(
            dtype, 1, dynamic_size=True, infer_shape=False, element_shape=[None, width]
        )
        kept.append(array.write(0, tf.zeros([0, width], dtype)))
    number, state = tf.TensorShape([]), tf.TensorShape([None, units])
    _, _, _, hidden, *kept = tf.while_loop(
        lambda index, time, *_: time < timesteps,
        step,
        [1, 0, tf.zeros([0, units]), tf.zeros([0, units]), *kept],
        shape_invariants=[number, number, state, state, *[tf.TensorShape(None)] * len(kept)],
        parallel_iterations=1,
    )
    if return_sequences:
        return kept[0].concat(), kept[1].concat()
    # Rows that are nothing but padding have never begun.
    padding = states[1][tf.shape(hidden)[0] :]
    return tf.concat([hidden, padding], axis=0), tf.zeros([0, 2], tf.int32)
