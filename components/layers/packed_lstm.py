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
class Begin:
    """How rows begin whose first timestep comes after that of others.

    Attributes:
      branches: Whether they go on from the state of the first row, which is their padding's;
        else they begin with zeros.
      at_once: Whether there are no such rows.
    """

    branches: bool = False
    at_once: bool = False

    def grow(self, state: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
        """Returns [count, units] for the state [fewer, units] of the rows that have begun."""
        if self.at_once:
            return state
        rows = tf.shape(state)[0]
        if not self.branches:
            return tf.pad(state, [[0, count - rows], [0, 0]])
        return tf.gather(state, self._parents(count, rows))

    def shrink(self, gradient: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        """Returns the gradient [rows, units] of what `grow` took."""
        if self.at_once:
            return gradient
        if not self.branches:
            return gradient[:rows]
        parents = self._parents(tf.shape(gradient)[0], rows)
        return tf.math.unsorted_segment_sum(gradient, parents, rows)

    def _parents(self, count: tf.Tensor, rows: tf.Tensor) -> tf.Tensor:
        own = tf.range(count)
        return tf.where(own < rows, own, 0)


@dataclass(frozen=True)
class Recurrence:
    """What the state before a timestep adds to its gates: a product with the recurrent kernel.

    Attributes:
      kernel: <float32>[units, 4 * units], gates in the order input, candidate, forget, output.
      masks: <float32>[4, rows, units], what each gate sees of the state; all of it where there
        are none.
    """

    kernel: tf.Tensor
    masks: tf.Tensor | None

    def gates(self, projected: tf.Tensor, hidden: tf.Tensor) -> list[tf.Tensor]:
        """Adds to the inputs' part [rows, 4 * units]; returns four of [rows, units]."""
        if self.masks is None:
            return tf.split(projected + tf.matmul(hidden, self.kernel), 4, axis=1)
        added = tf.unstack(tf.matmul(hidden * self.masks, self._by_gate()))
        return [part + more for part, more in zip(tf.split(projected, 4, 1), added, strict=True)]

    def transposed(self) -> tf.Tensor:
        """Returns the kernel for `hidden_gradient`: transposing takes a fifth of its product."""
        if self.masks is None:
            return tf.transpose(self.kernel)
        return tf.transpose(self._by_gate(), [0, 2, 1])

    def hidden_gradient(self, gates: tf.Tensor, transposed: tf.Tensor) -> tf.Tensor:
        """Returns [rows, units] for the gates' gradient [rows, 4 * units]."""
        if self.masks is None:
            return tf.matmul(gates, transposed)
        by_gate = tf.stack(tf.split(gates, 4, axis=1))
        return tf.reduce_sum(tf.matmul(by_gate, transposed) * self.masks, axis=0)

    def kernel_gradient(self, hidden: tf.Tensor, gates: tf.Tensor) -> tf.Tensor:
        """Sums over all timesteps: [packed, units] and [packed, 4 * units] -> the kernel's."""
        if self.masks is None:
            return tf.matmul(hidden, gates, transpose_a=True)
        shape = [4, -1, *self.masks.shape[2:]]
        # Masks are for rows that all begin at once.
        by_time = tf.reshape(hidden, [1, -1, tf.shape(self.masks)[1], hidden.shape[1]])
        seen = tf.reshape(by_time * self.masks[:, tf.newaxis], shape)
        by_gate = tf.matmul(seen, tf.stack(tf.split(gates, 4, axis=1)), transpose_a=True)
        return tf.concat(tf.unstack(by_gate), axis=1)

    def _by_gate(self) -> tf.Tensor:
        return tf.stack(tf.split(self.kernel, 4, axis=1))


def packed_lstm(
    projected: tf.Tensor,
    counts: tf.Tensor,
    rows: tf.Tensor,
    cell: tf.Tensor,
    hidden: tf.Tensor,
    kernel: tf.Tensor,
    begin: Begin,
    masks: tf.Tensor | None = None,
    return_sequences: bool = False,
) -> tf.Tensor:
    """Runs an LSTM over packed rows.

    Args:
      projected: <float32>[packed, 4 * units], the inputs' part in the gates, with the bias, in
        the order that `reordered` gives.
      counts: <int32>[timesteps], see `PackedRows`.
      rows: <int32>[], how many rows there are, with those that have no timestep at all.
      cell: <float32>[rows at first, units], the state before the first timestep: the first row's
        where rows branch off, of all that begin at once, and of none else.
      hidden: The same.
      kernel: <float32>[units, 4 * units], Keras' recurrent kernel, reordered.
      begin: How rows begin.
      masks: <float32>[4, rows, units], what each gate sees of the state before, in Keras' order.
        For rows that all begin at once.
      return_sequences: Whether the state after each timestep is returned.

    Returns:
      The state of each row in the end, <float32>[rows, units], or those after each timestep,
      <float32>[packed, units].
    """
    if masks is not None:
        masks = tf.gather(masks, [0, 2, 1, 3])

    @tf.custom_gradient
    def run(
        projected: tf.Tensor, cell: tf.Tensor, hidden: tf.Tensor, kernel: tf.Tensor
    ) -> tuple[tf.Tensor, Callable[..., Any]]:
        recurrence = Recurrence(kernel, masks)
        last, saved = _forwards(projected, counts, cell, hidden, recurrence, begin)

        def gradient(upstream: tf.Tensor) -> Any:
            upstream = tf.convert_to_tensor(upstream)
            count = tf.shape(last)[0]
            gates, cell_gradient, hidden_gradient = _backwards(
                tf.zeros_like(last) if return_sequences else begin.shrink(upstream, count),
                upstream if return_sequences else None,
                counts,
                tf.shape(cell)[0],
                saved,
                recurrence,
                begin,
            )
            kernel_gradient = recurrence.kernel_gradient(saved["hidden"].concat(), gates)
            return gates, cell_gradient, hidden_gradient, kernel_gradient

        if return_sequences:
            return saved["output"].concat() * saved["squashed"].concat(), gradient
        return begin.grow(last, rows), gradient

    return run(projected, cell, hidden, kernel)


def reordered(gates: tf.Tensor) -> tf.Tensor:
    """Puts Keras' gates, [..., 4 * units], into the order of LSTMBlockCellGrad."""
    inputs, forget, candidate, output = tf.split(gates, 4, axis=-1)
    return tf.concat([inputs, candidate, forget, output], axis=-1)


def _forwards(
    projected: tf.Tensor,
    counts: tf.Tensor,
    cell: tf.Tensor,
    hidden: tf.Tensor,
    recurrence: Recurrence,
    begin: Begin,
) -> tuple[tf.Tensor, dict[str, tf.TensorArray]]:
    """Returns the last state of the rows that have begun, and what each timestep saved."""
    units = cell.shape[1]
    timesteps = tf.size(counts)
    offsets = tf.cumsum(counts, exclusive=True)

    def step(
        time: tf.Tensor, cell: tf.Tensor, hidden: tf.Tensor, *saved: tf.TensorArray
    ) -> tuple[Any, ...]:
        count, offset = counts[time], offsets[time]
        cell, hidden = begin.grow(cell, count), begin.grow(hidden, count)
        gates = recurrence.gates(projected[offset : offset + count], hidden)
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
        [0, cell, hidden, *arrays],
        shape_invariants=[tf.TensorShape([]), state, state, *[tf.TensorShape(None)] * len(arrays)],
        parallel_iterations=1,
    )
    return last, dict(zip(_SAVED, arrays, strict=True))


def _backwards(
    last_gradient: tf.Tensor,
    states_gradient: tf.Tensor | None,
    counts: tf.Tensor,
    initial_rows: tf.Tensor,
    saved: dict[str, tf.TensorArray],
    recurrence: Recurrence,
    begin: Begin,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Returns the gradients of the gates [packed, 4 * units] and of the first state, twice."""
    units = last_gradient.shape[1]
    timesteps = tf.size(counts)
    offsets = tf.cumsum(counts, exclusive=True)
    before = tf.concat([initial_rows[tf.newaxis], counts[:-1]], axis=0)
    transposed = recurrence.transposed()
    unused = tf.zeros([2 * units, 4 * units]), tf.zeros([4 * units]), tf.zeros([units])

    def step(
        time: tf.Tensor, cell: tf.Tensor, hidden: tf.Tensor, gates: tf.TensorArray
    ) -> tuple[Any, ...]:
        values = {name: array.read(time) for name, array in saved.items()}
        squashed, before_step = values["squashed"], values["hidden"]
        weights, bias, peephole = unused
        if states_gradient is not None:
            offset = offsets[time]
            hidden += states_gradient[offset : offset + counts[time]]
        # All elementwise operations in one; it reads none of what is called unused here.
        back = tf.raw_ops.LSTMBlockCellGrad(
            x=before_step,
            cs_prev=values["cell"],
            h_prev=before_step,
            w=weights,
            wci=peephole,
            wcf=peephole,
            wco=peephole,
            b=bias,
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
        rows = before[time]
        return (
            time - 1,
            begin.shrink(back.cs_prev_grad, rows),
            begin.shrink(recurrence.hidden_gradient(back.dicfo, transposed), rows),
            gates.write(time, back.dicfo),
        )

    state = tf.TensorShape([None, units])
    _, cell, hidden, gates = tf.while_loop(
        lambda time, *_: time >= 0,
        step,
        [timesteps - 1, tf.zeros_like(last_gradient), last_gradient, _array(timesteps, 4 * units)],
        shape_invariants=[tf.TensorShape([]), state, state, tf.TensorShape(None)],
        parallel_iterations=1,
    )
    return gates.concat(), cell, hidden


def _array(size: tf.Tensor, width: int) -> tf.TensorArray:
    """Returns an array of [rows, width], with other rows at each place."""
    return tf.TensorArray(
        tf.float32,
        size,
        clear_after_read=False,
        infer_shape=False,
        element_shape=tf.TensorShape([None, width]),
    )
