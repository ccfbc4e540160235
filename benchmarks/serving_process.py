"""`sentiment serve` as a process, on free ports of loopback."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from typing_extensions import Self

from benchmarks.measuring import memory_of_tree

_START_SECONDS = 300.0
_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.02


class ServerProcess:
    """A server that is there until the `with` block ends.

    Attributes:
      grpc_port: Where gRPC listens.
      rest_port: Where REST listens.
    """

    def __init__(self, engine: str, *flags: str):
        """Starts `sentiment serve --engine ENGINE FLAGS`; returns at once."""
        self.grpc_port, self.rest_port = _free_port(), _free_port()
        self._command = [
            *self._program(engine), f"--port={self.grpc_port}",
            f"--rest_api_port={self.rest_port}", *flags,
        ]  # fmt: skip
        self.started_at = time.perf_counter()
        self._process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ
        )

    def _program(self, engine: str) -> list[str]:
        return [str(Path(sys.executable).with_name("sentiment")), "serve", f"--engine={engine}"]

    def __enter__(self) -> Self:
        """Returns itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Asks the server to stop, and makes it if it does not."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def wait_until_it_listens(self) -> None:
        """Returns once REST, which opens last, takes connections: the models are loaded by then.

        Raises:
          RuntimeError: The server ended, or five minutes have passed.
        """
        while time.perf_counter() - self.started_at < _START_SECONDS:
            if self._process.poll() is not None:
                break
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", self.rest_port)).close()
                return
            time.sleep(_POLL_SECONDS)
        raise RuntimeError(
            f"No server after {time.perf_counter() - self.started_at:.0f} s. To see why: "
            f"{' '.join(self._command)}"
        )

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def memory(self) -> int:
        """Returns its proportional set size, in bytes."""
        return memory_of_tree(self._process.pid)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
