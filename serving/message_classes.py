"""protobuf message classes from tables of their fields, without protoc and without TensorFlow.

A declaration is written as in a .proto file: `repeated Dim dim = 2`. On the wire, and in the text
format, only numbers, types and names count; so the classes read and write what the originals do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool

from serving.compat import message_class

_FIELD = re.compile(
    r"(?P<repeated>repeated )?(?P<map>map<string, )?(?P<type>\w+)>? (?P<name>\w+) = (?P<number>\d+)"
)
_Field = descriptor_pb2.FieldDescriptorProto


def message_classes(
    package: str,
    messages: Mapping[str, Sequence[str]],
    enums: Mapping[str, Mapping[str, int]] | None = None,
) -> dict[str, Any]:
    """Returns the classes by name, in a descriptor pool of their own.

    Args:
      package: What the messages' full names begin with.
      messages: By name, the declarations of the fields; a type is a scalar of protobuf, one of
        `messages`, or one of `enums`.
      enums: By name, the numbers of the values.
    """
    enums = enums or {}
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{package.replace('.', '/')}.proto", package=package, syntax="proto3"
    )
    for name, values in enums.items():
        # The values of one file's enums share one namespace, so each enum gets a prefix.
        enum = file.enum_type.add(name=name)
        for value_name, number in values.items():
            enum.value.add(name=f"{name}_{value_name}", number=number)
    kinds = dict.fromkeys(messages, _Field.TYPE_MESSAGE) | dict.fromkeys(enums, _Field.TYPE_ENUM)
    for name, declarations in messages.items():
        message = file.message_type.add(name=name)
        for declaration in declarations:
            _add_field(message, declaration, package, kinds)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return {name: message_class(pool, f"{package}.{name}") for name in messages}


def _add_field(
    message: descriptor_pb2.DescriptorProto,
    declaration: str,
    package: str,
    kinds: Mapping[str, Any],
) -> None:
    """Adds one field to `message`; `kinds` says whether a name is a message or an enum."""
    parsed = _FIELD.fullmatch(declaration)
    assert parsed is not None, declaration
    field = message.field.add(
        name=parsed["name"], number=int(parsed["number"]), label=_Field.LABEL_OPTIONAL
    )
    if parsed["repeated"] or parsed["map"]:
        field.label = _Field.LABEL_REPEATED
    if parsed["map"]:
        # A map is a list of key and value pairs.
        entry = message.nested_type.add(name=f"{parsed['name'].title().replace('_', '')}Entry")
        entry.options.map_entry = True
        _add_field(entry, "string key = 1", package, kinds)
        _add_field(entry, f"{parsed['type']} value = 2", package, kinds)
        field.type = _Field.TYPE_MESSAGE
        field.type_name = f".{package}.{message.name}.{entry.name}"
    elif parsed["type"] in kinds:
        field.type = kinds[parsed["type"]]
        field.type_name = f".{package}.{parsed['type']}"
    else:
        field.type = _Field.Type.Value(f"TYPE_{parsed['type'].upper()}")
