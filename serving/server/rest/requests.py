"""The bodies of TF-Serving's REST requests -> tensors and features.

No sockets, no TensorFlow. The order of the checks, and every text, is TF-Serving's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from serving.server.rest import json_document
from serving.server.rest.json_members import last_members
from serving.server.rest.json_tensors import (
    Column,
    decode_base64,
    is_base64,
    json_type,
    strings,
    to_bytes,
)
from serving.server.rest.json_writer import echo
from serving.status import StatusError, invalid_argument


class PredictBody(NamedTuple):
    """A `:predict` body that is valid JSON: which signature it asks for, and the rest."""

    document: dict[str, Any]
    signature_name: str


class ExamplesBody(NamedTuple):
    """A `:classify` or `:regress` body: features by name, (kind, values) each."""

    signature_name: str
    context: dict[str, tuple[str, list]] | None
    examples: list[dict[str, tuple[str, list]]]


def read_predict_body(body: bytes | bytearray, deadline: float | None = None) -> PredictBody:
    """Reads the JSON and the signature's name; the model decides about what else is in it."""
    document = _read_object(body, deadline)
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


def read_examples_body(body: bytes | bytearray, deadline: float | None = None) -> ExamplesBody:
    """Reads a `:classify` or `:regress` body."""
    document = _read_object(body, deadline)
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


def _read_object(body: bytes | bytearray, deadline: float | None) -> dict[str, Any]:
    document = json_document.parse(body, deadline)
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
        return {only_name: strings([to_bytes(item) for item in instances])}
    columns: dict[str, Column] = {}
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
                column = columns.setdefault(name, Column(inputs[name]))
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
        column = Column(dtype)
        column.add_row(value[name])
        arrays[name] = column.array(column.row_shape, name)
    return arrays


def _read_example(value: Any) -> dict[str, tuple[str, list]]:
    if not isinstance(value, dict):
        raise invalid_argument(f"Example must be JSON object but got JSON {json_type(value)}")
    # For repeated keys TF-Serving takes the first value, but for features the last one.
    members = last_members(value) or value
    return {
        name: _read_feature(name, content if isinstance(content, list) else [content])
        for name, content in members.items()
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
        return "bytes", to_bytes(value)
    if isinstance(value, dict) and is_base64(value):
        return "bytes", lambda: decode_base64(value)
    raise invalid_argument(
        f"Feature: {name} has element with unexpected JSON type: {json_type(value)}"
    )


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not is_base64(value)


def _format_error(value: Any, text: str) -> StatusError:
    return invalid_argument(f"JSON Value: {echo(value)} {text}")
