"""What hostile clients send: each attack takes a server, and returns what it was answered.

See `benchmarks.hostile_bytes`, which measures what they cost.
"""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc

from serving.client import grpc_codec, protos
from serving.signature_names import CLASSIFY, PREDICT_TEXT, TRACE_TEXT

REVIEW = "good film " * 100
_SECONDS = 120.0


class Target:
    """A server to attack: its ports, and the model it serves."""

    def __init__(self, grpc_port: int, rest_port: int, model: str):
        """Takes ports of loopback."""
        self.grpc_port = grpc_port
        self.rest_port = rest_port
        self.model = model

    def predict(self) -> contextlib.AbstractContextManager[Callable[[bytes], str]]:
        """Yields what sends bytes as a Predict request and returns the status' name."""
        return self.calls("Predict")

    @contextlib.contextmanager
    def calls(self, method: str) -> Iterator[Callable[[bytes], str]]:
        """Yields what sends bytes as a method's request and returns the status' name."""
        options = [
            ("grpc.max_send_message_length", -1),
            ("grpc.max_receive_message_length", -1),
            ("grpc.use_local_subchannel_pool", 1),
        ]
        with grpc.insecure_channel(f"127.0.0.1:{self.grpc_port}", options) as channel:
            call = channel.unary_unary(f"{grpc_codec.PREDICTION_SERVICE}/{method}")

            def send(data: bytes) -> str:
                try:
                    call(data, timeout=_SECONDS)
                except grpc.RpcError as error:
                    return f"{error.code().name} {error.details()}"
                return "OK"

            yield send

    def head(self, *headers: str) -> bytes:
        """Returns the head of a `:predict` request."""
        lines = (f"POST /v1/models/{self.model}:predict HTTP/1.1", "Host: a", *headers, "", "")
        return "\r\n".join(lines).encode()

    def post(self, body: bytes, *headers: str) -> str:
        """Posts a body to `:predict`; returns the status, or what went wrong."""
        return self.send(self.head(f"Content-Length: {len(body)}", *headers) + body)

    def send(self, data: bytes) -> str:
        """Sends bytes to REST; returns the status of the answer, or what went wrong."""
        with socket.create_connection(("127.0.0.1", self.rest_port), timeout=_SECONDS) as sender:
            with contextlib.suppress(OSError):  # refused before it was sent: the answer is there
                sender.sendall(data)
            try:
                response = http.client.HTTPResponse(sender)
                response.begin()
            except (OSError, http.client.HTTPException) as error:
                return type(error).__name__
            return str(response.status)


def filled(target: Target, *, clients: int = 16, rows: int = 32_768, text: str = "a") -> list[str]:
    """A shape of many rows, and one string for all of them, from many clients."""
    with target.predict() as send:
        message = _message(target.model, [text.encode()], rows)
        with ThreadPoolExecutor(clients) as pool:
            return list(pool.map(lambda _: send(message), range(clients)))


def long_batches(target: Target, *, clients: int = 8, rows: int = 4_096) -> list[str]:
    """As many rows as are taken, each of a thousand characters."""
    with target.predict() as send:
        message = _message(target.model, [REVIEW.encode()], rows)
        with ThreadPoolExecutor(clients) as pool:
            return list(pool.map(lambda _: send(message), range(clients)))


