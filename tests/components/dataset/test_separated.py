"""Rows of fields: a stray quote costs its own row, whatever it could swallow."""

from __future__ import annotations

import time

import pytest

from components.dataset import separated
from components.dataset.records import MalformedRecord
from components.dataset.separated import named, rows_of
from components.dataset.source import Quoting, SourceKind, TableFormat

CSV = TableFormat(SourceKind.CSV)
FILLER = [f"film {number},{number % 2}" for number in range(80)]


def read(lines: list[str], form: TableFormat = CSV, block: int = 1_000) -> tuple[list, list[str]]:
    """Returns the rows behind the header, and what is said of bad ones."""
    blocks = [lines[start : start + block] for start in range(0, len(lines), block)]
    _, *found = rows_of(iter(blocks), form)
    rows = [item for item in found if isinstance(item, list)]
    return rows, [item.detail for item in found if isinstance(item, MalformedRecord)]


@pytest.mark.parametrize("block", [7, 30, 1_000])
@pytest.mark.parametrize(
    ("stray", "bad"),
    [
        (['"a film,1'], 1),  # no other quote: up to the end of the file
        (['"a film,1', '"another,0'], 2),  # the next quote has text behind it
        (['"a film,1', "fine,1", 'he said good",0'], 1),  # it ends a field: three rows in one
        (['"a film,1', 'he said good",0'], 2),  # or two
        (['"Great" film,1'], 1),
        (['"He said "hi" to', 'me",1'], 2),  # none of its lines is a review
        (['"a film,1'] * 20, 20),
    ],
)
def test_a_stray_quote_costs_its_row(stray, bad, block):
    """All other rows are read, whichever lines are read together."""
    header, *filler = ["text,label", *FILLER]
    rows, details = read([header, *filler, *stray, *filler], block=block)
    film_rows = [row for row in rows if row[0].startswith("film ")]
    assert film_rows == [line.split(",") for line in filler * 2]
    assert len(rows) - len(film_rows) == len(stray) - bad
    assert len(details) == bad
    assert details[0].startswith(("line 82: ", "lines 82 to 8"))


@pytest.mark.parametrize("block", [1, 3, 1_000])
def test_quoted_fields_may_have_many_lines(block):
    """Also with a delimiter in each, blank lines, and doubled quotes."""
    texts = ['one, two\nthree, four\n\nso ""it"" is', "a\nb", '""', "x" * 300 + "\n" * 30 + "y"]
    lines = "\n".join(["text,label", *(f'"{text}",{n % 2}' for n, text in enumerate(texts * 20))])
    rows, details = read(lines.split("\n"), block=block)
    assert details == []
    assert rows == [[t.replace('""', '"'), str(n % 2)] for n, t in enumerate(texts * 20)]


def test_windows_line_ends_stay_within_texts():
    """And none is left at the end of a row."""
    rows, _ = read(["text,label\r", '"a\r', 'b",1\r', "\r", "c,0\r"])
    assert rows == [["a\r\nb", "1"], ["c", "0"]]


def test_a_carriage_return_in_the_middle_of_a_line_is_a_part_of_the_text():
    """Half of a text would be a row otherwise."""
    rows, details = read(["text,label", "loved it\rnot the end,1", '"so, \r so",0'])
    assert details == []
    assert [" ".join(row[0].split()) for row in rows] == ["loved it not the end", "so, so"]


def test_backslashes_escape_quotes_and_themselves_alone():
    """A path keeps its own."""
    form = TableFormat(SourceKind.CSV, quoting=Quoting.BACKSLASH)
    rows, details = read(
        ["text,label", '"a \\"b\\" c",1', '"C:\\new ends in \\\\",0', '"\\"x\\"",1'], form
    )
    assert details == []
    assert rows == [['a "b" c', "1"], ["C:\\new ends in \\", "0"], ['"x"', "1"]]


def test_where_quotes_mean_nothing_they_are_read():
    """As most files of sentences a line are written."""
    form = TableFormat(SourceKind.TSV, delimiter="\t", quoting=Quoting.NONE)
    assert read(["text\tlabel", '" a film\t1', '"b"\t0'], form) == (
        [['" a film', "1"], ['"b"', "0"]],
        [],
    )


def test_the_search_for_a_closing_quote_is_bounded(monkeypatch):
    """By characters of a row, and in all: time does not grow with the square of the rows."""
    monkeypatch.setattr(separated, "MAX_ROW_CHARACTERS", 1_000)
    monkeypatch.setattr(separated, "FREE_LOOK_AHEAD", 10_000)
    start = time.process_time()
    rows, details = read(["text,label", *['abc","def'] * 100_000])
    assert time.process_time() - start < 5
    assert rows == []
    assert len(details) < 10_000
    assert "So many quotes are not closed that the rest was not read" in details[-1]


def test_a_column_without_a_name_has_its_number():
    """Unless another column is named so."""
    assert named(["", " text ", ""]) == ["1", "text", "3"]
    assert named(["2", ""]) == ["2", "column 2"]
