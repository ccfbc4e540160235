"""Whatever arrives, the server says what is wrong with it and goes on serving."""

from __future__ import annotations

import json
import random
import socket
import struct
import threading
import time

import grpc
import pytest

from .calling import ask, floats, predict, predict_request, send_raw, wait_until

DOCUMENTED_HTTP = {200, 400, 404, 408, 413, 501, 503, 504}
DOCUMENTED_GRPC = {
    "OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "UNIMPLEMENTED",
    "DEADLINE_EXCEEDED",
}  # fmt: skip


@pytest.fixture(autouse=True)
def still_serves(rest, stubs):
    """After each test, both transports answer as before."""
    yield
    assert predict(rest, "half", {"instances": [0]}).json == {"predictions": [3.0]}
    request = predict_request("half", x=floats(0))
    assert stubs.prediction.Predict(request, timeout=30).outputs["y"].float_val[0] == 3.0


def test_a_body_of_100_megabytes_is_read(rest):
    """As TF-Serving does; beyond the server's own limit it is refused."""
    padding = b" " * (100 * 2**20)
    answer = ask(rest, "POST", "/v1/models/half:predict", padding + b'{"instances":[0]}')
    assert answer.json == {"predictions": [3.0]}
    head = f"POST /v1/models/half:predict HTTP/1.1\r\nHost: a\r\nContent-Length: {2**28}\r\n\r\n"
    received = send_raw(rest, head.encode())
    assert received.startswith(b"HTTP/1.1 413 ")
    assert b"The body is larger than 134217728 bytes, the limit here" in received


def test_json_may_be_10000_levels_deep(rest):
    """The parser does not recurse; the tensor is refused."""
    deep = "[" * 10_000 + "]" * 10_000
    for body in (f'{{"instances":{deep}}}', f'{{"inputs":{deep}}}', f'{{"instances":[{deep},1]}}'):
        answer = predict(rest, "half", body)
        assert answer.status == 400
    assert "tensor parsing error: x" in predict(rest, "half", f'{{"inputs":{deep}}}').error
    assert predict(rest, "half", "[" * 10_000).error == (
        "JSON Parse error: Invalid value. at offset: 10000"
    )
    nested = '{"a":' * 10_000 + "1" + "}" * 10_000
    assert predict(rest, "half", nested).error == "Missing 'inputs' or 'instances' key"


def test_invalid_utf8_passes_through(rest):
    """The parser does not look into strings: what comes in goes out."""
    answer = predict(rest, "echo", b'{"instances":["\xff\xfe"]}')
    assert answer.body == b'{\n    "predictions": ["\xff\xfe"\n    ]\n}'
    answer = predict(rest, "half", b'{"instances":["\xff"]}'.decode("utf-8", "surrogateescape"))
    assert b'JSON Value: \\"\xff\\" Type: String' in answer.body


@pytest.mark.parametrize("escape", ["\\ud800", "\\udc00", "\\ud800\\u0041", "\\ud800x"])
def test_lone_surrogates_are_refused(rest, escape):
    """By the parser, which says where."""
    answer = predict(rest, "echo", f'{{"instances":["{escape}"]}}')
    reason = "The surrogate pair in string is invalid."
    assert answer.error == f"JSON Parse error: {reason} at offset: 15"


def test_surrogate_pairs_are_one_character(rest):
    """Escaped as two, stored as one."""
    answer = predict(rest, "echo", '{"instances":["\\ud83d\\ude00"]}')
    assert answer.json == {"predictions": ["😀"]}


def test_nan_is_a_number_here(rest):
    """In and out; the answer is no strict JSON then, as TF-Serving's."""
    answer = predict(rest, "half", '{"instances":[NaN]}')
    assert answer.body == b'{\n    "predictions": [NaN\n    ]\n}'


def test_a_long_text_and_many_empty_ones(rest):
    """1 MB in one string; 10,000 strings of nothing."""
    text = "film " * 200_000
    assert predict(rest, "echo", {"instances": [text]}).json == {"predictions": [text]}
    empty = [""] * 10_000
    assert predict(rest, "echo", {"instances": empty}).json == {"predictions": empty}


def test_clients_that_leave_mid_request(rest, server):
    """Half a head, half a body, or no patience for the answer: nothing is kept."""
    body = b'{"instances":[1]}'
    head = b"POST /v1/models/slow:predict HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
    for data in (b"POST /v1", head % 1000 + b"half", head % len(body) + body):
        connection = socket.create_connection(("127.0.0.1", rest))
        connection.sendall(data)
        # Closes by a reset, as a killed client does.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    wait_until(lambda: not server._rest._connections)


def test_a_slow_sender_is_told_so(rest):
    """The limit is for the whole request: a byte now and then does not prolong it."""
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", rest), timeout=10) as connection:
        received = b""
        connection.settimeout(0.2)
        for byte in b"POST /v1/models/half:predict HTTP/1.1\r\nHost: a\r\nContent-Le" * 2:
            try:
                connection.sendall(bytes([byte]))
                received = connection.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                break
            break
    assert received.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - started < 5


