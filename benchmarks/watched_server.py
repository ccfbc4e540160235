"""The embedded server, with a thread beside it that notes how long Python kept it waiting.

    python -m benchmarks.watched_server GAPS FLAG ...

The thread sleeps for five milliseconds at a time. What it sleeps longer is the time in which no
other thread could run Python: one call held the interpreter's lock, or many threads wanted it. The
longest such time, in seconds, is in the file GAPS; who writes zero there starts anew.
"""

from __future__ import annotations

import mmap
import struct
import sys
import threading
import time
from pathlib import Path

_SLEEP = 0.005
_FORMAT = "d"
_SIZE = struct.calcsize(_FORMAT)


class Gaps:
    """The longest time that the server's watcher had to wait, in a file that both share."""

    def __init__(self, path: Path):
        """Opens the file; makes it if it is not there."""
        if not path.exists():
            path.write_bytes(struct.pack(_FORMAT, 0.0))
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), _SIZE)

    @property
    def longest(self) -> float:
        """Seconds since `forget`."""
        seconds: float = struct.unpack(_FORMAT, self._shared[:])[0]
        return seconds

    @longest.setter
    def longest(self, seconds: float) -> None:
        self._shared[:] = struct.pack(_FORMAT, seconds)

    def forget(self) -> None:
        """Starts anew."""
        self.longest = 0.0


def _watch(gaps: Gaps) -> None:
    before = time.perf_counter()
    while True:
        time.sleep(_SLEEP)
        now = time.perf_counter()
        if now - before - _SLEEP > gaps.longest:
            gaps.longest = now - before - _SLEEP
        before = now


def main() -> None:
    """Serves until SIGTERM."""
    from serving.server.main import entry_point

    gaps = Gaps(Path(sys.argv.pop(1)))
    threading.Thread(target=_watch, args=(gaps,), daemon=True).start()
    entry_point()


if __name__ == "__main__":
    main()
