"""An LSTM for training, by code that XLA compiles: groups of rows side by side."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from components.layers.masked_lstm import gate_gradients

# A group is one call of one thread. Of a usual batch, more groups would wait less for each other's
# first words, but read the weights too often.
GROUPS = 4
# Numbers of timesteps that are compiled for. What is saved for the way back takes 40 bytes for each
# row, timestep and unit: so little more than the longest row has.
_LENGTHS = [2**power for power in range(31)]


def compiled_lstm(
    sequences: tf.Tensor,
    begins: tf.Tensor,
    weights: tf.Tensor,
    bias: tf.Tensor,
    return_sequences: bool,
) -> tf.Tensor:
    """Runs an LSTM from zeros over rows that padding stands in front of, with a gradient.

    A group is read from where its first row begins, and starts from the state that one row of
    padding has there; that row goes on from group to group. Compiling takes about half a second of
    processor time for each shape, of which there are few: where a group begins is no part of it.

    Args:
      sequences: <float32>[batch, timesteps, features]. At a timestep that is padding in two rows,
        both hold the same.
      begins: <int32>[batch], ascending: how many leading timesteps of each row are padding.
      weights: <float32>[features + units, 4 * units], Keras' kernel over its recurrent kernel.
      bias: <float32>[4 * units].
      return_sequences: Whether the output after each timestep is returned.

    Returns:
      The outputs in the end, <float32>[batch, units], or [batch, timesteps, units].
    """
    rows, timesteps = tf.unstack(tf.shape(sequences)[:2])
    size = -(-rows // GROUPS)
    skipped = _common_padding(begins, timesteps)
    # All groups have one shape.
    all_rows = tf.pad(sequences[:, skipped:], [[0, GROUPS * size - rows], [0, 0], [0, 0]])
    padding = tf.transpose(sequences[-1:], [1, 0, 2])
    # Of no row in an empty batch.
    state = (tf.zeros([tf.shape(padding)[1], bias.shape[0] // 4]),) * 2
    begun, at_padding, outputs = 0, 0.0, []
    for group, part in enumerate(tf.split(all_rows, GROUPS)):
        # A group without rows begins with the last row; one without words reads a timestep.
        earliest = tf.reduce_max(begins[: group * size + 1])
        first = tf.clip_by_value(earliest, skipped, timesteps - 1)
        *state, read = _run(padding, tf.stack([begun, first]), *state, weights, bias)
        start = (tf.broadcast_to(each, [size, each.shape[1]]) for each in state)
        by_time = tf.transpose(part, [1, 0, 2])
        span = tf.stack([first, timesteps]) - skipped
        _, last, after = _run(by_time, span, *start, weights, bias)
        if return_sequences:
            # Each is zero where the other one was read.
            at_padding += read
            after = tf.pad(after, [[skipped, 0], [0, 0], [0, 0]]) + at_padding
        outputs.append(tf.transpose(after, [1, 0, 2]) if return_sequences else last)
        begun = first
    return tf.concat(outputs, axis=0)[:rows]


def _common_padding(begins: tf.Tensor, timesteps: tf.Tensor) -> tf.Tensor:
    """Returns how many timesteps to leave out: most of what is padding in all rows, <int32>[]."""
    longest = timesteps - tf.clip_by_value(tf.reduce_min(begins), 0, timesteps - 1)
    lengths = tf.constant(_LENGTHS)
    kept = tf.gather(lengths, tf.searchsorted(lengths, longest[tf.newaxis]))[0]
    return tf.maximum(timesteps - kept, 0)


@tf.custom_gradient
def _run(
    inputs: tf.Tensor,
    span: tf.Tensor,
    cell: tf.Tensor,
    hidden: tf.Tensor,
    weights: tf.Tensor,
    bias: tf.Tensor,
) -> Any:
    """Reads <float32>[time, batch, features] within a `span` of time, <int32>[2].

    Returns:
      The last cell state and output, and the outputs after each timestep, zeros outside the span.
    """
    # Sizes are given beside the tensors, see `masked_lstm`.
    features, units = inputs.shape[2], bias.shape[0] // 4
    # Else TensorFlow differentiates what is compiled too, and cannot.
    arguments = map(tf.stop_gradient, (inputs, cell, hidden, weights, bias))
    last_cell, last, *saved = _forwards(features, units, span, *arguments)
    outputs = saved[-1]

    def gradient(of_cell: tf.Tensor, of_last: tf.Tensor, of_outputs: tf.Tensor) -> Any:
        upstream = map(tf.convert_to_tensor, (of_cell, of_last, of_outputs))
        of_sums, of_cell, of_hidden = _backwards(
            features, units, span, *upstream, last_cell, weights, *saved[:-1]
        )
        begin, end = tf.unstack(span)
        of_sums = tf.reshape(of_sums[begin:end], [-1, 4 * units])
        before = tf.concat([hidden[tf.newaxis], outputs[begin:end]], axis=0)[:-1]
        # With ones, the sum of all rows is a row of the product: it takes half the time so.
        seen = tf.concat([inputs[begin:end], before, tf.ones_like(before[:, :, :1])], axis=2)
        of_parameters = tf.matmul(
            tf.reshape(seen, [-1, features + units + 1]), of_sums, transpose_a=True
        )
        of_read = tf.matmul(of_sums, weights[:features], transpose_b=True)
        of_inputs = tf.pad(
            tf.reshape(of_read, tf.shape(inputs[begin:end])),
            [[begin, tf.shape(inputs)[0] - end], [0, 0], [0, 0]],
        )
        return of_inputs, None, of_cell, of_hidden, of_parameters[:-1], of_parameters[-1]

    return (last_cell, last, outputs), gradient


@tf.function(jit_compile=True, autograph=False, reduce_retracing=True)
def _forwards(
    features: int,
    units: int,
    span: tf.Tensor,
    inputs: tf.Tensor,
    cell: tf.Tensor,
    hidden: tf.Tensor,
    weights: tf.Tensor,
    bias: tf.Tensor,
) -> tuple[tf.Tensor, ...]:
    """Returns the last state, and [time, batch, units] each: gates, cells before, outputs."""
    of_inputs, of_hidden = weights[:features], weights[features:]

    def step(
        time: tf.Tensor, cell: tf.Tensor, hidden: tf.Tensor, *saved: tf.TensorArray
    ) -> tuple[Any, ...]:
        sums = tf.matmul(inputs[time], of_inputs) + tf.matmul(hidden, of_hidden) + bias
        take, forget, candidate, give = tf.split(sums, 4, axis=1)
        take, forget, give = map(tf.sigmoid, (take, forget, give))
        candidate = tf.tanh(candidate)
        after = forget * cell + take * candidate
        output = give * tf.tanh(after)
        values = (take, forget, candidate, give, cell, output)
        written = [array.write(time, value) for array, value in zip(saved, values, strict=True)]
        return (time + 1, after, output, *written)

    arrays = [_array(tf.shape(inputs)[0], units) for _ in range(6)]
    _, cell, hidden, *saved = tf.while_loop(
        lambda time, *_: time < span[1],
        step,
        [span[0], cell, hidden, *arrays],
        shape_invariants=_invariants(units, states=2, arrays=6),
    )
    return (cell, hidden, *(array.stack() for array in saved))


@tf.function(jit_compile=True, autograph=False, reduce_retracing=True)
def _backwards(
    features: int,
    units: int,
    span: tf.Tensor,
    of_cell: tf.Tensor,
    of_hidden: tf.Tensor,
    of_outputs: tf.Tensor,
    last_cell: tf.Tensor,
    weights: tf.Tensor,
    *saved: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns the gradients of what the gates sum up, [time, batch, 4 * units], and the state."""
    *gates, cells = saved
    transposed = tf.transpose(weights[features:])

    def step(
        time: tf.Tensor,
        of_cell: tf.Tensor,
        of_hidden: tf.Tensor,
        cell: tf.Tensor,
        written: tf.TensorArray,
    ) -> tuple[Any, ...]:
        values, before = tuple(each[time] for each in gates), cells[time]
        of_hidden += of_outputs[time]
        of_cell, of_sums = gate_gradients(of_cell, of_hidden, cell, before, values)
        sums = tf.concat(of_sums, axis=1)
        of_hidden = tf.matmul(sums, transposed)
        return time - 1, of_cell * values[1], of_hidden, before, written.write(time, sums)

    _, of_cell, of_hidden, _, written = tf.while_loop(
        lambda time, *_: time >= span[0],
        step,
        [span[1] - 1, of_cell, of_hidden, last_cell, _array(tf.shape(cells)[0], 4 * units)],
        shape_invariants=_invariants(units, states=3, arrays=1),
    )
    return written.stack(), of_cell, of_hidden


def _array(size: tf.Tensor, width: int) -> tf.TensorArray:
    """Returns an array of [batch, width] for each timestep, of zeros."""
    return tf.TensorArray(tf.float32, size, element_shape=[None, width])


def _invariants(units: int, states: int, arrays: int) -> list[tf.TensorShape]:
    """Returns the shapes of a loop's values: the time, states and arrays."""
    state, array = tf.TensorShape([None, units]), tf.TensorShape(None)
    return [tf.TensorShape([]), *[state] * states, *[array] * arrays]
