"""Joins several requests into one run: TF-Serving's batching, its parameters and defaults.

Requests with the same inputs and outputs of the same version are joined along the first
dimension. A free thread takes a batch once it is full or its timeout is over; with the default
timeout of 0 that is at once, so batches grow only while all threads are busy.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from serving.server.batching_parameters import BatchingParameters
from serving.server.metrics import Metrics
from serving.server.servable import Run
from serving.status import Code, StatusError, invalid_argument


@dataclass
class _Task:
    """A request's rows, or a part of them, until they are answered."""

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
    parameters: BatchingParameters
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

    def batched(self, run: Run, parameters: BatchingParameters | None = None) -> Run:
        """Returns a `run` that joins its requests into batches.

        Args:
          run: What runs a batch.
          parameters: A model's own, instead of the scheduler's; the threads are shared anyway.
        """
        key = next(self._keys)
        chosen = parameters or self._parameters

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
                for part, part_size in _parts(feeds, size, chosen)
            ]
            self._enqueue(queue_key, run, fetches, chosen, tasks)
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

    def _enqueue(
        self,
        key: object,
        run: Run,
        fetches: Sequence[str],
        parameters: BatchingParameters,
        tasks: list[_Task],
    ) -> None:
        limit = parameters.execution_size
        with self._changed:
            queue = self._queues.setdefault(key, deque())
            added = sum(task.size for task in tasks)
            room = limit - queue[-1].size if queue and not queue[-1].is_closed else 0
            needed = -(-max(added - room, 0) // limit)
            if len(queue) + needed > max(parameters.max_enqueued_batches, needed):
                raise StatusError(
                    Code.UNAVAILABLE,
                    "The batch scheduling queue to which this task was submitted is full; "
                    f"currently {len(queue)} batches enqueued and max_enqueued_batches is "
                    f"{parameters.max_enqueued_batches}",
                )
            for task in tasks:
                if not queue or queue[-1].is_closed or queue[-1].size + task.size > limit:
                    if queue:
                        queue[-1].is_closed = True
                    queue.append(_Batch(run, fetches, parameters, time.monotonic()))
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
        """Waits for a batch that is full or whose timeout is over: the oldest of all queues."""
        with self._changed:
            while True:
                now = time.monotonic()
                oldest, due_in = None, None
                for key, queue in list(self._queues.items()):
                    if not queue:
                        del self._queues[key]
                        continue
                    first = queue[0]
                    wait = first.parameters.batch_timeout_micros / 1e6
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
            feeds, padding = _merge(tasks, batch.parameters)
            latest = max(task.deadline for task in tasks)
            timeout = None if latest == float("inf") else latest - now
            outputs = batch.run(feeds, batch.fetches, timeout)
            _split(outputs, tasks, padding)
        except StatusError as error:
            _fail(tasks, error)
        except Exception as error:  # the requests must get an answer, and the thread must go on
            _fail(tasks, StatusError(Code.INTERNAL, f"{type(error).__name__}: {error}"))
        for task in tasks:
            task.done.set()


def _parts(
    feeds: Mapping[str, np.ndarray], size: int, parameters: BatchingParameters
) -> list[tuple[Mapping[str, np.ndarray], int]]:
    limit = parameters.execution_size
    if not parameters.enable_large_batch_splitting:
        limit = parameters.max_batch_size
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


def _size_of(arrays: Iterable[np.ndarray]) -> int:
    sizes = set()
    for array in arrays:
        if array.ndim == 0:
            raise invalid_argument("Batching Run() input tensors must have at least one dimension")
        sizes.add(len(array))
    if len(sizes) > 1:
        raise invalid_argument("Batching Run() input tensors must have equal 0th-dimension size")
    return sizes.pop() if sizes else 0


def _merge(tasks: list[_Task], parameters: BatchingParameters) -> tuple[dict[str, np.ndarray], int]:
    """Joins the tasks' arrays; repeats a row of the last one up to the next allowed size."""
    rows = sum(task.size for task in tasks)
    sizes = [size for size in parameters.allowed_batch_sizes if size >= rows]
    padding = sizes[0] - rows if sizes else 0
    merged = {}
    for name in tasks[0].feeds:
        arrays = [task.feeds[name] for task in tasks]
        if any(array.shape[1:] != arrays[0].shape[1:] for array in arrays):
            arrays = _pad(name, arrays, parameters)
        if padding:
            arrays.append(np.repeat(arrays[-1][:1], padding, axis=0))
        merged[name] = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    return merged, padding


def _pad(name: str, arrays: list[np.ndarray], parameters: BatchingParameters) -> list[np.ndarray]:
    """Pads every dimension but the first to the largest size, with the array's first value."""
    is_same_rank = len({array.ndim for array in arrays}) == 1
    if not parameters.pad_variable_length_inputs or not is_same_rank:
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
