"""How a file is written, found by looking at its beginning; fast, and before anything runs."""

from __future__ import annotations

import codecs
import dataclasses
import re
import zipfile
from collections.abc import Iterable, Sequence
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import Any

from components.dataset import dialect, foreign_formats, parquet_records
from components.dataset.compressed import (
    UNPACKABLE,
    PackedFileError,
    compression_named,
    compression_of,
    only_member,
    open_unpacked,
)
from components.dataset.detected_table import DetectedTable, folded, refuse_repeated
from components.dataset.json_layouts import objection_to_object
from components.dataset.json_records import json_object, read_json, read_json_lines
from components.dataset.nested import MOST_PATHS, has_value_at, paths_in, paths_in_lists, value_at
from components.dataset.records import MalformedRecord, printable
from components.dataset.separated import named, numbered, rows_of
from components.dataset.source import FORMAT_NAMES, Compression, Quoting, SourceKind, TableFormat
from components.dataset.suffixes import SUFFIXES
from components.dataset.table_options import FOUND_BY_CONTENT, TableOptions
from components.dataset.text_encoding import (
    UTF_8,
    checked_encoding,
    encoding_of,
    has_mark,
    objection_to_utf8,
    shown,
)
from components.dataset.text_lines import UNDECODABLE, lines_of, open_text
from components.errors import DatasetError, as_setting
from components.storage.place import Place

HEAD_BYTES = 1 << 20
# From so many rows on, texts of so many characters and so many different labels are known.
_LEAST_ROWS, _LEAST_LENGTH, _MOST_LABELS = 20, 20, 10
# Han and Kana: a sentence takes some third of the characters that it has in Latin letters.
_DENSE = re.compile("[\u3040-\u30ff\u3400-\u9fff]")
# Of JSON, in search of a column that the first record lacks.
_RECORDS_WITH_COLUMNS = 100

_FASTTEXT = "__label__"
_FASTTEXT_SETTINGS = (
    as_setting("header", False),
    as_setting("text_column", "2"),
    as_setting("label_column", "1"),
    as_setting("quoting", Quoting.NONE.value),
)
_FASTTEXT_ADVICE = (
    "its lines begin with labels as fastText writes them. Write label, tab and text instead, e.g. "
    "by sed -E 's/^__label__([^ ]+) /\\1\\t/', name it .tsv, and say "
    f"{' '.join(_FASTTEXT_SETTINGS)}."
)
_JSON = (SourceKind.JSON_LINES, SourceKind.JSON)
_SHOWN_DELIMITERS = {"\t": "a tab", " ": "a blank", "": "none, a line is one field"}
# What a file holds, where its name says otherwise.
_KINDS = {
    **FORMAT_NAMES,
    SourceKind.CSV: "rows of fields",
    SourceKind.TSV: "rows of fields",
    SourceKind.JSON: "JSON records",
}
_DOUBLED = as_setting("quoting", Quoting.DOUBLED.value)
_ARRAY_OF_OBJECTS = re.compile(r"\[\s*[{\]]")
_UNREADABLE = (*UNPACKABLE, *UNDECODABLE, parquet_records.ParquetError, ValueError)


