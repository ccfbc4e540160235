"""Rows that begin at different timesteps, packed: what stands in front of a row takes no place."""

from __future__ import annotations

from dataclasses import dataclass

import tensorflow as tf


@dataclass(frozen=True)
class PackedRows:
    """Where the timesteps of rows stand once they are packed: those of one time side by side.

    Rows are in the order of their begin, so the rows of a timestep are those of the one before,
    and more behind them. cuDNN and PyTorch pack sequences so, in the other direction.

    Attributes:
      first: <int32>[], the timestep where the packed ones begin.
      counts: <int32>[timesteps - first], how many rows each timestep has.
      offsets: <int32>[timesteps - first], where each timestep's rows begin in what is packed.
      places: <int32>[packed, 2], of each packed element: its timestep, and its row in that order.
    """

    first: tf.Tensor
    counts: tf.Tensor
    offsets: tf.Tensor
    places: tf.Tensor

    @classmethod
    def beginning(cls, begins: tf.Tensor, timesteps: tf.Tensor, first: tf.Tensor) -> PackedRows:
        """Packs rows that begin at `begins`, <int32>[rows], ascending; none before `first`."""
        times = tf.range(first, timesteps)
        counts = tf.searchsorted(begins, times, side="right")
        is_there = times[:, tf.newaxis] >= begins[tf.newaxis, :]
        places = tf.cast(tf.where(is_there), tf.int32) + tf.stack([first, 0])
        return cls(first, counts, tf.cumsum(counts, exclusive=True), places)

    def pack(self, sequences: tf.Tensor, order: tf.Tensor) -> tf.Tensor:
        """Packs [batch, timesteps, units], taken in `order` <int32>[rows]: [packed, units]."""
        rows = tf.gather(order, self.places[:, 1])
        return tf.gather_nd(sequences, tf.stack([rows, self.places[:, 0]], axis=1))

    def unpack(self, packed: tf.Tensor, order: tf.Tensor, onto: tf.Tensor) -> tf.Tensor:
        """Writes what is packed over `onto`, [batch, timesteps, units]."""
        rows = tf.gather(order, self.places[:, 1])
        return tf.tensor_scatter_nd_update(
            onto, tf.stack([rows, self.places[:, 0]], axis=1), packed
        )
