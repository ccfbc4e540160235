"""What a server lives through, seen from outside: malformed requests by the thousand, and pushes.

More, and other, requests each time: pytest --hypothesis-profile=thorough. What came back:
--hypothesis-show-statistics.
"""

from __future__ import annotations

import http.client
import itertools
import json
import threading

import grpc
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from . import malformed
from .calling import Stubs, ask, floats, predict, predict_request, send_raw, wait_until
from .process import Process

DOCUMENTED_HTTP = {200, 400, 404, 408, 413, 429, 431, 501, 503, 504}
DOCUMENTED_GRPC = {
    "OK", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION", "UNIMPLEMENTED",
    "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED",
}  # fmt: skip
MODELS = ("half", "echo", "examples", "two", "types")


class Serving:
    """A server in a process of its own, and a way to each of its ports."""

    def __init__(self, process: Process):
        self.process = process
        self.stubs = Stubs(process.grpc_port)
        self.rest_port = process.rest_port
        self.connection = http.client.HTTPConnection("127.0.0.1", self.rest_port, timeout=60)

    def answer(self, model: str) -> tuple[float, float]:
        """What both transports make of 0."""
        request = predict_request(model, x=floats(0))
        response = self.stubs.prediction.Predict(request, timeout=60)
        rest = predict(self.rest_port, model, {"instances": [0]}).json
        return response.outputs["y"].float_val[0], rest["predictions"][0]


@pytest.fixture(scope="module")
def pushed(tmp_path_factory, model_directory):
    """The folder of `pushed`, a model whose versions come and go; version 1 is there."""
    base = tmp_path_factory.mktemp("pushed")
    (base / "1").symlink_to(model_directory / "half" / "1")
    return base


@pytest.fixture(scope="module")
def serving(model_directory, pushed, tmp_path_factory):
    """The server, of MODELS and `pushed`."""
    folders = {name: model_directory / name for name in MODELS} | {"pushed": pushed}
    file = tmp_path_factory.mktemp("config") / "models.config"
    configs = (
        f'config {{ name: "{name}" base_path: "{folder}" model_platform: "tensorflow" }}'
        for name, folder in folders.items()
    )
    file.write_text(f"model_config_list {{ {' '.join(configs)} }}")
    process = Process(
        f"--model_config_file={file}", "--file_system_poll_wait_seconds=0.05",
        "--rest_api_receive_timeout_in_ms=2000",
    )  # fmt: skip
    try:
        serving = Serving(process)
        yield serving
        serving.connection.close()
        serving.stubs.channel.close()
    finally:
        process.kill()


@pytest.fixture
def unharmed(serving):
    """After the test the server answers as before, and uses what it used before."""
    for _ in range(50):
        serving.answer("half")
    before = serving.process.vitals
    yield
    assert serving.answer("half") == (3.0, 3.0)
    serving.connection.close()
    after = serving.process.vitals
    assert after.megabytes < 1.1 * before.megabytes + 30, (before, after)
    assert after.threads <= before.threads + 4, (before, after)
    assert after.files <= before.files + 8, (before, after)


@given(malformed.targets, malformed.bodies)
def test_malformed_bodies_are_refused_with_a_text(unharmed, serving, target, body):
    """JSON of any shape, good bodies with changed bytes, and bytes."""
    data, headers = body
    serving.connection.request("POST", target, data, headers)
    response = serving.connection.getresponse()
    answer = response.read()
    event(f"status {response.status}")
    assert response.status in DOCUMENTED_HTTP, (response.status, answer)
    is_json = response.headers["Content-Type"] == "application/json"
    if response.status != 200 and is_json:
        assert json.loads(answer.decode("utf-8", "replace"))["error"]


@given(malformed.raw_requests)
def test_malformed_heads_are_refused_or_dropped(unharmed, serving, data):
    """Methods, targets, versions and headers that are none."""
    received = send_raw(serving.rest_port, data, timeout=60)
    status = int(received.split(b" ")[1]) if received else None
    event(f"status {status}")
    assert status is None or status in DOCUMENTED_HTTP, received


def _code_of(call, request) -> tuple[str, str]:
    try:
        call(request, timeout=60)
    except grpc.RpcError as error:
        if error.code().name == "INTERNAL" and "bytes are no tensorflow." in error.details():
            # What C++'s gRPC, and so TF-Serving, answers to bytes that are no message.
            return "INVALID_ARGUMENT", error.details()
        return error.code().name, error.details()
    return "OK", ""


@given(malformed.messages)
def test_malformed_messages_get_a_documented_code(unharmed, serving, message):
    """Requests of every method, their fields and tensors filled at random."""
    method, request = message
    service = serving.stubs.model if hasattr(serving.stubs.model, method) else None
    call = getattr(service or serving.stubs.prediction, method)
    code, details = _code_of(call, request)
    event(f"{method} {code}")
    assert code in DOCUMENTED_GRPC, (code, details)


@given(st.sampled_from(malformed.PREDICTION_METHODS), malformed.message_bytes)
def test_malformed_bytes_get_a_documented_code(unharmed, serving, method, data):
    """Good messages with changed bytes, and bytes."""
    call = serving.stubs.channel.unary_unary(
        f"/tensorflow.serving.PredictionService/{method}",
        request_serializer=bytes,
        response_deserializer=bytes,
    )
    code, details = _code_of(call, data)
    event(code)
    assert code in DOCUMENTED_GRPC, (code, details)


def _ask_until(stopping: threading.Event, serving: Serving, number: int, failures: list) -> int:
    """Asks `pushed` by gRPC or REST until it is told to stop; returns how often."""
    for count in itertools.count():
        if stopping.is_set():
            return count
        try:
            if number % 2:
                value = predict(serving.rest_port, "pushed", {"instances": [0]}).json
                value = value["predictions"][0]
            else:
                request = predict_request("pushed", x=floats(0))
                response = serving.stubs.prediction.Predict(request, timeout=60)
                value = response.outputs["y"].float_val[0]
            if value not in (2.0, 3.0):
                failures.append(value)
        except (grpc.RpcError, OSError, KeyError) as error:
            failures.append(error)


def _wait_for_state(serving, version: int, state: str) -> None:
    wait_until(lambda: _state(serving, version) == state, seconds=60)


@pytest.mark.slow
def test_fifty_pushes_under_load_fail_no_request_and_leave_nothing(serving, pushed, copy_version):
    """Eight clients, half of them over REST, ask all the while.

    Memory after the last push is at most 1.2 times that after the second.
    """
    stopping, failures, counts = threading.Event(), [], [0] * 8

    def client(number: int) -> None:
        counts[number] = _ask_until(stopping, serving, number, failures)

    clients = [threading.Thread(target=client, args=(number,)) for number in range(len(counts))]
    for thread in clients:
        thread.start()
    megabytes = {}
    for version in range(2, 52):
        copy_version("half/1" if version % 2 else "half/00000123", pushed / str(version))
        _wait_for_state(serving, version, "AVAILABLE")
        _wait_for_state(serving, version - 1, "END")
        megabytes[version - 1] = serving.process.vitals.megabytes
    stopping.set()
    for thread in clients:
        thread.join()
    assert failures == []
    assert min(counts) >= 20
    assert megabytes[50] <= 1.2 * megabytes[2], megabytes


def _state(serving: Serving, version: int) -> str | None:
    answer = ask(serving.rest_port, "GET", f"/v1/models/pushed/versions/{version}").json
    return answer["model_version_status"][0]["state"] if "error" not in answer else None
