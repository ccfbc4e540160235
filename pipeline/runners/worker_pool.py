"""A pool of Beam's workers beside a task manager: it starts one process for each that is asked for.

Beam calls this the environment EXTERNAL. Beam's own pool starts `python` of the PATH, which imports
from the current folder first, and tells nobody when a worker ends.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc

from components.errors import ConfigurationError
from pipeline.runners import beam_adapter, beam_harness
from serving import start, tether

_ENDING_SECONDS = 10.0
_GRPC_ENDS_SECONDS = 1.0
_SERVICES = ("control", "logging", "artifact", "provision")


@dataclass
class _Worker:
    """A worker's process, and whether it was asked to end."""

    process: subprocess.Popen[bytes]
    is_stopped: bool = False

    def end(self) -> None:
        """Ends the process; it, and what it started, is gone afterwards."""
        assert self.process.stdin
        with contextlib.suppress(OSError):
            self.process.stdin.close()  # the tether kills it
        self.process.wait()


class WorkerPool(beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolServicer):
    """Starts and ends workers as a job server asks; at most `most` at a time."""

    def __init__(self, most: int, tell: Callable[[str], None]):
        """Takes the bound, and who is told of workers that start and end."""
        self._most, self._tell = most, tell
        self._workers: dict[str, _Worker] = {}
        self._lock = threading.Lock()

    def StartWorker(self, request: Any, context: Any) -> Any:  # noqa: N802, gRPC's name
        """Starts a process; says why if it cannot."""
        try:
            problem = self._start(request)
        except Exception:  # the job server is to tell it
            problem = traceback.format_exc()
        return beam_fn_api_pb2.StartWorkerResponse(error=problem)

    def StopWorker(self, request: Any, context: Any) -> Any:  # noqa: N802, gRPC's name
        """Ends a process, if it does not end by itself."""
        with self._lock:
            worker = self._workers.get(request.worker_id)
            if worker:
                worker.is_stopped = True
        if worker:
            try:
                worker.process.wait(_ENDING_SECONDS)
            except subprocess.TimeoutExpired:
                worker.end()
        return beam_fn_api_pb2.StopWorkerResponse()

    def end(self) -> None:
        """Ends all processes."""
        with self._lock:
            workers = list(self._workers.values())
        for worker in workers:
            worker.is_stopped = True
            worker.end()

    def _start(self, request: Any) -> str:
        with self._lock:
            if request.worker_id in self._workers:
                return f"A worker '{request.worker_id}' runs already."
            if len(self._workers) >= self._most:
                return (
                    f"The pool has {self._most} workers already, and may have no more. Start it "
                    "with a larger --most-workers, or start another."
                )
            endpoints = [
                f"--{name}_endpoint={getattr(request, f'{name}_endpoint').url}"
                for name in _SERVICES
            ]
            command = [
                *start.command(tether.__name__),
                json.dumps([]),
                *start.command(beam_harness.__name__, "-W", "ignore"),
                f"--id={request.worker_id}",
                *endpoints,
            ]
            worker = _Worker(subprocess.Popen(command, stdin=subprocess.PIPE))
            self._workers[request.worker_id] = worker
        self._tell(f"worker {request.worker_id} started (process {worker.process.pid}).")
        watch = threading.Thread(target=self._watch, args=(request.worker_id, worker), daemon=True)
        watch.start()
        return ""

    def _watch(self, worker_id: str, worker: _Worker) -> None:
        code = worker.process.wait()
        with self._lock:
            del self._workers[worker_id]
        if code == 0 or worker.is_stopped:
            self._tell(f"worker {worker_id} ended.")
        else:
            how = code > tether.SIGNAL_BASE and f"by signal {code - tether.SIGNAL_BASE}"
            self._tell(
                f"worker {worker_id} ended before its job did, {how or f'with exit code {code}'}; "
                "the job fails, or is tried again by its engine."
            )


@contextlib.contextmanager
def serving_pool(address: str, most: int, tell: Callable[[str], None]) -> Any:
    """Yields the address of a pool that is served in this block.

    Raises:
      ConfigurationError: Another program listens there, or this machine has no such address.
    """
    pool = WorkerPool(most, tell)
    try:
        bound, server = beam_adapter.serve_pool(pool, address)
    except RuntimeError as error:
        raise ConfigurationError(
            f"Nothing can listen at {address}: the port is taken, or the address is none of this "
            "machine's. Choose another --port, or another --host."
        ) from error
    try:
        yield bound
    finally:
        pool.end()
        server.stop(_GRPC_ENDS_SECONDS)
