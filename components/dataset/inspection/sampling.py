"""Records from several places of a table: all of a small one, parts of a large one.

A part in the middle of a file begins at its second line, and what a quoted field leaves there is
told from a row by the number of fields, and by its label: reading begins behind the first row whose
label was seen in an earlier part. Where there is none, all are new ones, or no rows at all: the
labels of rows are few.
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeAlias

from components.dataset.compressed import open_unpacked, told_size
from components.dataset.detected_table import DetectedTable
from components.dataset.json_records import json_object, read_json
from components.dataset.labels import spelling_of
from components.dataset.nested import value_at
from components.dataset.parquet_records import open_parquet, read_parquet
from components.dataset.records import MalformedRecord
from components.dataset.separated import rows_of
from components.dataset.source import SourceKind, TableFormat
from components.dataset.tables import read_records
from components.dataset.text_folders import read_text_folder, texts_in
from components.dataset.text_lines import LongLineError, blocks_of_lines
from components.storage.place import Place

# Tables that are no larger, all of them together, are read whole.
WHOLE_BYTES, WHOLE_LINES = 32 << 20, 200_000
# Of larger ones, so many parts, of so many bytes, lines and records at most.
PARTS = 24
PART_BYTES = 1 << 20
PART_LINES, PART_RECORDS = 20_000, 4_000
# Of rows as long as texts of 1 MB, fewer and larger parts: each of them holds some whole ones.
LARGE_PART_BYTES = 8 << 20
_FEW_LINES = 16
# Of a folder of texts, so many for each part; opening one takes as long as so many lines.
TEXTS_OF_PART, LINES_OF_FILE = 200, 20
# What is packed, and one array of JSON, is read from its beginning alone: the time is bounded.
BEGINNING_BYTES, BEGINNING_LINES = 16 << 20, 100_000
SECONDS_OF_BEGINNING = 2.0
# Labels by which a part finds its first row; a column with more of them holds no classes.
_MOST_LABELS = 1_000
# Labels that are new in a part come so often there on average.
_REPEATS = 4

Record: TypeAlias = Mapping[str, Any] | MalformedRecord


@dataclass
class FileSample:
    """A table, and what was read of it once `records` has come to its end.

    Attributes:
      path: The file.
      table: How it is written.
      columns: What is read; the second one holds labels.
      parts: From how many places to read; 0 for the whole.
      places: From how many places records came.
      is_whole: Whether all of it was read.
      rows: How many records the file has, counted or estimated; None if that cannot be told.
      without_end: In how many of the places in its middle no line ends.
    """

    path: Place
    table: DetectedTable
    columns: Sequence[str]
    parts: int = 0
    places: int = 0
    is_whole: bool = True
    rows: int | None = None
    without_end: int = 0

    def records(self) -> Iterator[Record]:
        """Yields the records.

        Raises:
          Exception: One of `tables.UNREADABLE`.
        """
        form = self.table.format
        if form.kind is SourceKind.TEXT_FOLDER:
            yield from self._some_texts()
        elif not self.parts and not form.compression:
            yield from self._counted(read_records(self.path, form, self.columns))
        elif form.kind is SourceKind.PARQUET:
            yield from self._row_groups()
        elif form.compression or form.kind is SourceKind.JSON or not _is_ascii_based(form):
            yield from self._beginning()
        else:
            yield from self._parts_of_file()

    def _counted(self, records: Iterator[Record]) -> Iterator[Record]:
        self.places, self.rows = 1, 0
        for record in records:
            self.rows += 1
            yield record

    def _row_groups(self) -> Iterator[Record]:
        with open_parquet(self.path) as file:
            self.rows, groups = file.metadata.num_rows, file.num_row_groups
        chosen = _spread(groups, self.parts)
        read = 0
        for group in chosen:
            for record in islice(
                read_parquet(self.path, self.columns, [group]),
                PART_RECORDS * max(1, self.parts // len(chosen)),
            ):
                read += 1
                yield record
        self.places, self.is_whole = len(chosen), read == self.rows

    def _some_texts(self) -> Iterator[Record]:
        names = texts_in(self.path)
        chosen = _spread(len(names), TEXTS_OF_PART * self.parts if self.parts else len(names))
        self.rows, self.places, self.is_whole = len(names), 1, len(chosen) == len(names)
        chosen_names = [names[place] for place in chosen]
        encoding = self.table.format.encoding
        yield from read_text_folder(self.path, encoding, self.columns, chosen_names)

    def _beginning(self) -> Iterator[Record]:
        form = self.table.format
        started = time.monotonic()
        blocks, size = [], 0
        with open_unpacked(self.path, form.compression) as stream:
            while size < BEGINNING_BYTES and time.monotonic() - started < SECONDS_OF_BEGINNING:
                block = stream.read(PART_BYTES)
                if not block:
                    break
                blocks.append(block)
                size += len(block)
            is_cut = bool(stream.read(1))
        self.places = 1
        records, used = _records(b"".join(blocks), self, is_cut, BEGINNING_LINES)
        self.is_whole = not is_cut and used == 1.0
        if is_cut and not records:
            raise _endless(size)
        self.rows = (
            len(records)
            if self.is_whole
            else _estimated(self.path, form, len(records), size * used)
        )
        yield from records

    def _parts_of_file(self) -> Iterator[Record]:
        size = self.path.stat().st_size
        end = _end_of_line(self.table.format)
        labels: set[str] = set()
        found = lines = 0
        read = looked_at = 0.0
        with self.path.open("rb") as stream:
            has_long_lines = stream.read(PART_BYTES).count(end) < _FEW_LINES
            part = LARGE_PART_BYTES if has_long_lines else PART_BYTES
            step = max(size * part // (self.parts * PART_BYTES), part)
            for offset in range(0, size, step):
                stream.seek(offset)
                data = stream.read(part)
                is_cut = offset + len(data) < size
                lines, looked_at = lines + data.count(end), looked_at + len(data)
                self.without_end += is_cut and end not in data
                if offset:
                    data = data.partition(end)[2]
                records, used = _records(data, self, is_cut, PART_LINES, starts_inside=bool(offset))
                if offset and self.table.format.kind in (SourceKind.CSV, SourceKind.TSV):
                    records = self._behind_first_row(records, labels)
                found += len(records)
                read += len(data) * used
                for record in records[:PART_RECORDS]:
                    if not isinstance(record, MalformedRecord) and len(labels) <= _MOST_LABELS:
                        labels.add(spelling_of(value_at(record, self.columns[1])))
                    yield record
                self.places += bool(records)
        if not found:
            raise _endless(part)
        self.is_whole = False
        # Of a few long lines, what is lost at both ends of a part counts.
        share = lines / looked_at if lines < _FEW_LINES * PARTS else found / read
        self.rows = max(round(share * size), found)

    def _behind_first_row(self, records: Sequence[Record], known: set[str]) -> list[Record]:
        """Leaves out what is before the first row that is known to be one, and that one.

        Args:
          records: Of a part from the middle of the file.
          known: Labels of earlier parts.
        """
        are_classes = len(known) <= _MOST_LABELS
        labels = [
            "" if isinstance(record, MalformedRecord) else spelling_of(record.get(self.columns[1]))
            for record in records
        ]
        for place, label in enumerate(labels):
            if label and (not are_classes or label in known):
                return list(records[place + 1 :])
        return list(records[1:]) if _REPEATS * len(set(labels)) <= len(labels) else []


def lines_in(path: Place, table: DetectedTable) -> int:
    """Estimates how many lines a table has by its first `PART_BYTES`; of Parquet, its records.

    A file of its own takes as long as so many lines.
    """
    if table.format.kind is SourceKind.TEXT_FOLDER:
        return LINES_OF_FILE * len(texts_in(path))
    if table.format.kind is SourceKind.PARQUET:
        with open_parquet(path) as file:
            return int(file.metadata.num_rows)
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(PART_BYTES)
    return head.count(_end_of_line(table.format)) * size // max(len(head), 1)


def _is_ascii_based(form: TableFormat) -> bool:
    """Says whether the byte of a line's end is no part of another character."""
    return not form.encoding.startswith(("utf-16", "utf-32"))


