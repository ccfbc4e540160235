"""Runs of several requests in one: TF-Serving's batching, its parameters and its defaults.

Requests with the same inputs and outputs of the same version are joined along the first
dimension. A batch is taken by a free thread once it is full or old enough; with the default
timeout of 0 that is at once, and so batches grow only while all threads are busy.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from google.protobuf.message import Message

from serving.server.metrics import Metrics
from serving.server.servable import Run
from serving.status import Code, StatusError, invalid_argument


@dataclass(frozen=True)
class BatchingParameters:
    """TF-Serving's batching parameters, by their names there."""

    max_batch_size: int = 1000
    batch_timeout_micros: int = 0
    max_enqueued_batches: int = 10
    num_batch_threads: int = field(default_factory=lambda: len(os.sched_getaffinity(0)))
    allowed_batch_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False
    enable_large_batch_splitting: bool = False
    max_execution_batch_size: int = 0
    thread_pool_name: str = "batch_threads"

    @classmethod
    def of(cls, message: Message) -> BatchingParameters:
        """Reads the message of `--batching_parameters_file`; what is not set keeps its default.

        Raises:
          StatusError: A value cannot be used.
        """
        given: dict[str, Any] = {}
        for descriptor, value in message.ListFields():
            if descriptor.name == "allowed_batch_sizes":
                given[descriptor.name] = tuple(value)
            else:
                given[descriptor.name] = getattr(value, "value", value)
        parameters = cls(**given)
        for name in ("max_batch_size", "max_enqueued_batches", "num_batch_threads"):
            if getattr(parameters, name) < 1:
                raise invalid_argument(f"{name} must be positive; was {getattr(parameters, name)}")
        sizes = parameters.allowed_batch_sizes
        largest = parameters.execution_size
        if sizes and (list(sizes) != sorted(set(sizes)) or sizes[-1] != largest):
            raise invalid_argument(
                "allowed_batch_sizes must be in increasing order, and the last one equal "
                f"max_batch_size ({largest}); were {list(sizes)}"
            )
        return parameters

    @property
    def execution_size(self) -> int:
        """The most rows that run at once."""
        if self.enable_large_batch_splitting and self.max_execution_batch_size:
            return self.max_execution_batch_size
        return self.max_batch_size


@dataclass
class _Task:
    """A request's rows, or some of them, on their way."""

    feeds: Mapping[str, np.ndarray]
    size: int
    deadline: float
    queued_at: float
    done: threading.Event = field(default_factory=threading.Event)
    outputs: list[np.ndarray] = field(default_factory=list)
    error: StatusError | None = None


@dataclass
class _Batch:
    run: Run
    fetches: Sequence[str]
    opened_at: float
    tasks: list[_Task] = field(default_factory=list)
    size: int = 0
    is_closed: bool = False


