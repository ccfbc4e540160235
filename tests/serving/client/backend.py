"""Model servers for the client to talk to: the protocol is real, the model is a small function.

They let a test decide what a server does next: fail, be slow, answer nonsense.
"""

from __future__ import annotations

import base64
import json
import re
import ssl
import struct
import threading
import time
import urllib.parse
from collections import deque
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from serving.errors import HTTP_STATUS, Code

MODEL = "imdb_sentiment"
CERTIFIED_HOST = "localhost"


class Failure(Exception):
    """What a server answers instead."""

    def __init__(self, code: Code, message: str = "because the test says so"):
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass
class Backend:
    """What the servers know, and what the test tells them to do.

    Attributes:
      versions: The loaded versions, with the states of a status.
      labels: The version of each label.
      failures: What the next requests are answered with, one each.
      delay: Seconds that every answer takes.
      outputs: Takes the place of a prediction's outputs.
      asked: What arrived: (method, rows or None, version or None).
    """

    versions: dict[int, str] = field(default_factory=lambda: {7: "AVAILABLE"})
    labels: dict[str, int] = field(default_factory=dict)
    failures: deque[Failure] = field(default_factory=deque)
    delay: float = 0.0
    outputs: dict[str, Any] | None = None
    asked: list[tuple[str, int | None, int | None]] = field(default_factory=list)

    def begin(self, method: str, rows: int | None, version: int | None) -> None:
        self.asked.append((method, rows, version))
        time.sleep(self.delay)
        if self.failures:
            raise self.failures.popleft()

    def loaded(self, name: str, version: int | None, label: str | None) -> int:
        if label is not None:
            if label not in self.labels:
                raise Failure(
                    Code.INVALID_ARGUMENT, f"Unrecognized servable version label: {label}"
                )
            version = self.labels[label]
        available = [number for number, state in self.versions.items() if state == "AVAILABLE"]
        if name == MODEL and version is None and available:
            return max(available)
        if name == MODEL and version in available:
            return version
        which = f"Latest({name})" if version is None else f"Specific({name}, {version})"
        raise Failure(Code.NOT_FOUND, f"Servable not found for request: {which}")

    def predict(self, signature: str, inputs: dict[str, list[bytes]]) -> dict[str, Any]:
        if self.outputs is not None:
            return self.outputs
        if signature not in SIGNATURES:
            raise Failure(
                Code.FAILED_PRECONDITION, f'Serving signature key "{signature}" not found.'
            )
        values = inputs[next(iter(SIGNATURES[signature][0]))]
        if signature == "serving_default":
            values = [text_of(value) for value in values]
        if signature == "trace_text":
            words = [text.split()[-LENGTH:] for text in values]
            return {
                "tokens": [[b""] * (LENGTH - len(row)) + row for row in words],
                "probability": [
                    [0.5] * (LENGTH - len(row))
                    + [probability_of(b" ".join(row[: end + 1])) for end in range(len(row))]
                    for row in words
                ],
            }
        probabilities = [probability_of(value) for value in values]
        return {
            "probability": probabilities,
            "sentiment": [b"positive" if one >= 0.5 else b"negative" for one in probabilities],
        }

    def classes(self, texts: list[bytes]) -> list[list[tuple[str, float]]]:
        probabilities = [probability_of(text) for text in texts]
        return [[("negative", float32(1 - one)), ("positive", one)] for one in probabilities]


# Words that a trace has room for.
LENGTH = 6
SIGNATURES = {
    "serving_default": ({"examples": [-1]}, {"probability": [-1], "sentiment": [-1]}),
    "predict_text": ({"text": [-1]}, {"probability": [-1], "sentiment": [-1]}),
    "trace_text": ({"text": [-1]}, {"tokens": [-1, LENGTH], "probability": [-1, LENGTH]}),
}


def float32(number: float) -> float:
    return struct.unpack("f", struct.pack("f", number))[0]


def probability_of(text: bytes) -> float:
    """A probability that differs from text to text: the share of its bytes that are even."""
    return float32(sum(byte % 2 == 0 for byte in text) / max(len(text), 1))


def example_of(text: str) -> bytes:
    """The text as a serialized tf.Example."""
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[text.encode()]))
    return tf.train.Example(
        features=tf.train.Features(feature={"text": feature})
    ).SerializeToString()


def text_of(example: bytes) -> bytes:
    try:
        parsed = tf.train.Example.FromString(example)
    except Exception as error:
        raise Failure(Code.INVALID_ARGUMENT, "Could not parse example input") from error
    return parsed.features.feature["text"].bytes_list.value[0]


