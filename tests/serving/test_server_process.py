"""The server as a process: what it says, when it starts to listen, and how it ends."""

from __future__ import annotations

import importlib.metadata
import shutil
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import NamedTuple

import grpc
import pytest
from tensorflow_serving.apis import prediction_service_pb2_grpc

from pipeline import cli
from serving.client import Client
from serving.server.flags import Flags, parse
from serving.server.main import main
from serving.server.server import Server
from serving.status import StatusError

from .calling import ask, floats, predict, predict_request, wait_until
from .process import Process


def is_served(port: int) -> bool:
    """Returns whether somebody listens."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def run():
    """Starts servers as processes; kills what is left of them."""
    started = []

    def start(*flags: str) -> Process:
        started.append(Process(*flags))
        return started[-1]

    yield start
    for one in started:
        one.kill()


class Waited(NamedTuple):
    """A server that was started before there was a version of `slow`.

    Attributes:
      process: It serves by now.
      base: Its base path.
      port: Of REST.
      said: Its lines: of the unknown flag, while there was no folder, and while it was empty.
    """

    process: Process
    base: Path
    port: int
    said: tuple[str, str, str]


@pytest.fixture(scope="module")
def waited(tmp_path_factory, model_directory):
    """No folder, then no version, then one: only now it listens."""
    base = tmp_path_factory.mktemp("waited") / "slow"
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = Process(
        "--model-name=slow", f"--model_base_path={base}", f"--rest_api_port={port}",
        "--file_system_poll_wait_seconds=0.1", "--no-such-flag",
    )  # fmt: skip
    try:
        unknown, no_folder = (
            process.wait_for("unknown argument"),
            process.wait_for("cannot be read"),
        )
        with pytest.raises(ConnectionRefusedError):
            ask(port, "GET", "/v1/models/slow")
        (base / "one").mkdir(parents=True)
        no_version = process.wait_for("No versions of servable")
        shutil.copytree(model_directory / "slow" / "1", base / ".incoming")
        (base / ".incoming").rename(base / "1")
        yield Waited(process, base, port, (unknown, no_folder, no_version))
    finally:
        process.kill()


def test_it_waits_for_a_version_and_says_what_it_expects(waited):
    """A folder, and in it a version; what it does not know of its flags it says before."""
    unknown, no_folder, no_version = waited.said
    assert "unknown argument: --no-such-flag" in unknown
    assert f"Expected: {waited.base}/<number>/saved_model.pb" in no_folder
    assert "No versions of servable slow found under base path" in no_version
    assert "Did you forget to name your leaf directory as a number (eg. '/1/')?" in no_version


def test_it_says_that_it_serves_when_it_does(waited):
    """With each address, and the page's; nobody could connect to the ports it took before."""
    process, port = waited.process, waited.port
    grpc_port = process.grpc_port
    line = process.wait_for("Serving slow from")
    assert line == (
        f"Serving slow from {waited.base}: gRPC at 127.0.0.1:{grpc_port}, REST at "
        f"http://127.0.0.1:{port}, a page to try it at http://127.0.0.1:{port}/\n"
    )
    assert ask(port, "GET", "/").status == 200
    assert predict(port, "slow", {"instances": [5]}).json == {"predictions": [5.0]}


def test_sigterm_lets_requests_end(waited):
    """Nobody is taken any more when the last has its answer."""
    process, port = waited.process.process, waited.port
    wait_until(lambda: is_served(port))
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(predict, port, "slow", {"instances": [5]}) for _ in range(2)]
        wait_until(lambda: any(future.running() for future in answers))
        threading.Event().wait(0.05)
        process.send_signal(signal.SIGTERM)
        assert [answer.result().status for answer in answers] == [200, 200]
    assert process.wait(30) == 0
    with pytest.raises(ConnectionRefusedError):
        ask(port, "GET", "/v1/models/slow")


def test_it_can_be_stopped_while_it_waits(tmp_path, run):
    """SIGTERM is not put off until a version appears."""
    process = run(f"--model_base_path={tmp_path}")
    process.wait_for("No versions of servable default found")
    process.process.send_signal(signal.SIGTERM)
    assert process.process.wait(30) == 0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "INVALID_ARGUMENT: no model is named. Say --model_name=<name>"),
        (
            ["--model_base_path=a/b"],
            "INVALID_ARGUMENT: Expected model default to have an absolute path or URI; got "
            "base_path()=a/b",
        ),
        (["--model_config_file=/no/such/file"], "/no/such/file cannot be read"),
        (
            ["--tensorflow_session_parallelism=1", "--tensorflow_intra_op_parallelism=1",
             "--tensorflow_inter_op_parallelism=1", "--model_base_path=/a"],
            "--tensorflow_session_parallelism stands for both",
        ),
    ],
)  # fmt: skip
def test_wrong_use_ends_the_start(flags, message, capsys):
    """Exit code 255, as TF-Serving's -1, and the reason on one line."""
    assert main(["--port=-1", *flags]) == 255
    said = capsys.readouterr()
    for output in (said.out, said.err):  # TF-Serving's users look at either
        reason = output[output.index("Failed to start server. Error: ") :]
        assert message in reason and reason.count("\n") == 1


