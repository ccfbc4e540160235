"""The text protos that TF-Serving's flags name.

tensorflow-serving-api ships most of TF-Serving's messages, but not these; their descriptors are
built here, so that protobuf's own parsers read and write them.
"""

from __future__ import annotations

from typing import Any, TypeVar

from google.protobuf import descriptor_pb2, descriptor_pool, message, message_factory, text_format
from google.protobuf import wrappers_pb2 as _wrappers  # noqa: F401 -- the pool must know them

from serving.small_files import UnreadableFileError, read_small_file
from serving.status import invalid_argument

# Thousands of models, or a bundle of certificates.
MOST_BYTES = 1024 * 1024
_MOST_WORDS = 300
_Message = TypeVar("_Message", bound=message.Message)
_FIELD = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "sentiment.serving"

# Message -> fields: (name, number, type), in the numbers of TF-Serving's .proto files.
_SETTINGS: dict[str, list[tuple[str, int, str]]] = {
    "BatchingParameters": [
        ("max_batch_size", 1, "Int64Value"),
        ("batch_timeout_micros", 2, "Int64Value"),
        ("max_enqueued_batches", 3, "Int64Value"),
        ("num_batch_threads", 4, "Int64Value"),
        ("thread_pool_name", 5, "StringValue"),
        ("allowed_batch_sizes", 6, "repeated int64"),
        ("pad_variable_length_inputs", 7, "bool"),
        ("enable_large_batch_splitting", 8, "BoolValue"),
        ("max_execution_batch_size", 9, "Int64Value"),
    ],
    "PrometheusConfig": [("enable", 1, "bool"), ("path", 2, "string")],
    "MonitoringConfig": [("prometheus_config", 1, f".{_PACKAGE}.PrometheusConfig")],
    "SSLConfig": [
        ("server_key", 1, "string"),
        ("server_cert", 2, "string"),
        ("custom_ca", 3, "string"),
        ("client_verify", 4, "bool"),
    ],
}
_TYPES = {
    "bool": _FIELD.TYPE_BOOL,
    "string": _FIELD.TYPE_STRING,
    "int64": _FIELD.TYPE_INT64,
}


def _build() -> dict[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(
        name="sentiment/serving/settings.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=["google/protobuf/wrappers.proto"],
    )
    for name, fields in _SETTINGS.items():
        described = file.message_type.add(name=name)
        for field_name, number, kind in fields:
            label, _, kind = kind.rpartition(" ")
            field = described.field.add(
                name=field_name,
                number=number,
                label=_FIELD.LABEL_REPEATED if label else _FIELD.LABEL_OPTIONAL,
            )
            if kind in _TYPES:
                field.type = _TYPES[kind]
            else:
                field.type = _FIELD.TYPE_MESSAGE
                field.type_name = kind if kind.startswith(".") else f".google.protobuf.{kind}"
    pool = descriptor_pool.Default()
    pool.Add(file) if not hasattr(pool, "AddSerializedFile") else pool.AddSerializedFile(
        file.SerializeToString()
    )
    classes = {}
    for name in _SETTINGS:
        descriptor = pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")
        if hasattr(message_factory, "GetMessageClass"):
            classes[name] = message_factory.GetMessageClass(descriptor)
        else:  # protobuf 3
            classes[name] = message_factory.MessageFactory(pool).GetPrototype(descriptor)
    return classes


_CLASSES = _build()
BatchingParameters = _CLASSES["BatchingParameters"]
MonitoringConfig = _CLASSES["MonitoringConfig"]
SSLConfig = _CLASSES["SSLConfig"]


def read_text_proto(path: str, into: _Message) -> _Message:
    """Fills a message from a text file.

    Raises:
      StatusError: INVALID_ARGUMENT; it names the file, and the line that cannot be read. A file
        of more than MOST_BYTES is refused.
    """
    try:
        return text_format.Parse(read_small_file(path, MOST_BYTES), into)
    except UnreadableFileError as error:
        raise invalid_argument(f"{path} cannot be read: {error}") from error
    except (text_format.ParseError, ValueError, RecursionError) as error:
        known = ", ".join(field.name for field in into.DESCRIPTOR.fields)
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else _short(error)
        raise invalid_argument(
            f"Invalid protobuf file: '{path}': {reason}. A {into.DESCRIPTOR.name} as text was "
            f"expected; its fields: {known}"
        ) from error


def _short(error: Exception) -> str:
    """Returns what protobuf says, which quotes the whole line, be it ever so long."""
    words = str(error)
    return words if len(words) <= _MOST_WORDS else f"{words[:_MOST_WORDS]}..."
