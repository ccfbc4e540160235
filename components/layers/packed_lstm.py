"""An LSTM over packed rows, forwards and backwards: each row costs its own timesteps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

# What a timestep leaves for the way back: three gates, the candidate, the states before it, and the
# squashed state after it.
_SAVED = ("input", "candidate", "forget", "output", "cell", "hidden", "squashed")


@dataclass(frozen=True)
class Timeline:
    """Which rows there are at each timestep, and one more for those that never begin.

    Attributes:
      counts: <int32>[timesteps + 1], how many rows there are.
      before: <int32>[timesteps + 1], how many there were the timestep before.
      offsets: <int32>[timesteps + 1], where the rows of a timestep begin in what is packed.
      ends: <int32>[timesteps + 1], where they end.
    """

    counts: tf.Tensor
    before: tf.Tensor
    offsets: tf.Tensor
    ends: tf.Tensor

    @classmethod
    def of(cls, counts: tf.Tensor, rows: tf.Tensor) -> Timeline:
        """Takes the rows at each timestep and in all."""
        counts = tf.concat([counts, rows[tf.newaxis]], axis=0)
        before = tf.concat([[0], counts[:-1]], axis=0)
        ends = tf.cumsum(counts)
        return cls(counts, before, ends - counts, ends)

    def grow(self, state: tf.Tensor, time: tf.Tensor) -> tf.Tensor:
        """Returns the state of the rows at a timestep for that of the rows before, [..., units]."""
        return tf.pad(state, [[0, self.counts[time] - self.before[time]], [0, 0]])

    def shrink(self, gradient: tf.Tensor, time: tf.Tensor) -> tf.Tensor:
        """Returns the gradient of what `grow` took."""
        return gradient[: self.before[time]]


def packed_lstm(
    projected: tf.Tensor,
    counts: tf.Tensor,
    rows: tf.Tensor,
    kernel: tf.Tensor,
    return_sequences: bool = False,
) -> tf.Tensor:
    """Runs an LSTM over packed rows, each from a state of zeros.

    Args:
      projected: <float32>[packed, 4 * units], the inputs' part in the gates, with the bias, in
        the order that `reordered` gives.
      counts: <int32>[timesteps], see `PackedRows`.
      rows: <int32>[], how many rows there are, with those that have no timestep at all.
      kernel: <float32>[units, 4 * units], Keras' recurrent kernel, reordered.
      return_sequences: Whether the state after each timestep is returned.

    Returns:
      The state of each row in the end, <float32>[rows, units], or those after each timestep,
      <float32>[packed, units].
    """
    timesteps = tf.size(counts)
    timeline = Timeline.of(counts, rows)

    @tf.custom_gradient
    def run(projected: tf.Tensor, kernel: tf.Tensor) -> tuple[tf.Tensor, Callable[..., Any]]:
        last, saved = _forwards(projected, timesteps, kernel, timeline)

        def gradient(upstream: tf.Tensor) -> Any:
            upstream = tf.convert_to_tensor(upstream)
            of_projected = _backwards(
                tf.zeros_like(last) if return_sequences else timeline.shrink(upstream, timesteps),
                upstream if return_sequences else None,
                timesteps,
                saved,
                kernel,
                timeline,
            )
            return of_projected, tf.matmul(saved["hidden"].concat(), of_projected, transpose_a=True)

        if return_sequences:
            return saved["output"].concat() * saved["squashed"].concat(), gradient
        return timeline.grow(last, timesteps), gradient

    return run(projected, kernel)


def reordered(gates: tf.Tensor) -> tf.Tensor:
    """Puts Keras' gates, [..., 4 * units], into the order of LSTMBlockCellGrad."""
    inputs, forget, candidate, output = tf.split(gates, 4, axis=-1)
    return tf.concat([inputs, candidate, forget, output], axis=-1)


