"""Writes scored chunks, each to a file of its own, and joins those of a file in their order."""

from __future__ import annotations

import bz2
import contextlib
import csv
import gzip
import io
import json
import lzma
import shutil
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any, NamedTuple, cast

import pyarrow
import pyarrow.parquet

from components.dataset.compressed import compression_named
from components.dataset.parquet_records import open_parquet
from components.dataset.source import Compression, Quoting, SourceKind, TableFormat
from components.errors import ScoringError
from components.storage import files
from components.storage.place import Place, place_of
from pipeline.scoring.columns import values_of_columns
from pipeline.scoring.output_folder import errors_of_stores
from pipeline.scoring.plan import AddedColumns, ScoringFile
from pipeline.scoring.rows import Chunk
from serving.predictions import Prediction

_BYTES_PER_ROW_GROUP = 64 << 20
# The first version of the format that knows nanoseconds; pyarrow's own default may be older.
_PARQUET_VERSION = "2.6"
_JSON = (SourceKind.JSON_LINES, SourceKind.JSON)


class Part(NamedTuple):
    """A scored chunk, where the output goes.

    Attributes:
      number: The chunk's place in its file.
      path: Rows in the output's format, without a header.
      rows: How many.
    """

    number: int
    path: str
    rows: int


@errors_of_stores()
def write_part(
    chunk: Chunk,
    answers: Sequence[Prediction],
    version: int | None,
    added: AddedColumns,
    folder: Place,
) -> Part:
    """Writes a chunk's rows with what the model answered.

    Raises:
      ScoringError: The values fit no type of Parquet's, or a store cannot be written to.
      OSError: A disk cannot be written to.
    """
    path = str(folder / f"{chunk.number:08}.{chunk.file.output}.part")
    with files.open_to_write(path) as stream:
        if chunk.file.output_kind is SourceKind.PARQUET:
            table = _with_answers(chunk, answers, version, added)
            pyarrow.parquet.write_table(table, stream, version=_PARQUET_VERSION)
        else:
            stream.write(_lines(chunk, answers, version, added).encode())
    return Part(chunk.number, path, len(chunk.texts))


@errors_of_stores()
def join_parts(
    file: ScoringFile, parts: Iterable[Part], added: AddedColumns, folder: Place
) -> tuple[str, int]:
    """Makes the whole file of its parts, which are removed.

    Returns:
      The output's name, and how many rows it has.

    Raises:
      ScoringError: A column has values of several types, and Parquet takes one; or a store cannot
        be written to.
      OSError: A disk cannot be written to.
    """
    ordered = sorted(parts)
    paths = [place_of(part.path) for part in ordered]
    target = folder / file.output
    if file.output_kind is SourceKind.PARQUET:
        _join_tables(file, paths, target)
    else:
        with _create(target) as stream:
            _join_text(file, paths, added, stream)
    for path in paths:
        files.remove_file(str(path))
    return file.output, sum(part.rows for part in ordered)


@contextlib.contextmanager
def _create(target: Place) -> Iterator[IO[bytes]]:
    openers: dict[Compression, Any] = {
        Compression.GZIP: gzip.open,
        Compression.BZIP2: bz2.open,
        Compression.XZ: lzma.open,
    }
    with files.open_to_write(str(target)) as stream:
        opener = openers.get(compression_named(target))
        if opener is None:
            yield stream
            return
        with opener(stream, "wb") as packed:
            yield cast(IO[bytes], packed)


def _join_text(file: ScoringFile, paths: Iterable[Place], added: AddedColumns, stream: Any) -> None:
    is_array = file.output_kind is SourceKind.JSON
    between, end = (b",\n", b"\n]\n") if is_array else (b"", b"")
    stream.write(b"[\n" if is_array else _header(file, added).encode())
    is_first = True
    for path in paths:
        if not path.stat().st_size:
            continue
        stream.write(b"" if is_first else between)
        is_first = False
        with path.open("rb") as part:
            shutil.copyfileobj(part, stream)
    stream.write(end)


def _lines(
    chunk: Chunk, answers: Sequence[Prediction], version: int | None, added: AddedColumns
) -> str:
    values = (values_of_columns(answer, version, added.scored) for answer in answers)
    rows = (
        {**row, **dict(zip(added.names, answered, strict=True))}
        for row, answered in zip(chunk.rows, values, strict=True)
    )
    kind = chunk.file.output_kind
    if kind is SourceKind.JSON:
        return ",\n".join(map(_json, rows))
    if kind is SourceKind.JSON_LINES:
        return "".join(f"{_json(row)}\n" for row in rows)
    columns = (*chunk.file.columns, *added.names)
    cells = ([_cell(row.get(column)) for column in columns] for row in rows)
    return _separated(chunk.file.output_format, cells)


