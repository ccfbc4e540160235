"""Who may load now: a few loads at a time on a disk, and as many from each store."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterator


class LoadTurns:
    """Gives turns in the order in which they are asked for, for each place by itself.

    A load from a store may hang where nothing can end it: one that takes longer than `patience`
    keeps its thread, but its turn goes to the next.
    """

    def __init__(self, most: int, patience: float):
        """Takes how many loads there may be at a time from a place.

        Args:
          most: How many, of those that have not lost their turn.
          patience: After how many seconds one loses its turn.
        """
        self._most = most
        self._patience = patience
        self._lock = threading.Lock()
        # By place. The first one of those that wait is woken, not thousands at each change.
        self._waiting: dict[str, deque[threading.Condition]] = {}
        # When each one began, by `time.monotonic`.
        self._began: dict[str, dict[threading.Condition, float]] = {}

    @contextlib.contextmanager
    def turn(self, place: str) -> Iterator[None]:
        """Waits for a turn, and holds it in the block.

        Args:
          place: A store, such as "gs://bucket"; "" is the disk, on which no turn is lost.
        """
        mine = threading.Condition(self._lock)
        with self._lock:
            waiting = self._waiting.setdefault(place, deque())
            began = self._began.setdefault(place, {})
            waiting.append(mine)
            while waiting[0] is not mine or (seconds := self._until_free(place)) > 0:
                mine.wait(seconds if waiting[0] is mine else None)
            waiting.popleft()
            began[mine] = time.monotonic()
            self._wake_first(place)
        try:
            yield
        finally:
            with self._lock:
                del began[mine]
                self._wake_first(place)

    def _wake_first(self, place: str) -> None:
        if waiting := self._waiting[place]:
            waiting[0].notify()

    def _until_free(self, place: str) -> float:
        """Returns after how many seconds a turn is free, if no load ends before."""
        began = sorted(self._began[place].values())
        if len(began) < self._most:
            return 0.0
        if not place:
            return threading.TIMEOUT_MAX
        return began[-self._most] + self._patience - time.monotonic()
