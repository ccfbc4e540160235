"""An LSTM for training, by code that XLA compiles: rows join when their words begin."""

from __future__ import annotations

from typing import Any

import keras
import tensorflow as tf

from components.layers.lstm_cell import gate_gradients, pass_gates
from components.layers.padding_row import read_padding

# Each part of the rows is one call of one thread. Fewer would be larger than what XLA's product
# keeps to its thread, more would read the weights too often.
PARTS = 4
# So often rows join a part: some at once, when the longest of them begins. More stages would read
# less padding, and take longer to compile.
STAGES = 4
# Numbers of timesteps that are compiled for. What is saved for the way back takes 40 bytes for each
# row, timestep and unit: so little more than the longest row has.
_LENGTHS = [2**power for power in range(31)]


def compiled_lstm(
    sequences: tf.Tensor, begins: tf.Tensor, weights: tf.Tensor, bias: tf.Tensor
) -> tf.Tensor:
    """Runs an LSTM from zeros over rows that padding stands in front of, with a gradient.

    One row of padding is read for all, and every row starts from the state that it has there.
    Compiling takes some two seconds of processor time for each shape, of which there are few:
    where rows begin is no part of it.

    Args:
      sequences: <float32>[batch, timesteps, features]. At a timestep that is padding in two rows,
        both hold the same.
      begins: <int32>[batch], ascending: how many leading timesteps of each row are padding.
      weights: <float32>[features + units, 4 * units], Keras' kernel over its recurrent kernel.
      bias: <float32>[4 * units].

    Returns:
      The outputs in the end, <float32>[batch, units].
    """
    rows, timesteps = tf.unstack(tf.shape(sequences)[:2])
    # Of a stage of a part. An empty batch gets rows too: XLA compiles no loop without them.
    size = tf.maximum(-(-rows // (PARTS * STAGES)), 1)
    missing = PARTS * STAGES * size - rows
    last = tf.reduce_max(tf.concat([[0], begins], axis=0))
    skipped = _common_padding(begins, timesteps)
    begins = tf.concat([begins, tf.fill([missing], last)], axis=0)
    starts = tf.reshape(begins, [STAGES, size, PARTS])[:, 0]
    all_rows = tf.pad(sequences, [[0, missing], [0, 0], [0, 0]])
    parts, padding = _in_parts(all_rows, skipped, tf.maximum(rows - 1, 0))
    states = read_padding(padding, last, weights, bias)
    outputs = []
    for part, inputs in enumerate(tf.unstack(parts)):
        begun = (tf.gather(state, starts[:, part]) for state in states)
        times = tf.maximum(starts[:, part] - skipped, 0)
        outputs.append(_read_part(inputs, times, *begun, weights, bias))
    return tf.reshape(tf.stack(outputs, axis=1), [-1, bias.shape[0] // 4])[:rows]


@tf.custom_gradient
def _in_parts(sequences: tf.Tensor, skipped: tf.Tensor, row: tf.Tensor) -> Any:
    """Deals rows out to the parts, so that all take the same time, and leaves out timesteps.

    TensorFlow's own gradient of a part of a tensor fills a tensor of zeros for each.

    Args:
      sequences: <float32>[PARTS * STAGES * rows of a stage, timesteps, features].
      skipped: How many leading timesteps are left out, <int32>[].
      row: Which row is returned as well, <int32>[].

    Returns:
      <float32>[PARTS, timesteps - skipped, STAGES, rows of a stage, features], and of the one row
      all timesteps, <float32>[timesteps, features].
    """
    rows, timesteps, features = tf.shape(sequences)[0], tf.shape(sequences)[1], sequences.shape[2]
    size, kept = rows // (PARTS * STAGES), timesteps - skipped
    by_part = tf.reshape(sequences[:, skipped:], [STAGES * size, PARTS, kept, features])
    parts = tf.transpose(by_part, [1, 2, 0, 3])

    def gradient(of_parts: tf.Tensor, of_row: tf.Tensor) -> Any:
        by_row = tf.reshape(of_parts, [PARTS, kept, STAGES * size, features])
        by_row = tf.reshape(tf.transpose(by_row, [2, 0, 1, 3]), [rows, kept, features])
        of_rows = tf.pad(by_row, [[0, 0], [skipped, 0], [0, 0]])
        added = tf.tensor_scatter_nd_add(of_rows, [[row]], of_row[tf.newaxis])
        return added, None, None

    return (tf.reshape(parts, [PARTS, kept, STAGES, size, features]), sequences[row]), gradient


def _common_padding(begins: tf.Tensor, timesteps: tf.Tensor) -> tf.Tensor:
    """Returns how many timesteps to leave out: most of what is padding in all rows, <int32>[]."""
    longest = timesteps - tf.clip_by_value(tf.reduce_min(begins), 0, timesteps - 1)
    lengths = tf.constant(_LENGTHS)
    kept = tf.gather(lengths, tf.searchsorted(lengths, longest[tf.newaxis]))[0]
    return tf.maximum(timesteps - kept, 0)


@tf.custom_gradient
def _read_part(
    inputs: tf.Tensor,
    starts: tf.Tensor,
    cells: tf.Tensor,
    outputs: tf.Tensor,
    weights: tf.Tensor,
    bias: tf.Tensor,
) -> Any:
    """Reads rows to the end, those of each stage from its start.

    Args:
      inputs: <float32>[time, STAGES, rows of a stage, features].
      starts: <int32>[STAGES], ascending.
      cells: The state in which all rows of a stage begin, <float32>[STAGES, units].
      outputs: The same, of the output.
      weights: See `compiled_lstm`.
      bias: See `compiled_lstm`.

    Returns:
      The outputs in the end, <float32>[STAGES * rows of a stage, units].
    """
    # Sizes are given beside the tensors, see `masked_lstm`.
    features, units = inputs.shape[3], bias.shape[0] // 4
    spans = tf.concat([starts, tf.shape(inputs)[:1]], axis=0)
    parameters = tf.concat([weights, bias[tf.newaxis]], axis=0)
    # Else TensorFlow differentiates what is compiled too, and cannot.
    arguments = map(tf.stop_gradient, (inputs, cells, outputs, parameters))
    last_cell, last, seen, *saved = _forwards(features, units, spans, *arguments)

    def gradient(upstream: tf.Tensor) -> Any:
        of_inputs, of_cells, of_outputs, of_sums = _backwards(
            features, units, spans, tf.convert_to_tensor(upstream), last_cell, weights, *saved
        )
        # What is behind was not written.
        read = _places(spans)
        of_parameters = tf.matmul(
            tf.reshape(seen[:read], [-1, features + units + 1]),
            tf.reshape(of_sums[:read], [-1, 4 * units]),
            transpose_a=True,
        )
        return of_inputs, None, of_cells, of_outputs, of_parameters[:-1], of_parameters[-1]

    return last, gradient


@tf.function(jit_compile=True, autograph=False, reduce_retracing=True)
def _forwards(
    features: int,
    units: int,
    spans: tf.Tensor,
    inputs: tf.Tensor,
    cells: tf.Tensor,
    outputs: tf.Tensor,
    parameters: tf.Tensor,
) -> tuple[tf.Tensor, ...]:
    """Returns the last states, and what each timestep saw, its gates, and the cells before it.

    What is saved is packed, [time * STAGES, rows of a stage, ...]: a timestep takes as many places
    as stages have begun.
    """
    timesteps, size = tf.shape(inputs)[0], tf.shape(inputs)[2]

    def array(value: float, width: int) -> tf.Tensor:
        return tf.fill([timesteps * STAGES, size, width], value)

    # The bias is the last row of the parameters: behind what is seen stand ones.
    arrays = (array(1.0, features + units + 1), *(array(0.0, units) for _ in range(5)))
    place, cell, hidden = 0, tf.zeros([0, units]), tf.zeros([0, units])
    for stage in range(STAGES):
        begun = stage + 1

        def step(
            time: tf.Tensor,
            place: tf.Tensor,
            cell: tf.Tensor,
            hidden: tf.Tensor,
            seen: tf.Tensor,
            *saved: tf.Tensor,
            begun: int = begun,
        ) -> tuple[Any, ...]:
            seen = _write(seen, place, 0, inputs[time, :begun])
            seen = _write(seen, place, features, _by_stage(hidden, begun))
            sums = tf.matmul(_read(seen, place, begun), parameters)
            gates, after, hidden = pass_gates(tf.split(sums, 4, axis=1), cell)
            written = [
                _write(array, place, 0, _by_stage(value, begun))
                for array, value in zip(saved, (*gates, cell), strict=True)
            ]
            return (time + 1, place + begun, after, hidden, seen, *written)

        cell, hidden = (
            tf.concat([state, tf.broadcast_to(start[stage], [size, units])], axis=0)
            for state, start in ((cell, cells), (hidden, outputs))
        )
        _, place, cell, hidden, *arrays = tf.while_loop(
            lambda time, *_, end=spans[begun]: time < end,
            step,
            [spans[stage], place, cell, hidden, *arrays],
        )
    return (cell, hidden, *arrays)


@tf.function(jit_compile=True, autograph=False, reduce_retracing=True)
def _backwards(
    features: int,
    units: int,
    spans: tf.Tensor,
    of_hidden: tf.Tensor,
    cell: tf.Tensor,
    weights: tf.Tensor,
    *saved: tf.Tensor,
) -> tuple[tf.Tensor, ...]:
    """Returns the gradients of the inputs, of the states in the beginning, and of what gates sum.

    The last is packed as what is saved is.
    """
    *gates, cells = saved
    transposed = tf.transpose(weights)
    size, timesteps = tf.shape(cells)[1], tf.shape(cells)[0] // STAGES
    of_sums = tf.zeros([timesteps * STAGES, size, 4 * units])
    of_inputs = tf.zeros([timesteps, STAGES, size, features])
    of_cell, of_states = tf.zeros_like(of_hidden), []
    place = _places(spans)
    for stage in reversed(range(STAGES)):
        begun = stage + 1

        def step(
            time: tf.Tensor,
            place: tf.Tensor,
            of_cell: tf.Tensor,
            of_hidden: tf.Tensor,
            cell: tf.Tensor,
            of_sums: tf.Tensor,
            of_inputs: tf.Tensor,
            begun: int = begun,
        ) -> tuple[Any, ...]:
            place -= begun
            before = _read(cells, place, begun)
            values = tuple(_read(each, place, begun) for each in gates)
            of_cell, parts = gate_gradients(of_cell, of_hidden, cell, before, values)
            # XLA would compute a concatenation of them twice, one number after another.
            for gate, part in enumerate(parts):
                of_sums = _write(of_sums, place, gate * units, _by_stage(part, begun))
            of_seen = tf.matmul(_read(of_sums, place, begun), transposed)
            of_read = _by_stage(of_seen[:, :features], begun)[tf.newaxis]
            of_inputs = keras.ops.slice_update(of_inputs, [time, 0, 0, 0], of_read)
            of_cell *= values[1]
            return time - 1, place, of_cell, of_seen[:, features:], before, of_sums, of_inputs

        _, place, of_cell, of_hidden, cell, of_sums, of_inputs = tf.while_loop(
            lambda time, *_, start=spans[stage]: time >= start,
            step,
            [spans[begun] - 1, place, of_cell, of_hidden, cell, of_sums, of_inputs],
        )
        joined = stage * size
        of_states.append([tf.reduce_sum(each[joined:], axis=0) for each in (of_cell, of_hidden)])
        of_cell, of_hidden, cell = (each[:joined] for each in (of_cell, of_hidden, cell))
    of_cells, of_outputs = (tf.stack(each[::-1]) for each in zip(*of_states, strict=True))
    return of_inputs, of_cells, of_outputs, of_sums


def _places(spans: tf.Tensor) -> tf.Tensor:
    """Returns how many places all timesteps take, for where stages begin and the last one ends."""
    return tf.tensordot(spans[1:] - spans[:-1], tf.range(1, STAGES + 1), 1)


def _by_stage(rows: tf.Tensor, begun: int) -> tf.Tensor:
    """[begun * rows of a stage, width] -> [begun, rows of a stage, width]."""
    return tf.reshape(rows, [begun, -1, rows.shape[1]])


def _write(array: tf.Tensor, place: tf.Tensor, column: int, rows: tf.Tensor) -> tf.Tensor:
    """Writes [begun, rows of a stage, width] into an array of more places and columns."""
    return keras.ops.slice_update(array, tf.stack([place, 0, column]), rows)


def _read(array: tf.Tensor, place: tf.Tensor, begun: int) -> tf.Tensor:
    """Returns what stands at the places of a timestep: [begun * rows of a stage, width]."""
    size, width = tf.shape(array)[1], array.shape[2]
    return tf.reshape(tf.slice(array, [place, 0, 0], [begun, size, width]), [-1, width])