def dtype_of(output: str) -> str:
    return "DT_FLOAT" if output == "probability" else "DT_STRING"


# ---------------------------------------------------------------------------------------- gRPC


@contextmanager
def grpc_server(
    backend: Backend, credentials: grpc.ServerCredentials | None = None, port: int = 0
) -> Iterator[str]:
    """Serves gRPC on loopback; gives its address."""
    server = grpc.server(futures.ThreadPoolExecutor(4))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        PredictionService(backend), server
    )
    model_service_pb2_grpc.add_ModelServiceServicer_to_server(ModelService(backend), server)
    if credentials is None:
        port = server.add_insecure_port(f"127.0.0.1:{port}")
    else:
        port = server.add_secure_port(f"127.0.0.1:{port}", credentials)
    server.start()
    try:
        yield f"{CERTIFIED_HOST}:{port}"
    finally:
        server.stop(0).wait()


@contextmanager
def aborts(context: grpc.ServicerContext) -> Iterator[None]:
    try:
        yield
    except Failure as failure:
        code = next(one for one in grpc.StatusCode if one.value[0] == failure.code)
        context.abort(code, failure.message)


def version_of(spec: Any) -> int | None:
    return spec.version.value if spec.WhichOneof("version_choice") == "version" else None


def label_of(spec: Any) -> str | None:
    return spec.version_label if spec.WhichOneof("version_choice") == "version_label" else None


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, backend: Backend):
        self.backend = backend

    def Predict(self, request, context):  # noqa: N802 -- the service's name
        spec = request.model_spec
        inputs = {name: list(tf.make_ndarray(one)) for name, one in request.inputs.items()}
        with aborts(context):
            self.backend.begin("predict", len(next(iter(inputs.values()))), version_of(spec))
            version = self.backend.loaded(spec.name, version_of(spec), label_of(spec))
            outputs = self.backend.predict(spec.signature_name, inputs)
        response = predict_pb2.PredictResponse()
        response.model_spec.name = spec.name
        response.model_spec.version.value = version
        for name, value in outputs.items():
            response.outputs[name].CopyFrom(
                tf.make_tensor_proto(value, tf.float32)
                if isinstance(first_of(value), float)
                else tf.make_tensor_proto(value)
            )
        return response

    def Classify(self, request, context):  # noqa: N802
        spec = request.model_spec
        texts = [
            example.features.feature["text"].bytes_list.value[0]
            for example in request.input.example_list.examples
        ]
        with aborts(context):
            self.backend.begin("classify", len(texts), version_of(spec))
            version = self.backend.loaded(spec.name, version_of(spec), label_of(spec))
        response = classification_pb2.ClassificationResponse()
        response.model_spec.version.value = version
        for classes in self.backend.classes(texts):
            row = response.result.classifications.add()
            for label, score in classes:
                row.classes.add(label=label, score=score)
        return response

    def GetModelMetadata(self, request, context):  # noqa: N802
        spec = request.model_spec
        assert list(request.metadata_field) == ["signature_def"]
        with aborts(context):
            self.backend.begin("metadata", None, version_of(spec))
            version = self.backend.loaded(spec.name, version_of(spec), label_of(spec))
        signatures = get_model_metadata_pb2.SignatureDefMap()
        for name, (inputs, outputs) in SIGNATURES.items():
            signature = meta_graph_pb2.SignatureDef(method_name="tensorflow/serving/predict")
            for infos, described in ((signature.inputs, inputs), (signature.outputs, outputs)):
                for alias, shape in described.items():
                    infos[alias].dtype = tf.as_dtype(
                        tf.float32 if dtype_of(alias) == "DT_FLOAT" else tf.string
                    ).as_datatype_enum
                    infos[alias].tensor_shape.CopyFrom(
                        tf.TensorShape([None if n < 0 else n for n in shape]).as_proto()
                    )
            signatures.signature_def[name].CopyFrom(signature)
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        response.model_spec.version.value = version
        response.metadata["signature_def"].Pack(signatures)
        return response


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    def __init__(self, backend: Backend):
        self.backend = backend

    def GetModelStatus(self, request, context):  # noqa: N802
        with aborts(context):
            self.backend.begin("status", None, version_of(request.model_spec))
            versions = statuses(self.backend, request.model_spec.name)
        response = get_model_status_pb2.GetModelStatusResponse()
        for number, state, code, message in versions:
            one = response.model_version_status.add(version=number)
            one.state = get_model_status_pb2.ModelVersionStatus.State.Value(state)
            one.status.error_code = int(Code[code])
            one.status.error_message = message
        return response


