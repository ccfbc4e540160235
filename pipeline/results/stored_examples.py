"""Files of tf.Examples, gzipped TFRecords, read without TensorFlow, which takes seconds to load."""

from __future__ import annotations

import functools
import gzip
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from google.protobuf.message import DecodeError

from components.storage.place import Place
from serving.message_classes import message_classes

READ_ERRORS = (OSError, EOFError, ValueError, zlib.error, DecodeError)
"""What reading a file that is damaged, or is none of tf.Examples, raises."""

# Of tensorflow/core/example/{example,feature}.proto, what texts, ids and labels need.
_MESSAGES = {
    "BytesList": ("repeated bytes value = 1",),
    "Int64List": ("repeated int64 value = 1",),
    "Feature": ("BytesList bytes_list = 1", "Int64List int64_list = 3"),
    "Features": ("map<string, Feature> feature = 1",),
    "Example": ("Features features = 1",),
}
_LENGTH = struct.Struct("<Q")
_LENGTH_CHECK, _CHECK = 4, 4
# A longer record is none of ours: the file is damaged.
_LONGEST_RECORD = 1 << 30


@functools.cache
def example_class() -> Any:
    """Returns the message class tf.Example, which knows bytes and integers."""
    return message_classes("sentiment.stored", _MESSAGES)["Example"]


def records(file: Place) -> Iterator[bytes]:
    """Yields the records of a gzipped TFRecord file.

    A record is its length, 8 bytes, a checksum of that, the record, and a checksum of it. These are
    passed over: gzip has one of its own.
    https://www.tensorflow.org/tutorials/load_data/tfrecord

    Raises:
      OSError: The file cannot be read, or is no gzip.
      EOFError: It ends too early.
      ValueError: It holds no records.
    """
    with file.open("rb") as packed, gzip.open(packed) as stream:
        while head := stream.read(_LENGTH.size + _LENGTH_CHECK):
            if len(head) < _LENGTH.size + _LENGTH_CHECK:
                raise EOFError("it ends within a record")
            (length,) = _LENGTH.unpack_from(head)
            if length > _LONGEST_RECORD:
                raise ValueError(f"a record of {length:,} bytes")
            record = stream.read(length + _CHECK)
            if len(record) < length + _CHECK:
                raise EOFError("it ends within a record")
            yield record[:length]
