"""Large batches run in slices, so that a run's memory does not grow with the request.

The tensors that a model computes from a text are far larger than the text: 500 tokens and the
states of its layers, some 100 KB. So requests whose inputs are strings, one for each row, run some
rows at a time; requests of a few rows wait for no more than that. Inputs of other types were as
large when they arrived, and run whole.
"""

from __future__ import annotations

import contextvars
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from serving.server.admission import TIMED_OUT, Gate
from serving.server.servable import Run
from serving.status import Code, StatusError, resource_exhausted

# Fewer rows, and no more bytes, run without waiting for a turn.
_SMALL_ROWS = 8
_SMALL_BYTES = 2**20

# Returns whether the client still waits; called between two slices.
is_wanted: contextvars.ContextVar[Callable[[], bool]] = contextvars.ContextVar(
    "is_wanted", default=lambda: True
)


@dataclass(frozen=True)
class RunLimits:
    """What a request may ask of a model. Named after the flags; 0 is no limit.

    Attributes:
      max_rows_per_request: Size of dimension 0 of any input.
      max_string_bytes: Length of one string.
      max_rows_per_run: Rows of strings that run at once.
      max_bytes_per_run: Their length together; a single row may be longer.
      max_values_per_message: Values that an answer holds.
    """

    max_rows_per_request: int = 16_384
    max_string_bytes: int = 2**20
    max_rows_per_run: int = 64
    max_bytes_per_run: int = 2 * 2**20
    max_values_per_message: int = 2**22


DEFAULT_LIMITS = RunLimits()


class Turns:
    """How many large requests run at the same time, of all models together.

    Attributes:
      runs: The limit on runs of more than a few rows.
      batches: The limit on requests of several runs: one that has begun holds its outputs so far.
    """

    def __init__(self, processors: int):
        """Takes how many of each run at a time."""
        self.runs = Gate(processors)
        self.batches = Gate(processors)


def check_rows(rows: int, most: int) -> None:
    """Refuses a request of too many rows; `most` 0 is no limit.

    Raises:
      StatusError: RESOURCE_EXHAUSTED.
    """
    if 0 < most < rows:
        raise resource_exhausted(
            f"The request has {rows} rows; at most {most} are taken at a time "
            "(--max_rows_per_request). Send them in several requests"
        )


def check_inputs(arrays: Mapping[str, np.ndarray], limits: RunLimits) -> None:
    """Refuses a request of too many rows, or of too long a string.

    An operation on a string cannot be stopped, and other requests wait for its thread.

    Raises:
      StatusError: RESOURCE_EXHAUSTED.
    """
    rows = max((len(array) for array in arrays.values() if array.ndim), default=0)
    check_rows(rows, limits.max_rows_per_request)
    longest = max(
        (
            max(map(len, array.ravel().tolist()), default=0)
            for array in arrays.values()
            if array.dtype == object
        ),
        default=0,
    )
    if 0 < limits.max_string_bytes < longest:
        raise resource_exhausted(
            f"The request has a string of {longest} bytes; at most {limits.max_string_bytes} are "
            "taken (--max_string_bytes). Shorten it: a model of texts reads a few hundred words"
        )


def check_values(count: int, limits: RunLimits) -> None:
    """Refuses an answer of too many values.

    Raises:
      StatusError: RESOURCE_EXHAUSTED.
    """
    if 0 < limits.max_values_per_message < count:
        raise resource_exhausted(
            f"The answer would hold {count} values; at most {limits.max_values_per_message} are "
            "sent at a time (--max_values_per_message). Ask for fewer rows, or fewer outputs"
        )


def limited(run: Run, limits: RunLimits) -> Run:
    """Returns a `run` that refuses what is beyond the limits of one request."""

    def limited_run(
        feeds: Mapping[str, np.ndarray], fetches: Sequence[str], timeout: float | None
    ) -> list[np.ndarray]:
        check_inputs(feeds, limits)
        outputs = run(feeds, fetches, timeout)
        check_values(sum(output.size for output in outputs), limits)
        return outputs

    return limited_run


