"""Large batches run in slices, so that a run's memory does not grow with the request.

The tensors that a model computes from a text are far larger than the text: 500 tokens and the
states of its layers, some 100 KB. So requests whose inputs are strings, one for each row, run some
rows at a time; requests of a few rows wait for no more than that. Inputs of other types were as
large when they arrived, and run whole.

Where the outputs are large as well, fewer rows run at a time: a trace of 500 words has 2 MB with
1,000 classes. How large a row is, the signature's shapes tell, and after the first run the outputs.
"""

from __future__ import annotations

import contextvars
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import meta_graph_pb2

from serving.server.admission import TIMED_OUT, Gate
from serving.server.servable import Run, tensor_name
from serving.status import Code, StatusError, resource_exhausted

# Fewer rows, and no more bytes, run without waiting for a turn.
_SMALL_ROWS = 8
_SMALL_BYTES = 2**20
# The most bytes of the outputs of one run; a single row may have more.
_MOST_OUTPUT_BYTES = 16 * 2**20
# What a string takes beside its characters, and what it is taken for before one was seen.
_BYTES_OF_STRING, _BYTES_OF_UNSEEN_STRING = 48, 1024
# So many bytes of a string count as a further value of an answer.
_STRING_BYTES_OF_VALUE = 64

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
      max_values_per_message: Values that an answer holds; a long string counts as several.
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
        check_values(sum(map(_count_values, outputs)), limits)
        return outputs

    return limited_run


@dataclass(frozen=True)
class RowSize:
    """What a row of an output takes, as far as its shape tells: sizes that nobody knows count as 1.

    Attributes:
      values: How many values.
      bytes: Their length in memory.
    """

    values: int
    bytes: int


def row_sizes(
    signatures: Mapping[str, meta_graph_pb2.SignatureDef],
) -> dict[str, RowSize]:
    """Returns the size of a row of each output [batch, ...], by the name of its tensor."""
    found = {}
    for signature in signatures.values():
        for info in signature.outputs.values():
            sizes = [each.size for each in info.tensor_shape.dim]
            if sizes[:1] != [-1]:  # no batch
                continue
            values = math.prod(max(1, size) for size in sizes[1:])
            width = 8
            if info.dtype == types_pb2.DT_STRING:
                width = _BYTES_OF_STRING + _BYTES_OF_UNSEEN_STRING
            found[tensor_name(info)] = RowSize(values, values * width)
    return found


class SlicedRun:
    """Runs a graph, large batches of strings in slices, and few large runs at a time.

    A slice's outputs must have its rows in dimension 0. Fetches for which that is not so, such as
    a sum over the batch, run whole.
    """

    def __init__(
        self,
        run: Run,
        limits: RunLimits,
        turns: Turns,
        sizes: Mapping[str, RowSize] | None = None,
    ):
        """Takes what runs the graph.

        Args:
          run: Runs the graph.
          limits: Of the requests.
          turns: Those that all models share.
          sizes: Of a row of each output, by tensor; see `row_sizes`.
        """
        self._run = run
        self._limits = limits
        self._turns = turns
        self._sizes = sizes or {}
        self._whole: set[tuple[str, ...]] = set()
        # The most bytes of outputs that a row was seen to have, on the average of a run.
        self._seen: dict[tuple[str, ...], int] = {}

    def __call__(
        self, feeds: Mapping[str, np.ndarray], fetches: Sequence[str], timeout: float | None
    ) -> list[np.ndarray]:
        """Returns the arrays of the fetches, as one run would.

        Raises:
          StatusError: See `SavedModel.run`; CANCELLED when nobody waits for the answer any more.
        """
        rows, sizes = _sizes(feeds)
        per_row = self._bytes_of_row(fetches)
        is_small = max(sum(sizes), rows * per_row) <= _SMALL_BYTES
        if rows <= _SMALL_ROWS and is_small:
            return self._run_and_see(feeds, fetches, timeout)
        deadline = None if timeout is None else time.monotonic() + timeout
        is_cut = sizes and tuple(fetches) not in self._whole
        if not is_cut or self._end_of_slice(0, rows, sizes, per_row) == rows:
            return self._run_in_turn(feeds, fetches, deadline)
        if all(name in self._sizes for name in fetches):
            known = sum(self._sizes[name].values for name in fetches)
            check_values(rows * known, self._limits)
        with self._turns.batches.turn(deadline):
            outputs = self._run_slices(feeds, fetches, sizes, deadline)
        if outputs is not None:
            return outputs
        self._whole.add(tuple(fetches))
        return self._run_in_turn(feeds, fetches, deadline, is_first=False)

    def _bytes_of_row(self, fetches: Sequence[str]) -> int:
        """Returns what the outputs of a row take: as they were seen, or as their shapes tell."""
        seen = self._seen.get(tuple(fetches))
        if seen is not None:
            return seen
        return sum(self._sizes[name].bytes for name in fetches if name in self._sizes)

    def _run_and_see(
        self, feeds: Mapping[str, np.ndarray], fetches: Sequence[str], timeout: float | None
    ) -> list[np.ndarray]:
        """Runs the graph, and keeps in mind how large a row of its outputs is."""
        outputs = self._run(feeds, fetches, timeout)
        rows = max((len(array) for array in feeds.values() if array.ndim), default=0)
        if rows:
            key = tuple(fetches)
            size = sum(map(_count_bytes, outputs)) // rows
            self._seen[key] = max(size, self._seen.get(key, 0))
        return outputs

    def _run_slices(
        self,
        feeds: Mapping[str, np.ndarray],
        fetches: Sequence[str],
        sizes: Sequence[int],
        deadline: float | None,
    ) -> list[np.ndarray] | None:
        """Returns the slices' outputs joined; None when they cannot be."""
        outputs: list[list[np.ndarray]] = []
        rows, stop = len(sizes), 0
        while stop < rows:
            start = stop
            stop = self._end_of_slice(start, rows, sizes, self._bytes_of_row(fetches))
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
                values = sum(map(_count_values, results))
                check_values(rows * values // (stop - start), self._limits)
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
            return self._run_and_see(feeds, fetches, left)

    def _end_of_slice(self, start: int, rows: int, sizes: Sequence[int], per_row: int) -> int:
        """Returns the row at which the slice that begins at `start` ends, exclusive.

        Slices are of about one length, unless texts or outputs are long.

        Args:
          start: The first row.
          rows: How many rows there are.
          sizes: Bytes of each row's texts.
          per_row: Bytes of each row's outputs, as far as is known.
        """
        limit = self._limits.max_rows_per_run or rows
        if self._limits.max_rows_per_run:
            limit = min(limit, max(1, _MOST_OUTPUT_BYTES // max(1, per_row)))
        length = math.ceil(rows / math.ceil(rows / limit))
        size = 0
        for row in range(start, min(start + length, rows)):
            size += sizes[row]
            if size > self._limits.max_bytes_per_run and row > start:
                return row
        return min(start + length, rows)


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


def _count_values(output: np.ndarray) -> int:
    """Returns how many values an answer holds with this output; a long string counts as several."""
    if output.dtype != object:
        return output.size
    return output.size + sum(map(len, output.ravel().tolist())) // _STRING_BYTES_OF_VALUE


def _count_bytes(output: np.ndarray) -> int:
    """Returns the bytes that an output takes in memory."""
    if output.dtype != object:
        return output.nbytes
    return output.size * _BYTES_OF_STRING + sum(map(len, output.ravel().tolist()))
