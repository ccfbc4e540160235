"""Tensors, classes and numbers -> the bodies of TF-Serving's REST responses.

No sockets, no TensorFlow. Strings are object arrays of bytes. Every text is TF-Serving's.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from serving.server.rest import json_writer
from serving.server.rest.json_writer import decimals, quote
from serving.status import invalid_argument


def write_rows(outputs: Mapping[str, np.ndarray]) -> str:
    """Writes `{"predictions": [...]}`: one element a row."""
    batch_size = -1
    for name, array in outputs.items():
        if array.ndim == 0:
            raise invalid_argument(f"Tensor name: {name} has no shape information ")
        if batch_size >= 0 and len(array) != batch_size:
            raise invalid_argument(
                f"Tensor name: {name} has inconsistent batch size: {len(array)} expecting: "
                f"{batch_size}"
            )
        batch_size = len(array)
    if batch_size == 0:
        return json_writer.object_of([("predictions", "[]")], depth=0)
    columns = {name: _nest(_texts(name, array), array.shape) for name, array in outputs.items()}
    if len(columns) == 1:
        rows = ", ".join(_one_line(row) for row in next(iter(columns.values())))
    else:
        indent = "\n" + " " * 8
        rows = indent + f",{indent}".join(
            json_writer.object_of(
                [(name, _one_line(column[row])) for name, column in columns.items()], depth=2
            )
            for row in range(batch_size)
        )
    return json_writer.object_of([("predictions", f"[{rows}\n    ]")], depth=0)


def write_columns(outputs: Mapping[str, np.ndarray]) -> str:
    """Writes `{"outputs": ...}`: bare for one tensor, by alias for several."""
    depth = 1 if len(outputs) == 1 else 2
    columns = [
        (name, _indented(_nest(_texts(name, array), array.shape), depth))
        for name, array in outputs.items()
    ]
    value = columns[0][1] if len(columns) == 1 else json_writer.object_of(columns, depth=1)
    return json_writer.object_of([("outputs", value)], depth=0)


def write_classifications(rows: Sequence[Sequence[tuple[str, float]]]) -> str:
    """Writes `{"results": [[[label, score], ...], ...]}`."""
    scores = iter(_decimals(score for row in rows for _, score in row))
    lines = ", ".join(
        "[" + ", ".join(f"[{quote(label)}, {next(scores)}]" for label, _ in row) + "]"
        for row in rows
    )
    return json_writer.object_of([("results", f"[{lines}\n    ]")], depth=0)


def write_regressions(values: Iterable[float]) -> str:
    """Writes `{"results": [value, ...]}`."""
    return json_writer.object_of([("results", f"[{', '.join(_decimals(values))}]")], depth=0)


def _texts(name: str, array: np.ndarray) -> list[str]:
    """Writes each value of an array, in order."""
    flat = array.reshape(-1)
    if flat.dtype == object:
        values = flat.tolist()
        if name.endswith("_bytes"):
            return [
                json_writer.object_of([("b64", quote(base64.b64encode(value).decode()))], depth=3)
                for value in values
            ]
        return [quote(value.decode("utf-8", "surrogateescape")) for value in values]
    if flat.dtype in (np.float32, np.float64):
        return decimals(flat)
    if flat.dtype == np.bool_:
        return ["true" if value else "false" for value in flat.tolist()]
    if flat.dtype.type in _WRITABLE_INTEGERS:
        return [str(value) for value in flat.tolist()]
    tensor_type = _TYPE_NAMES.get(flat.dtype.name, flat.dtype.name)
    raise invalid_argument(f"Failed to write JSON value for tensor type: {tensor_type}")


_WRITABLE_INTEGERS = (
    np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint32, np.uint64,
)  # fmt: skip
# numpy's names where TensorFlow has others.
_TYPE_NAMES = {"float16": "half"}


def _nest(texts: list[str], shape: tuple[int, ...]) -> Any:
    """Returns texts as lists of lists of a shape."""
    values = iter(texts)

    def level(dimension: int) -> Any:
        if dimension == len(shape):
            return next(values)
        if dimension == len(shape) - 1:
            return list(itertools.islice(values, shape[dimension]))
        return [level(dimension + 1) for _ in range(shape[dimension])]

    return level(0)


def _one_line(value: Any) -> str:
    return f"[{', '.join(map(_one_line, value))}]" if isinstance(value, list) else value


def _indented(value: Any, depth: int) -> str:
    if not isinstance(value, list):
        return value
    if not value:
        return "[]"
    indent = "    " * (depth + 1)
    lines = ",\n".join(indent + _indented(item, depth + 1) for item in value)
    return f"[\n{lines}\n{'    ' * depth}]"


def _decimals(values: Iterable[float]) -> list[str]:
    return decimals(np.fromiter(values, np.float32))
