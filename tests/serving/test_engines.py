"""What starts each engine."""

from __future__ import annotations

import pytest

from serving import engines, start
from serving.server.flags import Flags, parse

FLAGS = Flags(model_name="films", model_base_path="/m/films", port=9000, enable_batching=True)


def test_the_binary_gets_flags_in_its_own_spelling():
    """With our ports and our safe values where its defaults differ."""
    assert engines.command("binary", FLAGS, ["--more=1"]) == [
        "tensorflow_model_server", "--port=9000", "--rest_api_port=8501", "--model_name=films",
        "--model_base_path=/m/films", "--load_retry_interval_micros=1000000",
        "--num_load_threads=1", "--enable_batching=true", "--grpc_max_threads=64", "--more=1",
    ]  # fmt: skip
    assert "--grpc_max_threads=5" in engines.command("binary", Flags(grpc_max_threads=5))


def test_the_binary_is_told_what_only_it_can_do():
    """The profiler can be turned off there, and TFLite models be served."""
    flags = Flags(enable_profiler=False, prefer_tflite_model=True, grpc_socket_path="/s")
    assert {
        "--enable_profiler=false", "--prefer_tflite_model=true", "--grpc_socket_path=/s",
    } <= set(engines.command("binary", flags))  # fmt: skip


def test_docker_publishes_on_loopback_and_mounts_read_only():
    """The image is pinned; inside, ports and paths are the image's own."""
    command = engines.command("docker", FLAGS, [])
    assert command[:3] == ["docker", "run", "--rm"]
    assert "127.0.0.1:9000:8500" in command
    assert "/m/films:/models/films:ro" in command
    inside = command[command.index("tensorflow/serving:2.16.1") + 1 :]
    assert {
        "--port=8500", "--model_base_path=/models/films", "--grpc_max_threads=64",
    } <= set(inside)  # fmt: skip


def test_the_embedded_server_reads_its_command_line_back():
    """It takes the very flags that it is started with."""
    server = "serving.server.main"
    command = engines.command("embedded", FLAGS)
    start_of_it = start.command(server, "-W", "ignore")
    flags = command[len(start_of_it) :]
    assert command == [*start_of_it, *flags]
    assert parse(flags) == (FLAGS, [])


@pytest.mark.parametrize(
    ("engine", "flags", "refused"),
    [
        ("binary", Flags(host="0.0.0.0"), ["host"]),
        ("docker", Flags(page=False, ssl_config_file="x"), ["page", "ssl_config_file"]),
        ("docker", Flags(grpc_socket_path="/x"), ["grpc_socket_path"]),
        ("embedded", Flags(host="0.0.0.0", ssl_config_file="x", grpc_socket_path="/x"), []),
        ("embedded", Flags(prefer_tflite_model=True), ["prefer_tflite_model"]),
        ("binary", Flags(prefer_tflite_model=True, grpc_socket_path="/x"), []),
    ],
)
def test_flags_that_an_engine_lacks_are_named(engine, flags, refused):
    """TF-Serving has none of ours; a container lacks the files that a file names."""
    assert engines.unsupported(engine, flags) == refused


def test_another_build_of_the_binary_is_told_apart(tmp_path, monkeypatch):
    """By path, size and time; the code itself names what the other engines are."""
    program = tmp_path / "tensorflow_model_server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert engines.is_installed("binary") and not engines.is_installed("docker")
    before = engines.identity("binary")
    assert str(program) in before
    program.write_text("#!/bin/sh\nexit 0\n")
    assert engines.identity("binary") != before
    assert engines.identity("embedded") == engines.identity("docker") == ""
