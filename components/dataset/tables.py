"""Tables with a text and a label column: CSV, TSV, JSON Lines and Parquet, one record at a time."""

from __future__ import annotations

import contextlib
import csv
import gzip
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import pyarrow
import pyarrow.parquet

from components.dataset.records import LabelSpelling, LeftOut, Problem, Review, printable
from components.dataset.source import ReviewSource, SourceFile, SourceKind
from components.dataset.table_reviews import reviews_in

SUFFIXES = {
    ".csv": SourceKind.CSV,
    ".tsv": SourceKind.TSV,
    ".jsonl": SourceKind.JSON_LINES,
    ".ndjson": SourceKind.JSON_LINES,
    ".json": SourceKind.JSON_LINES,
    ".parquet": SourceKind.PARQUET,
}
# csv refuses longer fields; its own limit is 128 KiB, less than a long review.
MAX_FIELD_CHARACTERS = 64 << 20
# What reading a file raises that is truncated or corrupt.
UNREADABLE = (OSError, EOFError, zlib.error, pyarrow.ArrowException)

_PARQUET_BATCH = 1_024
_QUOTING = "{}; a quote inside a quoted field is written twice, and each field's quotes are closed"


class MalformedRecord(NamedTuple):
    """A record that is none.

    Attributes:
      detail: What arrived and what was expected.
      is_last: Whether the rest of the file is lost with it.
    """

    detail: str
    is_last: bool = False


def kind_of(path: Path) -> SourceKind | None:
    """Returns the format that a file's name tells, or None."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] == ".gz":
        suffixes.pop()
    return SUFFIXES.get(suffixes[-1]) if suffixes else None


def columns_of(path: Path, kind: SourceKind) -> list[str]:
    """Returns the names of a table's columns: the header's, or the first record's.

    Returns an empty list for an empty file; errors of the file itself pass through.
    """
    if kind is SourceKind.PARQUET:
        return list(pyarrow.parquet.read_schema(path).names)
    with _open_text(path) as stream:
        if kind is SourceKind.JSON_LINES:
            line = next((line for line in stream if line.strip()), "{}")
            return [printable(name) for name in _json_object(line)]
        return [printable(name) for name in next(_rows(stream, kind), [])]


def read_table(
    file: SourceFile, source: ReviewSource
) -> Iterator[Review | LeftOut | Problem | LabelSpelling]:
    """Yields the reviews of one file, what is left out and the problems in between.

    A file that breaks off ends with a fatal Problem.
    """
    path = Path(file.path)
    columns = [source.text_column, source.label_column]
    if source.split_column:
        columns.append(source.split_column)
    try:
        for number, record in enumerate(read_records(path, source.kind, columns), start=1):
            where = f"{path.name}, record {number}"
            if isinstance(record, MalformedRecord):
                yield Problem("malformed_row", where, record.detail, fatal=record.is_last)
            else:
                yield from reviews_in(record, file, source, where, f"{path.stem}:{number}")
    except UNREADABLE as error:
        yield unreadable(path, error)


def read_records(
    path: Path, kind: SourceKind, columns: Sequence[str]
) -> Iterator[Mapping[str, Any] | MalformedRecord]:
    """Yields a table's records, values by column, in their order.

    Args:
      path: The file; a text format may be gzipped.
      kind: Its format.
      columns: What to read of a Parquet file, strings as bytes; records of other formats come
        whole, and bytes in them that are not UTF-8 come through as surrogates.

    Raises:
      Exception: One of `UNREADABLE`: the file is truncated or corrupt.
    """
    if kind is SourceKind.PARQUET:
        return _read_parquet(path, columns)
    if kind is SourceKind.JSON_LINES:
        return _read_json_lines(path)
    return _read_separated(path, kind)


def unreadable(path: Path, error: Exception) -> Problem:
    """Returns the problem of a file that is truncated or corrupt."""
    return Problem(
        "unreadable_file",
        path.name,
        f"the file is truncated or corrupt ({error}). Mend it or leave it out.",
        fatal=True,
    )


def _read_separated(path: Path, kind: SourceKind) -> Iterator[Mapping[str, Any] | MalformedRecord]:
    with _open_text(path) as stream:
        rows = _rows(stream, kind)
        header = next(rows, [])
        while True:
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                # A quote that is never closed makes one field of all that follows it.
                is_last = "unexpected end" in str(error) or "field limit" in str(error)
                yield MalformedRecord(_QUOTING.format(error), is_last)
                if is_last:
                    return
                continue
            if len(row) == len(header):
                yield dict(zip(header, row, strict=True))
            elif row:
                yield MalformedRecord(f"{len(row)} fields, expected {len(header)}")


def _read_json_lines(path: Path) -> Iterator[Mapping[str, Any] | MalformedRecord]:
    with _open_text(path) as stream:
        for line in stream:
            if not line.strip():
                continue
            try:
                yield _json_object(line)
            except ValueError as error:
                yield MalformedRecord(str(error))


def _read_parquet(path: Path, columns: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    with pyarrow.parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(_PARQUET_BATCH, columns=list(columns)):
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


@contextlib.contextmanager
def _open_text(path: Path) -> Iterator[IO[str]]:
    """Opens a text file, gzipped or not; bytes that are not UTF-8 come through as surrogates."""
    opener = gzip.open if path.suffix.lower() == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
        yield stream


def _rows(stream: IO[str], kind: SourceKind) -> Iterator[list[str]]:
    """Returns csv's reader, which raises csv.Error for a row and then goes on with the next."""
    csv.field_size_limit(MAX_FIELD_CHARACTERS)
    # Before Python 3.11, csv refuses a line with a NUL.
    lines = (line.replace("\0", " ") for line in stream)
    # Without `strict`, a stray quote silently swallows rows up to the next one.
    return csv.reader(lines, delimiter="\t" if kind is SourceKind.TSV else ",", strict=True)


def _json_object(line: str) -> dict[str, Any]:
    """Returns the object that a line holds; a ValueError says what it holds instead."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from error
    if not isinstance(record, dict):
        raise ValueError("not a JSON object; expected one object a line")
    return record
