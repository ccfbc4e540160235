"""Rows of fields with a delimiter in between: CSV, TSV and their kin.

A quotation mark that stands alone would swallow the rows up to the next one. Here it costs its own
row: reading goes on at the line after that in which the row began.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from components.dataset.records import MalformedRecord
from components.dataset.source import Quoting, TableFormat

# A row may go on over so many lines and characters; what is longer began with a stray quote.
MAX_ROW_LINES = 20_000
MAX_ROW_CHARACTERS = 16 << 20
# Lines that were read in vain, in search of a closing quote: so many characters at first, and so
# many for each character of the file. Time stays in proportion to the file's size.
FREE_LOOK_AHEAD = 64 << 20
LOOK_AHEAD = 8

MAX_FIELD_CHARACTERS = 64 << 20
# What a whole line is, when nothing separates fields: no text holds it.
_NO_DELIMITER = "\x1f"
# Rows whose values tell what a column holds, and how many different ones a class label has at most.
_KNOWN_ROWS = 500
_ENOUGH_ROWS = 50
_MOST_CLASSES = 20

Row: TypeAlias = list[str]

_ADVICE = "a quote inside a quoted field is written twice, and each field's quotes are closed"
_UNCLOSED = "unexpected end of data"
_TOO_LONG = "a quoted field goes on for too long"
# Closes a quoted field and goes on behind it, which is an error to `csv`: it ends the row.
_POISON = '"x'


def rows_of(lines: Iterator[str], form: TableFormat) -> Iterator[Row | MalformedRecord]:
    """Yields rows, the header among them, and what is none; blank lines are left out.

    Args:
      lines: Lines without their LF.
      form: Delimiter, quoting, and whether blanks behind a delimiter count.
    """
    for _ in range(form.skipped_lines):
        next(lines, None)
    if form.quoting is Quoting.NONE:
        return _plain_rows(lines, form)
    if form.quoting is Quoting.BACKSLASH:
        lines = map(_doubled, lines)
    return _QuotedRows(lines, form).rows(form.skipped_lines)


def named(header: Sequence[str]) -> list[str]:
    """Returns a header's names without blanks around them; a column without one is its number."""
    names = [name.strip() for name in header]
    return [
        name or (str(number) if str(number) not in names else f"column {number}")
        for number, name in enumerate(names, start=1)
    ]


def numbered(width: int) -> list[str]:
    """Returns the names of columns without a header: "1", "2", ..."""
    return [str(number) for number in range(1, width + 1)]


def plain_fields(line: str, form: TableFormat) -> Row:
    """Returns the fields of a line in which quotes mean nothing."""
    row = line.removesuffix("\r").split(form.delimiter or _NO_DELIMITER)
    return [field.lstrip(" ") for field in row] if form.skips_blanks else row


def _plain_rows(lines: Iterator[str], form: TableFormat) -> Iterator[Row]:
    for line in lines:
        if line and line != "\r":
            yield plain_fields(line, form)


def _doubled(line: str) -> str:
    r"""Writes `\"` as `""`, and `\\` as one backslash."""
    if "\\" not in line:
        return line
    halves = line.split("\\\\")
    return "\\".join(half.replace('\\"', '""') for half in halves)


