"""Whole processes measured from outside: wall time, peak memory of the process tree, output."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Look:
    """Memory at one moment, in bytes.

    Attributes:
      at: Seconds since the epoch.
      tree: Of the process and all its descendants; shared pages are counted once (PSS).
      main: Of the process alone; shared pages are counted in full (RSS).
      largest_other: Of the largest of its descendants, counted so; 0 if it has none.
    """

    at: float
    tree: int
    main: int
    largest_other: int


@dataclass(frozen=True)
class Measurement:
    """One run of a command.

    Attributes:
      seconds: Wall time.
      processor: Seconds of all processors, of the command and what it started.
      looks: At its memory, every half second.
      output: What it printed, standard output and standard error together.
      exit_code: The command's.
    """

    seconds: float
    processor: float
    looks: tuple[Look, ...]
    output: str
    exit_code: int

    @property
    def peak_bytes(self) -> int:
        """Returns the largest memory of the tree of processes."""
        return max((look.tree for look in self.looks), default=0)


def measure(
    command: Sequence[str], cwd: Path, variables: Mapping[str, str] | None = None
) -> Measurement:
    """Runs a command to its end."""
    looks: list[Look] = []
    ended = threading.Event()

    def watch(process_id: int) -> None:
        while not ended.wait(_POLL_SECONDS):
            looks.append(_look(process_id))

    started, used = time.perf_counter(), _processor_of_children()
    with subprocess.Popen(
        command,
        cwd=cwd,
        env={**os.environ, **(variables or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        watcher = threading.Thread(target=watch, args=(process.pid,))
        watcher.start()
        try:
            output, _ = process.communicate()
        except BaseException:  # interrupted: nothing that was started goes on
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            ended.set()
            watcher.join()
        seconds = time.perf_counter() - started
    used = _processor_of_children() - used
    return Measurement(seconds, used, tuple(looks), output, process.returncode)


def succeeded(measurement: Measurement) -> Measurement:
    """Returns it; ends the program where the command failed, and shows the end of its output."""
    if measurement.exit_code:
        sys.exit(f"exit code {measurement.exit_code}:\n{measurement.output[-3_000:]}")
    return measurement


def _processor_of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _look(root: int) -> Look:
    resident = {process_id: _resident(process_id) for process_id in _tree(root)}
    others = [size for process_id, size in resident.items() if process_id != root]
    return Look(time.time(), memory_of_tree(root), resident.get(root, 0), max(others, default=0))


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
    total = 0
    for process_id in _tree(root):
        with contextlib.suppress(OSError):  # it has just ended
            rollup = Path(f"/proc/{process_id}/smaps_rollup").read_text()
            total += sum(
                int(line.split()[1]) * 1_024
                for line in rollup.splitlines()
                if line.startswith("Pss:")
            )
    return total


def _resident(process_id: int) -> int:
    with contextlib.suppress(OSError, IndexError):
        pages = Path(f"/proc/{process_id}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    return 0


def _tree(root: int) -> list[int]:
    """Returns a process and its descendants."""
    found, waiting = [], [root]
    while waiting:
        process_id = waiting.pop()
        found.append(process_id)
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{process_id}/task").iterdir():
                waiting += map(int, (thread / "children").read_text().split())
    return found