def test_slow_senders_do_not_keep_others_waiting(rest):
    """Fifty of them, and a request is answered at once."""
    slow = [socket.create_connection(("127.0.0.1", rest)) for _ in range(50)]
    for connection in slow:
        connection.sendall(b"POST /v1/models/half:predict HTTP/1.1\r\n")
    started = time.monotonic()
    assert predict(rest, "half", {"instances": [0]}).status == 200
    assert time.monotonic() - started < 1
    for connection in slow:
        connection.close()


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"GET /other HTTP/9.9\r\n\r\n",
        b"GET /v1/models/half HTTP/1.1\r\nbroken header\r\n\r\n",
        b"POST /v1/models/half:predict HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/models/half:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_what_is_not_http_is_refused(rest, data):
    """With an error page, or a closed connection."""
    received = send_raw(rest, data)
    assert received == b"" or received.split(b" ")[1] in (b"400", b"404", b"431", b"501")


def test_chunked_bodies_are_read(rest):
    """Whatever the chunks."""
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in b'{"instances":[0]}') + b"0\r\n\r\n"
    head = b"POST /v1/models/half:predict HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert b'"predictions": [3.0' in send_raw(rest, head + chunks)


def _mutate(chance: random.Random, text: bytes) -> bytes:
    data = bytearray(text)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(4)
        if kind == 0:
            data[at:at] = bytes(chance.choices(range(256), k=chance.randint(1, 3)))
        elif kind == 1:
            del data[at : at + chance.randint(1, 5)]
        elif kind == 2:
            data[at:at] = chance.choice(
                [b"[", b"]", b"{", b"}", b",", b'"', b"\\", b"1e999", b"NaN", b"null", b"-", b"\\u"]
            )
        else:
            data[at:at] = data[chance.randrange(len(data) + 1) :][:20]
    return bytes(data)


def test_fuzzed_bodies_get_documented_codes(rest):
    """Two thousand mutations of good bodies; each error is JSON with a text."""
    import http.client

    chance = random.Random(7)
    seeds = [
        b'{"signature_name":"serving_default","instances":[1.5,{"x":2},[3]]}',
        b'{"inputs":{"x":[[1,2],[3,4]]}}',
        b'{"context":{"a":1},"examples":[{"x":1.0,"s":["a",{"b64":"YQ=="}]}]}',
        '{"signature_name":"both","instances":["é\\ud83d\\ude00",{"b64":"/w=="}]}'.encode(),
    ]
    targets = ["half:predict", "echo:predict", "two:predict", "examples:classify", "types:predict"]
    connection = http.client.HTTPConnection("127.0.0.1", rest, timeout=30)
    statuses = set()
    for _ in range(2000):
        body = _mutate(chance, chance.choice(seeds))
        connection.request("POST", f"/v1/models/{chance.choice(targets)}", body)
        response = connection.getresponse()
        answer = response.read()
        assert response.status in DOCUMENTED_HTTP, (response.status, body, answer)
        if response.status != 200:
            assert json.loads(answer.decode("utf-8", "replace"))["error"], body
        statuses.add(response.status)
    connection.close()
    assert {200, 400} <= statuses


def test_fuzzed_request_heads_get_documented_codes(rest):
    """Five hundred mutations of a request line and its headers."""
    chance = random.Random(8)
    line = b"POST /v1/models/half/versions/1:predict HTTP/1.1\r\n"
    seed = line + b"Host: a\r\nContent-Length: 2\r\n\r\n{}"
    for _ in range(500):
        received = send_raw(rest, _mutate(chance, seed))
        if received:
            assert int(received.split(b" ")[1]) in DOCUMENTED_HTTP | {431}, received


def _change(chance: random.Random, message: bytes) -> bytes:
    """Changes a byte or two: unlike what `_mutate` does, it is often a message still."""
    data = bytearray(message)
    for _ in range(chance.randint(1, 2)):
        data[chance.randrange(len(data))] = chance.choice([0, 1, 2, 8, chance.randrange(256)])
    return bytes(data)


def test_fuzzed_messages_get_documented_codes(stubs):
    """Two thousand mutations of a PredictRequest's bytes."""
    chance = random.Random(9)
    call = stubs.channel.unary_unary(
        "/tensorflow.serving.PredictionService/Predict",
        request_serializer=bytes,
        response_deserializer=bytes,
    )
    seeds = [
        predict_request("half", x=floats(1, 2, 3)).SerializeToString(deterministic=True),
        predict_request("echo", "both", text=[b"a", b"bc"]).SerializeToString(deterministic=True),
        predict_request("two", a=floats(1), b=floats(2)).SerializeToString(deterministic=True),
    ]
    codes = {}
    for _ in range(2000):
        try:
            call(_change(chance, chance.choice(seeds)), timeout=30)
            code = "OK"
        except grpc.RpcError as error:
            code, details = error.code().name, error.details()
            if error.details() == "Exception deserializing request!":
                # gRPC's own answer to bytes that are no message; the handler never sees them.
                code = "INVALID_ARGUMENT"
        assert code in DOCUMENTED_GRPC, (code, details)
        codes[code] = codes.get(code, 0) + 1
    assert codes.keys() <= DOCUMENTED_GRPC
    assert codes["OK"] > 50 and codes["INVALID_ARGUMENT"] > 50


def test_many_clients_at_once(rest):
    """Thirty-two connections, each with its own answers."""
    failures = []

    def ask_some(client: int) -> None:
        for number in range(10):
            value = client * 100 + number
            if predict(rest, "half", {"instances": [value]}).json != {
                "predictions": [value / 2 + 3]
            }:
                failures.append(value)

    threads = [threading.Thread(target=ask_some, args=(client,)) for client in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
