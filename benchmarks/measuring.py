"""Whole processes measured from outside: wall time, peak memory of the process tree, output."""

from __future__ import annotations

import os
import platform
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from pipeline.root import open_metadata

_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Measurement:
    """One run of a command.

    Attributes:
      seconds: Wall time.
      peak_bytes: Largest memory of the process and all its descendants at once, shared pages
        counted once (PSS), seen by a look every half second.
      output: What it printed, standard output and standard error together.
      exit_code: The command's.
    """

    seconds: float
    peak_bytes: int
    output: str
    exit_code: int


def measure(
    command: Sequence[str], cwd: Path, variables: Mapping[str, str] | None = None
) -> Measurement:
    """Runs a command to its end."""
    peak = 0
    ended = threading.Event()

    def watch(process_id: int) -> None:
        nonlocal peak
        while not ended.wait(_POLL_SECONDS):
            peak = max(peak, memory_of_tree(process_id))

    started = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **(variables or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        watcher = threading.Thread(target=watch, args=(process.pid,))
        watcher.start()
        output, _ = process.communicate()
        seconds = time.perf_counter() - started
        ended.set()
        watcher.join()
    return Measurement(seconds, peak, output, process.returncode)


def step_seconds(metadata_path: Path) -> dict[str, float]:
    """Returns the wall time of each step of the first run in an ML Metadata file."""
    store = open_metadata(metadata_path)
    names = {kind.id: kind.name.split(".")[-1] for kind in store.get_execution_types()}
    seconds: dict[str, float] = {}
    for execution in sorted(store.get_executions(), key=lambda each: each.id):
        milliseconds = execution.last_update_time_since_epoch - execution.create_time_since_epoch
        seconds.setdefault(names[execution.type_id], milliseconds / 1_000)
    return seconds


def machine() -> dict[str, str | int]:
    """Describes what the figures were taken on."""
    return {
        "processors": os.cpu_count() or 0,
        "python": platform.python_version(),
        "tfx": version("tfx"),
        "tensorflow": version("tensorflow"),
        "apache-beam": version("apache-beam"),
    }


def memory_of_tree(root: int) -> int:
    """Returns the proportional set size of a process and its descendants, in bytes."""
    total, waiting = 0, [root]
    while waiting:
        process_id = waiting.pop()
        folder = Path(f"/proc/{process_id}")
        try:
            for thread in (folder / "task").iterdir():
                waiting += map(int, (thread / "children").read_text().split())
            rollup = (folder / "smaps_rollup").read_text()
        except OSError:  # it has just ended
            continue
        total += sum(
            int(line.split()[1]) * 1_024 for line in rollup.splitlines() if line.startswith("Pss:")
        )
    return total
