"""`sentiment status --health`: whether a server serves, by gRPC's own health service."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from pipeline import cli


@pytest.fixture
def serve():
    """Starts gRPC servers that have the health service with a status, or not at all."""
    servers = []

    def start(status: int | None) -> str:
        server = grpc.server(ThreadPoolExecutor(1))
        if status is not None:
            service = health.HealthServicer()
            service.set("", status)
            health_pb2_grpc.add_HealthServicer_to_server(service, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        servers.append(server)
        return f"127.0.0.1:{port}"

    yield start
    for server in servers:
        server.stop(None).wait()


def ask(address: str, capsys) -> tuple[int, str]:
    """Returns the exit code and all that is printed."""
    code = cli.main(["status", "--health", "--server", address])
    return code, "".join(capsys.readouterr())


def test_a_server_that_serves_is_healthy(serve, capsys):
    """Whatever the names of its models."""
    address = serve(health_pb2.HealthCheckResponse.SERVING)
    assert ask(address, capsys) == (0, f"{address} serves.\n")


def test_a_server_that_says_it_does_not_serve_is_unhealthy(serve, capsys):
    """The status that it gave is told."""
    address = serve(health_pb2.HealthCheckResponse.NOT_SERVING)
    code, output = ask(address, capsys)
    assert code == 1 and "the server says that it does not serve (status 2)" in output


def test_a_server_without_the_service_is_told_how_to_have_it(serve, capsys):
    """By the flag that TF-Serving has as well."""
    code, output = ask(serve(None), capsys)
    assert code == 1
    assert "TF-Serving has it by its flag enable_grpc_healthcheck_service" in output


def test_nobody_at_the_address_is_unhealthy(capsys):
    """At once, in one line."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        code, output = ask(f"127.0.0.1:{taken.getsockname()[1]}", capsys)
    assert code == 1 and output.count("\n") == 1 and "Start the server" in output


def test_an_address_of_rest_is_refused(capsys):
    """The health service is gRPC's."""
    code, output = ask("http://localhost:8501", capsys)
    assert code == 1 and "give host:port, such as localhost:8500" in output