class SlicedRun:
    """Runs a graph, large batches of strings in slices, and few large runs at a time.

    A slice's outputs must have its rows in dimension 0. Fetches for which that is not so, such as
    a sum over the batch, run whole.
    """

    def __init__(self, run: Run, limits: RunLimits, turns: Turns):
        """Takes what runs the graph, and the turns that all models share."""
        self._run = run
        self._limits = limits
        self._turns = turns
        self._whole: set[tuple[str, ...]] = set()

    def __call__(
        self, feeds: Mapping[str, np.ndarray], fetches: Sequence[str], timeout: float | None
    ) -> list[np.ndarray]:
        """Returns the arrays of the fetches, as one run would.

        Raises:
          StatusError: See `SavedModel.run`; CANCELLED when nobody waits for the answer any more.
        """
        rows, sizes = _sizes(feeds)
        if rows <= _SMALL_ROWS and sum(sizes) <= _SMALL_BYTES:
            return self._run(feeds, fetches, timeout)
        deadline = None if timeout is None else time.monotonic() + timeout
        slices = list(self._slices(rows, sizes)) if tuple(fetches) not in self._whole else []
        if len(slices) < 2:
            return self._run_in_turn(feeds, fetches, deadline)
        with self._turns.batches.turn(deadline):
            outputs = self._run_slices(feeds, fetches, slices, deadline)
        if outputs is not None:
            return outputs
        self._whole.add(tuple(fetches))
        return self._run_in_turn(feeds, fetches, deadline, is_first=False)

    def _run_slices(
        self,
        feeds: Mapping[str, np.ndarray],
        fetches: Sequence[str],
        slices: Sequence[tuple[int, int]],
        deadline: float | None,
    ) -> list[np.ndarray] | None:
        """Returns the slices' outputs joined; None when they cannot be."""
        outputs: list[list[np.ndarray]] = []
        rows = slices[-1][1]
        for start, stop in slices:
            part = {name: array[start:stop] for name, array in feeds.items()}
            results = self._run_in_turn(part, fetches, deadline, is_first=False)
            if any(output.ndim == 0 or len(output) != stop - start for output in results):
                return None
            if any(
                before.shape[1:] != output.shape[1:]
                for before, output in zip(outputs[0] if outputs else results, results, strict=True)
            ):
                return None  # each slice is padded to its own longest row
            if not outputs:
                per_row = sum(math.prod(output.shape[1:]) for output in results)
                check_values(rows * per_row, self._limits)
            outputs.append(results)
        return [np.concatenate(parts) for parts in zip(*outputs, strict=True)]

    def _run_in_turn(
        self,
        feeds: Mapping[str, np.ndarray],
        fetches: Sequence[str],
        deadline: float | None,
        *,
        is_first: bool = True,
    ) -> list[np.ndarray]:
        with self._turns.runs.turn(deadline, is_first=is_first):
            if not is_wanted.get()():
                raise StatusError(Code.CANCELLED, "The client no longer waits for the answer")
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise StatusError(Code.DEADLINE_EXCEEDED, TIMED_OUT)
            return self._run(feeds, fetches, left)

    def _slices(self, rows: int, sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Yields the first row and the end (exclusive) of each slice, of about one length."""
        if not sizes:
            return
        limit = self._limits.max_rows_per_run or rows
        length = math.ceil(rows / math.ceil(rows / limit))
        start = size = 0
        for row in range(rows):
            is_full = row - start >= length or size + sizes[row] > self._limits.max_bytes_per_run
            if is_full and row > start:
                yield start, row
                start, size = row, 0
            size += sizes[row]
        yield start, rows


def _sizes(feeds: Mapping[str, np.ndarray]) -> tuple[int, Sequence[int]]:
    """Returns the rows of a batch, and the bytes of each when all of them are strings."""
    arrays = list(feeds.values())
    rows = max((len(array) for array in arrays if array.ndim), default=0)
    are_strings = all(
        array.dtype == object and array.ndim == 1 and len(array) == rows for array in arrays
    )
    if not (rows and are_strings):
        return rows, ()
    if len(arrays) == 1:
        return rows, [len(text) for text in arrays[0].tolist()]
    columns = [[len(text) for text in array.tolist()] for array in arrays]
    return rows, [sum(row) for row in zip(*columns, strict=True)]
