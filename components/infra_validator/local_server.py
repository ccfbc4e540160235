"""A model server on this machine, for as long as a candidate is tried in it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tfx.components.infra_validator import error_types
from tfx.components.infra_validator.model_server_runners import base_runner

from components.errors import InfraValidationError
from serving import engines, start, tether
from serving.server.flags import Flags

HOST = "127.0.0.1"
POLL_SECONDS = 0.05
# More than the tether gives the end of a container.
STOP_SECONDS = 40.0
LOG_BYTES = 64 * 1024
_TETHER = tuple(start.command(tether.__name__))

# What both the embedded server and TF-Serving print last when they give up.
_GAVE_UP = re.compile(r"^Failed to start server\. Error: (.+)$", re.MULTILINE)
# Docker's own exit codes: no daemon, an image that cannot be had or run.
_DOCKER_FAILED = (125, 126, 127)


class PortTakenError(error_types.JobAborted):
    """Somebody else took a port between its choice and its use."""


class LocalServerRunner(base_runner.BaseModelServerRunner):
    """Starts an engine in a process of its own, on free loopback ports.

    TFX's runners know a Docker daemon and Kubernetes, and gRPC alone. The process is tethered: it
    ends with this one, however this one ends.
    """

    def __init__(
        self, engine: str, model_name: str, base_path: Path, log: Path, command: Sequence[str] = ()
    ):
        """Describes a server that is not started yet.

        Args:
          engine: One of `engines.ENGINES` but auto.
          model_name: The name to serve under.
          base_path: Absolute folder of the version folders.
          log: File for what the server prints.
          command: What to start instead of the engine's own command; PORT and REST_PORT in it
            stand for the ports.
        """
        self._engine = engine
        self._model_name = model_name
        self._base_path = base_path
        self._log = log
        self._command = command
        self._ports: tuple[int, int] = (0, 0)
        self._process: subprocess.Popen[bytes] | None = None
        self._since = 0.0

    def __repr__(self) -> str:
        """The engine and the model."""
        return f"{type(self).__name__}({self._engine}, {self._model_name})"

    def GetEndpoint(self) -> str:  # noqa: N802 -- TFX's name
        """Returns gRPC's address."""
        return f"{HOST}:{self._ports[0]}"

    @property
    def rest_endpoint(self) -> str:
        """REST's address."""
        return f"http://{HOST}:{self._ports[1]}"

    @property
    def pid(self) -> int | None:
        """The tether's process, the leader of a group of its own; None before the start."""
        return self._process.pid if self._process else None

    def Start(self) -> None:  # noqa: N802 -- TFX's name
        """Starts the process without waiting for it."""
        self._ports, self._since = _free_ports(), time.monotonic()
        container = self._model_name if self._engine == engines.DOCKER else ""
        ending = [engines.PROGRAMS[engines.DOCKER], "rm", "--force", container] if container else []
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*_TETHER, json.dumps(ending), *self._server_command(container)],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for the pipeline, which then ends the server.
                start_new_session=True,
            )

    def WaitUntilRunning(self, deadline: float) -> None:  # noqa: N802 -- TFX's name
        """Waits until both ports are open; TF-Serving opens them once the model is loaded.

        Args:
          deadline: Seconds since the epoch.

        Raises:
          DeadlineExceeded: They were not by then.
          ValidationFailed: The server gave up, and said why.
          JobAborted: The server's process ended in another way.
          InfraValidationError: The engine itself cannot be started here.
        """
        while not all(map(_is_open, self._ports)):
            self.raise_if_ended()
            if time.time() >= deadline:
                seconds = time.monotonic() - self._since
                raise error_types.DeadlineExceeded(
                    f"The server did not load it within {seconds:.0f} s."
                )
            time.sleep(POLL_SECONDS)

    def raise_if_ended(self, grace: float = 0.0) -> None:
        """Raises what `WaitUntilRunning` does of a process that ended.

        Args:
          grace: Seconds to wait for its end.
        """
        assert self._process, "not started"
        try:
            code = self._process.wait(grace)
        except subprocess.TimeoutExpired:
            return
        log = self.GetLogs()
        if code == tether.EXIT_NOT_STARTED or (
            self._engine == engines.DOCKER and code in _DOCKER_FAILED
        ):
            raise InfraValidationError(
                f"The infra validation could not start its server ({self._engine}). Mend that, or "
                f"choose another engine by `infra_validation`: {_first_words(log, code)}"
            )
        if any(map(_is_taken, self._ports)):
            raise PortTakenError(f"A port of {self._ports} was taken by another process.")
        if gave_up := _GAVE_UP.search(log):
            raise error_types.ValidationFailed(f"The server did not load it: {gave_up[1]}")
        raise error_types.JobAborted(_ended(code))

    def Stop(self) -> None:  # noqa: N802 -- TFX's name
        """Ends the server; returns when its processes are gone."""
        if self._process is None:
            return
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def GetLogs(self) -> str:  # noqa: N802 -- TFX's name
        """Returns the end of what the server printed."""
        with self._log.open("rb") as log:
            log.seek(max(os.fstat(log.fileno()).st_size - LOG_BYTES, 0))
            return log.read().decode("utf-8", "replace")

    def _server_command(self, container: str) -> list[str]:
        if self._command:
            ports = {"PORT": str(self._ports[0]), "REST_PORT": str(self._ports[1])}
            return [ports.get(word, word) for word in self._command]
        flags = Flags(
            port=self._ports[0],
            rest_api_port=self._ports[1],
            model_name=self._model_name,
            model_base_path=str(self._base_path),
            max_num_load_retries=0,
        )
        return engines.command(self._engine, flags, container=container)


def _free_ports() -> tuple[int, int]:
    """Returns two ports that the operating system gave, and that are free again."""
    with socket.socket() as first, socket.socket() as second:
        first.bind((HOST, 0))
        second.bind((HOST, 0))
        return first.getsockname()[1], second.getsockname()[1]


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        # Connections of the server that ended may linger.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def _first_words(log: str, code: int) -> str:
    """Returns the line that says why there is no server; Docker's own follow those of a pull."""
    lines = log.strip().splitlines() or [f"exit code {code}"]
    return next((line for line in lines if line.startswith("docker: ")), lines[0])


def _ended(code: int) -> str:
    if code == tether.SIGNAL_BASE + signal.SIGKILL:
        return "The server was killed (SIGKILL): most likely the memory did not suffice."
    if code > tether.SIGNAL_BASE and code - tether.SIGNAL_BASE in set(signal.Signals):
        return f"The server was ended by {signal.Signals(code - tether.SIGNAL_BASE).name}."
    return f"The server ended by itself with exit code {code}."
