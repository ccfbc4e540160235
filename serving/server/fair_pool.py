"""A thread pool that is fair to connections: one with many requests does not delay the others."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Executor, Future
from typing import Any, NamedTuple

_current = threading.local()
# The part of the threads that one connection may have: a client that never sends the rest of its
# request would otherwise hold all of them.
_LARGEST_SHARE = 0.75
# Whose turn it is where a task was put behind all others; one such runs at a time.
_DEFERRED = object()


class _Task(NamedTuple):
    future: Future[Any]
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    may_wait: Callable[[], bool] | None

    def is_to_wait(self) -> bool:
        """Returns whether others go first."""
        return self.may_wait is not None and not self.future.cancelled() and self.may_wait()

    def run(self) -> None:
        """Runs it unless it was cancelled; puts the result or the error into the future."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self.function(*self.arguments, **self.keywords)
        except BaseException as error:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


class FairPool(Executor):
    """Runs tasks of many connections, one of each in turn.

    A task that waits for anything but a processor says so by `lend_thread`; another task runs
    meanwhile.
    """

    def __init__(
        self,
        num_threads: int,
        name: str,
        connection_of: Callable[[tuple[Any, ...]], Hashable] = lambda arguments: None,
    ):
        """Takes how many tasks run at a time.

        Args:
          num_threads: At least 1.
          name: What the threads' names begin with.
          connection_of: Returns the connection of a task of `submit` from its arguments.
        """
        self._limit = num_threads
        self._largest_share = max(1, int(num_threads * _LARGEST_SHARE))
        self._name = name
        self._connection_of = connection_of
        self._lock = threading.Lock()
        # One item for each idle thread that is called; busy threads find tasks themselves.
        self._wakes: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._waiting: OrderedDict[Hashable, deque[_Task]] = OrderedDict()
        self._deferred: deque[_Task] = deque()
        self._num_waiting = 0
        self._running: dict[Hashable, int] = {}
        self._num_threads = self._num_idle = self._num_lent = 0
        self._is_closed = False

    def submit(
        self, function: Callable[..., Any], /, *arguments: Any, **keywords: Any
    ) -> Future[Any]:
        """Runs a function on a thread, when it is its connection's turn."""
        return self._submit(self._connection_of(arguments), None, function, arguments, keywords)

    def submit_for(
        self,
        connection: Hashable,
        function: Callable[..., Any],
        /,
        *arguments: Any,
        may_wait: Callable[[], bool] | None = None,
    ) -> Future[Any]:
        """Runs a function on a thread, when it is this connection's turn.

        Args:
          connection: Whose turn it is.
          function: What to run.
          arguments: Of the function.
          may_wait: Asked when it is; True puts the task behind those of all other connections.

        Raises:
          RuntimeError: The pool was shut down.
        """
        return self._submit(connection, may_wait, function, arguments, {})

    def _submit(
        self,
        connection: Hashable,
        may_wait: Callable[[], bool] | None,
        function: Callable[..., Any],
        arguments: tuple[Any, ...],
        keywords: dict[str, Any],
    ) -> Future[Any]:
        future: Future[Any] = Future()
        with self._lock:
            if self._is_closed:
                raise RuntimeError("The server has stopped; start a new one")
            task = _Task(future, function, arguments, keywords, may_wait)
            self._waiting.setdefault(connection, deque()).append(task)
            self._num_waiting += 1
            self._call_thread()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Takes no more tasks. Running ones go on; `wait` has no effect."""
        with self._lock:
            self._is_closed = True
            if cancel_futures:
                for tasks in self._waiting.values():
                    for task in tasks:
                        task.future.cancel()
                for task in self._deferred:
                    task.future.cancel()
            while self._num_idle:
                self._wake_one()

    def _call_thread(self) -> None:
        """Wakes a thread that is idle, or starts one if there may be more."""
        if self._num_idle:
            self._wake_one()
        elif self._num_threads < self._allowed:
            self._num_threads += 1
            number = self._num_threads
            threading.Thread(target=self._work, name=f"{self._name}_{number}", daemon=True).start()

    def _wake_one(self) -> None:
        self._num_idle -= 1
        self._wakes.put(None)

    @property
    def _allowed(self) -> int:
        return self._limit + self._num_lent

    def _work(self) -> None:
        _current.pool = self
        while True:
            with self._lock:
                chosen = self._choose()
                if chosen is None:
                    if self._is_closed or self._num_threads > self._allowed:
                        self._num_threads -= 1
                        if self._num_waiting and self._num_idle:
                            self._wake_one()
                        return
                    self._num_idle += 1
            if chosen is None:
                self._wakes.get()
                continue
            connection, task = chosen
            is_deferred = task.is_to_wait()
            if not is_deferred:
                task.run()
            with self._lock:
                if is_deferred:
                    self._deferred.append(task._replace(may_wait=None))
                    self._num_waiting += 1
                self._running[connection] -= 1
                if not self._running[connection]:
                    del self._running[connection]
            del chosen, connection, task  # otherwise the request stays in memory until the next one

    def _choose(self) -> tuple[Hashable, _Task] | None:
        """Returns the first task of the next connection that has not used its share of threads."""
        if self._num_threads > self._allowed:
            return None
        for connection, tasks in self._waiting.items():
            running = self._running.get(connection, 0)
            if running >= self._largest_share and self._limit > 1:
                continue
            task = tasks.popleft()
            self._num_waiting -= 1
            self._running[connection] = running + 1
            if tasks:
                self._waiting.move_to_end(connection)
            else:
                del self._waiting[connection]
            return connection, task
        if self._deferred and _DEFERRED not in self._running:
            self._num_waiting -= 1
            self._running[_DEFERRED] = 1
            return _DEFERRED, self._deferred.popleft()
        return None

    def _lend(self) -> None:
        with self._lock:
            self._num_lent += 1
            if self._num_waiting:
                self._call_thread()

    def _take_back(self) -> None:
        with self._lock:
            self._num_lent -= 1


@contextlib.contextmanager
def lend_thread() -> Iterator[None]:
    """Lets another task run while this one waits; does nothing outside of a pool."""
    pool: FairPool | None = getattr(_current, "pool", None)
    if pool is None:
        yield
        return
    pool._lend()
    try:
        yield
    finally:
        pool._take_back()
