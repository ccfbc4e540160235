"""Clients that mean harm: each is refused in words, or waits, and the others do not notice."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import threading
import time

import grpc
import pytest
from tensorflow.core.example import example_pb2
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import classification_pb2

from serving.server.admission import Budget
from serving.server.ports import bind
from serving.server.rest.api import Response
from serving.server.rest.edge import RestServer

from .calling import Stubs, ask, floats, predict, predict_request, refusal, send_raw, wait_until

TARGET = "/v1/models/echo:predict"


@pytest.fixture(scope="module")
def frugal(server_flags, serve):
    """A server of all the models that gives little to each client."""
    return serve(
        **server_flags,
        max_rows_per_request=1000, max_values_per_message=5000, max_fields_per_message=5000,
        max_string_bytes=300_000, max_bytes_in_flight=4 * 2**20,
        rest_api_max_connections=20, rest_api_max_unzipped_bytes=2 * 2**20,
        rest_api_send_timeout_in_ms=400,
        grpc_max_connections=30, grpc_max_message_bytes=8 * 2**20,
    )  # fmt: skip


@pytest.fixture(scope="module")
def stubs(frugal) -> Stubs:
    """The stubs of its gRPC."""
    return Stubs(frugal.grpc_port)


@pytest.fixture(autouse=True)
def unharmed(frugal):
    """After each test both transports answer, and requests hold nothing."""
    yield
    assert predict(frugal.rest_port, "half", {"instances": [0]}).json == {"predictions": [3.0]}
    request = predict_request("half", x=floats(0))
    answer = Stubs(frugal.grpc_port).prediction.Predict(request, timeout=30)
    assert answer.outputs["y"].float_val[0] == 3.0
    wait_until(lambda: frugal._budget.held == 0)


# gRPC.


def test_bytes_that_are_no_message_are_counted_and_refused(frugal, caplog):
    """INTERNAL, as C++'s gRPC answers; one line in the log, and a metric, for all of them."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(f"127.0.0.1:{frugal.grpc_port}", options) as channel:
        call = channel.unary_unary("/tensorflow.serving.PredictionService/Classify")
        for _ in range(50):
            assert refusal(call, b"\xff\xff\xff\xff") == (
                "INTERNAL",
                "The 4 bytes are no tensorflow.serving.ClassificationRequest. Send the message "
                "that the method takes, serialized",
            )
    assert frugal.metrics.undecodable_count.values() == {("Classify",): 50}
    assert ':sentiment:serving:undecodable_count{method="Classify"} 50' in frugal.metrics.page()
    said = [record.getMessage() for record in caplog.records if "decoded" in record.getMessage()]
    assert len(said) == 1 and "that could not be decoded: 1; the last was for Classify" in said[0]
    assert "Traceback" not in caplog.text


def test_one_grpc_connection_more_is_closed(frugal, stubs):
    """Those that are open stay, and there is room again once one of them has gone."""
    assert refusal(stubs.prediction.Predict, predict_request("none", x=floats(0)))[0] == "NOT_FOUND"
    address = ("127.0.0.1", frugal.grpc_port)
    clients = [socket.create_connection(address, timeout=10) for _ in range(40)]
    greeted = [bool(client.recv(9)) for client in clients]  # gRPC's server speaks first
    assert greeted[:10] == [True] * 10 and greeted[30:] == [False] * 10
    assert refusal(stubs.prediction.Predict, predict_request("none", x=floats(0)))[0] == "NOT_FOUND"
    for client in clients:
        client.close()

    def is_greeted() -> bool:
        with socket.create_connection(address, timeout=10) as client:
            return bool(client.recv(9))

    wait_until(is_greeted)