class BatchScheduler:
    """Joins the runs of all models, on threads of its own."""

    def __init__(self, parameters: BatchingParameters, metrics: Metrics):
        """Starts `num_batch_threads` threads."""
        self._parameters = parameters
        self._metrics = metrics
        self._keys = itertools.count()
        self._queues: dict[object, deque[_Batch]] = {}
        self._changed = threading.Condition()
        self._is_stopping = False
        for number in range(parameters.num_batch_threads):
            threading.Thread(target=self._work, name=f"batch-{number}", daemon=True).start()

    def batched(self, run: Run) -> Run:
        """Returns a `run` that joins what it is asked with what others ask it."""
        key = next(self._keys)

        def batched_run(
            feeds: Mapping[str, np.ndarray], fetches: Sequence[str], timeout: float | None
        ) -> list[np.ndarray]:
            size = _size_of(feeds.values())
            if size == 0 or not feeds:
                return run(feeds, fetches, timeout)
            deadline = time.monotonic() + timeout if timeout is not None else float("inf")
            queue_key = (key, tuple(sorted(feeds)), tuple(fetches))
            tasks = [
                _Task(part, part_size, deadline, time.monotonic())
                for part, part_size in self._parts(feeds, size)
            ]
            self._enqueue(queue_key, run, fetches, tasks)
            for task in tasks:
                task.done.wait()
            for task in tasks:
                if task.error:
                    raise task.error
            outputs = [task.outputs or [] for task in tasks]
            if len(tasks) == 1:
                return outputs[0]
            return [np.concatenate(parts) for parts in zip(*outputs, strict=True)]

        return batched_run

    def stop(self) -> None:
        """Ends the threads once the queues are empty."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()

    def _parts(
        self, feeds: Mapping[str, np.ndarray], size: int
    ) -> list[tuple[Mapping[str, np.ndarray], int]]:
        limit = self._parameters.execution_size
        if not self._parameters.enable_large_batch_splitting:
            limit = self._parameters.max_batch_size
            if size > limit:
                raise invalid_argument(
                    f"Task size {size} is larger than maximum input batch size {limit}"
                )
            return [(feeds, size)]
        return [
            (
                {name: array[start : start + limit] for name, array in feeds.items()},
                min(limit, size - start),
            )
            for start in range(0, size, limit)
        ]

    def _enqueue(self, key: object, run: Run, fetches: Sequence[str], tasks: list[_Task]) -> None:
        limit = self._parameters.execution_size
        with self._changed:
            queue = self._queues.setdefault(key, deque())
            added = sum(task.size for task in tasks)
            room = limit - queue[-1].size if queue and not queue[-1].is_closed else 0
            needed = -(-max(added - room, 0) // limit)
            if len(queue) + needed > max(self._parameters.max_enqueued_batches, needed):
                raise StatusError(
                    Code.UNAVAILABLE,
                    "The batch scheduling queue to which this task was submitted is full; "
                    f"currently {len(queue)} batches enqueued and max_enqueued_batches is "
                    f"{self._parameters.max_enqueued_batches}",
                )
            for task in tasks:
                if not queue or queue[-1].is_closed or queue[-1].size + task.size > limit:
                    if queue:
                        queue[-1].is_closed = True
                    queue.append(_Batch(run, fetches, time.monotonic()))
                batch = queue[-1]
                batch.tasks.append(task)
                batch.size += task.size
                batch.is_closed = batch.size >= limit
            self._changed.notify()

    def _work(self) -> None:
        while True:
            batch = self._next_batch()
            if batch is None:
                return
            self._process(batch)

    def _next_batch(self) -> _Batch | None:
        """Waits for a batch that is full or old enough: the oldest of all queues'."""
        with self._changed:
            while True:
                now = time.monotonic()
                wait = self._parameters.batch_timeout_micros / 1e6
                oldest, due_in = None, None
                for key, queue in list(self._queues.items()):
                    if not queue:
                        del self._queues[key]
                        continue
                    first = queue[0]
                    left = 0.0 if first.is_closed else first.opened_at + wait - now
                    if left > 0 and not self._is_stopping:
                        due_in = left if due_in is None else min(due_in, left)
                    elif oldest is None or first.opened_at < self._queues[oldest][0].opened_at:
                        oldest = key
                if oldest is not None:
                    if len(self._queues) > 1:
                        self._changed.notify()
                    return self._queues[oldest].popleft()
                if self._is_stopping and not self._queues:
                    return None
                self._changed.wait(due_in)

    def _process(self, batch: _Batch) -> None:
        now = time.monotonic()
        tasks = []
        for task in batch.tasks:
            self._metrics.queuing_latency.add(
                (now - task.queued_at) * 1e6, self._parameters.thread_pool_name
            )
            if task.deadline < now:
                task.error = StatusError(
                    Code.RESOURCE_EXHAUSTED,
                    "Run() timeout exceeded while waiting in batching queue",
                )
                task.done.set()
            else:
                tasks.append(task)
        if not tasks:
            return
        try:
            feeds, padding = self._merge(tasks)
            latest = max(task.deadline for task in tasks)
            timeout = None if latest == float("inf") else latest - now
            outputs = batch.run(feeds, batch.fetches, timeout)
            _split(outputs, tasks, padding)
        except StatusError as error:
            _fail(tasks, error)
        except Exception as error:  # whoever waits must hear of it, and the thread must live
            _fail(tasks, StatusError(Code.INTERNAL, f"{type(error).__name__}: {error}"))
        for task in tasks:
            task.done.set()

    def _merge(self, tasks: list[_Task]) -> tuple[dict[str, np.ndarray], int]:
        """Joins the tasks' arrays; fills up to the next allowed size with the last one's row."""
        rows = sum(task.size for task in tasks)
        sizes = [size for size in self._parameters.allowed_batch_sizes if size >= rows]
        padding = sizes[0] - rows if sizes else 0
        merged = {}
        for name in tasks[0].feeds:
            arrays = [task.feeds[name] for task in tasks]
            if any(array.shape[1:] != arrays[0].shape[1:] for array in arrays):
                arrays = self._pad(name, arrays)
            if padding:
                arrays.append(np.repeat(arrays[-1][:1], padding, axis=0))
            merged[name] = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
        return merged, padding

    def _pad(self, name: str, arrays: list[np.ndarray]) -> list[np.ndarray]:
        """Grows every dimension but the first to the largest; filled with the first value."""
        is_same_rank = len({array.ndim for array in arrays}) == 1
        if not self._parameters.pad_variable_length_inputs or not is_same_rank:
            raise StatusError(
                Code.FAILED_PRECONDITION,
                f"Tensors with name '{name}' from different tasks have different shapes and "
                "padding is turned off.Set pad_variable_length_inputs to true, or ensure that "
                "all tensors with the same namehave equal dimensions starting with the first "
                "dim.",
            )
        largest = [max(sizes) for sizes in zip(*(a.shape[1:] for a in arrays), strict=True)]
        padded = []
        for array in arrays:
            filling = array.reshape(-1)[0] if array.size else np.zeros(1, array.dtype)[0]
            whole = np.full((len(array), *largest), filling, array.dtype)
            whole[tuple(slice(size) for size in array.shape)] = array
            padded.append(whole)
        return padded


def _size_of(arrays: Iterable[np.ndarray]) -> int:
    sizes = set()
    for array in arrays:
        if array.ndim == 0:
            raise invalid_argument("Batching Run() input tensors must have at least one dimension")
        sizes.add(len(array))
    if len(sizes) > 1:
        raise invalid_argument("Batching Run() input tensors must have equal 0th-dimension size")
    return sizes.pop() if sizes else 0


def _split(outputs: list[np.ndarray], tasks: list[_Task], padding: int) -> None:
    expected = sum(task.size for task in tasks) + padding
    for output in outputs:
        if output.ndim == 0:
            raise StatusError(Code.FAILED_PRECONDITION, "Batched output tensor has 0 dimensions")
        if len(output) != expected:
            raise StatusError(
                Code.FAILED_PRECONDITION,
                "Batched output tensor's 0th dimension does not equal the sum of the 0th "
                "dimension sizes of the input tensors",
            )
    start = 0
    for task in tasks:
        task.outputs = [output[start : start + task.size] for output in outputs]
        start += task.size


def _fail(tasks: list[_Task], error: StatusError) -> None:
    for task in tasks:
        task.error = StatusError(error.code, error.message)
