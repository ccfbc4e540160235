"""Data of `tf.data` without the thread of autotuning."""

from __future__ import annotations

import pytest
import tensorflow as tf

from serving.datasets import record_dataset


@pytest.mark.parametrize("compression", ["", "GZIP"])
def test_records_are_read_in_the_order_of_files_without_autotuning(tmp_path, compression):
    """Nor is what is made of them autotuned."""
    files = [str(tmp_path / name) for name in ("b", "a")]
    for file in files:
        with tf.io.TFRecordWriter(file, compression or None) as writer:
            for number in range(3):
                writer.write(f"{file[-1]}{number}".encode())
    records = record_dataset(files, compression)
    assert [*records.as_numpy_iterator()] == [b"b0", b"b1", b"b2", b"a0", b"a1", b"a2"]
    assert [*record_dataset(tf.constant(files[1]), compression).as_numpy_iterator()] == [
        *(b"a0", b"a1", b"a2")
    ]
    for dataset in (records, records.batch(2), records.take(1), records.map(tf.strings.length)):
        assert dataset.options().autotune.enabled is False
