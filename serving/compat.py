"""Where the two stacks differ and no name is common to both.

Python 3.10 runs TFX 1.16, Python 3.11 to 3.13 run TFX 1.21. Whoever can use a name that both
have, uses it and needs nothing of this. No other module asks for versions (`tests/test_compat.py`).
It is a leaf below all else, because the client is installed without TFX, beside any protobuf from
3.20 on.
"""

from __future__ import annotations

import sys
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


def parse_toml(text: str) -> dict[str, Any]:
    """Returns the table that a TOML document holds.

    Raises:
      ValueError: It is not valid TOML, or holds a number of thousands of digits.
      RecursionError: It is nested too deeply.
    """
    # Python 3.10 has no TOML parser, and the client alone does not install one.
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)