def _forwards(
    projected: tf.Tensor,
    timesteps: tf.Tensor,
    kernel: tf.Tensor,
    timeline: Timeline,
) -> tuple[tf.Tensor, dict[str, tf.TensorArray]]:
    """Returns the last state of the rows that have begun, and what each timestep saved."""
    units = kernel.shape[0]
    zeros = tf.zeros([0, units])

    def step(
        time: tf.Tensor, cell: tf.Tensor, hidden: tf.Tensor, *saved: tf.TensorArray
    ) -> tuple[Any, ...]:
        cell, hidden = timeline.grow(cell, time), timeline.grow(hidden, time)
        part = slice(timeline.offsets[time], timeline.ends[time])
        gates = tf.split(projected[part] + tf.matmul(hidden, kernel), 4, axis=1)
        take, forget, give = (tf.sigmoid(gates[index]) for index in (0, 2, 3))
        candidate = tf.tanh(gates[1])
        after = forget * cell + take * candidate
        squashed = tf.tanh(after)
        values = (take, candidate, forget, give, cell, hidden, squashed)
        written = [array.write(time, value) for array, value in zip(saved, values, strict=True)]
        return (time + 1, after, give * squashed, *written)

    arrays = [_array(timesteps, units) for _ in _SAVED]
    state = tf.TensorShape([None, units])
    _, _, last, *arrays = tf.while_loop(
        lambda time, *_: time < timesteps,
        step,
        [0, zeros, zeros, *arrays],
        shape_invariants=[tf.TensorShape([]), state, state, *[tf.TensorShape(None)] * len(arrays)],
        parallel_iterations=1,
    )
    return last, dict(zip(_SAVED, arrays, strict=True))


def _backwards(
    last_gradient: tf.Tensor,
    states_gradient: tf.Tensor | None,
    timesteps: tf.Tensor,
    saved: dict[str, tf.TensorArray],
    kernel: tf.Tensor,
    timeline: Timeline,
) -> tf.Tensor:
    """Returns the gradient of the gates, [packed, 4 * units]."""
    units = last_gradient.shape[1]
    # Once for all timesteps: transposing takes a fifth of a product.
    transposed = tf.transpose(kernel)
    unused = {
        "w": tf.zeros([2 * units, 4 * units]),
        "b": tf.zeros([4 * units]),
        **dict.fromkeys(("wci", "wcf", "wco"), tf.zeros([units])),
    }

    def step(
        time: tf.Tensor, cell: tf.Tensor, hidden: tf.Tensor, gates: tf.TensorArray
    ) -> tuple[Any, ...]:
        values = {name: array.read(time) for name, array in saved.items()}
        squashed, before_step = values["squashed"], values["hidden"]
        if states_gradient is not None:
            hidden += states_gradient[timeline.offsets[time] : timeline.ends[time]]
        # All elementwise operations in one; it reads none of what is called unused here.
        back = tf.raw_ops.LSTMBlockCellGrad(
            x=before_step,
            cs_prev=values["cell"],
            h_prev=before_step,
            **unused,
            i=values["input"],
            cs=squashed,
            f=values["forget"],
            o=values["output"],
            ci=values["candidate"],
            co=squashed,
            cs_grad=cell,
            h_grad=hidden,
            use_peephole=False,
        )
        return (
            time - 1,
            timeline.shrink(back.cs_prev_grad, time),
            timeline.shrink(tf.matmul(back.dicfo, transposed), time),
            gates.write(time, back.dicfo),
        )

    state = tf.TensorShape([None, units])
    *_, gates = tf.while_loop(
        lambda time, *_: time >= 0,
        step,
        [timesteps - 1, tf.zeros_like(last_gradient), last_gradient, _array(timesteps, 4 * units)],
        shape_invariants=[tf.TensorShape([]), state, state, tf.TensorShape(None)],
        parallel_iterations=1,
    )
    return gates.concat()


def _array(size: tf.Tensor, width: int) -> tf.TensorArray:
    """Returns an array of [rows, width], with other rows at each place."""
    return tf.TensorArray(
        tf.float32,
        size,
        clear_after_read=False,
        infer_shape=False,
        element_shape=tf.TensorShape([None, width]),
    )
