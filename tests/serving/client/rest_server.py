"""A REST server that speaks TF-Serving's protocol."""

from __future__ import annotations

import base64
import json
import re
import ssl
import threading
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from serving.status import HTTP_STATUS
from tests.serving.client import backend as planned

PATH = re.compile(
    r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?(?::(predict|classify)|(/metadata))?"
)


@contextmanager
def rest_server(
    backend: planned.Backend, context: ssl.SSLContext | None = None, port: int = 0
) -> Iterator[str]:
    """Serves REST on loopback; gives its address."""
    handler = type("Handler", (RestHandler,), {"backend": backend})
    server = RestServer(("127.0.0.1", port), handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        scheme = "http" if context is None else "https"
        yield f"{scheme}://{planned.CERTIFIED_HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class RestServer(ThreadingHTTPServer):
    """Takes many connections at a time."""

    daemon_threads = True
    request_queue_size = 64


class RestHandler(BaseHTTPRequestHandler):
    """TF-Serving's predict, classify, status and metadata."""

    backend: planned.Backend
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *arguments: Any) -> None:
        """Keeps quiet."""

    def do_POST(self) -> None:
        """Predicts or classifies."""
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
        except planned.PlannedError as failure:
            self.answer(HTTP_STATUS[failure.code], {"error": failure.message})

    def do_GET(self) -> None:
        """Tells status or metadata."""
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
                            for number, state, code, message in planned.statuses(
                                self.backend, name, version
                            )
                        ]
                    },
                )
                return
            self.backend.begin("metadata", None, version)
            number = self.backend.loaded(name, version, label)
            self.answer(200, metadata_json(name, number))
        except planned.PlannedError as failure:
            self.answer(HTTP_STATUS[failure.code], {"error": failure.message})

    def parts(self) -> tuple[str, int | None, str | None, str | None]:
        """Returns model, version, label and verb of the path."""
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
        """Sends JSON."""
        body = json.dumps(content, indent=4).encode()
        with suppress(ConnectionError):  # a client that has given up
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
                "dtype": planned.dtype_of(alias),
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
                    for signature, (inputs, outputs) in planned.SIGNATURES.items()
                }
            }
        },
    }