class _QuotedRows:
    """Reads rows by `csv`, and takes lines back that a stray quote took from the rows behind it."""

    def __init__(self, lines: Iterator[str], form: TableFormat):
        self._lines = lines
        self._form = form
        self._waiting: deque[str] = deque()
        self._taken: list[str] = []
        self._is_new_row = False
        self._end = ""
        self._in_vain = 0
        self._classes: list[set[str] | None] = []
        self._known_rows = 0
        csv.field_size_limit(MAX_FIELD_CHARACTERS)
        self._reader = csv.reader(
            self._feed(),
            delimiter=form.delimiter or _NO_DELIMITER,
            skipinitialspace=form.skips_blanks,
            # Without `strict`, text behind a closing quote is taken for a part of the field.
            strict=True,
        )

    def rows(self, line_number: int) -> Iterator[Row | MalformedRecord]:
        """Yields rows; `line_number` lines came before."""
        delimiter = self._form.delimiter or _NO_DELIMITER
        skips_blanks = self._form.skips_blanks
        width = read = 0
        is_behind_bad = False
        while True:
            line = self._waiting.popleft() if self._waiting else next(self._lines, None)
            if line is None:
                return
            line_number += 1
            read += len(line)
            row: Row | MalformedRecord
            if '"' in line:
                row = self._quoted(line, line_number, width, read)
                line_number += len(self._taken) - 1
                if is_behind_bad and isinstance(row, list) and any(map(_only_closes, row)):
                    row = MalformedRecord(f"line {line_number:,}: a quote closes that did not open")
            else:
                if line[-1:] == "\r":
                    line = line[:-1]
                if not line:
                    continue
                row = line.split(delimiter)
                if skips_blanks:
                    row = [field.lstrip(" ") for field in row]
            if isinstance(row, list):
                if not width:
                    width = len(row)
                elif self._known_rows < _KNOWN_ROWS and len(row) == width:
                    self._learn(row)
            yield row
            is_behind_bad = isinstance(row, MalformedRecord)
            if isinstance(row, MalformedRecord) and row.is_last:
                return

    def _feed(self) -> Iterator[str]:
        """Yields the lines of a row to `csv`, which asks again while a quote is open."""
        size = 0
        while True:
            if self._is_new_row:
                self._is_new_row = False
                size = len(self._taken[0])
                yield _without_lone_carriage_returns(self._taken[0])
                continue
            following = self._waiting.popleft() if self._waiting else next(self._lines, None)
            if following is None:
                self._end = _UNCLOSED
                yield _POISON
                continue
            size += len(following)
            if len(self._taken) >= MAX_ROW_LINES or size > MAX_ROW_CHARACTERS:
                self._waiting.appendleft(following)
                self._end = _TOO_LONG
                yield _POISON
                continue
            self._taken.append(following)
            yield _without_lone_carriage_returns(following)

    def _quoted(self, line: str, number: int, width: int, read: int) -> Row | MalformedRecord:
        """Returns the row that begins with this line; leaves what is not its own waiting."""
        self._taken = [line]
        self._is_new_row = True
        self._end = ""
        problem = ""
        row: Row = []
        try:
            row = next(self._reader)
        except csv.Error as error:
            problem = f"line {number:,}: {self._end or error}; {_ADVICE}"
            if '\\"' in line and self._form.quoting is Quoting.DOUBLED:
                problem += '; where \\" stands for a quote: --quoting backslash'
            else:
                problem += "; where quotes are characters like any: --quoting none"
        if len(self._taken) > 1 and not problem and width and self._holds_rows(row, width):
            problem = (
                f"lines {number:,} to {number + len(self._taken) - 1:,}: a quote makes one row of "
                f"several; {_ADVICE}"
            )
        if not problem:
            return row
        _, *others = self._taken
        del self._taken[1:]
        self._waiting.extendleft(reversed(others))
        self._in_vain += sum(map(len, others))
        if self._in_vain > FREE_LOOK_AHEAD + LOOK_AHEAD * read:
            return MalformedRecord(
                f"{problem}. So many quotes are not closed that the rest was not read", is_last=True
            )
        return MalformedRecord(problem)

    def _learn(self, row: Row) -> None:
        """Keeps what a column holds, while it holds few different values."""
        if not self._classes:
            self._classes = [set() for _ in row]
        self._known_rows += 1
        for place, field in enumerate(row):
            values = self._classes[place]
            if values is not None:
                values.add(field)
                if len(values) > _MOST_CLASSES:
                    self._classes[place] = None

    def _learn_ahead(self, width: int) -> None:
        """Learns from rows that come next, without taking them."""
        size = sum(map(len, self._waiting))
        while len(self._waiting) < _KNOWN_ROWS and size < MAX_ROW_CHARACTERS:
            line = next(self._lines, None)
            if line is None:
                break
            size += len(line)
            self._waiting.append(line)
        for line in self._waiting:
            fields = plain_fields(line, self._form)
            if len(fields) == width and self._known_rows < _KNOWN_ROWS:
                self._learn([field.strip('"') for field in fields])

    def _holds_rows(self, row: Row, width: int) -> bool:
        """Says whether a row over several lines is rather a row a line.

        Prose that was broken into lines has no label where rows have theirs. A row of the right
        number of fields is doubted only if each line is a row, another if one line is.
        """
        if self._known_rows < _ENOUGH_ROWS:
            self._learn_ahead(width)
        are_rows = [self._is_row(line, width) for line in self._taken]
        return all(are_rows) if len(row) == width else any(are_rows)

    def _is_row(self, line: str, width: int) -> bool:
        fields = plain_fields(line, self._form)
        if len(fields) != width:
            return False
        known = [
            field.strip('"') in values
            for field, values in zip(fields, self._classes, strict=False)
            if values is not None and 2 * len(values) <= self._known_rows
        ]
        return bool(known) and all(known)


def _only_closes(field: str) -> bool:
    """Says whether a field ends as the rest of a quoted one does."""
    return field.endswith('"') and field.count('"') % 2 == 1


def _without_lone_carriage_returns(line: str) -> str:
    """Returns the line with its end; `csv` refuses a CR that ends no line."""
    if "\r" in line[:-1]:
        line = line[:-1].replace("\r", " ") + line[-1]
    return f"{line}\n"
