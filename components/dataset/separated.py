"""Rows of fields with a delimiter in between: CSV, TSV and similar formats.

A quotation mark that is never closed would make one field of all rows up to the next one. Here it
spoils its own row alone: reading goes on at the line after that in which the row began.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from components.dataset.records import MalformedRecord
from components.dataset.source import Quoting, TableFormat
from components.errors import as_setting

# A row may go on over so many lines and characters; what is longer began with a stray quote.
MAX_ROW_LINES = 20_000
MAX_ROW_CHARACTERS = 8 << 20
# Characters that may be read again after the search for a closing quote failed: so many characters
# at first, and so many for each character of the file. Time stays in proportion to the file's size.
FREE_LOOK_AHEAD = 16 << 20
LOOK_AHEAD = 8

MAX_FIELD_CHARACTERS = 64 << 20
# The delimiter when a whole line is one field: no text holds it.
_NO_DELIMITER = "\x1f"
# Rows from which the values of a column are learned; a class label has at most so many values.
_KNOWN_ROWS = 500
_MOST_CLASSES = 20

Row: TypeAlias = list[str]

_ADVICE = "a quote inside a quoted field is written twice, and each field's quotes are closed"
_BACKSLASH_QUOTING = f'where \\" stands for a quote: {as_setting("quoting", "backslash")}'
_NO_QUOTING = f"where quotes are characters like any: {as_setting('quoting', 'none')}"
_UNCLOSED = "unexpected end of data"
_TOO_LONG = "a quoted field goes on for too long"
# Closes a quoted field and goes on behind it, which is an error to `csv`: it ends the row.
_POISON = '"x'


def rows_of(blocks: Iterator[list[str]], form: TableFormat) -> Iterator[Row | MalformedRecord]:
    """Yields rows, the header first, and a MalformedRecord for what is no row, without blank lines.

    Args:
      blocks: Lines without their LF, many at a time.
      form: Delimiter, quoting, and whether blanks behind a delimiter count.
    """
    blocks = _behind(blocks, form.skipped_lines)
    if form.quoting is Quoting.NONE:
        return _plain_rows(blocks, form)
    if form.quoting is Quoting.BACKSLASH:
        blocks = (list(map(_doubled, block)) for block in blocks)
    if form.skips_blanks:
        pattern = blanks_behind_quotes(form.delimiter)
        blocks = ([pattern.sub(r"\1", line) for line in block] for block in blocks)
    return _QuotedRows(blocks, form).rows()


def _behind(blocks: Iterator[list[str]], count: int) -> Iterator[list[str]]:
    """Leaves out the first lines."""
    for block in blocks:
        yield block[count:]
        count = max(0, count - len(block))


def named(header: Sequence[str]) -> list[str]:
    """Returns a header's names without blanks around them; a column without one is its number."""
    names = [name.strip() for name in header]
    taken = set(names)
    return [
        name or (str(number) if str(number) not in taken else f"column {number}")
        for number, name in enumerate(names, start=1)
    ]


def numbered(width: int) -> list[str]:
    """Returns the names of columns without a header: "1", "2", ..."""
    return [str(number) for number in range(1, width + 1)]


def plain_fields(line: str, form: TableFormat) -> Row:
    """Returns the fields of a line in which quotes mean nothing."""
    row = line.removesuffix("\r").split(form.delimiter or _NO_DELIMITER)
    return [field.lstrip(" ") for field in row] if form.skips_blanks else row


def _plain_rows(blocks: Iterator[list[str]], form: TableFormat) -> Iterator[Row]:
    for block in blocks:
        for line in block:
            if line and line != "\r":
                yield plain_fields(line, form)


@lru_cache(maxsize=10)
def blanks_behind_quotes(delimiter: str) -> re.Pattern[str]:
    """Returns a pattern of a closing quote (group 1) and the blanks up to a delimiter or the end.

    A quote that is written twice does not close a field, unless it begins the field.
    """
    end = re.escape(delimiter)
    closes = rf'(?<!")"(?:"")*|(?:^|(?<={end}))(?:"")+' if end else r'(?<!")"(?:"")*'
    blank = " " if delimiter == "\t" else r"[ \t]"
    return re.compile(rf"({closes}){blank}+(?=\r?$|{end or '$'})")


