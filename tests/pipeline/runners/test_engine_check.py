"""What a job server, or what is taken for one, is asked before the first step."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from concurrent import futures
from pathlib import Path

import grpc
import pytest
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc

from components.errors import ConfigurationError, EngineError
from pipeline.engine_choice import choose_engine
from pipeline.runners import engine_check
from pipeline.runners import job_server as job_servers
from pipeline.runners.engine_check import check_engine, check_options
from pipeline.runners.job_server import described_options
from tests.stores import no_permission


@contextlib.contextmanager
def answering(words: bytes):
    """Yields the address of a socket that says the same to everybody."""
    with socket.create_server(("localhost", 0)) as listener:

        def answer() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    connection.sendall(words)
                    connection.close()

        threading.Thread(target=answer, daemon=True).start()
        yield f"localhost:{listener.getsockname()[1]}"
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def job_server(*options: beam_job_api_pb2.PipelineOptionDescriptor):
    """Yields the address of a server that describes these options, and does no more."""

    class Service(beam_job_api_pb2_grpc.JobServiceServicer):
        def DescribePipelineOptions(self, request, context):  # noqa: N802, gRPC's name
            return beam_job_api_pb2.DescribePipelineOptionsResponse(options=options)

    server = grpc.server(futures.ThreadPoolExecutor(2))
    beam_job_api_pb2_grpc.add_JobServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    yield f"localhost:{port}"
    server.stop(None).wait()


def closed_port() -> int:
    with socket.create_server(("localhost", 0)) as listener:
        return listener.getsockname()[1]


def described(name: str, default: str = "") -> beam_job_api_pb2.PipelineOptionDescriptor:
    return beam_job_api_pb2.PipelineOptionDescriptor(name=name, default_value=default)


def test_a_port_where_nobody_listens_is_told_at_once(tmp_path):
    """With what to start there."""
    endpoint = f"localhost:{closed_port()}"
    with pytest.raises(EngineError) as told:
        check_engine(choose_engine("flink", endpoint), tmp_path)
    assert str(told.value) == (
        f"Nobody listens at --beam-endpoint {endpoint}: Connection refused. Start the job server "
        "of --beam flink there, or correct the address."
    )


@pytest.mark.parametrize("words", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0" * 64])
def test_what_is_no_job_server_is_told(tmp_path, monkeypatch, words):
    """Whatever it answers."""
    monkeypatch.setattr(job_servers, "ANSWER_SECONDS", 0.5)
    with answering(words) as endpoint, pytest.raises(EngineError) as told:
        check_engine(choose_engine("portable", endpoint), tmp_path)
    assert f"What listens at --beam-endpoint {endpoint} is no job server of Beam's" in str(
        told.value
    )


_WRONG = """
import sys
from pipeline import cli

where = ["--beam", "portable", "--beam-endpoint", sys.argv[1]]
codes = [
    cli.main(["run", "--data", "sample", *where]),
    cli.main(["compare", "--data", "sample", "--models", "linear", *where]),
    cli.main(["score", "--input", "none.csv", "--output", "out", *where]),
]
assert codes == [1, 1, 1], codes
assert not {"apache_beam", "tensorflow", "tfx", "ml_metadata"} & sys.modules.keys()
"""


def test_a_wrong_endpoint_is_told_before_anything_heavy_is_imported(tmp_path):
    """By each command that has one; nothing is written."""
    endpoint = f"localhost:{closed_port()}"
    process = subprocess.run(
        [sys.executable, "-c", _WRONG, endpoint],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(job_servers.__file__).parents[2])},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    told = f"sentiment: error: Nobody listens at --beam-endpoint {endpoint}: Connection refused."
    assert process.stderr.count(told) == 3
    assert list(tmp_path.iterdir()) == []


def test_what_is_asked_is_what_beam_calls_it():
    """The call, and the fields of its answer, by their numbers."""
    service = beam_job_api_pb2.DESCRIPTOR.services_by_name["JobService"]
    call = service.methods_by_name["DescribePipelineOptions"]
    assert f"/{service.full_name}/{call.name}" == job_servers.DESCRIBE
    with job_server(described("parallelism", "1"), described("b")) as endpoint:
        assert described_options(endpoint) == {"parallelism", "b"}


def test_another_grpc_server_is_no_job_server(tmp_path):
    """It knows no such call."""
    server = grpc.server(futures.ThreadPoolExecutor(1))
    port = server.add_insecure_port("localhost:0")
    server.start()
    with pytest.raises(EngineError, match="it answers UNIMPLEMENTED"):
        check_engine(choose_engine("portable", f"localhost:{port}"), tmp_path)
    server.stop(None).wait()


def test_a_job_server_of_another_version_is_told():
    """Where one of its options says the version."""
    with (
        job_server(described("userAgent", "Apache_Beam_SDK_for_Java/2.41.0(JRE_11)")) as endpoint,
        pytest.raises(EngineError, match=r"has Beam 2\.41\.0, and this command has"),
    ):
        described_options(endpoint)


def test_a_pool_that_is_not_there_is_told_before_a_job(tmp_path):
    """Prism itself would end on such a job."""
    pool = f"localhost:{closed_port()}"
    with job_server() as endpoint, pytest.raises(EngineError) as told:
        check_engine(choose_engine("portable", endpoint, f"external={pool}"), tmp_path)
    assert f"No pool of workers listens at {pool}: Connection refused." in str(told.value)
    assert f"sentiment worker --port {pool.partition(':')[2]}" in str(told.value)


def test_a_program_that_is_not_there_is_told(tmp_path):
    """Where the job server is on this machine."""
    with job_server() as endpoint, pytest.raises(EngineError, match="there is no program /a/b"):
        check_engine(choose_engine("portable", endpoint, "process=/a/b"), tmp_path)


def test_a_job_server_that_takes_no_job_is_told(tmp_path):
    """It describes options, and can do nothing else."""
    with (
        job_server() as endpoint,
        pytest.raises(EngineError, match="did not take the job: UNIMPLEMENTED"),
    ):
        check_engine(choose_engine("portable", endpoint), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_worker_that_cannot_write_to_a_store_says_so(mem_store):
    """And what it lacks; the job's failure is told by these words."""
    engine_check.describe_worker("mem://box/root/.engine-1/report.json")
    mem_store.fail("open", error=no_permission, matching="report.json")
    with pytest.raises(EngineError, match=r"cannot write to mem://box/root: Permission denied\."):
        engine_check.describe_worker("mem://box/root/.engine-1/report.json")


def test_workers_that_do_not_come_are_told(tmp_path, monkeypatch):
    """After a while."""
    monkeypatch.setattr(engine_check, "JOB_SECONDS", 0.1)
    monkeypatch.setattr("apache_beam.Pipeline.run", lambda self: time.sleep(60))
    with job_server() as endpoint, pytest.raises(EngineError, match="no worker has done it"):
        check_engine(choose_engine("portable", endpoint), tmp_path)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--paralelism=8", "has --paralelism, which neither Beam nor the job server knows. Did"),
        ("--sdk_worker_parallelism", "expected one argument"),
    ],
)
def test_an_option_that_nobody_knows_is_refused(options, told):
    """And the nearest one is named."""
    choice = choose_engine("flink", "a:1", options=options)
    with pytest.raises(ConfigurationError, match=told):
        check_options(choice, frozenset({"parallelism"}))


def test_options_of_beam_and_of_the_job_server_are_taken():
    """In both spellings of a value."""
    choice = choose_engine(
        "flink", "a:1", options="--parallelism 8 --experiments=x --experiments=y"
    )
    check_options(choice, frozenset({"parallelism"}))
