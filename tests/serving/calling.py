"""Calls a server as anybody would: raw HTTP, and gRPC by the public stubs."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)


@dataclass
class Answer:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        """The body, read as JSON."""
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """The text of an error body, which has this one key."""
        assert list(self.json) == ["error"]
        return self.json["error"]


def ask(
    port: int,
    method: str,
    target: str,
    body: bytes | str | dict | list | None = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """Sends one request; the target goes out as it is."""
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
    if isinstance(body, str):
        body = body.encode("utf-8", "surrogateescape")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, target, body, headers or {})
        response = connection.getresponse()
        lowered = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, lowered, response.read())
    finally:
        connection.close()


def predict(port: int, model: str, body) -> Answer:
    """Posts a body to a model's `:predict`."""
    return ask(port, "POST", f"/v1/models/{model}:predict", body)


def send_raw(port: int, data: bytes, timeout: float = 10.0) -> bytes:
    """Sends bytes and returns all that comes back until the server closes or says no more."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


class Stubs:
    """gRPC's stubs on one channel."""

    def __init__(self, port: int):
        # The limit of 4 MiB that a user meets is the client's, not the server's.
        options = [("grpc.max_receive_message_length", -1)]
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", options)
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(self.channel)
        self.model = model_service_pb2_grpc.ModelServiceStub(self.channel)


def predict_request(model: str | None, signature: str = "", **inputs) -> predict_pb2.PredictRequest:
    """Returns a request with arrays, or TensorProtos, by alias."""
    request = predict_pb2.PredictRequest()
    if model is not None:
        request.model_spec.name = model
        request.model_spec.signature_name = signature
    for alias, value in inputs.items():
        is_proto = hasattr(value, "tensor_content")
        request.inputs[alias].CopyFrom(value if is_proto else tf.make_tensor_proto(value))
    return request


def floats(*values: float) -> np.ndarray:
    """Returns <float32>[n]."""
    return np.array(values, np.float32)


def refusal(call: Callable, request) -> tuple[str, str]:
    """Returns the code's name and the details of a call that must fail."""
    try:
        call(request, timeout=30)
    except grpc.RpcError as error:
        return error.code().name, error.details()
    raise AssertionError("The call was answered.")


def wait_until(is_so: Callable[[], bool], seconds: float = 20.0) -> None:
    """Waits for something that a server does by itself."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "It did not come to be in time."
        time.sleep(0.02)