def test_one_string_for_many_rows_is_refused(stubs):
    """By the rows, and by what the string grows to; either flag is named."""
    tensor = tensor_pb2.TensorProto(dtype=7, string_val=[b"a"])
    tensor.tensor_shape.dim.add(size=32_768)
    assert refusal(stubs.prediction.Predict, predict_request("echo", text=tensor)) == (
        "RESOURCE_EXHAUSTED",
        "The request has 32768 rows; at most 1000 are taken at a time (--max_rows_per_request). "
        "Send them in several requests",
    )
    tensor.string_val[0] = b"a" * 1000
    assert refusal(stubs.prediction.Predict, predict_request("echo", text=tensor)) == (
        "RESOURCE_EXHAUSTED",
        "A tensor of shape [32768] came with 1 values. Filling it up takes 33030144 bytes, and "
        "16777216 are allowed (--max_filled_bytes). Send all values, or a smaller shape",
    )


def _wrapped(tensor: bytes) -> bytes:
    """A serialized Predict request for `echo` with a serialized tensor as its text."""
    entry = b"\x0a\x04text\x12" + _varint(len(tensor)) + tensor
    return predict_request("echo").SerializeToString() + b"\x12" + _varint(len(entry)) + entry


def _varint(number: int) -> bytes:
    low, high = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(high) if high else bytes([low])


_TOO_MANY_FIELDS = (
    "RESOURCE_EXHAUSTED",
    "The message holds more than 5000 fields, as are each string, tf.Example and feature "
    "(--max_fields_per_message). Send fewer rows at a time",
)


@pytest.mark.parametrize(
    ("method", "data"),
    [
        ("Predict", _wrapped(b"\x08\x07" + b"\x42\x00" * 2**17)),
        ("Predict", _wrapped(b"\x08\x07" + (b"\x42\x0812345678") * 2**14)),
        ("Predict", _wrapped(b"\x08\x01" + b"\x2d1234" * 2**16)),
        ("Predict", b"\x12\x00" * 2**17),
        ("Classify", b"\x12\x80\x80\x10\x0a\xfc\xff\x0f" + b"\x0a\x00" * (2**17 - 2)),
        ("Classify", b"\x78\x01" * 2**17),
    ],
    ids=["empty strings", "strings", "numbers one by one", "inputs", "tf.Examples", "unknown"],
)
def test_a_message_of_very_many_fields_is_refused_before_it_is_decoded(frugal, method, data):
    """Whatever they are: each becomes an object, and decoding keeps Python to itself."""
    with grpc.insecure_channel(f"127.0.0.1:{frugal.grpc_port}") as channel:
        call = channel.unary_unary(f"/tensorflow.serving.PredictionService/{method}")
        assert refusal(call, data) == _TOO_MANY_FIELDS


def test_numbers_of_a_packed_list_are_counted_before_they_are_decoded(frugal, stubs):
    """A byte each on the wire, and eight once they are decoded."""
    data = _wrapped(b"\x08\x09" + b"\x52" + _varint(2**17) + b"\x01" * 2**17)
    with grpc.insecure_channel(f"127.0.0.1:{frugal.grpc_port}") as channel:
        call = channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
        code, details = refusal(call, data)
    assert code == "RESOURCE_EXHAUSTED"
    assert details == (
        "The message lists 131072 numbers or more; at most 5000 are taken at a time "
        "(--max_values_per_message). Send fewer, or as tensor_content"
    )
    few = tensor_pb2.TensorProto(dtype=1, float_val=[0.0] * 6000)
    code, details = refusal(stubs.prediction.Predict, predict_request("half", x=few))
    assert code == "RESOURCE_EXHAUSTED"
    assert details.startswith("A tensor lists 6000 values; at most 5000 are taken at a time")
    few = tensor_pb2.TensorProto(dtype=7, string_val=[b""] * 6000)
    code, details = refusal(stubs.prediction.Predict, predict_request("echo", text=few))
    assert code == "RESOURCE_EXHAUSTED"
    assert details.startswith("A tensor lists 6000 strings; at most 5000 are taken at a time")


