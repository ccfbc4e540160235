"""How rows of fields are written: delimiter and quotes, found from the first rows."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple

from components.dataset.records import MalformedRecord
from components.dataset.separated import blanks_behind_quotes, plain_fields, rows_of
from components.dataset.source import Quoting, TableFormat

DELIMITERS = (",", ";", "\t", "|")
# Rows that are looked at.
SAMPLE_ROWS = 1_000

# With such a first line, Excel splits fields as it says whatever the country's own delimiter is.
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?', re.IGNORECASE)
_DATA_LIKE = re.compile(r"[-+]?\d+([.,]\d+)?|positive|negative|pos|neg|true|false|yes|no", re.I)
_LONG_FOR_A_NAME = 60


class _Fit(NamedTuple):
    """How well rows fit a dialect.

    Attributes:
      good: Share of rows that are as wide as the first, 0 to 1.
      width: Fields of the first row.
      rows: All rows, in which those that are none are None.
    """

    good: float
    width: int
    rows: list[list[str] | None]


def sniffed(
    lines: list[str],
    form: TableFormat,
    *,
    delimiter: str | None,
    quoting: Quoting | None,
) -> TableFormat:
    """Returns the format with the delimiter and quoting that fit the lines best.

    Args:
      lines: The first lines of a file, without their LF.
      form: What is known; its delimiter is what the file's name says.
      delimiter: What the user says; None to find it.
      quoting: What the user says; None to find it.
    """
    skipped = _leading(lines, str.strip, 0)
    if skipped < len(lines) and (match := _SEPARATOR_LINE.fullmatch(lines[skipped])):
        skipped += 1
        if delimiter is None:
            delimiter = match[1]
    form = dataclasses.replace(form, skipped_lines=skipped, quoting=quoting or Quoting.DOUBLED)
    behind_comments = _leading(lines, lambda line: not line.startswith("#"), skipped)
    if skipped < behind_comments < len(lines):
        beyond = dataclasses.replace(form, skipped_lines=behind_comments)
        beyond = _with_delimiter(lines, beyond, delimiter)
        width = _fit(lines, beyond).width
        # A header may begin so, and then it is as wide as the rows.
        if all(len(plain_fields(line, beyond)) != width for line in lines[skipped:behind_comments]):
            form = beyond
    form = _with_delimiter(lines, form, delimiter)
    if form.quoting is not Quoting.NONE:
        form = _with_blanks(lines, form)
    return form if quoting else _with_quoting(lines, form)


def _leading(lines: list[str], is_row: Callable[[str], object], start: int) -> int:
    """Returns the place of the first line, from `start` on, that is a row."""
    return next((place for place in range(start, len(lines)) if is_row(lines[place])), len(lines))


def looks_like_data(row: Sequence[str]) -> bool:
    """Says whether a first row is rather a record than the names of columns."""
    return any(
        _DATA_LIKE.fullmatch(field.strip()) or len(field) > _LONG_FOR_A_NAME for field in row
    )


def _with_delimiter(lines: list[str], form: TableFormat, delimiter: str | None) -> TableFormat:
    if delimiter is not None:
        return dataclasses.replace(form, delimiter=delimiter)
    first = next((line for line in lines[form.skipped_lines :] if line.strip()), "")
    candidates = [form.delimiter, *(each for each in DELIMITERS if each != form.delimiter)]
    found = [
        (fit.good, fit.width, -place, candidate)
        for place, candidate in enumerate(candidates)
        if candidate in first
        and (fit := _fit(lines, _separated_by(candidate, form, first))).width > 1
    ]
    if found:
        # One bad row in ten is no reason to prefer a delimiter that makes fewer columns.
        most = max(found)[0]
        best = max((each for each in found if each[0] >= most - 0.1), key=lambda each: each[1:3])
        return dataclasses.replace(form, delimiter=best[-1])
    rows = [row for row in _fit(lines, form).rows[1:] if row]
    widths = {len(row) for row in rows}
    if 1 in widths and len(widths) > 1:
        # One column, and the usual delimiter is here and there a part of the text.
        return dataclasses.replace(form, delimiter="")
    return form


def _separated_by(delimiter: str, form: TableFormat, header: str) -> TableFormat:
    """Returns a form with another delimiter; blanks behind quotes would cost it its header."""
    skips_blanks = bool(blanks_behind_quotes(delimiter).search(header))
    return dataclasses.replace(form, delimiter=delimiter, skips_blanks=skips_blanks)


def _with_blanks(lines: list[str], form: TableFormat) -> TableFormat:
    """Looks for quoted fields with blanks around them: more rows are whole so, or most have one."""
    if form.delimiter == " ":
        return form
    plain = _fit(lines, form)
    with_blank = sum(
        any(field.startswith(" ") and field.lstrip(" ").startswith('"') for field in row or ())
        for row in plain.rows
    )
    behind = blanks_behind_quotes(form.delimiter)
    if not with_blank and not any(map(behind.search, lines)):
        return form
    skipping = dataclasses.replace(form, skips_blanks=True)
    good = _fit(lines, skipping).good
    is_usual = with_blank and good == plain.good and 2 * with_blank >= len(plain.rows) - 1
    return skipping if good > plain.good or is_usual else form


def _with_quoting(lines: list[str], form: TableFormat) -> TableFormat:
    """Looks for rows that doubled quotes do not explain, and another reading does."""
    doubled = _fit(lines, form)
    bad = sum(row is None for row in doubled.rows)
    if not bad:
        return form
    if any('\\"' in line for line in lines):
        backslash = dataclasses.replace(form, quoting=Quoting.BACKSLASH)
        if _fit(lines, backslash).good > doubled.good:
            return backslash
    # Files with commas need quotes around texts; files with tabs often have none.
    if form.delimiter in ("\t", "|"):
        plain = dataclasses.replace(form, quoting=Quoting.NONE, skips_blanks=False)
        fit = _fit(lines, plain)
        if fit.good == 1.0 and sum(map(_is_quoted, fit.rows)) <= bad:
            return plain
    return form


def _is_quoted(row: list[str] | None) -> bool:
    """Says whether a field of the row has quotes around it."""
    return any(len(field) > 1 and field[0] == field[-1] == '"' for field in row or ())


def _fit(lines: list[str], form: TableFormat) -> _Fit:
    rows: list[list[str] | None] = []
    for row in islice(rows_of(iter([lines]), form), SAMPLE_ROWS):
        rows.append(None if isinstance(row, MalformedRecord) else row)
    if not rows:
        return _Fit(1.0, 0, rows)
    width = len(rows[0] or ())
    others = rows[1:]
    good = sum(row is not None and len(row) == width for row in others)
    return _Fit(good / len(others) if others else 1.0, width, rows)
