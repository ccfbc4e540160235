"""TF-Serving's JSON <-> tensors. No sockets, no TensorFlow: numpy arrays in and out.

The data types are those of TensorFlow's DataType, by name: `DT_FLOAT`, `DT_STRING`, ...
Strings are object arrays of bytes. The order of the checks, and every text, is TF-Serving's.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from serving import json_document, json_writer
from serving.json_writer import decimals, echo, quote
from serving.status import Code, StatusError, invalid_argument

DEFAULT_SIGNATURE = "serving_default"

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
# JSON integers a type takes. The small ones take any int32, and wrap.
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


class PredictBody(NamedTuple):
    """A `:predict` body that is valid JSON: which signature it asks for, and the rest."""

    document: dict[str, Any]
    signature_name: str


class ExamplesBody(NamedTuple):
    """A `:classify` or `:regress` body: features by name, (kind, values) each."""

    signature_name: str
    context: dict[str, tuple[str, list]] | None
    examples: list[dict[str, tuple[str, list]]]


def type_name(dtype: str) -> str:
    """Returns TensorFlow's name of `DT_FLOAT`: `float`."""
    return dtype.removeprefix("DT_").lower()


def read_predict_body(body: bytes) -> PredictBody:
    """Reads the JSON and the signature's name; the model decides about what else is in it."""
    document = _read_object(body)
    return PredictBody(document, _signature_name(document))


def read_inputs(
    document: dict[str, Any], inputs: Mapping[str, str], signature_name: str = ""
) -> tuple[dict[str, np.ndarray], bool]:
    """Reads the tensors of a `:predict` body.

    Args:
      document: The body.
      inputs: The signature's inputs: data type by alias.
      signature_name: As requested.

    Returns:
      Arrays by alias, and whether they came as rows (`instances`) rather than columns (`inputs`).

    Raises:
      StatusError: INVALID_ARGUMENT; UNIMPLEMENTED for a type that JSON cannot carry.
    """
    if not inputs:
        raise invalid_argument(
            f"Failed to get input map for signature: {signature_name or 'DEFAULT'}"
        )
    if "instances" in document:
        if "inputs" in document:
            raise _format_error(
                document,
                "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to "
                "exist ",
            )
        instances = document["instances"]
        if not isinstance(instances, list):
            raise _format_error(document, "Expecting 'instances' to be an list/array")
        if not instances:
            raise _format_error(document, "No values in 'instances' array")
        return _read_rows(instances, inputs), True
    if "inputs" in document:
        return _read_columns(document["inputs"], inputs), False
    raise invalid_argument("Missing 'inputs' or 'instances' key")


def read_examples_body(body: bytes) -> ExamplesBody:
    """Reads a `:classify` or `:regress` body."""
    document = _read_object(body)
    signature_name = _signature_name(document)
    context = _read_example(document["context"]) if "context" in document else None
    if "examples" not in document:
        raise _format_error(
            document, "When method is classify, key 'examples' is expected and was not found"
        )
    examples = document["examples"]
    if not isinstance(examples, list):
        raise _format_error(document, "Expecting 'examples' value to be an list/array")
    if not examples:
        raise _format_error(document, "'examples' value is an empty array")
    return ExamplesBody(signature_name, context, [_read_example(value) for value in examples])


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


def write_classifications(rows: Iterable[Iterable[tuple[str, float]]]) -> str:
    """Writes `{"results": [[[label, score], ...], ...]}`."""
    lines = ", ".join(
        "[" + ", ".join(f"[{quote(label)}, {_decimal(score)}]" for label, score in row) + "]"
        for row in rows
    )
    return json_writer.object_of([("results", f"[{lines}\n    ]")], depth=0)


def write_regressions(values: Iterable[float]) -> str:
    """Writes `{"results": [value, ...]}`."""
    return json_writer.object_of([("results", f"[{', '.join(map(_decimal, values))}]")], depth=0)


def _read_object(body: bytes) -> dict[str, Any]:
    document = json_document.parse(body)
    if not isinstance(document, dict):
        raise _format_error(document, "Is not object")
    return document


def _signature_name(document: dict[str, Any]) -> str:
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise _format_error(
            document, "not formatted correctly. 'signature_name' key must be a string value."
        )
    return name