def test_a_large_answer_that_is_not_read_is_given_up(server_flags, serve):
    """After the time limit for sending: the call is cancelled, and holds nothing any more."""
    hasty = serve(**server_flags, rest_api_send_timeout_in_ms=400)
    request = predict_request("echo", text=[b"a" * 250_000] * 6)
    options = [
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.lookahead_bytes", 2**16),
    ]
    with grpc.insecure_channel(f"127.0.0.1:{hasty.grpc_port}", options) as channel:
        # A message of a stream is not received before it is asked for.
        call = channel.unary_stream("/tensorflow.serving.PredictionService/Predict")
        unread = call(request.SerializeToString())
        wait_until(lambda: hasty._budget.held > 2**20)
        wait_until(lambda: hasty._budget.held == 0)
        with pytest.raises(grpc.RpcError) as error:
            next(unread)
        assert error.value.code() is grpc.StatusCode.CANCELLED


def test_messages_have_a_size_and_share_what_there_is(stubs):
    """Larger than all requests may be together, and larger than a message may be."""
    large = predict_request("echo", text=[b"a" * 5 * 2**20])
    code, details = refusal(stubs.prediction.Predict, large)
    assert code == "RESOURCE_EXHAUSTED" and "4194304 (--max_bytes_in_flight)" in details
    code, details = refusal(
        stubs.prediction.Predict, predict_request("echo", text=[b"a" * 9 * 2**20])
    )
    assert code == "RESOURCE_EXHAUSTED" and "larger than max" in details
    code, details = refusal(stubs.prediction.Predict, predict_request("echo", text=[b"a" * 10**6]))
    assert code == "RESOURCE_EXHAUSTED" and "(--max_string_bytes)" in details


def test_strings_packed_as_content_are_counted_before_they_are_read(stubs):
    """As those of a typed field are; those that the shape leaves out are not even looked at."""
    tensor = tensor_pb2.TensorProto(dtype=7, tensor_content=bytes(6000))
    tensor.tensor_shape.dim.add(size=6000)
    code, details = refusal(stubs.prediction.Predict, predict_request("echo", text=tensor))
    assert code == "RESOURCE_EXHAUSTED"
    assert details.startswith("A tensor lists 6000 strings; at most 5000 are taken at a time")
    tensor.tensor_shape.dim[0].size = 6001
    assert refusal(stubs.prediction.Predict, predict_request("echo", text=tensor)) == (
        "INVALID_ARGUMENT",
        "tensor parsing error: text",
    )
    tensor = tensor_pb2.TensorProto(dtype=7, string_val=[b"first", *[b"rest"] * 4000])
    tensor.tensor_shape.dim.add(size=1)
    answer = stubs.prediction.Predict(predict_request("echo", text=tensor), timeout=30)
    assert list(answer.outputs["text"].string_val) == [b"first"]


def test_what_many_strings_become_is_held(server):
    """A message that is far smaller than its strings are in Python: both count."""
    strings = [b"four"] * 20_000
    grown: list[int] = []
    change = server._budget.change
    server._budget.change = lambda held, wanted: (grown.append(wanted), change(held, wanted))
    try:
        request = predict_request("echo", text=strings)
        assert refusal(Stubs(server.grpc_port).prediction.Predict, request)[0] == (
            "RESOURCE_EXHAUSTED"
        )
    finally:
        server._budget.change = change
    assert 20_000 * 112 <= max(grown) - request.ByteSize() < 20_100 * 112


def test_a_context_before_many_examples_is_refused(stubs):
    """It is copied before each of them."""
    request = classification_pb2.ClassificationRequest()
    request.model_spec.name = "examples"
    request.model_spec.signature_name = "classify"
    listed = request.input.example_list_with_context
    listed.context.features.feature["text"].bytes_list.value.append(b"a" * 100_000)
    for _ in range(900):
        listed.examples.add()
    code, details = refusal(stubs.prediction.Classify, request)
    assert code == "RESOURCE_EXHAUSTED"
    assert "before each of 900 tf.Examples" in details and "(--max_filled_bytes)" in details
    del listed.examples[:]
    request.input.example_list.examples.extend(example_pb2.Example() for _ in range(1001))
    code, details = refusal(stubs.prediction.Classify, request)
    assert code == "RESOURCE_EXHAUSTED" and "has 1001 rows" in details


