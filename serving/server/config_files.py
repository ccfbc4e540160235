"""The files that flags name, looked at before TensorFlow is imported."""

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
    """Reads each file that is named.

    Raises:
      StatusError: INVALID_ARGUMENT: one is no text proto of its kind.
    """
    for name, message in MESSAGES.items():
        if path := getattr(flags, name):
            read_text_proto(path, message())
