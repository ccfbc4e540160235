"""Parquet: records by column, strings as the bytes that they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

_BATCH = 1_024


def column_names(path: Path) -> list[str]:
    """Returns the names of a file's columns, one that occurs twice twice."""
    return list(pyarrow.parquet.read_schema(path).names)


def has_rows(path: Path) -> bool:
    """Says whether a file has any."""
    with pyarrow.parquet.ParquetFile(path) as file:
        return bool(file.metadata.num_rows)


def read_parquet(path: Path, columns: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Yields the records' values of some columns."""
    with pyarrow.parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(_BATCH, columns=list(columns)):
            values = [without_decoding(batch.column(name)).to_pylist() for name in columns]
            for row in zip(*values, strict=True):
                yield dict(zip(columns, row, strict=True))


def without_decoding(column: pyarrow.Array) -> pyarrow.Array:
    """Returns strings as bytes: one that is not UTF-8 would cost its whole batch."""
    if pyarrow.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pyarrow.types.is_string(column.type):
        return column.cast(pyarrow.binary())
    if pyarrow.types.is_large_string(column.type):
        return column.cast(pyarrow.large_binary())
    return column