def test_names_that_no_model_has_are_not_kept(frugal, stubs):
    """A thousand of them are counted by name, and no more than their beginnings."""
    name = "n" * 10_000
    assert refusal(stubs.prediction.Predict, predict_request(name, x=floats(0)))[0] == "NOT_FOUND"
    counts = frugal.metrics.request_count.values
    assert counts()[("n" * 256, "NOT_FOUND")] == 1
    for number in range(1500):
        frugal.metrics.count_request(f"name {number}", "NOT_FOUND")
    assert len(counts()) == 1001
    assert counts()[("(other)", "NOT_FOUND")] >= 500
    frugal.metrics.count_request("pushed later", "OK")
    assert counts()[("pushed later", "OK")] == 1


# REST.


@pytest.mark.parametrize(
    ("body", "status", "flag"),
    [
        ({"instances": ["a"] * 1001}, 429, "--max_rows_per_request"),
        ({"instances": ["a" * 300_001]}, 429, "--max_string_bytes"),
        ("[" + "{}," * 2**19 + "{}]", 429, "--max_values_per_message"),
        (" " * 5 * 2**20, 429, "--max_bytes_in_flight"),
    ],
)
def test_a_body_that_asks_for_too_much_is_refused(frugal, body, status, flag):
    """The error names the flag."""
    answer = predict(frugal.rest_port, "echo", body)
    assert (answer.status, flag in answer.error) == (status, True), answer.error


def test_a_bomb_is_refused_by_what_it_unzips_to(frugal):
    """By its own limit, and by the values in it."""
    headers = {"Content-Encoding": "gzip"}
    answer = ask(frugal.rest_port, "POST", TARGET, gzip.compress(bytes(3 * 2**20)), headers)
    assert answer.status == 400
    assert answer.error == (
        "The body is larger than 2097152 bytes once unzipped (--rest_api_max_unzipped_bytes). Send "
        "fewer rows"
    )
    body = gzip.compress(json.dumps({"instances": [""] * 400_000}).encode())
    answer = ask(frugal.rest_port, "POST", TARGET, body, headers)
    assert answer.status == 429 and "--max_values_per_message" in answer.error


def test_bodies_that_wait_for_their_end_share_what_there_is(frugal):
    """Three clients that send a megabyte each and stop; the one that is too much comes again."""
    head = f"POST {TARGET} HTTP/1.1\r\nHost: a\r\nContent-Length: {2 * 2**20}\r\n\r\n".encode()
    waiting = [socket.create_connection(("127.0.0.1", frugal.rest_port)) for _ in range(3)]
    for one in waiting:
        one.sendall(head + b" " * 2**20)
    wait_until(lambda: frugal._budget.held == 3 * 2**20)
    answer = ask(frugal.rest_port, "POST", TARGET, b" " * (2**20 + 2**19))
    assert answer.status == 503
    assert answer.error.startswith("Requests in progress hold 3145728 of the 4194304 bytes")
    for one in waiting:
        one.close()


def test_a_body_in_tiny_chunks_is_refused_and_keeps_nobody(frugal):
    """After a thousand of them; fewer are read, and large ones as many as there are."""
    head = f"POST {TARGET} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    received = send_raw(frugal.rest_port, head + b"1\r\n \r\n" * 40_000)
    assert received.startswith(b"HTTP/1.1 400 ")
    assert b"chunks of 64 bytes at least, or a Content-Length" in received
    few = b"1\r\n \r\n" * 900 + b'11\r\n{"instances":[""]\r\n1\r\n}\r\n0\r\n\r\n'
    assert send_raw(frugal.rest_port, head + few).startswith(b"HTTP/1.1 200 ")
    large = b"40\r\n%b\r\n" % (b" " * 64) * 4000 + b'12\r\n{"instances":[""]}\r\n0\r\n\r\n'
    assert send_raw(frugal.rest_port, head + large).startswith(b"HTTP/1.1 200 ")


def _unread(server, count: int) -> tuple[socket.socket, bytes]:
    """Asks `count` times for 200 KB on one connection, and reads none of it."""
    body = json.dumps({"instances": ["a" * 200_000]}).encode()
    request = f"POST {TARGET} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**14)
    client.settimeout(120)
    client.connect(("127.0.0.1", server.rest_port))
    return client, (request + body) * count


