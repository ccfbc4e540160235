"""Closed loops against a model server: the next request goes out when the last is answered.

Nothing here imports TensorFlow. Requests are encoded before the clock starts and answers decoded
after it has stopped, so that a client costs little of what is measured.
"""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Sequence
from typing import Protocol

import grpc

from serving.client import grpc_codec, rest_codec
from serving.client.messages import Model, PredictRequest, PredictResponse
from serving.signature_names import PREDICT_TEXT

_SECONDS = 60.0


def predict_request(model: str, texts: Sequence[str]) -> PredictRequest:
    """Returns what asks `predict_text` for both of its outputs."""
    return PredictRequest(Model(model), PREDICT_TEXT, "text", texts, ("probability", "sentiment"))


class Connection(Protocol):
    """One connection to a server."""

    def encode(self, request: PredictRequest) -> bytes:
        """Returns what goes over the wire."""

    def ask(self, message: bytes) -> bytes:
        """Sends a message and returns the answer's bytes."""

    def decode(self, request: PredictRequest, answer: bytes) -> PredictResponse:
        """Returns what the answer says."""

    def close(self) -> None:
        """Ends the connection."""


class GrpcConnection:
    """Predict over one channel."""

    def __init__(self, port: int):
        """Connects to loopback."""
        self._channel = grpc.insecure_channel(
            f"127.0.0.1:{port}",
            # Channels to one address would share one connection, and clients do not.
            [("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1)],
        )
        self._call = self._channel.unary_unary(f"{grpc_codec.PREDICTION_SERVICE}/Predict")

    def encode(self, request: PredictRequest) -> bytes:
        """Returns the serialized message."""
        return grpc_codec.encode(request)[1]

    def ask(self, message: bytes) -> bytes:
        """Sends a message and returns the answer's bytes; a deadline, as every client has one."""
        answer: bytes = self._call(message, timeout=_SECONDS)
        return answer

    def decode(self, request: PredictRequest, answer: bytes) -> PredictResponse:
        """Returns what the answer says."""
        response = grpc_codec.decode(request, answer)
        assert isinstance(response, PredictResponse)
        return response

    def close(self) -> None:
        """Closes the channel."""
        self._channel.close()


class RestConnection:
    """`:predict` over one connection that is kept."""

    def __init__(self, port: int):
        """Connects to loopback."""
        self._socket = socket.create_connection(("127.0.0.1", port), _SECONDS)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def encode(self, request: PredictRequest) -> bytes:
        """Returns head and body in one piece: http.client sends two."""
        encoded = rest_codec.encode(request)
        head = (
            f"{encoded.method} {encoded.path} HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(encoded.body)}\r\n\r\n"
        )
        return head.encode() + encoded.body

    def ask(self, message: bytes) -> bytes:
        """Sends a request and returns the body of the answer."""
        self._socket.sendall(message)
        with http.client.HTTPResponse(self._socket, method="POST") as response:
            response.begin()
            body = response.read()
        if response.status != http.HTTPStatus.OK:
            raise RuntimeError(f"HTTP {response.status}: {body[:200]!r}")
        return body

    def decode(self, request: PredictRequest, answer: bytes) -> PredictResponse:
        """Returns what the answer says."""
        response = rest_codec.decode(request, http.HTTPStatus.OK, answer)
        assert isinstance(response, PredictResponse)
        return response

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()


def milliseconds(connection: Connection, message: bytes) -> tuple[float, bytes]:
    """Returns how long one request took, and its answer."""
    started = time.perf_counter()
    answer = connection.ask(message)
    return (time.perf_counter() - started) * 1e3, answer


def requests_per_second(
    connections: Sequence[Connection], messages: Sequence[bytes], seconds: float
) -> float:
    """Lets all connections ask at once, each for a time; message after message, over and over."""
    counts = [0] * len(connections)
    errors: list[Exception] = []
    start = threading.Barrier(len(connections) + 1)

    def loop(number: int) -> None:
        start.wait()
        ends = time.perf_counter() + seconds
        try:
            while time.perf_counter() < ends:
                place = number + counts[number] * len(connections)
                connections[number].ask(messages[place % len(messages)])
                counts[number] += 1
        except Exception as error:  # told by the thread that started this one
            errors.append(error)

    threads = [threading.Thread(target=loop, args=(n,)) for n in range(len(connections))]
    for thread in threads:
        thread.start()
    start.wait()
    started = time.perf_counter()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return sum(counts) / (time.perf_counter() - started)
