"""Asking a model server over gRPC or REST, without TensorFlow.

    >>> from serving.client import Client, InMemoryTransport, PredictResponse
    >>> def answer(request):  # stands for a server: Client("localhost:8500") asks a real one
    ...     rows = len(request.values)
    ...     outputs = {"probability": [0.75] * rows, "sentiment": ["positive"] * rows}
    ...     return PredictResponse(version=7, outputs=outputs)
    >>> with Client(transport=InMemoryTransport(answer)) as client:
    ...     [prediction] = client.predict(["a great film"])
    >>> prediction.sentiment, prediction.probability, prediction.model_version
    ('positive', 0.75, 7)

A model of two classes answers the probability of the second one; a model of more answers the
likeliest class. `label` and `confidence` are there for both. `classify` gives the probability of
each class.

`pip install 'sentiment[client]'` brings what this package needs. The libraries for gRPC and HTTP
are imported by the first client that uses them. The errors are in `serving.errors`.
"""

from serving.client.async_client import AsyncClient
from serving.client.client import Client
from serving.client.messages import (
    ClassifyRequest,
    ClassifyResponse,
    MetadataRequest,
    Model,
    PredictRequest,
    PredictResponse,
    StatusRequest,
    StatusResponse,
)
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
from serving.client.transports import AsyncTransport, Transport
from serving.client.transports.memory import AsyncInMemoryTransport, InMemoryTransport

__all__ = [
    "AsyncClient",
    "AsyncInMemoryTransport",
    "AsyncTransport",
    "Classification",
    "ClassifyRequest",
    "ClassifyResponse",
    "Client",
    "InMemoryTransport",
    "Metadata",
    "MetadataRequest",
    "Model",
    "PredictRequest",
    "PredictResponse",
    "Prediction",
    "Retries",
    "Signature",
    "StatusRequest",
    "StatusResponse",
    "TensorSpec",
    "Tls",
    "Trace",
    "Transport",
    "VersionStatus",
]