def _answered(server) -> int:
    return server.metrics.request_count.values().get(("echo", "OK"), 0)


def test_answers_that_are_not_read_are_not_made(server):
    """Back-pressure: a client that asks two hundred times reads all answers, at its own pace."""
    client, requests = _unread(server, 200)
    before = _answered(server)
    sender = threading.Thread(target=client.sendall, args=(requests,))
    sender.start()
    time.sleep(1)
    made = _answered(server) - before
    time.sleep(0.3)
    assert _answered(server) - before == made < 100
    assert server._budget.held < 2 * 2**20
    reader = client.makefile("rb")
    for _ in range(200):
        assert reader.readline() == b"HTTP/1.1 200 OK\r\n"
        headers = http.client.parse_headers(reader)
        assert len(reader.read(int(headers["Content-Length"]))) > 200_000
    sender.join()
    assert _answered(server) - before == 200
    reader.close()
    client.close()


def test_a_client_that_never_reads_is_given_up(frugal):
    """After the time limit for sending, and what it held is free again."""
    client, requests = _unread(frugal, 60)
    with pytest.raises(OSError, match=r"reset|Broken pipe"):
        client.sendall(requests * 2)
    wait_until(lambda: not frugal._rest._connections)
    client.close()


class _StuckApi:
    """Answers when it is let, whatever its time limit."""

    timeout = 0.1

    def __init__(self):
        self.gate = threading.Event()

    def answer(self, request) -> Response:
        assert self.gate.wait(10)
        return Response(200, b"{}")


def test_the_deadline_is_kept_by_the_edge_when_the_run_does_not():
    """An operation cannot be stopped; its client is answered all the same, and once."""
    api, budget = _StuckApi(), Budget(2**20)
    server = RestServer(api, num_threads=1, budget=budget)
    sockets = bind("127.0.0.1", 0)
    server.start(sockets)
    port = sockets[0].getsockname()[1]
    started = time.monotonic()
    answer = ask(port, "POST", TARGET, b"{}")
    assert (answer.status, answer.error) == (504, "Timed out waiting for notification")
    assert 0.5 < time.monotonic() - started < 5
    assert answer.headers["connection"] == "close"
    assert budget.held == 2
    api.gate.set()
    wait_until(lambda: budget.held == 0)
    assert ask(port, "POST", TARGET, b"{}").body == b"{}"
    server.stop(1)


def test_clients_that_have_gone_keep_nobody_waiting():
    """Who asks, and closes, is answered when nobody else waits; who only closed its half, too."""
    api, budget = _StuckApi(), Budget(2**20)
    api.timeout = 30
    answered: list[bytes] = []
    answer = api.answer
    api.answer = lambda request: (answered.append(bytes(request.body)), answer(request))[1]
    server = RestServer(api, num_threads=1, budget=budget)
    sockets = bind("127.0.0.1", 0)
    server.start(sockets)
    head = f"POST {TARGET} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n".encode()
    clients = []
    for text in (b"first", b"gone.", b"half.", b"here."):
        clients.append(socket.create_connection(("127.0.0.1", sockets[0].getsockname()[1])))
        clients[-1].sendall(head + text)
        wait_until(lambda: budget.held == 5 * len(clients))
    clients[1].close()
    clients[2].shutdown(socket.SHUT_WR)
    api.gate.set()
    wait_until(lambda: budget.held == 0)
    assert answered == [b"first", b"here.", b"gone.", b"half."]
    for client in (clients[0], clients[2], clients[3]):
        assert client.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
        client.close()
    server.stop(1)


