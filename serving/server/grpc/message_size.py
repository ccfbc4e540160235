"""Counts what a serialized message holds before it is decoded.

The two bytes of an empty tf.Example become an object of a hundred, and decoding is one call that
keeps Python to itself: four million of them delay all other requests for seconds. This count is
plain Python, so other threads get their turn, and it ends once a limit is passed.

The wire format: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import numpy as np
from google.protobuf.descriptor import Descriptor, FieldDescriptor

_VARINT, _FIXED64, _LENGTH, _START_GROUP, _END_GROUP, _FIXED32 = range(6)
_PIECE = 2**20
# Bytes of a number in a packed list; all other kinds are varints.
_FIXED_SIZES = {
    FieldDescriptor.TYPE_DOUBLE: 8,
    FieldDescriptor.TYPE_FIXED64: 8,
    FieldDescriptor.TYPE_SFIXED64: 8,
    FieldDescriptor.TYPE_FLOAT: 4,
    FieldDescriptor.TYPE_FIXED32: 4,
    FieldDescriptor.TYPE_SFIXED32: 4,
}
_NO_NUMBERS = (
    FieldDescriptor.TYPE_STRING,
    FieldDescriptor.TYPE_BYTES,
    FieldDescriptor.TYPE_MESSAGE,
    FieldDescriptor.TYPE_GROUP,
)


class Extent(NamedTuple):
    """What a message holds.

    Attributes:
      fields: Each string, message or single number, those of all its messages included.
      numbers: Those in packed lists.
    """

    fields: int
    numbers: int


class _Parts(NamedTuple):
    """What the fields of a length and bytes are, by number.

    Attributes:
      messages: Messages.
      lists: Packed lists of numbers, with the bytes of each; 0 for varints.
    """

    messages: dict[int, Descriptor]
    lists: dict[int, int]


def measure(
    data: bytes, descriptor: Descriptor, most_fields: int, most_numbers: int | None = None
) -> Extent:
    """Counts the fields of a message, and those of the messages in it.

    Args:
      data: The serialized message. Where it is damaged, counting ends: so does decoding.
      descriptor: The message's.
      most_fields: Counting may stop above this number,
      most_numbers: or above this one; None counts no numbers.

    Returns:
      Exact up to the limits.
    """
    fields = numbers = 0
    waiting = [(0, len(data), _parts(descriptor))]
    try:
        while waiting:
            at, end, parts = waiting.pop()
            while at < end:
                fields += 1
                if fields > most_fields:
                    return Extent(fields, numbers)
                tag = data[at]
                at += 1
                if tag > 0x7F:
                    tag, at = _varint(data, at - 1)
                wire_type = tag & 7
                if wire_type == _LENGTH:
                    length = data[at]
                    at += 1
                    if length > 0x7F:
                        length, at = _varint(data, at - 1)
                    if not length:
                        continue
                    start, at = at, at + length
                    if at > end:
                        return Extent(fields, numbers)
                    inner = parts.messages.get(tag >> 3)
                    if inner is not None:
                        waiting.append((at, end, parts))
                        at, end, parts = start, at, _parts(inner)
                    elif most_numbers is not None and tag >> 3 in parts.lists:
                        numbers += _count_list(data, start, at, parts.lists[tag >> 3])
                        if numbers > most_numbers:
                            return Extent(fields, numbers)
                elif wire_type == _VARINT:
                    while data[at] > 0x7F:
                        at += 1
                    at += 1
                elif wire_type == _FIXED32:
                    at += 4
                elif wire_type == _FIXED64:
                    at += 8
                elif wire_type > _FIXED32:
                    return Extent(fields, numbers)
    except IndexError:
        pass
    return Extent(fields, numbers)


@functools.cache
def _parts(descriptor: Descriptor) -> _Parts:
    messages: dict[int, Any] = {}
    lists: dict[int, int] = {}
    for field in descriptor.fields:
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            messages[field.number] = field.message_type
        elif field.label == FieldDescriptor.LABEL_REPEATED and field.type not in _NO_NUMBERS:
            lists[field.number] = _FIXED_SIZES.get(field.type, 0)
    return _Parts(messages, lists)


def _count_list(data: bytes, start: int, end: int, size: int) -> int:
    """Counts the numbers of a packed list: the last byte of a varint is below 128."""
    if size:
        return (end - start) // size
    return sum(
        int(np.count_nonzero(np.frombuffer(data[at : min(at + _PIECE, end)], np.int8) >= 0))
        for at in range(start, end, _PIECE)
    )


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Returns a number and its end."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80 or shift > 63:
            return number, at
        shift += 7