def _header(file: ScoringFile, added: AddedColumns) -> str:
    if file.output_kind in _JSON or not file.output_format.has_header:
        return ""
    return _separated(file.output_format, [[*file.columns, *added.names]])


def _separated(form: TableFormat, rows: Iterable[Sequence[str]]) -> str:
    # One column, and what would separate it from the new ones is a part of texts: they are quoted.
    delimiter = form.delimiter or ","
    if form.quoting is Quoting.NONE and form.delimiter:
        return "".join(f"{delimiter.join(row)}\n" for row in rows)
    stream = io.StringIO()
    csv.writer(stream, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    """Returns what JSON has no type for as text: dates as in ISO 8601, decimals by their digits."""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _cell(value: Any) -> str:
    """Returns a value as text for a table: numbers, booleans, lists and objects as in JSON."""
    if value is None:
        return ""
    return _json(value) if isinstance(value, bool | int | float | list | dict) else _plain(value)


def _with_answers(
    chunk: Chunk, answers: Sequence[Prediction], version: int | None, added: AddedColumns
) -> pyarrow.Table:
    table = chunk.rows if isinstance(chunk.rows, pyarrow.Table) else _table(chunk)
    rows = [values_of_columns(answer, version, added.scored) for answer in answers]
    kinds = (pyarrow.float32(), pyarrow.string(), pyarrow.int64())
    kinds += (pyarrow.float32(),) * len(added.scored)
    for column, (name, kind) in enumerate(zip(added.names, kinds, strict=True)):
        table = table.append_column(name, pyarrow.array([row[column] for row in rows], kind))
    return table


def _table(chunk: Chunk) -> pyarrow.Table:
    """Returns a chunk's values by column; tables of text hold strings alone."""
    kind = None if chunk.file.kind in _JSON else pyarrow.string()
    columns = {}
    for name in chunk.file.columns:
        try:
            columns[name] = pyarrow.array([row.get(name) for row in chunk.rows], kind)
        except (pyarrow.ArrowException, OverflowError) as error:
            raise _several_types(chunk.file, f"column '{name}': {error}") from error
    return pyarrow.table(columns)


def _join_tables(file: ScoringFile, paths: Sequence[Place], target: Place) -> None:
    schema = _common_schema(file, list(map(_schema_of, paths)))
    with (
        files.open_to_write(str(target)) as stream,
        pyarrow.parquet.ParquetWriter(stream, schema, version=_PARQUET_VERSION) as writer,
    ):
        for tables in _row_groups(paths, schema):
            writer.write_table(pyarrow.concat_tables(tables))


def _schema_of(path: Place) -> pyarrow.Schema:
    with open_parquet(path) as part:
        return part.schema_arrow


def _common_schema(file: ScoringFile, schemas: Sequence[pyarrow.Schema]) -> pyarrow.Schema:
    """Returns a schema that each part's values fit; the parts have the same columns.

    pyarrow has promoted types itself only since version 14.
    """
    schema = schemas[0]
    for index, field in enumerate(schema):
        types = {other.field(index).type for other in schemas} - {pyarrow.null()}
        if types == {pyarrow.int64(), pyarrow.float64()}:
            types = {pyarrow.float64()}
        if len(types) > 1:
            listed = ", ".join(sorted(map(str, types)))
            raise _several_types(file, f"column '{field.name}' holds {listed}")
        schema = schema.set(index, field.with_type(types.pop() if types else pyarrow.null()))
    return schema


def _row_groups(paths: Sequence[Place], schema: pyarrow.Schema) -> Iterator[list[pyarrow.Table]]:
    """Yields tables that go into a row group together: readers dislike small ones."""
    waiting: list[pyarrow.Table] = []
    for path in paths:
        with open_parquet(path) as part:
            waiting.append(part.read().cast(schema))
        if sum(table.nbytes for table in waiting) >= _BYTES_PER_ROW_GROUP:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


def _several_types(file: ScoringFile, detail: str) -> ScoringError:
    return ScoringError(
        f"{place_of(file.path).name} cannot become Parquet, which takes one type a column: "
        f"{detail}. Choose another --format."
    )