@pytest.mark.parametrize("digits", ["9" * 5000, "9" * 19, "9" * 20, "1" + "0" * 5000])
def test_version_numbers_of_any_length_are_refused(frugal, digits):
    """400, whatever Python says of integers of five thousand digits."""
    port = frugal.rest_port
    for path in (
        f"/v1/models/half/versions/{digits}",
        f"/v1/models/half/versions/{digits}/metadata",
    ):
        assert ask(port, "GET", path).status == 400
    body = {"instances": [0]}
    assert ask(port, "POST", f"/v1/models/half/versions/{digits}:predict", body).status == 400
    answer = predict(port, "half", f'{{"instances":[{digits}]}}')
    assert answer.status in (200, 400)
    zeros = "0" * 4000
    assert ask(port, "POST", f"/v1/models/half/versions/{zeros}1:predict", body).json == {
        "predictions": [2.0]
    }


def test_one_connection_more_takes_the_place_of_the_one_that_is_idle_longest(frugal):
    """Once that is two seconds; those that asked last stay."""
    address = ("127.0.0.1", frugal.rest_port)
    request = b"GET /v1/models/half HTTP/1.1\r\nHost: a\r\n\r\n"

    def is_answered(client: socket.socket) -> bool:
        client.sendall(request)
        return client.recv(2000).startswith(b"HTTP/1.1 200 OK\r\n")

    clients = [socket.create_connection(address) for _ in range(20)]
    assert all(map(is_answered, clients))
    with socket.create_connection(address) as refused:
        assert b"--rest_api_max_connections" in refused.makefile("rb").read()
    time.sleep(2.1)
    assert is_answered(clients[0])
    more = [socket.create_connection(address) for _ in range(5)]
    for client in clients[1:6]:
        assert client.recv(1) == b""
    assert all(map(is_answered, (clients[0], *clients[6:], *more)))
    for client in (*clients, *more):
        client.close()


def test_connections_with_requests_in_progress_stay():
    """One more is refused, in words; it takes the place of one whose client has gone."""
    api, budget = _StuckApi(), Budget(2**20)
    api.timeout = 30
    server = RestServer(api, num_threads=1, budget=budget, max_connections=2)
    sockets = bind("127.0.0.1", 0)
    server.start(sockets)
    address = ("127.0.0.1", sockets[0].getsockname()[1])
    request = f"POST {TARGET} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    clients = []
    for _ in range(2):
        clients.append(socket.create_connection(address))
        clients[-1].sendall(request)
        wait_until(lambda: budget.held == 2 * len(clients))
    with socket.create_connection(address) as refused:
        head, _, body = refused.makefile("rb").read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert json.loads(body)["error"].startswith(
        "2 connections are open, the most that the server keeps (--rest_api_max_connections)"
    )
    wait_until(lambda: len(server._connections) == 2)
    clients[1].close()
    taken = socket.create_connection(address)
    taken.sendall(request)
    wait_until(lambda: budget.held == 4)
    api.gate.set()
    for client in (clients[0], taken):
        assert client.recv(2000).startswith(b"HTTP/1.1 200 OK\r\n")
        client.close()
    server.stop(1)


def test_new_connections_do_not_come_before_those_that_are_open():
    """A request that comes while the first of two hundred is accepted is read before the others."""
    api, budget = _StuckApi(), Budget(2**20)
    api.gate.set()
    api.timeout = 30
    server = RestServer(api, num_threads=1, budget=budget)
    sockets = bind("127.0.0.1", 0)
    server.start(sockets)
    address = ("127.0.0.1", sockets[0].getsockname()[1])
    first = socket.create_connection(address)
    wait_until(lambda: len(server._connections) == 1)
    is_flooded = threading.Event()
    server._loop.call_soon_threadsafe(is_flooded.wait)
    add, submit_for = server._connections.add, server._pool.submit_for
    seen: list[int] = []

    def add_and_ask(connection) -> bool:
        if len(server._connections) == 1:
            first.sendall(f"GET {TARGET} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        return add(connection)

    def submit(*arguments, **keywords):
        seen.append(len(server._connections))
        return submit_for(*arguments, **keywords)

    server._connections.add, server._pool.submit_for = add_and_ask, submit
    others = [socket.create_connection(address) for _ in range(200)]
    is_flooded.set()
    assert first.recv(2000).startswith(b"HTTP/1.1 200 OK\r\n")
    assert seen[0] < 50
    for client in (first, *others):
        client.close()
    server.stop(1)
