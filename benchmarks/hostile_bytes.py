"""What do hostile clients cost a well-behaved one, and the memory of the embedded server?

    python -m benchmarks.hostile_bytes --root ROOT [--model-name NAME] [--only ATTACK ...]

ROOT is that of a run that pushed a model. Each attack runs by itself, over loopback, against a
server that serves the pushed model; a client in a process of its own asks for one review at a time
meanwhile, by gRPC and REST in turns. Each attack is repeated for ten seconds at least, so that the
client has asked often enough. Told are the peak of the server's memory over what it used before,
that client's 99th percentile, and the longest time in which Python ran for nobody else, see
`watched_server`. It takes some ten minutes.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.attacks import ATTACKS, REVIEW, Target, long_batches
from benchmarks.serving_load import (
    Connection,
    GrpcConnection,
    RestConnection,
    milliseconds,
    predict_request,
)
from benchmarks.serving_process import ServerProcess
from benchmarks.watched_server import Gaps
from pipeline.config import DEFAULT_MODEL_NAME
from pipeline.pushed_versions import newest_version
from pipeline.root import serving_folder
from serving.engines import EMBEDDED

_LEAST_SECONDS = 10.0


class Polite:
    """A client in a process of its own that asks for a review at a time, until it is told to stop.

    Attributes:
      times: Milliseconds of each request, once it was stopped.
    """

    def __init__(self, target: Target):
        """Starts asking; returns once it was answered."""
        self.times: list[float] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.hostile_bytes", "--polite", str(target.grpc_port),
             str(target.rest_port), target.model],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "asking\n":
            raise RuntimeError("The well-behaved client is not answered")

    def stop(self) -> None:
        """Ends it, and reads what it measured.

        Raises:
          RuntimeError: A request failed.
        """
        output, _ = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError("A request of the well-behaved client failed")
        self.times = json.loads(output)


def _be_polite(grpc_port: int, rest_port: int, model: str) -> None:
    connections: list[Connection] = [GrpcConnection(grpc_port), RestConnection(rest_port)]
    request = predict_request(model, [REVIEW])
    messages = [connection.encode(request) for connection in connections]
    stopping = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        stopping.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    times = []
    for connection, message in zip(connections, messages, strict=True):
        connection.ask(message)
    print("asking", flush=True)
    while not stopping.is_set():
        for connection, message in zip(connections, messages, strict=True):
            times.append(milliseconds(connection, message)[0])
            stopping.wait(0.02)
    print(json.dumps(times))


class Memory:
    """The resident memory of a process, in MB."""

    def __init__(self, pid: int):
        """Takes the process."""
        self._folder = Path(f"/proc/{pid}")

    @property
    def now(self) -> float:
        """What it uses."""
        return self._figure("VmRSS")

    @property
    def peak(self) -> float:
        """The most since `forget`."""
        return self._figure("VmHWM")

    def forget(self) -> None:
        """Forgets the peak so far."""
        (self._folder / "clear_refs").write_text("5")

    def _figure(self, name: str) -> float:
        status = (self._folder / "status").read_text()
        found = re.search(rf"^{name}:\s+(\d+)", status, re.MULTILINE)
        assert found
        return int(found[1]) / 1024


class WatchedServer(ServerProcess):
    """The embedded server, and how long it kept others waiting.

    Attributes:
      gaps: The longest time in which Python ran for nobody else.
    """

    def __init__(self, folder: Path, *flags: str):
        """Starts it; the folder is for a file of its own."""
        self._path = folder / "gaps"
        self.gaps = Gaps(self._path)
        super().__init__(EMBEDDED, *flags)

    def _program(self, engine: str) -> list[str]:
        return [sys.executable, "-m", "benchmarks.watched_server", str(self._path)]


def measure(server: WatchedServer, model: str, attack: Callable[[Target], Any]) -> dict[str, Any]:
    """Attacks for a while; returns the figures."""
    target, memory = Target(server.grpc_port, server.rest_port, model), Memory(server.pid)
    time.sleep(2)
    before = memory.now
    memory.forget()
    server.gaps.forget()
    client = Polite(target)
    started = time.perf_counter()
    statuses: set[str] = set()
    times = 0
    while time.perf_counter() - started < _LEAST_SECONDS:
        statuses |= set(attack(target))
        times += 1
    seconds = time.perf_counter() - started
    client.stop()
    return {
        "times": times,
        "seconds": seconds,
        "answers": ", ".join(sorted(statuses)),
        "peak over idle, MB": memory.peak - before,
        "after over idle, MB": memory.now - before,
        "99th percentile, ms": statistics.quantiles(client.times, n=100, method="inclusive")[98],
        "slowest, ms": max(client.times),
        "requests": len(client.times),
        "longest without Python, ms": server.gaps.longest * 1e3,
    }


def main() -> None:
    """Measures, and prints a line for each attack."""
    if sys.argv[1:2] == ["--polite"]:
        _be_polite(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--root", type=Path, required=True, help="of a run that pushed a model")
    parser.add_argument("--model-name", default=DEFAULT_MODEL_NAME, help="default: %(default)s")
    parser.add_argument("--only", nargs="+", choices=list(ATTACKS), default=list(ATTACKS))
    options = parser.parse_args()
    folder = newest_version(serving_folder(options.root), options.model_name).parent.absolute()
    flags = (f"--model_name={options.model_name}", f"--model_base_path={folder}")
    with (
        tempfile.TemporaryDirectory() as work,
        WatchedServer(Path(work), *flags) as server,
    ):
        server.wait_until_it_listens()
        target = Target(server.grpc_port, server.rest_port, options.model_name)
        long_batches(target, clients=2, rows=512)  # so that what TensorFlow keeps is there
        for name in options.only:
            figures = measure(server, options.model_name, ATTACKS[name])
            shown = (
                f"{key} {value:,.0f}" if isinstance(value, (int, float)) else f"{key} {value}"
                for key, value in figures.items()
            )
            print(f"{name}: {'; '.join(shown)}", flush=True)


if __name__ == "__main__":
    main()
