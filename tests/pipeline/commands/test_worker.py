"""`sentiment worker`: what it refuses, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import cli


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--port", "0"), "--port is '0'; expected a whole number from 1 to 65,535."),
        (("--port", "x"), "--port is 'x'; expected a whole number"),
        (("--most-workers", "1025"), "--most-workers is '1025'; expected a whole number from 1 to"),
    ],
)
def test_numbers_are_bounded(capfd, flags, told):
    """And the bounds are told."""
    assert cli.main(["worker", *flags]) == 2
    assert told in capfd.readouterr().err


def test_a_port_that_is_taken_is_told(capfd):
    """In one line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert cli.main(["worker", "--host", "127.0.0.1", "--port", str(port)]) == 2
    assert f"Nothing can listen at 127.0.0.1:{port}: the port is taken" in capfd.readouterr().err


def test_it_waits_until_sigterm(tmp_path):
    """And says what it is."""
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline.cli", "worker", "--port", str(port)],
        cwd=tmp_path, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
    )  # fmt: skip
    assert process.stderr
    line = process.stderr.readline()
    assert line.startswith(f"sentiment worker: waits at localhost:{port}; at most ")
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 143
    assert process.stderr.read() == "sentiment: ended by SIGTERM.\n"
    process.stderr.close()
