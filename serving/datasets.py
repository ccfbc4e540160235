"""Data of TensorFlow's `tf.data`, read without autotuning.

Autotuning has a thread for each iterator. It looks again after ever longer times, up to a minute,
and can miss that the iterator is given up: who frees the iterator, Python's garbage collection for
one, then waits for the rest of that time, and with it all threads of Python (seen in TensorFlow
2.16: 7 of 120 iterators that were 25 seconds old, by up to 60 seconds, and one of 120 that had been
read to their end).
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf


def without_autotuning(dataset: tf.data.Dataset) -> tf.data.Dataset:
    """Returns the same data, whose parallel calls and buffers are those that were given.

    It holds for what is made of the dataset, too.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


def record_dataset(files: Sequence[str] | tf.Tensor, compression: str = "") -> tf.data.Dataset:
    """Returns the records <string>[] of TFRecord files, in their order.

    Args:
      files: Their paths, also <string>[] or <string>[files].
      compression: "GZIP", or "" for none.
    """
    return without_autotuning(tf.data.TFRecordDataset(files, compression))
