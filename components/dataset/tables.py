"""Tables with a text and a label column, of every format, one record at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.dataset.compressed import UNPACKABLE, PackedFileError
from components.dataset.json_records import read_json, read_json_lines
from components.dataset.labels import LabelLookup
from components.dataset.nested import with_columns
from components.dataset.parquet_records import ParquetError, read_parquet
from components.dataset.records import (
    LabelSpelling,
    LeftOut,
    MalformedRecord,
    Problem,
    Review,
)
from components.dataset.separated import named, numbered, rows_of
from components.dataset.source import ReviewSource, SourceFile, SourceKind, TableFormat
from components.dataset.stores import words_of
from components.dataset.table_reviews import reviews_in
from components.dataset.text_encoding import UTF_8
from components.dataset.text_folders import read_text_folder
from components.dataset.text_lines import UNDECODABLE, LongLineError, blocks_of_lines, open_text
from components.errors import as_setting
from components.storage.place import Place, place_of

# What reading a file raises that is truncated or corrupt, or in another format than was detected.
UNREADABLE = (*UNPACKABLE, *UNDECODABLE, ParquetError)


def read_table(
    file: SourceFile, source: ReviewSource
) -> Iterator[Review | LeftOut | Problem | LabelSpelling]:
    """Yields the reviews of one file, what is left out and the problems in between.

    A file that breaks off ends with a fatal Problem.
    """
    path = place_of(file.path)
    columns = [source.text_column, source.label_column, *source.slice_columns]
    if source.split_column:
        columns.append(source.split_column)
    labels = LabelLookup.of(source)
    try:
        form = file.format or TableFormat.usual(source.kind)
        for number, record in enumerate(read_records(path, form, columns), start=1):
            where = f"{path.name}, record {number}"
            if isinstance(record, MalformedRecord):
                yield Problem("malformed_row", where, record.detail, fatal=record.is_last)
            else:
                review_id = f"{path.stem}:{number}"
                for found in reviews_in(record, file, source, labels, where, review_id):
                    yield with_way_out(found, form) if isinstance(found, Problem) else found
    except UNREADABLE as error:
        yield unreadable(path, error)


def read_records(
    path: Place, form: TableFormat, columns: Sequence[str]
) -> Iterator[Mapping[str, Any] | MalformedRecord]:
    """Yields a table's records, values by column, in their order.

    Args:
      path: The file.
      form: How it is written.
      columns: What to read of a Parquet file, strings as bytes; records of other formats come
        whole, and bytes in them that are not UTF-8 come through as surrogates. Those that are
        inside others, "a.b", stand beside them in the record.

    Raises:
      Exception: One of `UNREADABLE`: the file is truncated or corrupt.
    """
    if form.kind is SourceKind.PARQUET:
        yield from read_parquet(path, columns)
        return
    if form.kind is SourceKind.TEXT_FOLDER:
        yield from read_text_folder(path, form.encoding, columns)
        return
    with open_text(path, form) as stream:
        if form.kind not in (SourceKind.JSON_LINES, SourceKind.JSON):
            yield from _read_separated(blocks_of_lines(stream, form), form)
            return
        records = (
            read_json_lines(stream, form)
            if form.kind is SourceKind.JSON_LINES
            else read_json(stream, form.wrapper)
        )
        nested = [column for column in columns if "." in column]
        if not nested:
            yield from records
            return
        for record in records:
            if isinstance(record, MalformedRecord):
                yield record
            else:
                yield with_columns(record, nested)


def with_way_out(problem: Problem, form: TableFormat) -> Problem:
    """Returns a problem, with advice where a text is perhaps in another encoding than UTF-8."""
    has_encoding = form.kind in (SourceKind.CSV, SourceKind.TSV, SourceKind.TEXT_FOLDER)
    if problem.kind != "not_utf8" or not has_encoding or form.encoding != UTF_8:
        return problem
    return problem._replace(
        detail=f"{problem.detail} (is it Latin-1? {as_setting('encoding', 'latin-1')})"
    )


def unreadable(path: Place, error: Exception) -> Problem:
    """Returns the problem of a file that is truncated or corrupt."""
    if isinstance(error, PackedFileError):
        detail = str(error)
    elif isinstance(error, UnicodeError):
        detail = f"{error}. Mend it, or name its encoding with `encoding`."
    elif isinstance(error, LongLineError):
        detail = f"{error}. Expected a row a line; is it a table?"
    elif isinstance(error, OSError) and error.errno:
        # Of the disk or the store; what unpacks a damaged file raises OSErrors without a number.
        detail = f"reading it failed: {words_of(error)}"
    else:
        detail = f"the file is truncated or corrupt ({error}). Mend it or leave it out."
    return Problem("unreadable_file", path.name, detail, fatal=True)


def _read_separated(
    blocks: Iterator[list[str]], form: TableFormat
) -> Iterator[Mapping[str, Any] | MalformedRecord]:
    rows = rows_of(blocks, form)
    columns: list[str] = []
    header: list[str] = []
    for row in rows:
        if isinstance(row, MalformedRecord):
            # Without a header the columns' names are not known.
            yield row._replace(is_last=form.has_header)
            if form.has_header:
                return
            continue
        columns = named(row) if form.has_header else numbered(len(row))
        if form.has_header and len(row) > 1:
            header = row
        if not form.has_header:
            yield dict(zip(columns, row, strict=True))
        break
    width = len(columns)
    for row in rows:
        if isinstance(row, MalformedRecord):
            yield row
        elif row == header:
            # Files were put one behind the other: its label would be a class.
            yield MalformedRecord("the header once more")
        elif len(row) == width:
            yield dict(zip(columns, row, strict=True))
        else:
            yield MalformedRecord(f"{len(row)} fields, expected {width}")