def first_of(value: Any) -> Any:
    while isinstance(value, list) and value:
        value = value[0]
    return value


def statuses(backend: Backend, name: str) -> list[tuple[int, str, str, str]]:
    if name != MODEL or not backend.versions:
        raise Failure(Code.NOT_FOUND, f"Could not find any versions of model {name}")
    return [
        (number, state, *(("UNKNOWN", "it is broken") if state == "END" else ("OK", "")))
        for number, state in sorted(backend.versions.items(), reverse=True)
    ]


# ---------------------------------------------------------------------------------------- REST

PATH = re.compile(
    r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?(?::(predict|classify)|(/metadata))?"
)


@contextmanager
def rest_server(backend: Backend, context: ssl.SSLContext | None = None) -> Iterator[str]:
    """Serves REST on loopback; gives its address."""

    class Handler(RestHandler):
        pass

    Handler.backend = backend
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        scheme = "http" if context is None else "https"
        yield f"{scheme}://{CERTIFIED_HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class RestHandler(BaseHTTPRequestHandler):
    backend: Backend
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: Any) -> None:
        pass

    def do_POST(self) -> None:  # noqa: N802 -- the base class's name
        name, version, label, verb = self.parts()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        try:
            if verb == "classify":
                texts = [one["text"].encode() for one in body["examples"]]
                self.backend.begin(verb, len(texts), version)
                self.backend.loaded(name, version, label)
                self.answer(200, {"results": self.backend.classes(texts)})
                return
            inputs = {
                alias: [
                    base64.b64decode(one["b64"]) if isinstance(one, dict) else one.encode()
                    for one in values
                ]
                for alias, values in body["inputs"].items()
            }
            self.backend.begin(verb, len(next(iter(inputs.values()))), version)
            self.backend.loaded(name, version, label)
            outputs = self.backend.predict(body["signature_name"], inputs)
            self.answer(200, {"outputs": jsonable(outputs)})
        except Failure as failure:
            self.answer(HTTP_STATUS[failure.code], {"error": failure.message})

    def do_GET(self) -> None:  # noqa: N802
        name, version, label, verb = self.parts()
        try:
            if verb is None:
                self.backend.begin("status", None, version)
                self.answer(
                    200,
                    {
                        "model_version_status": [
                            {
                                "version": str(number),
                                "state": state,
                                "status": {"error_code": code, "error_message": message},
                            }
                            for number, state, code, message in statuses(self.backend, name)
                        ]
                    },
                )
                return
            self.backend.begin("metadata", None, version)
            number = self.backend.loaded(name, version, label)
            self.answer(200, metadata_json(name, number))
        except Failure as failure:
            self.answer(HTTP_STATUS[failure.code], {"error": failure.message})

    def parts(self) -> tuple[str, int | None, str | None, str | None]:
        match = PATH.fullmatch(self.path)
        assert match, self.path
        name, version, label, verb, metadata = match.groups()
        return (
            urllib.parse.unquote(name),
            None if version is None else int(version),
            None if label is None else urllib.parse.unquote(label),
            verb or metadata,
        )

    def answer(self, status: int, content: Any) -> None:
        body = json.dumps(content, indent=4).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def jsonable(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: jsonable(one) for name, one in value.items()}
    if isinstance(value, list):
        return [jsonable(one) for one in value]
    return value.decode() if isinstance(value, bytes) else value


def metadata_json(name: str, version: int) -> dict[str, Any]:
    def described(tensors: dict[str, list[int]]) -> dict[str, Any]:
        return {
            alias: {
                "dtype": dtype_of(alias),
                "tensor_shape": {
                    "dim": [{"size": str(size), "name": ""} for size in shape],
                    "unknown_rank": False,
                },
                "name": f"{alias}:0",
            }
            for alias, shape in tensors.items()
        }

    return {
        "model_spec": {"name": name, "signature_name": "", "version": str(version)},
        "metadata": {
            "signature_def": {
                "signature_def": {
                    signature: {
                        "inputs": described(inputs),
                        "outputs": described(outputs),
                        "method_name": "tensorflow/serving/predict",
                        "defaults": {},
                    }
                    for signature, (inputs, outputs) in SIGNATURES.items()
                }
            }
        },
    }
