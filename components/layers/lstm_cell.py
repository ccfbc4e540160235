"""One timestep of an LSTM, forwards and backwards: all but its products."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

# Of the gates, in Keras' order: input, forget, candidate, output.
Gates = tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]


def pass_gates(sums: Sequence[tf.Tensor], cell: tf.Tensor) -> tuple[Gates, tf.Tensor, tf.Tensor]:
    """Returns the gates' values, and the cell and the output after a timestep.

    Args:
      sums: What each gate sums up, <float32>[batch, units].
      cell: Before the timestep, <float32>[batch, units].
    """
    take, forget, give = (tf.sigmoid(sums[gate]) for gate in (0, 1, 3))
    candidate = tf.tanh(sums[2])
    after = forget * cell + take * candidate
    return (take, forget, candidate, give), after, give * tf.tanh(after)


def gate_gradients(
    of_cell: tf.Tensor,
    of_hidden: tf.Tensor,
    cell: tf.Tensor,
    cell_before: tf.Tensor,
    gates: Gates,
) -> tuple[tf.Tensor, Gates]:
    """Returns the gradients of a timestep's cell, and of what its four gates sum up."""
    take, forget, candidate, give = gates
    squashed = tf.tanh(cell)
    of_cell += of_hidden * give * (1 - squashed * squashed)
    of_sums = (
        of_cell * candidate * take * (1 - take),
        of_cell * cell_before * forget * (1 - forget),
        of_cell * take * (1 - candidate * candidate),
        of_hidden * squashed * give * (1 - give),
    )
    return of_cell, of_sums
