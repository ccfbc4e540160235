"""Where protobuf 3, 4 and later differ: what `components/compat.py` is to the code above serving.

A leaf of serving's own, because the client is installed without TFX, beside any protobuf from 3.20
on, and imports nothing of `components`.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pool, message_factory


def message_class(pool: descriptor_pool.DescriptorPool, full_name: str) -> type[Any]:
    """Returns the class of a message that a pool describes.

    Raises:
      KeyError: The pool has no message of that name.
    """
    descriptor = pool.FindMessageTypeByName(full_name)
    get_class = getattr(message_factory, "GetMessageClass", None)
    if get_class is None:  # before protobuf 4.22
        get_class = message_factory.MessageFactory(pool).GetPrototype
    return get_class(descriptor)
