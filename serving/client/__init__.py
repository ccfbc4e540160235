"""Asking a model server over gRPC or REST, without TensorFlow.

`pip install 'sentiment[client]'` brings what this package needs. gRPC's and HTTP's libraries are
imported by the first client that uses them.
"""

from serving.client.async_client import AsyncClient
from serving.client.client import Client
from serving.client.results import (
    Classification,
    Metadata,
    Prediction,
    Signature,
    TensorSpec,
    Trace,
    VersionStatus,
)
from serving.client.settings import Retries, Tls
from serving.client.transports.memory import AsyncInMemoryTransport, InMemoryTransport

__all__ = [
    "AsyncClient",
    "AsyncInMemoryTransport",
    "Classification",
    "Client",
    "InMemoryTransport",
    "Metadata",
    "Prediction",
    "Retries",
    "Signature",
    "TensorSpec",
    "Tls",
    "Trace",
    "VersionStatus",
]
