"""Asking again, and giving up in time."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from serving.client import Client, Retries
from serving.client.calls import Calls, Send, Sleep
from serving.client.messages import Model, StatusResponse
from serving.client.settings import Settings
from serving.errors import (
    AccessError,
    ClientSetupError,
    DeadlineExceededError,
    InvalidRequestError,
    LimitExceededError,
    ModelNotFoundError,
    ServerBusyError,
    ServerFailedError,
    UnavailableError,
    UnsupportedError,
    code_of_http_status,
)
from serving.status import HTTP_STATUS, Code
from tests.serving.client.backend import PlannedError
from tests.serving.client.grpc_server import grpc_server
from tests.serving.client.rest_server import rest_server

QUICK = Retries(attempts=3, first_wait=0.01)


def test_an_unavailable_server_is_asked_again(call, address, backend):
    """Two failures, then the answer: three requests."""
    backend.failures.extend([PlannedError(Code.UNAVAILABLE)] * 2)
    [prediction] = call("predict", ["a film"], address=address, version=7, retries=QUICK)
    assert prediction.model_version == 7
    assert backend.asked == [("predict", 1, 7)] * 3


def test_the_attempts_are_counted(call, address, backend):
    """After the last attempt the server's own words are the error."""
    backend.failures.extend([PlannedError(Code.UNAVAILABLE, "queue full")] * 5)
    with pytest.raises(UnavailableError) as caught:
        call("predict", ["a film"], address=address, version=7, retries=QUICK)
    assert caught.value.reason == "queue full"
    assert len(backend.asked) == 3


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (Code.INVALID_ARGUMENT, InvalidRequestError),
        (Code.FAILED_PRECONDITION, InvalidRequestError),
        (Code.OUT_OF_RANGE, InvalidRequestError),
        (Code.NOT_FOUND, ModelNotFoundError),
        (Code.UNAUTHENTICATED, AccessError),
        (Code.PERMISSION_DENIED, AccessError),
        (Code.RESOURCE_EXHAUSTED, LimitExceededError),
        (Code.UNIMPLEMENTED, UnsupportedError),
        (Code.DEADLINE_EXCEEDED, DeadlineExceededError),
        (Code.INTERNAL, ServerFailedError),
        (Code.UNKNOWN, ServerFailedError),
        (Code.ABORTED, ServerFailedError),
        (Code.DATA_LOSS, ServerFailedError),
        (Code.CANCELLED, ServerFailedError),
    ],
)
def test_other_failures_are_not_tried_again(call, address, backend, code, error):
    """One request, and the same kind of error over both transports."""
    backend.failures.append(PlannedError(code, "so it is"))
    with pytest.raises(error) as caught:
        call("predict", ["a film"], address=address, version=7, retries=QUICK)
    assert type(caught.value) is error
    assert caught.value.reason == "so it is"
    assert caught.value.http_status == HTTP_STATUS[code]
    if address.startswith("http"):
        assert caught.value.code == code_of_http_status(HTTP_STATUS[code])
    else:
        assert caught.value.code == code
    assert len(backend.asked) == 1


@pytest.mark.parametrize("words", ["Server Threadpool Exhausted", "Concurrent RPC limit exceeded!"])
def test_a_server_without_a_free_thread_is_asked_again(call, backend, words):
    """More often than one that is not there, as it will soon have one; in gRPC's own words."""
    busy = PlannedError(Code.RESOURCE_EXHAUSTED, words)
    with grpc_server(backend) as address:
        backend.failures.extend([busy] * 6)
        [prediction] = call("predict", ["a film"], address=address, version=7, retries=QUICK)
        assert prediction.model_version == 7
        assert len(backend.asked) == 7
        backend.failures.extend([busy] * 7)
        with pytest.raises(ServerBusyError, match="--grpc_max_threads") as caught:
            call("predict", ["a film"], address=address, version=7, retries=QUICK)
        assert caught.value.code is Code.RESOURCE_EXHAUSTED
        assert "batch_size" not in str(caught.value)
        assert len(backend.asked) == 7 + 7
        backend.failures.append(busy)
        with pytest.raises(ServerBusyError):
            call("status", address=address, retries=Retries(attempts=1))


def test_many_threads_are_all_answered_by_a_server_with_few(backend):
    """32 threads and 8 that answer: each call gets its answer, later."""
    backend.delay = 0.01
    with (
        grpc_server(backend, most_calls=8) as address,
        Client(address, version=7) as client,
        ThreadPoolExecutor(32) as pool,
    ):
        texts = [f"film {number}" for number in range(256)]
        answers = list(pool.map(lambda text: client.predict([text]), texts))
    assert [answer[0].text for answer in answers] == texts


