"""Texts for a model to classify: a column of a table in any format of a run, or a text a line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from components.dataset.columns import (
    DEFAULT_TEXT,
    choose_text_column,
    has_usual_columns,
    objection_to_column,
)
from components.dataset.compressed import compression_named
from components.dataset.detect import detect
from components.dataset.detected_table import (
    DetectedTable,
    notices,
    refuse_repeated,
)
from components.dataset.look_at import look_at
from components.dataset.places import is_there
from components.dataset.records import (
    MalformedRecord,
    Problem,
    encoded,
    objection_to_problems,
    printable,
    problem_of_text,
)
from components.dataset.source import SourceKind, TableFormat
from components.dataset.stores import check_store, errors_of_stores
from components.dataset.table_options import FOUND_BY_CONTENT, TableOptions
from components.dataset.tables import UNREADABLE, read_records, unreadable, with_way_out
from components.dataset.text_lines import lines_of, open_text
from components.errors import DatasetError, as_setting
from components.storage.place import Place

LINES_SUFFIX = ".txt"
# All texts are held in memory: so many, and so many characters.
MOST_TEXTS, MOST_CHARACTERS = 1_000_000, 256 << 20


class Texts(NamedTuple):
    """What a file holds.

    Attributes:
      texts: In their order.
      notices: What the user should know of how they were read.
    """

    texts: list[str]
    notices: list[str]


@errors_of_stores()
def read_texts(
    path: Place,
    column: str = "",
    options: TableOptions = FOUND_BY_CONTENT,
    *,
    max_bad_records: float = 0.0,
    name: str = "",
) -> Texts:
    """Reads all texts of a file, or refuses it.

    A file named .txt, or without a name, is a table if it is JSON or Parquet, or if its first row
    names the column, or, where none is named, text and label by usual names; else it has a text a
    line, blank ones too.

    Args:
      path: The file.
      column: Column of the text, for tables; "" finds it, see `columns.choose_text_column`.
      options: How tables are written, as far as the user says so.
      max_bad_records: Share of records, 0 to 1, that may be left out.
      name: How to call a file that has no name of its own.

    Raises:
      DatasetError: It cannot be read, lacks the column, has more bad records than allowed, or
        more texts than `MOST_TEXTS`; names file and record.
    """
    check_store(str(path))
    if not is_there(str(path)):
        raise DatasetError(f"{as_setting('file', str(path))}: there is no such file.")
    if path.is_dir():
        raise DatasetError(f"{as_setting('file', str(path))} is a folder; expected a file.")
    shown = name or printable(path.name)
    is_unnamed = bool(name) or _is_named_lines(path)
    needed = (column or DEFAULT_TEXT,)
    table = (
        detect(path, options, name=name, needed=needed, may_be_prose=True)
        if is_unnamed
        else look_at(path, options, needed)
    )
    meant: list[str] = []
    if is_unnamed and not column and not _may_be_guessed(table):
        column = DEFAULT_TEXT
    column = choose_text_column([table], column, meant.append)
    if is_unnamed and _is_lines(table, column, is_named=not name):
        told = notices([(shown, table._replace(row_remarks=()))])
        found = _lines(path, table.format, shown)
    else:
        refuse_repeated(table, shown)
        if not table.columns:
            raise DatasetError(f"{shown} is empty: expected a column {column}.")
        if objection := objection_to_column(table, shown, column, "text_column"):
            raise DatasetError(objection)
        told = [*meant, *notices([(shown, table)])]
        found = _column(path, table.format, column, shown)
    return _without_bad(found, shown, max_bad_records, told)


def _is_named_lines(path: Place) -> bool:
    stem = Path(path.stem) if compression_named(path) else path
    return stem.suffix.lower() == LINES_SUFFIX


def _may_be_guessed(table: DetectedTable) -> bool:
    """Says whether a first row that may be prose is a header all the same."""
    is_separated = table.format.kind in (SourceKind.CSV, SourceKind.TSV)
    return not is_separated or has_usual_columns(table)


def _is_lines(table: DetectedTable, column: str, is_named: bool) -> bool:
    """Says whether a file is lines of text rather than rows of fields with that column.

    A file named .txt that has one column has lines, even if the first one is "text".
    """
    if table.format.kind not in (SourceKind.CSV, SourceKind.TSV):
        return False
    return column not in table.columns or (is_named and len(table.columns) == 1)


def _lines(path: Place, form: TableFormat, name: str) -> Iterator[str | Problem]:
    try:
        with open_text(path, form) as stream:
            for number, line in enumerate(lines_of(stream, form), start=1):
                text = line.removesuffix("\r")
                problem = problem_of_text(encoded(text), f"{name}, line {number:,}")
                is_bad = problem and problem.kind != "empty_text"
                yield with_way_out(problem, form) if problem and is_bad else text
    except UNREADABLE as error:
        yield unreadable(path, error)


def _column(path: Place, form: TableFormat, column: str, name: str) -> Iterator[str | Problem]:
    try:
        for number, record in enumerate(read_records(path, form, [column]), start=1):
            where = f"{name}, record {number:,}"
            if isinstance(record, MalformedRecord):
                yield Problem("malformed_row", where, record.detail, fatal=record.is_last)
                continue
            text = record.get(column)
            if not isinstance(text, str | bytes | None):
                detail = f"the text is of type {type(text).__name__}, expected a string"
                yield Problem("malformed_row", where, detail, fatal=False)
                continue
            content = text if isinstance(text, bytes) else encoded(text or "")
            problem = problem_of_text(content, where)
            is_bad = problem and problem.kind != "empty_text"
            yield with_way_out(problem, form) if problem and is_bad else content.decode("utf-8")
    except UNREADABLE as error:
        yield unreadable(path, error)


def _without_bad(
    found: Iterator[str | Problem], name: str, max_bad_records: float, told: list[str]
) -> Texts:
    texts: list[str] = []
    characters = 0
    counts: dict[str, int] = {}
    examples: dict[str, list[str]] = {}
    for item in found:
        if isinstance(item, str):
            texts.append(item)
            characters += len(item)
            if len(texts) > MOST_TEXTS or characters > MOST_CHARACTERS:
                raise DatasetError(
                    f"{name} has more than {MOST_TEXTS:,} texts, or {MOST_CHARACTERS >> 20:,} "
                    "million characters, and all are held in memory here. Divide it, or give it to "
                    "`sentiment score`."
                )
            continue
        described = f"{item.where}: {item.detail}"
        if item.fatal:
            raise DatasetError(described)
        counts[item.kind] = counts.get(item.kind, 0) + 1
        examples.setdefault(item.kind, [described])
    bad = sum(counts.values())
    share = bad / (bad + len(texts)) if bad else 0.0
    if objection := objection_to_problems(counts, examples, share, max_bad_records):
        raise DatasetError(f"{objection} Nothing was asked. Mend them, or raise `max_bad_records`.")
    if not texts:
        raise DatasetError(f"{name} holds no texts.")
    if bad:
        first = next(iter(examples.values()))[0]
        told.append(f"{bad:,} records were left out, e.g. {first}")
    return Texts(texts, told)