def _read_rows(instances: list, inputs: Mapping[str, str]) -> dict[str, np.ndarray]:
    if not isinstance(instances[0], dict) and len(inputs) > 1:
        raise invalid_argument(
            "instances is a plain list, but expecting list of objects as multiple input tensors "
            "required as per tensorinfo_map"
        )
    only_name = next(iter(inputs))
    are_objects = _is_named(instances[0])
    if (
        not are_objects
        and inputs[only_name] == "DT_STRING"
        and all(type(item) is str for item in instances)
    ):
        return {only_name: _strings([_to_bytes(item) for item in instances])}
    columns: dict[str, _Column] = {}
    for index, item in enumerate(instances):
        if _is_named(item) != are_objects:
            arrived, expected = ("list", "object") if are_objects else ("object", "value/list")
            raise invalid_argument(
                f"Expecting {expected} but got {arrived} at item {index} of input list"
            )
        members = item.items() if are_objects else [(only_name, item)]
        for name, value in members:
            try:
                if name not in inputs:
                    raise invalid_argument(f"JSON object: does not have named input: {name}")
                column = columns.setdefault(name, _Column(inputs[name]))
                column.add_row(value)
            except StatusError as error:
                of_key = f" key: {name}" if are_objects else ""
                raise invalid_argument(
                    f"Failed to process element: {index}{of_key} of 'instances' list. Error: "
                    f"{error}"
                ) from error
        if are_objects and item.keys() != inputs.keys():
            raise invalid_argument(
                f"Failed to process element: {index} of 'instances' list. JSON object: "
                f"{echo(item)} keys must be equal to: {','.join(sorted(inputs))}"
            )
    return {
        name: column.array((len(instances), *column.row_shape), name)
        for name, column in columns.items()
    }


def _read_columns(value: Any, inputs: Mapping[str, str]) -> dict[str, np.ndarray]:
    if not _is_named(value):
        if len(inputs) > 1:
            raise invalid_argument(
                "inputs is a plain value/list, but expecting an object as multiple input tensors "
                "required as per tensorinfo_map"
            )
        value = {next(iter(inputs)): value}
    arrays = {}
    for name, dtype in inputs.items():
        if name not in value:
            raise invalid_argument(f"Missing named input: {name} in 'inputs' object.")
        column = _Column(dtype)
        column.add_row(value[name])
        arrays[name] = column.array(column.row_shape, name)
    return arrays


class _Column:
    """The values of one input, row by row, all of one shape."""

    def __init__(self, dtype: str):
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
            return _strings(self._values).reshape(shape)
        with np.errstate(over="ignore"):
            if self._dtype in _RANGES and not self._dtype.endswith("64"):
                # Through int64, so that what is out of a small type's range wraps.
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
                return _decode_base64(value)
            is_accepted = isinstance(value, str)
            return _to_bytes(value) if is_accepted else _refuse(value)
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


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not _is_base64(value)


def _is_base64(value: dict) -> bool:
    return len(value) == 1 and isinstance(value.get("b64"), str)


def _decode_base64(value: dict) -> bytes:
    if not _is_base64(value):
        raise invalid_argument(f"JSON Value: {echo(value)} not formatted correctly for base64 data")
    text = "".join(value["b64"].split()).rstrip("=")
    if _NOT_BASE64.search(text) or len(text) % 4 == 1:
        raise invalid_argument("Unable to base64 decode")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise invalid_argument("Unable to base64 decode") from None


def _read_example(value: Any) -> dict[str, tuple[str, list]]:
    if not isinstance(value, dict):
        raise invalid_argument(f"Example must be JSON object but got JSON {_json_type(value)}")
    return {
        name: _read_feature(name, content if isinstance(content, list) else [content])
        for name, content in value.items()
    }


def _read_feature(name: str, values: list) -> tuple[str, list]:
    """Returns the kind, `bytes`, `float` or `int64` (empty for no values), and the values."""
    kind, result = "", []
    for value in values:
        this_kind, converted = _read_feature_value(name, value)
        if kind and this_kind != kind:
            raise invalid_argument(
                f"Unexpected element type in feature: {name} expecting type: {kind}"
            )
        if this_kind == "int64" and not -(2**63) <= converted < 2**63:
            raise invalid_argument(
                f"Feature: {name} has uint64_t element. Only int64_t is supported."
            )
        kind = this_kind
        result.append(converted() if callable(converted) else converted)
    return kind, result


def _read_feature_value(name: str, value: Any) -> tuple[str, Any]:
    if isinstance(value, int) and value < 2**64 and value >= -(2**63):
        return "int64", int(value)
    if isinstance(value, (int, float)):
        return "float", float(value)
    if isinstance(value, str):
        return "bytes", _to_bytes(value)
    if isinstance(value, dict) and _is_base64(value):
        return "bytes", lambda: _decode_base64(value)
    raise invalid_argument(
        f"Feature: {name} has element with unexpected JSON type: {_json_type(value)}"
    )


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


def _decimal(value: float) -> str:
    return decimals(np.array([value], np.float32))[0]


def _strings(values: list[bytes]) -> np.ndarray:
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _to_bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _shape_text(shape: tuple[int, ...]) -> str:
    return f"[{','.join(map(str, shape))}]"


def _json_type(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "Null", True: "True", False: "False"}[value]
    for python_type, name in ((dict, "Object"), (list, "Array"), (str, "String")):
        if isinstance(value, python_type):
            return name
    return "Number"


def _type_error(value: Any, dtype: str) -> StatusError:
    return invalid_argument(
        f"JSON Value: {echo(value)} Type: {_json_type(value)} is not of expected type: "
        f"{type_name(dtype)}"
    )


def _format_error(value: Any, text: str) -> StatusError:
    return invalid_argument(f"JSON Value: {echo(value)} {text}")
