"""The server as a process: what it says, when it starts to listen, and how it ends."""

from __future__ import annotations

import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields

import pytest

from serving.server.flags import Flags, parse
from serving.server.main import main

from .calling import ask, predict, wait_until
from .process import Process


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


def test_it_waits_for_a_version_and_says_what_it_expects(tmp_path, run, copy_version):
    """No folder, then no version, then one: only now it listens. SIGTERM lets requests end."""
    process = run(
        "--model-name=slow", f"--model_base_path={tmp_path / 'slow'}",
        "--file_system_poll_wait_seconds=0.1", "--no-such-flag",
    )  # fmt: skip
    process.wait_for("unknown argument: --no-such-flag")
    line = process.wait_for("cannot be read")
    assert f"Expected: {tmp_path / 'slow'}/<number>/saved_model.pb" in line
    (tmp_path / "slow" / "one").mkdir(parents=True)
    line = process.wait_for("No versions of servable slow found under base path")
    assert "Did you forget to name your leaf directory as a number (eg. '/1/')?" in line
    copy_version("slow/1", tmp_path / "slow" / "1")
    port = process.rest_port
    assert predict(port, "slow", {"instances": [5]}).json == {"predictions": [5.0]}
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(predict, port, "slow", {"instances": [5]}) for _ in range(2)]
        wait_until(lambda: any(future.running() for future in answers))
        threading.Event().wait(0.05)
        process.process.send_signal(signal.SIGTERM)
        assert [answer.result().status for answer in answers] == [200, 200]
    assert process.process.wait(30) == 0
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
    output = capsys.readouterr().out
    assert output.startswith("Failed to start server. Error: ") and message in output


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


def test_it_says_that_it_serves_when_it_does(run, tmp_path, copy_version):
    """With each address, and the page's; nobody could connect to the ports it took before."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = run(
        "--model_name=half", f"--model_base_path={tmp_path / 'half'}", f"--rest_api_port={port}",
        "--file_system_poll_wait_seconds=0.1",
    )  # fmt: skip
    process.wait_for("cannot be read")
    with pytest.raises(ConnectionRefusedError):
        ask(port, "GET", "/v1/models/half")
    copy_version("half/1", tmp_path / "half" / "1")
    grpc_port = process.grpc_port
    line = process.wait_for("Serving half from")
    assert line == (
        f"Serving half from {tmp_path / 'half'}: gRPC at 127.0.0.1:{grpc_port}, REST at "
        f"http://127.0.0.1:{port}, a page to try it at http://127.0.0.1:{port}/\n"
    )
    assert ask(port, "GET", "/").status == 200


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
