"""The engines that answer TF-Serving's protocol, started on free loopback ports."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
import uuid
from pathlib import Path

from serving.server.server import Server

from ..calling import ask

_SERVING = Path(__file__).parents[3] / "serving"
NAMES = ("embedded", "binary", "docker")
BINARY = "tensorflow_model_server"
IMAGE = re.search(r"image: (\S+)", (_SERVING / "compose.yaml").read_text())[1]
_START_SECONDS = 300


class Engine:
    """A running server.

    Attributes:
      version: Of the TF-Serving whose behaviour it has.
    """

    def __init__(self, version: tuple[int, int], grpc_port: int, rest_port: int):
        self.version = version
        self.grpc_port = grpc_port
        self.rest_port = rest_port

    def spelt(self, message: str) -> str:
        """An error's text as all versions spell it: before 2.18 echoed arrays take many lines."""
        return message if self.version >= (2, 18) else re.sub(r"\s", "", message)

    def stop(self) -> None:
        """Ends it."""


class Embedded(Engine):
    """The server of this project, which fixtures start and stop."""

    def __init__(self, server: Server):
        super().__init__((2, 20), server.grpc_port, server.rest_port)


class RealServer(Engine):
    """A TF-Serving as a process."""

    def __init__(self, command: list[str], version: tuple[int, int], ports: tuple[int, int]):
        super().__init__(version, *ports)
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise AssertionError(f"{' '.join(command)} does not serve")
            time.sleep(0.2)

    def _is_ready(self) -> bool:
        try:
            return ask(self.rest_port, "GET", "/v1/models/half").status == 200
        except OSError:
            return False

    def stop(self) -> None:
        """Ends it; `docker run` passes the signal on."""
        self._process.terminate()
        self._process.wait(60)


def why_not(name: str) -> str | None:
    """Returns why an engine cannot be had here; None when it can."""
    if name == "binary" and not shutil.which(BINARY):
        return f"{BINARY} is not on PATH"
    if name == "docker":
        if not shutil.which("docker"):
            return "docker is not on PATH"
        found = subprocess.run(
            ["docker", "image", "inspect", IMAGE], capture_output=True, text=True, timeout=60
        )
        if found.returncode:
            return f"docker has no {IMAGE}; docker pull {IMAGE}. It says: {found.stderr.strip()}"
    return None


def start_binary(model_directory: Path, flags: list[str]) -> RealServer:
    """Starts `tensorflow_model_server`."""
    said = subprocess.run([BINARY, "--version"], capture_output=True, text=True, timeout=60)
    ports = _free_ports()
    named = [f"--port={ports[0]}", f"--rest_api_port={ports[1]}"]
    return RealServer([BINARY, *named, *flags], _version_in(said.stdout + said.stderr), ports)


def start_docker(model_directory: Path, flags: list[str]) -> RealServer:
    """Starts the image of compose.yaml; the models have the same paths inside."""
    ports = _free_ports()
    # The configuration files lie in the test run's folder, as the models' folder does.
    root = model_directory.parent
    command = [
        "docker", "run", "--rm", "--name", f"conformance-{uuid.uuid4().hex[:8]}",
        "-p", f"127.0.0.1:{ports[0]}:8500", "-p", f"127.0.0.1:{ports[1]}:8501",
        "-v", f"{root}:{root}:ro", IMAGE, *flags,
    ]  # fmt: skip
    return RealServer(command, _version_in(IMAGE), ports)


def _version_in(text: str) -> tuple[int, int]:
    major, minor = re.search(r"(\d+)\.(\d+)\.\d+", text).groups()
    return int(major), int(minor)


def _free_ports() -> tuple[int, int]:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as other,
    ):
        return one.getsockname()[1], other.getsockname()[1]