def test_a_bad_configuration_file_is_told_in_tf_servings_words(tmp_path, run, capsys):
    """On standard error; where that is standard output as well, once. Then what is wrong in it."""
    file = tmp_path / "models.config"
    file.write_text("model_config_list { nonsense }")
    assert main(["--port=-1", f"--model_config_file={file}"]) == 255
    words = f"Failed to start server. Error: INVALID_ARGUMENT: Invalid protobuf file: '{file}'"
    error = capsys.readouterr().err
    assert words in error
    assert 'has no field named "nonsense"' in error
    process = run(f"--model_config_file={file}")
    assert words in process.wait_for("Failed to start server")
    assert process.process.wait(30) == 255
    process.reader.join()
    assert process._queue.get(timeout=5) is None


def test_tflite_is_refused_before_anything_is_loaded(capsys):
    """With what serves it; an engine that can is told to."""
    assert main(["--port=-1", "--model_base_path=/no/such", "--prefer_tflite_model=true"]) == 255
    error = capsys.readouterr().err
    assert "--prefer_tflite_model: the embedded server does not serve TFLite models" in error
    assert "--engine binary" in error
    serve = ["serve", "--engine", "embedded", "--model_base_path=/no/such"]
    assert cli.main([*serve, "--prefer_tflite_model"]) == 2
    assert (
        "--prefer-tflite-model does not work with --engine embedded. Leave it out, or choose "
        "--engine binary."
    ) in capsys.readouterr().err


def test_versions_are_printed_for_who_asks(capsys):
    """Without a model, and by the command of the pipeline as well."""
    for call in (main, lambda arguments: cli.main(["serve", *arguments])):
        assert call(["--version"]) == 0
        said = capsys.readouterr().out
        assert f"TensorFlow Library: {importlib.metadata.version('tensorflow')}\n" in said
        assert f"embedded ModelServer: {importlib.metadata.version('sentiment')}\n" in said


def test_grpc_listens_at_a_unix_socket(model_directory, tmp_path, serve):
    """Beside the port, or alone; the file goes with the server."""
    path = tmp_path / "grpc 100%.sock"
    base = str(model_directory / "half")
    flags = {"model_name": "half", "model_base_path": base, "rest_api_port": 0, "port": 0}
    server = serve(grpc_socket_path=str(path), **flags)
    assert server.grpc_port is None
    channel = grpc.insecure_channel("unix:" + str(path).replace("%", "%25"))
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    request = predict_request("half", x=floats(0))
    assert stub.Predict(request, timeout=30).outputs["y"].float_val[0] == 3.0
    with pytest.raises(StatusError, match="another server listens there"):
        serve(grpc_socket_path=str(path), **flags)
    assert stub.Predict(request, timeout=30).outputs["y"].float_val[0] == 3.0
    server.stop()
    channel.close()
    assert not path.exists()
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    both = serve(grpc_socket_path=str(path), **flags | {"port": -1})
    with Client(f"unix:{str(path).replace('%', '%25')}", model="half") as client:
        assert [one.version for one in client.status()] == [123]
    with Client(f"localhost:{both.grpc_port}", model="half") as client:
        assert [one.version for one in client.status()] == [123]


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/" + "x" * 107, "the path has 108 bytes, and a Unix socket's at most 107"),
        ("/no/such/folder/s", "there is no folder /no/such/folder"),
        ("/etc/passwd", "a file that is no socket is there"),
    ],
)
def test_a_socket_path_that_cannot_be_used_is_told_before_loading(path, problem):
    """And whose file is there stays as it is."""
    with pytest.raises(StatusError) as error:
        Server(Flags(model_base_path="/no/such", grpc_socket_path=path))
    assert error.value.message == f"--grpc_socket_path {path}: {problem}"


@pytest.mark.parametrize("flag", ["--port", "--rest_api_port"])
def test_a_taken_port_is_named_before_a_model_is_looked_for(tmp_path, flag, capsys):
    """It says which one and which flag chooses another; it does not wait for versions first."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        arguments = {"--port": "-1", "--rest_api_port": "-1", flag: str(port)}
        code = main(
            [f"--model_base_path={tmp_path}", "--drain_seconds=0"]
            + [f"{name}={value}" for name, value in arguments.items()]
        )
    output = capsys.readouterr().out
    assert code == 255
    assert f"127.0.0.1:{port}: the port is taken" in output and flag in output
    assert "Serving" not in output


def test_flags_come_in_both_spellings():
    """Underscores, dashes, and TF-Serving's ways to write a boolean."""
    flags, unknown = parse(
        ["--model-name=m", "--rest_api_port", "1", "--enable_batching", "--nopage",
         "--enable-model-warmup=false", "--allow_version_labels_for_unavailable_models=true"]
    )  # fmt: skip
    assert unknown == []
    assert flags == Flags(
        model_name="m", rest_api_port=1, enable_batching=True, page=False,
        enable_model_warmup=False, allow_version_labels_for_unavailable_models=True,
    )  # fmt: skip
    assert parse(["--no-page"])[0].page is False
    assert parse(["--enable_batching=false"])[0].enable_batching is False


def test_help_names_every_flag_and_other_defaults(capsys):
    """Where a default is not TF-Serving's, the flag says so."""
    assert main(["--help"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for one in fields(Flags):
        assert f"--{one.name}" in text
    assert "TF-Serving waits 60 s" in text
    assert "Not a flag of TF-Serving, which listens on all of them" in text


def test_wrong_values_are_refused(capsys):
    """With exit code 2."""
    assert main(["--port=x"]) == 2
    assert main(["--enable_batching=maybe"]) == 2
    assert "neither true nor false" in capsys.readouterr().err
