"""The embedded server in a process of its own."""

from __future__ import annotations

import os
import queue
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple


class Vitals(NamedTuple):
    """What a process uses: resident memory in MB, threads, open files."""

    megabytes: float
    threads: int
    files: int


class Process:
    """A server in a process of its own; its lines can be waited for."""

    def __init__(self, *flags: str):
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "serving.server.main", "--port=-1",
             "--rest_api_port=-1", *flags],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=os.environ,
        )  # fmt: skip
        self.lines: list[str] = []
        self._queue: queue.Queue[str | None] = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self._queue.put(line)
        self._queue.put(None)

    def wait_for(self, text: str) -> str:
        """Returns the next line that contains a text."""
        while True:
            try:
                line = self._queue.get(timeout=600)
            except queue.Empty:
                line = None
            assert line is not None, f"No {text!r} in:\n{''.join(self.lines)}"
            self.lines.append(line)
            if text in line:
                return line

    @property
    def rest_port(self) -> int:
        """The port it listens on, once it says so."""
        return self._port("HTTP/REST API at")

    @property
    def grpc_port(self) -> int:
        """The same of gRPC; ask for it first."""
        return self._port("gRPC ModelServer at")

    def _port(self, announcement: str) -> int:
        return int(self.wait_for(announcement).split(":")[-1].split()[0])

    @property
    def vitals(self) -> Vitals:
        """What it uses now."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        figures = dict(re.findall(r"^(\w+):\s+(\d+)", status, re.MULTILINE))
        files = len(os.listdir(f"/proc/{self.process.pid}/fd"))
        return Vitals(int(figures["VmRSS"]) / 1024, int(figures["Threads"]), files)

    def kill(self) -> None:
        """Ends it at once, if it has not ended."""
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()
