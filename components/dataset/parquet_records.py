"""Parquet: records by column, strings as the bytes that they are.

Other formats are read where pyarrow is not installed: it is imported by the first Parquet file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

_BATCH = 1_024


class ParquetError(Exception):
    """A file is no Parquet, truncated or corrupt; in pyarrow's words."""


@contextlib.contextmanager
def open_parquet(path: Path) -> Iterator[pyarrow.parquet.ParquetFile]:
    """Opens a file.

    Raises:
      ParquetError: It cannot be read, or not further.
      OSError: It is not there, or not readable.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            yield file
    except pyarrow.ArrowException as error:
        raise ParquetError(str(error)) from error


def column_names(path: Path) -> list[str]:
    """Returns the names of a file's columns, one that occurs twice twice."""
    with open_parquet(path) as file:
        return list(file.schema_arrow.names)


def has_rows(path: Path) -> bool:
    """Says whether a file has any."""
    with open_parquet(path) as file:
        return bool(file.metadata.num_rows)


def read_parquet(path: Path, columns: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Yields the records' values of some columns."""
    with open_parquet(path) as file:
        for batch in file.iter_batches(_BATCH, columns=list(columns)):
            values = [without_decoding(batch.column(name)).to_pylist() for name in columns]
            for row in zip(*values, strict=True):
                yield dict(zip(columns, row, strict=True))


def without_decoding(column: pyarrow.Array) -> pyarrow.Array:
    """Returns strings as bytes: one that is not UTF-8 would cost its whole batch."""
    import pyarrow

    if pyarrow.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pyarrow.types.is_string(column.type):
        return column.cast(pyarrow.binary())
    if pyarrow.types.is_large_string(column.type):
        return column.cast(pyarrow.large_binary())
    return column