def kind_of(path: Place) -> SourceKind | None:
    """Returns the format that a file's name tells, or None."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and compression_named(path):
        suffixes.pop()
    return SUFFIXES.get(suffixes[-1]) if suffixes else None


def detect(
    path: Place,
    options: TableOptions = FOUND_BY_CONTENT,
    *,
    name: str = "",
    needed: Sequence[str] = (),
    may_be_prose: bool = False,
) -> DetectedTable:
    """Looks at a file.

    Args:
      path: The file.
      options: What the user says of it.
      name: How to call it; its own name when left out.
      needed: Columns that are looked for: one JSON object without any of them holds the records,
        if it has one array of objects.
      may_be_prose: Whether it may be lines of text: then a first line that is no header is no
        error, and two columns may have one name.

    Raises:
      DatasetError: It cannot be read, is no table, or has two columns of one name.
    """
    name = name or printable(path.name)
    by_name = kind_of(path)
    try:
        found = _detect(path, options, name, by_name, needed, may_be_prose)
    except (*_UNREADABLE, zipfile.LargeZipFile) as error:
        as_kind = f" as {by_name.value}" if by_name else ""
        raise DatasetError(f"{name} cannot be read{as_kind}: {_words_of(error)}") from error
    if not may_be_prose:
        refuse_repeated(found, name)
    return found


def _words_of(error: Exception) -> str:
    if isinstance(error, PackedFileError):
        return str(error)
    if isinstance(error, UnicodeError):
        return f"{error}. Name its encoding with `encoding`."
    text = printable(str(error)) or type(error).__name__
    if isinstance(error, EOFError | zipfile.BadZipFile):
        text = f"the file is truncated or corrupt ({text})"
    return text if text.endswith(".") else f"{text}."


def _detect(
    path: Place,
    options: TableOptions,
    name: str,
    by_name: SourceKind | None,
    needed: Sequence[str],
    may_be_prose: bool,
) -> DetectedTable:
    if path.exists() and not path.is_file():
        raise DatasetError(
            f"{name} is a pipe, a device or a folder, and is read more than once. Write what is in "
            "it to a file, and give that."
        )
    with path.open("rb") as stream:
        packed = stream.read(HEAD_BYTES)
    if packed.startswith(foreign_formats.PARQUET) or (not packed and by_name is SourceKind.PARQUET):
        return _parquet_table(path, by_name, needed)
    _refuse_foreign(packed, name)
    compression = compression_of(packed)
    inner = path.name
    if compression is Compression.ZIP:
        with path.open("rb") as file, zipfile.ZipFile(file) as archive:
            members = "\n".join(member.filename for member in archive.infolist())
            if objection := foreign_formats.office_document(members):
                raise DatasetError(f"{name} is no table: {objection}")
            inner = only_member(archive).filename
    head = packed
    if compression:
        with open_unpacked(path, compression) as stream:
            head = stream.read(HEAD_BYTES)
        _refuse_foreign(head, name)
        if head.startswith(foreign_formats.PARQUET) or compression_of(head):
            raise DatasetError(
                f"{name} is packed ({compression.value}), and what is in it as well. Unpack it, "
                "and give the file in it."
            )
    form = TableFormat(
        by_name or kind_of(Path(inner)) or SourceKind.CSV,
        compression=compression,
        encoding=_encoding(head, options, name),
    )
    text = _decoded(head, form.encoding)
    lone = text.count("\r") - text.count("\r\n")
    form = dataclasses.replace(form, ends_at_carriage_return=lone > text.count("\n"))
    kind = _kind_of_text(text, form.kind, is_known=bool(by_name))
    form = dataclasses.replace(form, kind=kind)
    remarks = _remarks_on_file(path, form, head, options, by_name)
    if kind in _JSON:
        return _json_table(path, form, remarks, needed)
    is_cut = len(head) == HEAD_BYTES
    table = _separated_table(text, is_cut, form, options, name, may_be_prose)
    return table._replace(remarks=tuple(remarks))


def _parquet_table(path: Place, by_name: SourceKind | None, needed: Sequence[str]) -> DetectedTable:
    nested = parquet_records.nested_names(path, needed)
    return DetectedTable(
        TableFormat(SourceKind.PARQUET),
        tuple(map(printable, parquet_records.column_names(path))),
        () if by_name is SourceKind.PARQUET else ("Parquet, whatever its name says",),
        parquet_records.has_rows(path),
        nested=tuple(map(printable, nested)),
        composite=frozenset(map(printable, parquet_records.composite_names(path, nested))),
        in_lists=_beside(nested, parquet_records.nested_names(path, enters_lists=True)),
    )


def _refuse_foreign(head: bytes, name: str) -> None:
    if objection := foreign_formats.foreign(head):
        raise DatasetError(f"{name} is no table: {objection}")


def _encoding(head: bytes, options: TableOptions, name: str) -> str:
    found = encoding_of(head)
    if options.encoding:
        asked = checked_encoding(options.encoding)
        if has_mark(head) and asked != found and not asked.startswith(found[:6]):
            raise DatasetError(
                f"{name}: `encoding` is '{options.encoding}', and the file begins with the mark "
                f"of {shown(found, b'')}. Leave `encoding` out."
            )
        return found if has_mark(head) else asked
    if found == UTF_8:
        if foreign_formats.looks_binary(head):
            raise DatasetError(
                f"{name} is no table: it is no text. Give CSV, TSV, JSON Lines or Parquet."
            )
        if objection := objection_to_utf8(head, options.max_bad_records):
            raise DatasetError(f"{name}, {objection}")
    return found


def _decoded(head: bytes, encoding: str) -> str:
    """Returns the characters of a file's beginning.

    Raises:
      UnicodeError: It is not in this encoding.
    """
    errors = "surrogateescape" if not encoding.startswith(("utf-16", "utf-32")) else "strict"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    return decoder.decode(head, final=len(head) < HEAD_BYTES)


def _kind_of_text(text: str, by_name: SourceKind, is_known: bool) -> SourceKind:
    start = text.lstrip()
    if start.startswith("[") and (by_name in _JSON or _ARRAY_OF_OBJECTS.match(start)):
        return SourceKind.JSON
    if start.startswith("{"):
        first = start.splitlines()[0]
        if _is_json_object(first):
            return SourceKind.JSON_LINES
        if isinstance(next(read_json(StringIO(start)), None), dict):
            return SourceKind.JSON
        if by_name in _JSON and first.strip() == "{":
            return SourceKind.JSON
    if by_name in _JSON and not is_known:
        return SourceKind.CSV
    return by_name if by_name is not SourceKind.PARQUET else SourceKind.CSV


def _is_json_object(line: str) -> bool:
    try:
        return bool(json_object(line))
    except ValueError as error:
        return "two columns" in str(error)


def _remarks_on_file(
    path: Place, form: TableFormat, head: bytes, options: TableOptions, by_name: SourceKind | None
) -> list[str]:
    remarks = []
    if by_name and by_name is not form.kind and not {by_name, form.kind} <= {*_JSON}:
        remarks.append(f"{_KINDS[form.kind]}, whatever its name says")
    named_as = compression_named(path)
    if form.compression is not named_as:
        what = f"packed by {form.compression.value}" if form.compression else "not packed"
        remarks.append(f"{what}, whatever its name says")
    if not options.encoding and (form.encoding != UTF_8 or has_mark(head)):
        remarks.append(shown(form.encoding, head))
    if form.ends_at_carriage_return:
        remarks.append("lines end with CR alone")
    return remarks


def _json_table(
    path: Place, form: TableFormat, remarks: list[str], needed: Sequence[str]
) -> DetectedTable:
    with open_text(path, form) as stream:
        records = (
            read_json_lines(stream, form)
            if form.kind is SourceKind.JSON_LINES
            else read_json(stream, form.wrapper)
        )
        first = next(records, None)
        if isinstance(first, MalformedRecord):
            raise ValueError(f"{first.detail}{_advice_on_record(first.detail)}")
        followers = list(islice(records, _RECORDS_WITH_COLUMNS - 1))
    others = [record for record in followers if not isinstance(record, MalformedRecord)]
    lists = [
        key
        for key, value in (first or {}).items()
        if isinstance(value, list) and value and isinstance(value[0], dict)
    ]
    columns = tuple(map(printable, first or ()))
    nested = _nested(first or {}, others, needed)
    # Of several records each with a list, only those that hold nothing else are no records.
    is_wrapped = len(lists) == 1 and (not followers or len(first or {}) == 1)
    wrapper = lists[0] if is_wrapped else ""
    seen = {*map(folded, (*columns, *nested))}
    if wrapper and needed and not followers and not {*map(folded, needed)} & seen:
        form = dataclasses.replace(form, kind=SourceKind.JSON, wrapper=wrapper)
        remark = f"records under '{printable(wrapper)}'"
        return _json_table(path, form, [*remarks, remark], ())
    if not followers and (objection := objection_to_object(first or {}, path.name)):
        raise DatasetError(f"{printable(path.name)} is no table: {objection}.")
    later = [column for column in needed if any(column in record for record in others)]
    columns = tuple(dict.fromkeys((*columns, *later)))
    return DetectedTable(
        form,
        columns,
        tuple(remarks),
        has_records=first is not None,
        wrapper=wrapper,
        nested=nested,
        composite=_composite([first or {}, *others], (*columns, *nested)),
        in_lists=_beside(nested, paths_in_lists(first or {})),
    )


def _advice_on_record(detail: str) -> str:
    """Shows what a record is where the first one is a list or a text."""
    return ', e.g. {"text": "fine", "label": "good"}' if "object" in detail else ""


def _beside(nested: Sequence[str], names: Iterable[str]) -> tuple[str, ...]:
    """Returns the names that are not among those of values inside columns."""
    found = dict.fromkeys(map(printable, names))
    return tuple(islice((name for name in found if name not in nested), MOST_PATHS))


def _nested(
    first: dict[str, Any], others: Sequence[dict[str, Any]], needed: Sequence[str]
) -> tuple[str, ...]:
    """Returns the names of values inside columns: of objects all, of lists those needed."""
    records = [first, *others]
    asked = [
        column
        for column in needed
        if any(column not in record and has_value_at(record, column) for record in records)
    ]
    paths = (path for record in records for path in paths_in(record))
    return tuple(islice(dict.fromkeys(map(printable, (*asked, *paths))), MOST_PATHS))


def _composite(records: Sequence[dict[str, Any]], names: Sequence[str]) -> frozenset[str]:
    """Returns the names under which records hold objects or lists, and nothing else."""
    found = set()
    for name in names:
        values = [value for record in records if (value := value_at(record, name)) is not None]
        if values and all(isinstance(value, dict | list) for value in values):
            found.add(name)
    return frozenset(found)


def _separated_table(
    text: str,
    is_cut: bool,
    form: TableFormat,
    options: TableOptions,
    name: str,
    may_be_prose: bool,
) -> DetectedTable:
    form = dataclasses.replace(form, has_header=options.header)
    lines = list(lines_of(StringIO(text, newline=""), form))
    if is_cut and len(lines) > 1:
        lines.pop()
    elif is_cut and not may_be_prose:
        raise ValueError(f"its first line goes on for more than {HEAD_BYTES >> 20} MB")
    if not text.strip():
        return DetectedTable(form, (), (), has_records=False)
    if not may_be_prose and lines[0].startswith(_FASTTEXT):
        raise DatasetError(f"{name} is no table: {_FASTTEXT_ADVICE}")
    if not may_be_prose and (objection := foreign_formats.tagged_words(lines)):
        raise DatasetError(f"{name} is no table: {objection}")
    usual = TableFormat.usual(form.kind).delimiter
    form = dialect.sniffed(
        lines,
        dataclasses.replace(form, delimiter=usual),
        delimiter=options.character,
        quoting=None if options.quoting == "auto" else Quoting(options.quoting),
    )
    rows = list(islice(rows_of(iter([lines]), form), dialect.SAMPLE_ROWS))
    sample = [row for row in rows if not isinstance(row, MalformedRecord)]
    if options.header and rows and isinstance(rows[0], MalformedRecord):
        if may_be_prose:
            return DetectedTable(form, (), (), has_records=True)
        raise ValueError(f"its header is no row: {rows[0].detail}")
    first = sample[0] if sample else []
    numbers = None
    if sample and (not options.header or dialect.looks_like_data(first)):
        numbers = _text_and_label(sample, len(first))
    columns = tuple(map(printable, named(first) if options.header else numbered(len(first))))
    return DetectedTable(
        form,
        columns,
        (),
        has_records=is_cut or len(rows) > int(options.header),
        row_remarks=tuple(_remarks_on_rows(form, usual, options)),
        numbers=numbers,
        likely=_likely(sample[1:], columns) if options.header and not numbers else ("", ""),
    )


def _remarks_on_rows(form: TableFormat, usual: str, options: TableOptions) -> list[str]:
    remarks = []
    if options.character is None and form.delimiter != usual:
        shown_as = _SHOWN_DELIMITERS.get(form.delimiter, f"'{form.delimiter}'")
        remarks.append(f"delimiter {shown_as}")
    if options.quoting == "auto" and form.quoting is Quoting.BACKSLASH:
        remarks.append(f'quotes within fields written \\" (else: {_DOUBLED})')
    if options.quoting == "auto" and form.quoting is Quoting.NONE:
        remarks.append(f"quotes are characters like any (else: {_DOUBLED})")
    if form.skips_blanks:
        remarks.append("blanks beside delimiters left out")
    if form.skipped_lines:
        lines = "line" if form.skipped_lines == 1 else "lines"
        remarks.append(f"{form.skipped_lines} {lines} before the header left out")
    return remarks


def _likely(rows: Sequence[Sequence[str]], columns: Sequence[str]) -> tuple[str, str]:
    """Returns the names of the columns of texts and labels, where that is plain to see; else "".

    Texts are long and differ; labels are few.
    """
    whole = [row for row in rows if len(row) == len(columns)]
    if len(whole) < _LEAST_ROWS:
        return "", ""
    by_column = dict(zip(columns, map(list, zip(*whole, strict=True)), strict=True))
    lengths = {name: sum(map(_length, values)) / len(whole) for name, values in by_column.items()}
    text, *others = sorted(columns, key=lambda name: -lengths[name])
    if lengths[text] < _LEAST_LENGTH or (others and lengths[text] < 2 * lengths[others[0]]):
        return "", ""
    if not text.isprintable():
        return "", ""
    labels = [
        name
        for name in others
        if name.isprintable() and 2 <= len({*by_column[name]} - {""}) <= _MOST_LABELS
    ]
    return text, labels[0] if len(labels) == 1 else ""


def _length(field: str) -> int:
    """Returns how long a field is, near enough: a character of Chinese or Japanese tells more."""
    return len(field) if field.isascii() else len(field) + 2 * len(_DENSE.findall(field))


def _text_and_label(rows: Sequence[Sequence[str]], width: int) -> tuple[str, str]:
    """Returns the numbers of the columns with the longest fields and with the fewest values."""
    whole = [row for row in rows if len(row) == width]
    lengths = [sum(len(row[place]) for row in whole) for place in range(width)]
    text = lengths.index(max(lengths))
    others = [place for place in range(width) if place != text]
    values = {place: len({row[place] for row in whole}) for place in others}
    label = min(others, key=lambda place: (values[place] < 2, values[place])) if others else None
    return str(text + 1), "" if label is None else str(label + 1)
