"""The most memory that this process and those that it started had at once."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

_EVERY_SECONDS = 0.25
_PAGE = os.sysconf("SC_PAGE_SIZE")
_RESET_PEAK = "5"


class PeakMemory:
    """Measures resident memory between `restart` and `read`, in bytes.

    Four times a second the resident memory of this process and of all that descend from it, Beam's
    workers among them, is added up. A page that several share counts in each, so the sum is an
    upper bound. Of this process alone the kernel also knows the peak between two looks (VmHWM in
    proc(5)), where it lets us reset that.
    """

    def __init__(self) -> None:
        """Measures nothing yet."""
        self._peak = 0
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._can_reset = False
        self._thread = threading.Thread(target=self._look, name="peak memory", daemon=True)

    def __enter__(self) -> PeakMemory:
        """Starts to measure."""
        self.restart()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the thread that measures."""
        self._is_over.set()
        self._thread.join()

    def restart(self) -> None:
        """Forgets what was measured."""
        with self._lock:
            self._peak = 0
            self._can_reset = _reset_peak()

    def read(self) -> int:
        """Returns the peak since `restart`."""
        self._look_once()
        with self._lock:
            return max(self._peak, _own_peak() if self._can_reset else 0)

    def _look(self) -> None:
        while not self._is_over.wait(_EVERY_SECONDS):
            self._look_once()

    def _look_once(self) -> None:
        now = resident(os.getpid())
        with self._lock:
            self._peak = max(self._peak, now)


def resident(process: int) -> int:
    """Returns the bytes that a process and all that descend from it have in memory."""
    total, waiting = 0, [process]
    while waiting:
        one = waiting.pop()
        # A process may end at any moment.
        with contextlib.suppress(OSError, ValueError, IndexError):
            total += int(Path(f"/proc/{one}/statm").read_bytes().split()[1]) * _PAGE
            for thread in os.listdir(f"/proc/{one}/task"):
                children = Path(f"/proc/{one}/task/{thread}/children").read_bytes()
                waiting += map(int, children.split())
    return total


def _reset_peak() -> bool:
    try:
        Path("/proc/self/clear_refs").write_text(_RESET_PEAK)
    except OSError:
        return False
    return True


def _own_peak() -> int:
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1_024
    return 0