def _doubled(line: str) -> str:
    r"""Writes `\"` as `""`, and `\\` as one backslash."""
    if "\\" not in line:
        return line
    halves = line.split("\\\\")
    return "\\".join(half.replace('\\"', '""') for half in halves)


class _QuotedRows:
    """Reads rows by `csv`; reads lines again that a stray quote made a part of its row.

    As long as all is well, `csv` reads a block at once. Where it is not, the rest of the block is
    read row by row.
    """

    def __init__(self, blocks: Iterator[list[str]], form: TableFormat):
        self._blocks = blocks
        self._form = form
        self._line = form.skipped_lines
        self._width = 0
        self._classes: list[set[str] | None] = []
        self._are_numbers: list[bool] = []
        self._known_rows = 0
        self._size = 0
        self._in_vain = 0
        self._waiting: deque[str] = deque()
        self._taken: list[str] = []
        self._is_new_row = False
        self._end = ""
        self._is_over = False
        self._is_behind_bad = False
        csv.field_size_limit(MAX_FIELD_CHARACTERS)
        self._careful_reader = self._reader(self._feed())

    def rows(self) -> Iterator[Row | MalformedRecord]:
        """Yields rows."""
        carried: list[str] = []
        for block in self._blocks:
            self._size += sum(map(len, block))
            block = carried + block
            carried = []
            if not self._width:
                self._learn(block)
            if self._is_behind_bad:
                self._waiting.extend(block)
                yield from self._careful_rows()
                if self._is_over:
                    return
                continue
            done = 0
            reader = self._reader([f"{line}\n" for line in block])
            try:
                for row in reader:
                    end = reader.line_num
                    if end - done > 1 and self._holds_rows(row, block[done:end]):
                        break
                    done = end
                    if row:
                        yield row
                else:
                    self._line += done
                    continue
            except csv.Error as error:
                if done and _UNCLOSED in str(error):
                    self._line += done
                    carried = block[done:]
                    continue
            self._line += done
            self._waiting.extend(block[done:])
            yield from self._careful_rows()
            if self._is_over:
                return
        if carried:
            self._waiting.extend(carried)
            yield from self._careful_rows()

    def _careful_rows(self) -> Iterator[Row | MalformedRecord]:
        """Yields the rows that begin in the queued lines."""
        while self._waiting:
            line = self._waiting.popleft()
            self._line += 1
            if not line or line == "\r":
                continue
            row: Row | MalformedRecord
            if '"' in line:
                row = self._careful_row(line)
                if self._is_behind_bad and isinstance(row, list) and any(map(_only_closes, row)):
                    row = MalformedRecord(f"line {self._line:,}: a quote closes that did not open")
            else:
                row = plain_fields(line, self._form)
            yield row
            self._is_behind_bad = isinstance(row, MalformedRecord)
            if isinstance(row, MalformedRecord) and row.is_last:
                self._is_over = True
                return

    def _careful_row(self, line: str) -> Row | MalformedRecord:
        """Returns the row that begins with this line; lines of later rows stay in the queue."""
        self._taken = [line]
        self._is_new_row = True
        self._end = ""
        problem = ""
        row: Row = []
        try:
            row = next(self._careful_reader)
        except csv.Error as error:
            problem = f"line {self._line:,}: {self._end or error}; {_ADVICE}"
            if '\\"' in line and self._form.quoting is Quoting.DOUBLED:
                problem += f"; {_BACKSLASH_QUOTING}"
            else:
                problem += f"; {_NO_QUOTING}"
        others = self._taken[1:]
        if others and not problem and self._holds_rows(row, self._taken):
            problem = (
                f"lines {self._line:,} to {self._line + len(others):,}: a quote makes one row of "
                f"several; {_ADVICE}"
            )
        if not problem:
            self._line += len(others)
            return row
        self._waiting.extendleft(reversed(others))
        self._in_vain += sum(map(len, others))
        if self._in_vain > FREE_LOOK_AHEAD + LOOK_AHEAD * self._size:
            return MalformedRecord(
                f"{problem}. So many quotes are not closed that the rest was not read", is_last=True
            )
        return MalformedRecord(problem)

    def _feed(self) -> Iterator[str]:
        """Yields the lines of a row to `csv`, which asks again while a quote is open."""
        size = 0
        while True:
            if self._is_new_row:
                self._is_new_row = False
                size = len(self._taken[0])
                yield _without_lone_carriage_returns(self._taken[0])
                continue
            if not self._waiting and (block := next(self._blocks, None)) is not None:
                self._size += sum(map(len, block))
                self._waiting.extend(block)
            if not self._waiting:
                self._end = _UNCLOSED
                yield _POISON
                continue
            size += len(self._waiting[0])
            if len(self._taken) >= MAX_ROW_LINES or size > MAX_ROW_CHARACTERS:
                self._end = _TOO_LONG
                yield _POISON
                continue
            self._taken.append(self._waiting.popleft())
            yield _without_lone_carriage_returns(self._taken[-1])

    def _reader(self, lines: Iterable[str]) -> Any:
        return csv.reader(
            lines,
            delimiter=self._form.delimiter or _NO_DELIMITER,
            skipinitialspace=self._form.skips_blanks,
            # Without `strict`, text behind a closing quote is taken for a part of the field.
            strict=True,
        )

    def _learn(self, lines: Sequence[str]) -> None:
        """Learns from rows of one line how wide they are, and what their columns hold.

        A column with few different values holds classes; of others it is known at most that they
        are numbers. Fields are kept as they are written, with their quotes.
        """
        reader = self._reader([f"{line}\n" for line in lines[:_KNOWN_ROWS]])
        before = 0
        while True:
            try:
                row = next(reader)
            except csv.Error:
                before = reader.line_num
                continue
            except StopIteration:
                return
            is_line = reader.line_num - before == 1
            fields = plain_fields(lines[before], self._form)
            before = reader.line_num
            if not row:
                continue
            if not self._width:
                self._width = len(row)
                self._classes = [set() for _ in row]
                self._are_numbers = [True] * len(row)
            elif is_line and len(row) == len(fields) == self._width:
                self._known_rows += 1
                for place, field in enumerate(fields):
                    self._are_numbers[place] &= _is_number(field)
                    values = self._classes[place]
                    if values is not None:
                        values.add(field)
                        if len(values) > _MOST_CLASSES:
                            self._classes[place] = None

    def _holds_rows(self, row: Row, lines: Sequence[str]) -> bool:
        """Says whether a row over several lines is in truth several rows, one a line.

        Prose that was broken into lines has no label where rows have theirs. A row with the
        expected number of fields is only refused if each of its lines is a row; another row, if one
        of its lines is.
        """
        if len(row) != self._width:
            return any(map(self._is_row, lines))
        # Prose hardly ever has a delimiter where rows have one: few rows need the slower check.
        delimiter = self._form.delimiter or _NO_DELIMITER
        return lines[0].count(delimiter) == self._width - 1 and all(map(self._is_row, lines))

    def _is_row(self, line: str) -> bool:
        """Says whether a line is as wide as a row, and has in its columns what rows have there."""
        fields = plain_fields(line, self._form)
        if len(fields) != self._width:
            return False
        known = []
        for field, values, are_numbers in zip(
            fields, self._classes, self._are_numbers, strict=True
        ):
            if values is not None and 2 * len(values) <= self._known_rows:
                # One with a single quote in it is what the quoted text begins or ends with.
                if field in values or field.count('"') % 2 == 0:
                    known.append(field in values)
            elif are_numbers and self._known_rows:
                known.append(_is_number(field))
        return bool(known) and all(known)


def _is_number(field: str) -> bool:
    return field.strip('"').isdecimal()


def _only_closes(field: str) -> bool:
    """Says whether a field ends with the closing quote of a quoted field."""
    return field.endswith('"') and field.count('"') % 2 == 1


def _without_lone_carriage_returns(line: str) -> str:
    """Returns the line with its end; `csv` refuses a CR that ends no line."""
    if "\r" in line[:-1]:
        line = line[:-1].replace("\r", " ") + line[-1]
    return f"{line}\n"