def _spread(count: int, most: int) -> list[int]:
    """Returns at most `most` of the numbers below `count`, evenly spread."""
    chosen = min(count, max(most, 1))
    return [place * count // chosen for place in range(chosen)]


def _endless(size: int) -> LongLineError:
    return LongLineError(f"no record ends within {size / 2**20:,.0f} MB")


def _estimated(path: Place, form: TableFormat, records: int, size: float) -> int | None:
    """Returns how many records a file has, by the bytes of its beginning; None if unknown."""
    whole = told_size(path, form.compression)
    return round(records * whole / size) if size and whole > size else None


def _end_of_line(form: TableFormat) -> bytes:
    return b"\r" if form.ends_at_carriage_return else b"\n"


def _records(
    data: bytes, sample: FileSample, is_cut: bool, most_lines: int, starts_inside: bool = False
) -> tuple[list[Record], float]:
    """Returns the records of a part of a file; one that is cut at its end is left out.

    Args:
      data: The bytes.
      sample: The file.
      is_cut: Whether the file goes on behind them.
      most_lines: How many lines of them are read.
      starts_inside: Whether they begin behind the file's beginning, at a line.

    Returns:
      The records, and what share of the bytes they take, 0 to 1.
    """
    form = sample.table.format
    errors = "surrogateescape" if _is_ascii_based(form) else "replace"
    text = data.decode(form.encoding, errors)
    if form.kind is SourceKind.JSON:
        window = io.StringIO(text)
        found: list[Record] = list(islice(read_json(window, form.wrapper), most_lines))
        is_broken = bool(found) and isinstance(found[-1], MalformedRecord) and found[-1].is_last
        if is_cut and is_broken:
            found.pop()
        return found, min(1.0, window.tell() / max(len(text), 1))
    stream = io.StringIO(text, newline="")
    lines = [line for block in blocks_of_lines(stream, form) for line in block]
    if is_cut and lines:
        lines.pop()
    used = 1.0
    if len(lines) > most_lines:
        kept = lines[:most_lines]
        used = sum(map(len, kept)) / max(sum(map(len, lines)), 1)
        lines, is_cut = kept, True
    if form.kind is SourceKind.JSON_LINES:
        return [_json_record(line) for line in lines if line and not line.isspace()], used
    return list(_rows(lines, sample, is_cut, starts_inside)), used


def _json_record(line: str) -> Record:
    try:
        return json_object(line)
    except ValueError as error:
        return MalformedRecord(str(error))


def _rows(
    lines: list[str], sample: FileSample, is_cut: bool, starts_inside: bool
) -> Iterator[Record]:
    form, names = sample.table.format, sample.table.columns
    if starts_inside:
        # A first row as wide as the file's own tells the reader how wide rows are.
        lines = [form.delimiter.join(map(str, range(len(names)))), *lines]
        form = replace(form, skipped_lines=0)
    rows = rows_of(iter([lines]), form)
    if starts_inside or form.has_header:
        next(rows, None)
    wanted = [(names.index(column), column) for column in sample.columns if column in names]
    held: list[Record] = []
    for row in rows:
        if isinstance(row, MalformedRecord):
            record: Record = row
        elif len(row) != len(names):
            record = MalformedRecord(f"{len(row)} fields, expected {len(names)}")
        else:
            record = {column: row[place] for place, column in wanted}
        if not is_cut:
            yield record
            continue
        # A quote that is open at the end spoils the last rows.
        held.append(record)
    while held and isinstance(held[-1], MalformedRecord):
        held.pop()
    yield from held[:-1]
