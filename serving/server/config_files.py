"""Checks the files that flags name before TensorFlow is imported, which takes seconds."""

from __future__ import annotations

from tensorflow_serving.config import model_server_config_pb2

from serving.server.flags import Flags
from serving.server.text_protos import (
    BatchingParameters,
    MonitoringConfig,
    SSLConfig,
    read_text_proto,
)

MESSAGES = {
    "model_config_file": model_server_config_pb2.ModelServerConfig,
    "batching_parameters_file": BatchingParameters,
    "monitoring_config_file": MonitoringConfig,
    "ssl_config_file": SSLConfig,
}


def check(flags: Flags) -> None:
    """Reads each file that a flag names.

    Raises:
      StatusError: INVALID_ARGUMENT: one is no text proto of its kind.
    """
    for name, message in MESSAGES.items():
        if path := getattr(flags, name):
            read_text_proto(path, message())
