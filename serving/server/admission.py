"""Admission control: the bytes that requests hold together, and a queue for large ones.

A request that does not fit is refused with a message that names the flag. Small requests never
wait here.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterator

from serving.server.fair_pool import lend_thread
from serving.status import Code, StatusError, resource_exhausted

TIMED_OUT = "Timed out waiting for notification"
# Bytes from which on a message or a body waits for its turn to be read.
LARGE_BYTES = 2**20
# So does one of so many values, from a smaller size on.
LARGE_COUNT, COUNTED_BYTES = 2**14, 2**16
# The most that a value takes in Python: a string's header, its place in a list and in an array.
BYTES_OF_VALUE = 64
# Requests that hold no more than this may also use the last part of a budget. So a few large
# requests, or clients that stop sending, never keep all others out.
_SMALL_BYTES = 2**16
_KEPT_FOR_SMALL = 1 / 8
_LONGEST_REST = 0.2
# Large requests in the queue; further ones are refused, to be sent again later.
_MAX_WAITING = 256


class Budget:
    """Bytes that all requests in progress hold together, on both ports."""

    def __init__(self, limit: int, flag: str = "--max_bytes_in_flight"):
        """Takes the limit in bytes, and the flag that sets it."""
        self._limit = limit
        self._flag = flag
        self._held = 0
        self._lock = threading.Lock()

    @property
    def held(self) -> int:
        """Bytes that are held now."""
        return self._held

    def change(self, held: int, wanted: int) -> None:
        """Holds `wanted` bytes instead of `held`.

        Raises:
          StatusError: RESOURCE_EXHAUSTED when one request alone is too large, UNAVAILABLE when
            others hold the rest. Nothing is changed then.
        """
        if wanted > self._limit:
            raise resource_exhausted(
                f"The request takes {wanted} bytes, and all requests together may hold "
                f"{self._limit} ({self._flag}). Send less at a time"
            )
        room = self._limit
        if wanted > _SMALL_BYTES:
            room = max(room - int(room * _KEPT_FOR_SMALL), wanted)
        # Nothing is made while the lock is held: the collector might run, and end a Share.
        with self._lock:
            others = self._held - held
            fits = wanted <= held or others + wanted <= room
            if fits:
                self._held = others + wanted
        if not fits:
            raise StatusError(
                Code.UNAVAILABLE,
                f"Requests in progress hold {others} of the {self._limit} bytes that they may "
                f"hold together ({self._flag}), and this one needs {wanted}. Send it again "
                "later",
            )


class Share:
    """The part of a budget that one request holds; deleting the object returns what is left."""

    def __init__(self, budget: Budget):
        """Holds nothing so far."""
        self._budget = budget
        self._held = 0

    def grow(self, amount: int) -> None:
        """Holds more; see `Budget.change`."""
        self.hold(self._held + amount)

    def hold(self, amount: int) -> None:
        """Holds this much; see `Budget.change`."""
        self._budget.change(self._held, amount)
        self._held = amount

    def release(self) -> None:
        """Holds nothing any more."""
        if self._held:
            self.hold(0)

    def __del__(self) -> None:
        """Returns the bytes of a request that was never answered: its client is gone."""
        self.release()


@contextlib.contextmanager
def in_turns() -> Iterator[None]:
    """Rests for as long as the block took, for a fifth of a second at most.

    To be used where the block is one call that keeps Python to itself: whoever waits at a gate for
    the next such call would have it at once, and everybody else find no gap between two.
    """
    started = time.monotonic()
    try:
        yield
    finally:
        time.sleep(min(time.monotonic() - started, _LONGEST_REST))


class Gate:
    """A limit on large pieces of work at a time, in the order in which they came (FIFO)."""

    def __init__(self, places: int):
        """Takes how many run at a time."""
        self._free = places
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()

    @contextlib.contextmanager
    def turn(self, deadline: float | None = None, *, is_first: bool = True) -> Iterator[None]:
        """Waits for a place, and keeps it.

        Args:
          deadline: Of `time.monotonic`; None waits as long as it takes.
          is_first: Nothing has been done for the request yet, so it may still be refused.

        Raises:
          StatusError: DEADLINE_EXCEEDED; UNAVAILABLE when too many wait already.
        """
        called = self._enqueue(is_first)
        if called is not None:
            left = None if deadline is None else max(deadline - time.monotonic(), 0)
            with lend_thread():
                is_in_time = called.wait(left)
            if not is_in_time:
                with self._lock:
                    # If its turn came just now, it has a place, which it must leave again.
                    if not called.is_set():
                        self._waiting.remove(called)
                        raise StatusError(Code.DEADLINE_EXCEEDED, TIMED_OUT)
        try:
            yield
        finally:
            self._leave()

    def _enqueue(self, is_first: bool) -> threading.Event | None:
        """Returns the event to wait for; None when there was a free place."""
        with self._lock:
            if self._free:
                self._free -= 1
                return None
            if is_first and len(self._waiting) >= _MAX_WAITING:
                raise StatusError(
                    Code.UNAVAILABLE,
                    f"{len(self._waiting)} large requests wait for their turn already. Send this "
                    "one again later, or fewer rows at a time",
                )
            called = threading.Event()
            self._waiting.append(called)
            return called

    def _leave(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1
