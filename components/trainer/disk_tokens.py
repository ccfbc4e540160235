"""Token ids that do not fit into memory: in a file without a name, which ends with the process."""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Iterator
from typing import IO, Any

import numpy as np

from components.errors import TrainingError

# Rows that are copied out of the file at once, in bytes.
_CHUNK_BYTES = 64_000_000


class TokenIdsOnDisk:
    """Rows of token ids in a temporary file, read when they are asked for.

    What is asked for is returned as an array in memory. Files that are mapped into memory would
    fill it with all rows that were ever read.

    Attributes:
      shape: Rows, and tokens a row.
      dtype: Of a token.
    """

    def __init__(self, width: int, dtype: np.dtype):
        """Makes an empty file in the temporary folder.

        Args:
          width: Tokens a row.
          dtype: Of a token.

        Raises:
          TrainingError: There is no place for it.
        """
        self.dtype = np.dtype(dtype)
        self._width = width
        self._row_bytes = width * self.dtype.itemsize
        self._rows = 0
        self._order = np.arange(0)
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile(prefix="token_ids-")  # noqa: SIM115
        except OSError as error:
            raise _no_room(error, 0) from error
        weakref.finalize(self, self._file.close)

    @property
    def shape(self) -> tuple[int, int]:
        """Returns the number of rows, and of tokens a row."""
        return self._rows, self._width

    def __len__(self) -> int:
        """Returns the number of rows."""
        return self._rows

    def append(self, rows: np.ndarray) -> None:
        """Writes rows, <dtype>[rows, width], behind those that are there.

        Raises:
          TrainingError: The disk is full.
        """
        self._rows += len(rows)
        try:
            self._file.write(np.ascontiguousarray(rows, self.dtype).data)
            self._file.flush()
        except OSError as error:
            raise _no_room(error, self._rows * self._row_bytes) from error

    def put_in(self, order: np.ndarray) -> None:
        """Says in which order the written rows, <integer>[rows], are to be read.

        Rows can be read from now on. Nothing moves on the disk.
        """
        # One number a row is what stays in memory.
        self._order = order.astype(np.min_scalar_type(max(self._rows, 1)))

    def __getitem__(self, index: Any) -> np.ndarray:
        """Returns the rows of a number, a slice, or an array of numbers, as numpy does."""
        places = self._order[index]
        rows = np.empty((*places.shape, self._width), self.dtype)
        flat = rows.reshape(-1, self._width)
        for number, place in enumerate(places.reshape(-1).tolist()):
            read = os.preadv(self._file.fileno(), [flat[number].data], place * self._row_bytes)
            if read != self._row_bytes:
                raise OSError(
                    f"Row {place:,} of the token ids' temporary file has {read} bytes of "
                    f"{self._row_bytes}."
                )
        return rows


TokenIds = np.ndarray | TokenIdsOnDisk
# Token ids <uint>[reviews, max_length] and labels <int64>[reviews].
Reviews = tuple[TokenIds, np.ndarray]


def chunks_of(token_ids: TokenIds) -> Iterator[np.ndarray]:
    """Yields all rows, <dtype>[some rows, width], so many at once as memory holds well."""
    row_bytes = max(token_ids.shape[1] * token_ids.dtype.itemsize, 1)
    step = max(_CHUNK_BYTES // row_bytes, 1)
    for start in range(0, len(token_ids), step):
        yield token_ids[start : start + step]


def bytes_in_memory(token_ids: TokenIds) -> int:
    """Returns what token ids take there."""
    return token_ids.nbytes if isinstance(token_ids, np.ndarray) else 0


def _no_room(error: OSError, size: int) -> TrainingError:
    return TrainingError(
        f"Token ids beyond `memory_budget` go to a file in {tempfile.gettempdir()}, and that "
        f"failed at {size / 1e9:,.1f} GB: {error.strerror}. Free some space there, name another "
        "folder in the environment variable TMPDIR, or give a larger `memory_budget`."
    )