@pytest.mark.parametrize(
    ("serve", "scheme"), [(grpc_server, ""), (rest_server, "http://")], ids=["grpc", "rest"]
)
def test_a_refused_connection_is_tried_again(call, backend, serve, scheme):
    """A server that is not there yet is asked until it is."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    answers = []

    def ask():
        retries = Retries(attempts=40, first_wait=0.05, longest_wait=0.1)
        answers.extend(
            call("predict", ["a film"], address=f"{scheme}localhost:{port}", retries=retries)
        )

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(0.3)
    assert answers == []
    with serve(backend, port=port):
        asking.join(timeout=10)
    assert [one.model_version for one in answers] == [7]


@pytest.mark.parametrize("serve", [grpc_server, rest_server])
def test_a_server_that_is_started_again_is_found_again(backend, serve):
    """A connection that was closed between two calls is no error of the second."""
    with serve(backend) as address:
        port = int(address.rpartition(":")[2])
        client = Client(address, version=7, retries=Retries(attempts=10, first_wait=0.05))
        before = client.predict(["a film"])
    with client, serve(backend, port=port):
        assert client.predict(["a film"]) == before


@pytest.mark.parametrize("timeout", [0, -1.0, float("nan"), float("inf")])
def test_a_timeout_of_a_call_is_checked(call, address, backend, timeout):
    """Nothing is sent."""
    with pytest.raises(ClientSetupError, match="give a number of seconds above 0"):
        call("status", address=address, timeout=timeout)
    assert backend.asked == []


def drive(steps, outcomes):
    """Runs a call without a transport; returns its result and the steps that it took."""
    taken = []
    try:
        step = next(steps)
        while True:
            taken.append(step)
            outcome = None if isinstance(step, Sleep) else outcomes.pop(0)
            failed = isinstance(outcome, Exception)
            step = steps.throw(outcome) if failed else steps.send(outcome)
    except StopIteration as end:
        return end.value, taken


def unavailable():
    return UnavailableError("down", address="memory", model="m")


def test_the_waits_double_up_to_the_longest():
    """Each wait is drawn from the upper half of its range."""
    retries = Retries(attempts=6, first_wait=0.2, longest_wait=1.0)
    calls = Calls("memory", Model("m"), Settings(retries=retries), tells_version=True)
    result, taken = drive(
        calls.status(None), [*[unavailable() for _ in range(5)], StatusResponse(())]
    )
    assert result == []
    waits = [step.seconds for step in taken if isinstance(step, Sleep)]
    longest = [0.2, 0.4, 0.8, 1.0, 1.0]
    assert len(waits) == 5
    assert all(top / 2 <= wait <= top for wait, top in zip(waits, longest, strict=True))
    # Clients that failed together do not come back together.
    assert len({retries.wait_after(1) for _ in range(20)}) == 20


def test_no_wait_goes_beyond_the_deadline():
    """With less time left than the wait takes, the failure is raised at once."""
    retries = Retries(attempts=9, first_wait=10.0, longest_wait=10.0)
    calls = Calls("memory", Model("m"), Settings(retries=retries), tells_version=True)
    started = time.monotonic()
    with pytest.raises(UnavailableError):
        drive(calls.status(2.0), [unavailable()])
    assert time.monotonic() - started < 1


def test_attempts_share_one_deadline():
    """What is left of the timeout is what the next attempt gets."""
    calls = Calls("memory", Model("m"), Settings(timeout=5.0), tells_version=True)
    steps = calls.status(None)
    first = next(steps)
    wait = steps.throw(unavailable())
    time.sleep(0.1)
    second = steps.send(None)
    assert isinstance(first, Send) and isinstance(wait, Sleep) and isinstance(second, Send)
    assert 4.9 < first.seconds <= 5.0
    assert 4.5 < second.seconds <= 4.9


def test_a_slow_answer_is_given_up(call, address, backend):
    """The deadline of the call ends it, and it is not tried again."""
    backend.delay = 1.0
    started = time.monotonic()
    with pytest.raises(DeadlineExceededError) as caught:
        call("predict", ["a film"], address=address, version=7, timeout=0.2, retries=QUICK)
    assert 0.15 < time.monotonic() - started < 0.8
    assert caught.value.code == Code.DEADLINE_EXCEEDED
    assert len(backend.asked) == 1


def test_the_clients_own_timeout_is_the_default(address, backend):
    """A call without a timeout takes the client's."""
    backend.delay = 1.0
    with Client(address, timeout=0.2) as client, pytest.raises(DeadlineExceededError):
        client.status()


def test_an_answer_that_trickles_in_is_given_up(call):
    """A server that sends a byte now and then does not hold the client beyond its deadline."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def trickle():
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
                while not stop.wait(0.05):
                    try:
                        connection.sendall(b" ")
                    except OSError:
                        return

        address = f"http://localhost:{listening.getsockname()[1]}"
        serving = threading.Thread(target=trickle)
        serving.start()
        try:
            started = time.monotonic()
            with pytest.raises(DeadlineExceededError, match="no whole answer within"):
                call("status", address=address, timeout=0.3)
            assert time.monotonic() - started < 1.0
        finally:
            stop.set()
            serving.join()
