"""An LSTM that only reads: rows that begin at different timesteps, each from a state of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from components.layers.fused_lstm import fused_lstm, fused_lstm_without_gradient

# Rows that the fused kernel reads together: it costs some 5 microseconds a timestep and 1.6 a row,
# and takes four rows for the price of three. Where there are two threads, it shares 13 to 15 rows
# between them, and more than 25: that takes at least twice the time. As rows join their group one
# by one, it must not come to 13.
ROWS_AT_ONCE = 4
LARGEST_GROUP = 12
# Groups are read one after another in two lanes, side by side: the kernel keeps to one thread.
LANES = 2
# Rows times timesteps that a call reads. The kernel writes seven numbers for each of the state, and
# those of so many stay in a processor's cache.
CALL = 384


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
      The outputs in the end, or those after each timestep of each row, <float32>[read, units]; and
      of each its row and timestep, <int32>[read, 2].
    """
    rows = tf.size(begins)
    # Two groups a lane, where there are so many rows.
    size = -(-rows // (2 * LANES * ROWS_AT_ONCE)) * ROWS_AT_ONCE
    size = tf.clip_by_value(size, ROWS_AT_ONCE, LARGEST_GROUP)
    kernel = fused_lstm if has_gradient else fused_lstm_without_gradient

    def read_group(group: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        part = slice(group * size, (group + 1) * size)
        of_group = begins[part], tuple(state[part] for state in states)
        return _read_group(sequences, order[part], *of_group, parameters, return_sequences, kernel)

    units = states[0].shape[1]
    lanes = [_read_lane(lane, -(-rows // size), units, read_group) for lane in range(LANES)]
    values, places = zip(*lanes, strict=True)
    return tf.concat(values, axis=0), tf.concat(places, axis=0)


def _read_lane(
    lane: int,
    groups: tf.Tensor,
    units: int,
    read_group: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]],
) -> tuple[tf.Tensor, tf.Tensor]:
    """Reads the groups of a lane, see `read_rows`.

    Groups take less and less time. Lanes choose in turns, and who chose last chooses next, so that
    they end at about the same time.
    """

    def group_of(turn: tf.Tensor) -> tf.Tensor:
        place = tf.where(turn % 2 == 0, lane, LANES - 1 - lane)
        return turn * LANES + place

    def step(turn: tf.Tensor, values: tf.TensorArray, places: tf.TensorArray) -> tuple[Any, ...]:
        read, where = read_group(group_of(turn))
        return turn + 1, values.write(turn + 1, read), places.write(turn + 1, where)

    _, values, places = tf.while_loop(
        lambda turn, *_: group_of(turn) < groups,
        step,
        [0, *_outputs_and_places(units)],
        parallel_iterations=1,
    )
    return values.concat(), places.concat()


def _outputs_and_places(units: int) -> list[tf.TensorArray]:
    """Returns arrays of <float32>[read, units] and <int32>[read, 2] that grow.

    Their first element is of no rows, so that there is something to concatenate.
    """
    arrays = []
    for dtype, width in ((tf.float32, units), (tf.int32, 2)):
        array = tf.TensorArray(
            dtype, 1, dynamic_size=True, infer_shape=False, element_shape=[None, width]
        )
        arrays.append(array.write(0, tf.zeros([0, width], dtype)))
    return arrays


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
        stop = tf.minimum(stops[count], time + CALL // count)
        after = kernel(by_time[time:stop, :count], cell, hidden, *parameters)
        values = after[1], places[time:stop, :count]
        kept = [
            array.write(index, tf.reshape(value, [-1, value.shape[2]]))
            for array, value in zip(written, values, strict=False)
        ]
        return (index + 1, stop, after[0][-1], after[1][-1], *kept)

    kept = _outputs_and_places(units) if return_sequences else []
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
    last = tf.fill(tf.shape(order), tf.shape(sequences)[1] - 1)
    return tf.concat([hidden, padding], axis=0), tf.stack([order, last], axis=1)