def tiny_fields(target: Target, *, clients: int = 4, size: int = 60 * 2**20) -> list[str]:
    """Large messages of strings without a character."""
    with target.predict() as send:
        message = b"\x42\x00" * (size // 2)
        tensor = b"\x08\x07" + message
        entry = b"\x0a\x04text\x12" + _varint(len(tensor)) + tensor
        data = _message(target.model, [], 0) + b"\x12" + _varint(len(entry)) + entry
        del message, tensor, entry
        with ThreadPoolExecutor(clients) as pool:
            return list(pool.map(lambda _: send(data), range(clients)))


def packed(target: Target, *, clients: int = 6, size: int = 60 * 2**20) -> list[str]:
    """Strings without a character, packed as a tensor's content: a byte each."""
    tensor = b"\x08\x07" + _shape(size) + _field(4, bytes(size))
    return _predict_together(target, tensor, clients)


def left_out(target: Target, *, clients: int = 8, count: int = 4_000_000) -> list[str]:
    """Millions of strings for a shape of one row: the rest is to be dropped."""
    return _predict_together(target, b"\x08\x07" + _shape(1) + b"\x42\x04abcd" * count, clients)


def wide(target: Target, *, clients: int = 8, rows: int = 16_384, width: int = 240) -> list[str]:
    """As many rows as are taken, and many strings in each."""
    tensor = b"\x08\x07" + _shape(rows, width) + b"\x42\x04abcd" * (rows * width)
    return _predict_together(target, tensor, clients)


def examples(target: Target, *, clients: int = 16, count: int = 4_000_000) -> list[str]:
    """Millions of tf.Examples without a feature: two bytes each."""
    listed = _field(2, _field(1, b"\x0a\x00" * count))
    return _send_together(target, "Classify", _model_spec(target.model) + listed, clients)


def features(target: Target, *, clients: int = 8, count: int = 4_000_000) -> list[str]:
    """Millions of strings in the feature of one tf.Example."""
    values = _field(1, b"\x0a\x04abcd" * count)
    example = _field(1, _field(1, _field(1, b"text") + _field(2, values)))
    listed = _field(2, _field(1, _field(1, example)))
    return _send_together(target, "Classify", _model_spec(target.model) + listed, clients)


def numbers(target: Target, *, clients: int = 8, count: int = 4_000_000) -> list[str]:
    """Millions of numbers, a byte each on the wire."""
    tensor = b"\x08\x09" + _shape(count) + _field(10, b"\x01" * count)
    return _predict_together(target, tensor, clients)


def content(target: Target, *, clients: int = 8, size: int = 60 * 2**20) -> list[str]:
    """Numbers for a signature that takes texts, as a tensor's content."""
    tensor = b"\x08\x04" + _shape(size) + _field(4, bytes(size))
    return _predict_together(target, tensor, clients)


def traced(target: Target, *, clients: int = 4, rows: int = 2_048) -> list[str]:
    """What is answered by five hundred words and numbers for each text."""
    with target.predict() as send:
        message = _message(target.model, [REVIEW.encode()], rows, TRACE_TEXT)
        return _together(clients, lambda: send(message).partition(" ")[0])


def names(target: Target, *, count: int = 40, size: int = 10 * 2**20) -> list[str]:
    """Models that nobody has, of names as long as books."""
    with target.predict() as send:
        return [
            send(_message(f"{number:08}" * (size // 8), [], 0)).partition(" ")[0]
            for number in range(count)
        ]


def connections(target: Target, *, clients: int = 4, count: int = 3_000) -> list[str]:
    """Connections over which nothing comes, and each has a successor."""
    address = ("127.0.0.1", target.rest_port)

    def go_on() -> str:
        opened: list[socket.socket] = []
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for _ in range(count):
                opened.append(stack.enter_context(socket.create_connection(address, _SECONDS)))
        return "none"

    return _together(clients, go_on)


def gone(target: Target, *, clients: int = 4, seconds: float = 8.0) -> list[str]:
    """Requests of clients that do not wait for the answer, each on a connection of its own."""
    body = _body(",".join([json.dumps(REVIEW)] * 8))
    data = target.head(f"Content-Length: {len(body)}") + body
    ends = time.monotonic() + seconds

    def go_on() -> str:
        while time.monotonic() < ends:
            address = ("127.0.0.1", target.rest_port)
            with contextlib.suppress(OSError), socket.create_connection(address) as sender:
                sender.sendall(data)
        return "none"

    return _together(clients, go_on)


def undecodable(target: Target, *, count: int = 27_000) -> list[str]:
    """Bytes that are no message."""
    with target.predict() as send:
        return sorted({send(b"\xff\xff\xff\xff") for _ in range(count)})


def streams(target: Target, *, count: int = 1_000, seconds: float = 15.0) -> list[str]:
    """One connection with as many requests at a time as it can have."""
    ends = time.monotonic() + seconds
    with target.predict() as send, ThreadPoolExecutor(count) as pool:
        message = _message(target.model, [REVIEW.encode()] * 16, 16)

        def go_on(_: int) -> str:
            status = "none"
            while time.monotonic() < ends:
                status = send(message)
            return status

        return sorted(set(pool.map(go_on, range(count))))


def instances(target: Target, *, clients: int = 8, rows: int = 524_000) -> list[str]:
    """Small bodies of many texts."""
    body = _body(",".join(['"a"'] * rows))
    return _together(clients, lambda: target.post(body))


def empty_objects(target: Target, *, clients: int = 8, size: int = 60 * 2**20) -> list[str]:
    """Large bodies of what is smallest in JSON and large in Python."""
    body = _body(",".join(["{}"] * (size // 3)))
    return _together(clients, lambda: target.post(body))


def zipped(target: Target, *, clients: int = 16, size: int = 95 * 2**20) -> list[str]:
    """Bodies that are a thousand times as large once they are unzipped."""
    body = gzip.compress(_body('"' + "a " * (size // 2) + '"'), 9)
    return _together(clients, lambda: target.post(body, "Content-Encoding: gzip"))


def zipped_texts(target: Target, *, clients: int = 16, size: int = 95 * 2**20) -> list[str]:
    """The same of many texts."""
    body = gzip.compress(_body(",".join(['"a"'] * (size // 4))), 9)
    return _together(clients, lambda: target.post(body, "Content-Encoding: gzip"))


def chunks(target: Target, *, count: int = 400_000, clients: int = 1) -> list[str]:
    """A body that comes byte by byte, each in a chunk of its own."""
    data = target.head("Transfer-Encoding: chunked") + b"1\r\n \r\n" * count + b"0\r\n\r\n"
    return _together(clients, lambda: target.send(data))


def large_bodies(target: Target, *, clients: int = 4, size: int = 60 * 2**20) -> list[str]:
    """Bodies as large as are taken, of nothing but blanks."""
    body = b" " * size + b'{"instances":["a"]}'
    return _together(clients, lambda: target.post(body))


def reviews(target: Target, *, clients: int = 2, size: int = 50 * 2**20) -> list[str]:
    """Bodies as large as are taken, of reviews of a thousand characters."""
    body = _body(",".join([json.dumps(REVIEW)] * (size // len(REVIEW))))
    return _together(clients, lambda: target.post(body))


def unread(target: Target, *, count: int = 100_000, seconds: float = 10.0) -> list[str]:
    """Requests one after the other, whose answers nobody reads."""
    head = f"GET /v1/models/{target.model}/metadata HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", target.rest_port)) as sender:
        sender.settimeout(seconds)
        with contextlib.suppress(OSError):
            sender.sendall(head * count)
            time.sleep(seconds)
    return []


def _together(clients: int, attack: Callable[[], str]) -> list[str]:
    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(lambda _: attack(), range(clients)))


def _body(items: str) -> bytes:
    return f'{{"signature_name":"{PREDICT_TEXT}","instances":[{items}]}}'.encode()


def _model_spec(model: str) -> bytes:
    """Returns a request's field of a model, and of its signature that classifies."""
    return _field(1, _field(1, model.encode()) + _field(3, CLASSIFY.encode()))


def _message(model: str, texts: Sequence[bytes], rows: int, signature: str = PREDICT_TEXT) -> bytes:
    request = protos.PredictRequest()
    request.model_spec.name = model
    request.model_spec.signature_name = signature
    if rows:
        tensor = request.inputs["text"]
        tensor.dtype = grpc_codec.DT_STRING
        tensor.tensor_shape.dim.add().size = rows
        tensor.string_val.extend(texts)
    data: bytes = request.SerializeToString()
    return data


def _predict_together(target: Target, tensor: bytes, clients: int) -> list[str]:
    """Sends a serialized tensor as the model's text, from many clients."""
    data = _message(target.model, [], 0) + _field(2, _field(1, b"text") + _field(2, tensor))
    return _send_together(target, "Predict", data, clients)


def _send_together(target: Target, method: str, data: bytes, clients: int) -> list[str]:
    with target.calls(method) as send:
        return _together(clients, lambda: send(data).partition(" ")[0])


def _shape(*sizes: int) -> bytes:
    """Returns a TensorProto's field of a shape."""
    return _field(2, b"".join(_field(2, b"\x08" + _varint(size)) for size in sizes))


def _field(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number > 0x7F:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


ATTACKS: dict[str, Callable[[Target], list[str]]] = {
    attack.__name__: attack
    for attack in (
        filled, long_batches, tiny_fields, packed, left_out, wide, examples, features, numbers,
        content, traced, names, undecodable, streams, instances, empty_objects, zipped,
        zipped_texts, chunks, large_bodies, reviews, connections, gone, unread,
    )
}  # fmt: skip
