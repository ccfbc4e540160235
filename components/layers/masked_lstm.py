"""An LSTM whose gates see different parts of the inputs and the state, as dropout makes them."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from components.layers.lstm_cell import gate_gradients, pass_gates

# Rows are read in groups side by side. XLA compiles a timestep to some calls of one thread each;
# smaller groups than those of a usual batch would read the weights too often.
GROUPS = 4


def masked_lstm(
    inputs: tf.Tensor, masks: tf.Tensor, weights: tf.Tensor, bias: tf.Tensor
) -> tf.Tensor:
    """Runs an LSTM from zeros, by code that XLA compiles for each shape it meets.

    No kernel of TensorFlow takes masks by gate; operation by operation, a timestep costs more to
    start than to compute. Compiling takes about a second of processor time a shape.

    Args:
      inputs: <float32>[time, batch, features].
      masks: <float32>[4, batch, features + units], what each gate sees of its inputs and of the
        state before, at every timestep; gates in Keras' order: input, forget, candidate, output.
      weights: <float32>[features + units, 4 * units], Keras' kernel over its recurrent kernel.
      bias: <float32>[4 * units].

    Returns:
      Outputs after each step, <float32>[time, batch, units].
    """
    rows = tf.shape(inputs)[1]
    size = -(-rows // GROUPS)
    # All groups have one shape.
    missing = GROUPS * size - rows
    inputs, masks = (tf.pad(each, [[0, 0], [0, missing], [0, 0]]) for each in (inputs, masks))
    outputs = []
    for group in range(GROUPS):
        part = slice(group * size, (group + 1) * size)
        outputs.append(_group(inputs[:, part], masks[:, part], weights, bias))
    return tf.concat(outputs, axis=1)[:, :rows]


@tf.custom_gradient
def _group(inputs: tf.Tensor, masks: tf.Tensor, weights: tf.Tensor, bias: tf.Tensor) -> Any:
    # Sizes are given beside the tensors: where one process builds layers of several sizes,
    # `reduce_retracing` makes every dimension of a tensor unknown, but never a number.
    features, units = inputs.shape[2], bias.shape[0] // 4
    # Else TensorFlow differentiates what is compiled too, and cannot.
    saved = _forwards(units, *map(tf.stop_gradient, (inputs, masks, weights, bias)))

    def gradient(upstream: tf.Tensor) -> Any:
        upstream = tf.convert_to_tensor(upstream)
        of_inputs, *of_parameters = _backwards(
            features, units, upstream, inputs, masks, weights, *saved
        )
        return of_inputs, tf.zeros_like(masks), *of_parameters

    return saved[-1], gradient


@tf.function(jit_compile=True, autograph=False, reduce_retracing=True)
def _forwards(
    units: int, inputs: tf.Tensor, masks: tf.Tensor, weights: tf.Tensor, bias: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    """Returns four gates' values and the states after each step, [time, batch, units] each."""
    by_gate = list(zip(tf.split(weights, 4, axis=1), tf.split(bias, 4), strict=True))

    def step(
        time: tf.Tensor, cell: tf.Tensor, hidden: tf.Tensor, *saved: tf.TensorArray
    ) -> tuple[Any, ...]:
        seen = tf.concat([inputs[time], hidden], axis=1)
        sums = [
            tf.matmul(seen * masks[gate], kernel) + offset
            for gate, (kernel, offset) in enumerate(by_gate)
        ]
        gates, cell, hidden = pass_gates(sums, cell)
        values = (*gates, cell, hidden)
        written = [array.write(time, value) for array, value in zip(saved, values, strict=True)]
        return (time + 1, cell, hidden, *written)

    timesteps = tf.shape(inputs)[0]
    zeros = tf.zeros([tf.shape(inputs)[1], units])
    _, _, _, *saved = tf.while_loop(
        lambda time, *_: time < timesteps,
        step,
        [0, zeros, zeros, *(_array(timesteps, units) for _ in range(6))],
        maximum_iterations=timesteps,
    )
    return tuple(array.stack() for array in saved)


@tf.function(jit_compile=True, autograph=False, reduce_retracing=True)
def _backwards(
    features: int,
    units: int,
    upstream: tf.Tensor,
    inputs: tf.Tensor,
    masks: tf.Tensor,
    weights: tf.Tensor,
    *saved: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns the gradients of the inputs, the weights and the bias."""
    takes, forgets, candidates, gives, cells, outputs = saved
    transposed = [tf.transpose(kernel) for kernel in tf.split(weights, 4, axis=1)]
    cells_before, outputs_before = (
        tf.pad(states, [[1, 0], [0, 0], [0, 0]])[:-1] for states in (cells, outputs)
    )

    def step(
        time: tf.Tensor, of_cell: tf.Tensor, of_hidden: tf.Tensor, *written: tf.TensorArray
    ) -> tuple[Any, ...]:
        gates = tuple(values[time] for values in (takes, forgets, candidates, gives))
        of_hidden += upstream[time]
        of_cell, of_sums = gate_gradients(
            of_cell, of_hidden, cells[time], cells_before[time], gates
        )
        of_seen = tf.add_n(
            [
                tf.matmul(part, kernel) * masks[gate]
                for gate, (part, kernel) in enumerate(zip(of_sums, transposed, strict=True))
            ]
        )
        values = (of_seen[:, :features], *of_sums)
        kept = [array.write(time, value) for array, value in zip(written, values, strict=True)]
        return (time - 1, of_cell * gates[1], of_seen[:, features:], *kept)

    timesteps = tf.shape(inputs)[0]
    zeros = tf.zeros_like(upstream[0])
    widths = (features, units, units, units, units)
    _, _, _, *written = tf.while_loop(
        lambda time, *_: time >= 0,
        step,
        [timesteps - 1, zeros, zeros, *(_array(timesteps, width) for width in widths)],
        maximum_iterations=timesteps,
    )
    of_inputs, *of_sums = (array.stack() for array in written)
    seen = tf.concat([inputs, outputs_before], axis=2)
    of_weights = [
        tf.matmul(
            tf.reshape(seen * masks[gate], [-1, features + units]),
            tf.reshape(part, [-1, units]),
            transpose_a=True,
        )
        for gate, part in enumerate(of_sums)
    ]
    of_bias = [tf.reduce_sum(part, axis=[0, 1]) for part in of_sums]
    return of_inputs, tf.concat(of_weights, axis=1), tf.concat(of_bias, axis=0)


def _array(size: tf.Tensor, width: int) -> tf.TensorArray:
    """Returns an array of [batch, width] for each timestep."""
    return tf.TensorArray(tf.float32, size, element_shape=[None, width])
