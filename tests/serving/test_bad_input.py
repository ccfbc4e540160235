"""Whatever arrives, the server says what is wrong with it and goes on serving."""

from __future__ import annotations

import gzip
import http.client
import socket
import struct
import threading
import time

import grpc
import pytest
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import prediction_service_pb2_grpc

from .calling import ask, floats, predict, predict_request, refusal, send_raw, wait_until


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


def test_a_long_text_and_many_empty_ones(rest, stubs):
    """1 MB in one string; 10,000 strings of nothing."""
    text = "film " * 200_000
    assert predict(rest, "echo", {"instances": [text]}).json == {"predictions": [text]}
    empty = [""] * 10_000
    assert predict(rest, "echo", {"instances": empty}).json == {"predictions": empty}
    for texts in ([text.encode()], [b""] * 10_000):
        response = stubs.prediction.Predict(predict_request("echo", text=texts), timeout=60)
        assert list(response.outputs["text"].string_val) == texts


def test_a_client_that_closes_its_half_gets_all_its_answers(rest):
    """TF-Serving closes such a connection; here what was asked for is answered first."""
    one = b"GET /v1/models/half/versions/%d HTTP/1.1\r\nHost: a\r\n\r\n"
    received = send_raw(rest, one % 1 + one % 123)
    assert received.count(b"HTTP/1.1 200") == 2
    assert received.index(b'"version": "1"') < received.index(b'"version": "123"')


def test_many_keys_that_come_twice_are_read_at_once(rest):
    """The time grows with the body, not with its square."""
    members = ",".join(f'"{number}": 0' for number in range(50_000))
    started = time.monotonic()
    for more in ("", ', "\\ud83d\\ude00": 0'):  # the quick parser, and the careful one
        body = f'{{"instances": [0], {members}, {members}{more}}}'
        assert predict(rest, "half", body).json == {"predictions": [3.0]}
    assert time.monotonic() - started < 20


def test_clients_that_leave_mid_request(rest, server):
    """Half a head, half a body, or no patience for the answer: nothing is kept."""
    others = set(server._rest._connections)  # a browser keeps its own
    body = b'{"instances":[1]}'
    head = b"POST /v1/models/slow:predict HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
    for data in (b"POST /v1", head % 1000 + b"half", head % len(body) + body):
        connection = socket.create_connection(("127.0.0.1", rest))
        connection.sendall(data)
        # Closes by a reset, as a killed client does.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    wait_until(lambda: set(server._rest._connections) <= others)


@pytest.fixture(scope="module")
def impatient(model_directory, serve) -> int:
    """The REST port of a server that waits a second for a request."""
    return serve(
        model_name="half",
        model_base_path=str(model_directory / "half"),
        rest_api_receive_timeout_in_ms=1000,
    ).rest_port


@pytest.fixture(scope="module")
def frugal(model_directory, serve) -> int:
    """The REST port of a server that reads a megabyte of a request."""
    return serve(
        model_name="half",
        model_base_path=str(model_directory / "half"),
        rest_api_max_body_bytes=2**20,
    ).rest_port


def test_a_slow_sender_is_told_so(impatient):
    """The limit is for the whole request: a byte now and then does not prolong it."""
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", impatient), timeout=10) as connection:
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


def test_the_answer_to_a_body_that_is_too_large_arrives(frugal):
    """Although the client is still sending: the connection is not reset under it."""
    answer = ask(frugal, "POST", "/v1/models/half:predict", b" " * 2**25)
    assert (answer.status, answer.error) == (
        413, "The body is larger than 1048576 bytes, the limit here (--rest_api_max_body_bytes)",
    )  # fmt: skip
    # The length is not announced, and so the limit is met on the way.
    chunks = (b" " * 2**18 for _ in range(64))
    connection = http.client.HTTPConnection("127.0.0.1", frugal, timeout=60)
    connection.request("POST", "/v1/models/half:predict", chunks, encode_chunked=True)
    assert connection.getresponse().status == 413
    connection.close()


def test_gzip_is_read_up_to_a_limit(rest):
    """What is none is refused, and so is what would fill the memory."""
    headers = {"Content-Encoding": "gzip"}
    target = "/v1/models/half:predict"
    assert "cannot be read" in ask(rest, "POST", target, b"no gzip", headers).error
    bomb = gzip.compress(b" " * (101 * 2**20), 1)
    answer = ask(rest, "POST", target, bomb, headers)
    assert answer.status == 400 and "larger than" in answer.error


def test_100_megabytes_pass_over_grpc(server):
    """When the flag allows it; TF-Serving sets the limit for messages to the largest there is."""
    options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]
    large = b"x" * (100 * 2**20)
    with grpc.insecure_channel(f"127.0.0.1:{server.grpc_port}", options) as channel:
        predict = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict
        response = predict(predict_request("echo", text=[large]), timeout=120)
    assert list(response.outputs["text"].string_val) == [large]


def test_a_small_message_cannot_ask_for_a_large_tensor(stubs):
    """Values that are not sent are filled in, and so a shape costs its sender nothing."""
    for dtype, field, value in ((1, "float_val", 1.0), (7, "string_val", b"a")):
        tensor = tensor_pb2.TensorProto(dtype=dtype)
        getattr(tensor, field).append(value)
        tensor.tensor_shape.dim.add(size=2**27)
        alias, model = ("x", "half") if dtype == 1 else ("text", "echo")
        code, details = refusal(stubs.prediction.Predict, predict_request(model, **{alias: tensor}))
        assert code == "RESOURCE_EXHAUSTED"
        size = 2**27 * (4 if dtype == 1 else 9)
        assert details == (
            f"A tensor of shape [134217728] came with 1 values. Filling it up takes {size} bytes, "
            "and 16777216 are allowed (--max_filled_bytes). Send all values, or a smaller shape"
        )
    # No element at all, and still more than numpy can describe.
    tensor = tensor_pb2.TensorProto(dtype=1)
    tensor.tensor_shape.dim.add(size=0)
    tensor.tensor_shape.dim.add(size=2**62)
    code, _ = refusal(stubs.prediction.Predict, predict_request("half", x=tensor))
    assert code == "INVALID_ARGUMENT"


def test_the_initialisation_cannot_be_asked_for(rest, stubs):
    """Its signature is in the metadata, and has an operation where others have a tensor."""
    name = "__saved_model_init_op"
    code, details = refusal(stubs.prediction.Predict, predict_request("half", name))
    assert code == "INVALID_ARGUMENT" and "NoOp:0" in details
    answer = predict(rest, "half", {"signature_name": name, "inputs": {}})
    assert (answer.status, answer.error) == (
        400, f"Failed to get input map for signature: {name}",
    )  # fmt: skip


def test_a_grpc_client_that_leaves_is_forgotten(stubs, server):
    """Its request ends, and the version can be unloaded: nothing is in it."""
    calls = [
        stubs.prediction.Predict.future(predict_request("slow", x=floats(1)), timeout=60)
        for _ in range(4)
    ]
    time.sleep(0.05)
    for call in calls:
        call.cancel()
    slow = server.servables.available()["slow"][1]
    wait_until(lambda: not slow._in_flight)


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
