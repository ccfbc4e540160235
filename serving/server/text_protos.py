"""The text protos that TF-Serving's flags name.

tensorflow-serving-api ships most of TF-Serving's messages, but not these.
"""

from __future__ import annotations

from typing import TypeVar

from google.protobuf import message, text_format

from serving.message_classes import message_classes
from serving.small_files import UnreadableFileError, read_small_file
from serving.status import invalid_argument

# Enough for thousands of models, or a bundle of certificates.
MOST_BYTES = 1024 * 1024
_MOST_WORDS = 300
_Message = TypeVar("_Message", bound=message.Message)

# The field numbers are those of TF-Serving's .proto files.
_MESSAGES = {
    "Int64Value": ("int64 value = 1",),
    "BoolValue": ("bool value = 1",),
    "StringValue": ("string value = 1",),
    "BatchingParameters": (
        "Int64Value max_batch_size = 1",
        "Int64Value batch_timeout_micros = 2",
        "Int64Value max_enqueued_batches = 3",
        "Int64Value num_batch_threads = 4",
        "StringValue thread_pool_name = 5",
        "repeated int64 allowed_batch_sizes = 6",
        "bool pad_variable_length_inputs = 7",
        "BoolValue enable_large_batch_splitting = 8",
        "Int64Value max_execution_batch_size = 9",
    ),
    "PrometheusConfig": ("bool enable = 1", "string path = 2"),
    "MonitoringConfig": ("PrometheusConfig prometheus_config = 1",),
    "SSLConfig": (
        "string server_key = 1",
        "string server_cert = 2",
        "string custom_ca = 3",
        "bool client_verify = 4",
    ),
}
_CLASSES = message_classes("sentiment.serving", _MESSAGES)
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
    """Returns protobuf's message, cut to _MOST_WORDS characters: it quotes lines of any length."""
    words = str(error)
    return words if len(words) <= _MOST_WORDS else f"{words[:_MOST_WORDS]}..."
