"""JSON values -> one tensor: the values of one input of a signature, nested as its rows are.

The data types are those of TensorFlow's DataType, by name: `DT_FLOAT`, `DT_STRING`, ...
Strings are object arrays of bytes. The order of the checks, and every text, is TF-Serving's.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from serving.server.rest.json_members import last_members
from serving.server.rest.json_writer import echo
from serving.server.type_names import type_name
from serving.status import Code, StatusError, invalid_argument

_NUMPY_TYPES = {
    "DT_FLOAT": np.float32,
    "DT_DOUBLE": np.float64,
    "DT_INT8": np.int8,
    "DT_INT16": np.int16,
    "DT_INT32": np.int32,
    "DT_INT64": np.int64,
    "DT_UINT8": np.uint8,
    "DT_UINT32": np.uint32,
    "DT_UINT64": np.uint64,
    "DT_BOOL": np.bool_,
    "DT_STRING": object,
}
# The JSON integers that are valid for a type. Small types take any int32 and wrap around.
_RANGES = {
    "DT_INT8": (-(2**31), 2**31 - 1),
    "DT_INT16": (-(2**31), 2**31 - 1),
    "DT_INT32": (-(2**31), 2**31 - 1),
    "DT_UINT8": (-(2**31), 2**31 - 1),
    "DT_INT64": (-(2**63), 2**63 - 1),
    "DT_UINT32": (0, 2**32 - 1),
    "DT_UINT64": (0, 2**64 - 1),
}
# numpy's limit on every version; a TensorFlow shape may have 254.
_MAX_RANK = 32
_NOT_BASE64 = re.compile(r"[^A-Za-z0-9+/]")


class Column:
    """The values of one input, row by row, all of one shape."""

    def __init__(self, dtype: str):
        """Takes the data type that all values are converted to."""
        self._dtype = dtype
        self._convert = _converter(dtype)
        self._values: list = []
        self._size: int | None = None
        self.row_shape: tuple[int, ...] = ()

    def add_row(self, value: Any) -> None:
        """Adds a value, or a list of lists of them."""
        shape = _dense_shape(value)
        before = len(self._values)
        self._fill(value, shape)
        size = len(self._values) - before
        if self._size is None:
            self._size, self.row_shape = size, shape
        elif size != self._size:
            raise invalid_argument(f"Expecting tensor size: {self._size} but got: {size}")
        elif shape != self.row_shape:
            raise invalid_argument(
                f"Expecting shape {_shape_text(self.row_shape)} but got: {_shape_text(shape)}"
            )

    def array(self, shape: tuple[int, ...], name: str) -> np.ndarray:
        """Returns all rows as an array of a shape."""
        if len(shape) > _MAX_RANK:
            raise invalid_argument(f"tensor parsing error: {name}")
        if self._dtype == "DT_STRING":
            return strings(self._values).reshape(shape)
        with np.errstate(over="ignore"):
            if self._dtype in _RANGES and not self._dtype.endswith("64"):
                # Through int64, so that values out of a small type's range wrap around.
                return (
                    np.array(self._values, np.int64)
                    .astype(_NUMPY_TYPES[self._dtype])
                    .reshape(shape)
                )
            if self._dtype == "DT_FLOAT":
                return np.array(self._values, np.float64).astype(np.float32).reshape(shape)
            return np.array(self._values, _NUMPY_TYPES[self._dtype]).reshape(shape)

    def _fill(self, value: Any, shape: tuple[int, ...]) -> None:
        """Adds the leaves in order. A loop, not a recursion: a body may nest without limit."""
        rank = len(shape)
        pending = [iter((value,))]
        while pending:
            item = next(pending[-1], _END)
            if item is _END:
                pending.pop()
                continue
            level = len(pending) - 1
            if not isinstance(item, list):
                if level != rank:
                    raise invalid_argument(
                        f"JSON Value: {echo(item)} found at incorrect level: {level + 1} in the "
                        f"JSON DOM. Expected at level: {rank}"
                    )
                self._values.append(self._convert(item))
                continue
            if level >= rank:
                raise invalid_argument(
                    f"Encountered list at unexpected level: {level} expected < {rank}"
                )
            if len(item) != shape[level]:
                raise invalid_argument(
                    f"Encountered list at unexpected size: {len(item)} at level: {level} expected "
                    f"size: {shape[level]}"
                )
            pending.append(iter(item))


_END = object()


def _converter(dtype: str) -> Callable[[Any], Any]:
    """Returns what turns one JSON value into one of a data type."""
    if dtype not in _NUMPY_TYPES:

        def refuse(value: Any) -> None:
            if isinstance(value, dict):
                raise _type_error(value, dtype)
            raise StatusError(
                Code.UNIMPLEMENTED,
                f"Conversion of JSON Value: {echo(value)} to type: {type_name(dtype)}",
            )

        return refuse

    def convert(value: Any) -> Any:
        if dtype == "DT_STRING":
            if isinstance(value, dict):
                return decode_base64(value)
            is_accepted = isinstance(value, str)
            return to_bytes(value) if is_accepted else _refuse(value)
        if dtype == "DT_BOOL":
            return value if isinstance(value, bool) else _refuse(value)
        if isinstance(value, bool):
            return _refuse(value)
        if dtype in _RANGES:
            lowest, highest = _RANGES[dtype]
            is_accepted = isinstance(value, int) and lowest <= value <= highest
            return value if is_accepted else _refuse(value)
        return float(value) if isinstance(value, (int, float)) else _refuse(value)

    def _refuse(value: Any) -> Any:
        raise _type_error(value, dtype)

    return convert


def _dense_shape(value: Any) -> tuple[int, ...]:
    shape = []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return tuple(shape)


def is_base64(value: dict) -> bool:
    """Returns whether an object is `{"b64": "..."}`, which stands for bytes."""
    is_lone = len(value) == 1 and last_members(value) is None
    return is_lone and isinstance(value.get("b64"), str)


def decode_base64(value: dict) -> bytes:
    """Reads `{"b64": "..."}`."""
    if not is_base64(value):
        raise invalid_argument(f"JSON Value: {echo(value)} not formatted correctly for base64 data")
    text = "".join(value["b64"].split()).rstrip("=")
    if _NOT_BASE64.search(text) or len(text) % 4 == 1:
        raise invalid_argument("Unable to base64 decode")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise invalid_argument("Unable to base64 decode") from None


def strings(values: list[bytes]) -> np.ndarray:
    """Returns an array <object>[n]."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def to_bytes(text: str) -> bytes:
    """Returns the bytes of a string as they arrived, UTF-8 or not."""
    return text.encode("utf-8", "surrogateescape")


def json_type(value: Any) -> str:
    """Returns RapidJSON's name of a value's type."""
    if value is None or isinstance(value, bool):
        return {None: "Null", True: "True", False: "False"}[value]
    for python_type, name in ((dict, "Object"), (list, "Array"), (str, "String")):
        if isinstance(value, python_type):
            return name
    return "Number"


def _shape_text(shape: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _type_error(value: Any, dtype: str) -> StatusError:
    return invalid_argument(
        f"JSON Value: {echo(value)} Type: {json_type(value)} is not of expected type: "
        f"{type_name(dtype)}"
    )
