"""How a file is written is found by its content, and told where its name does not say it."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.dataset.detect import detect
from components.dataset.detected_table import DetectedTable, notices
from components.dataset.source import Quoting, SourceKind, TableFormat
from components.dataset.table_options import TableOptions
from components.errors import ConfigurationError, DatasetError


def look(tmp_path: Path, name: str, content: str | bytes, **options) -> DetectedTable:
    """Writes a file and looks at it."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return detect(path, TableOptions(**options))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.csv", "text,label\na; b | c,1\n"),
        ("r.csv", 'text,label\n"a; b, ""c""\nd",1\n'),
        ("r.tsv", 'text\tlabel\n"a\tb"\t1\n'),
        ("r.tsv", "text\tlabel\na, b; c\t1\n"),
        ("r.jsonl", '{"text": "a"}\n'),
        ("r.json", '[{"text": "a"}]'),
    ],
)
def test_nothing_is_told_of_a_plain_file(tmp_path, name, content):
    """Its name says it all."""
    table = look(tmp_path, name, content)
    assert notices([(name, table)]) == []
    assert table.columns[0] == "text" and table.has_records


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("r.csv", "text;label\nschön, ja;1,5\ngut, sehr, ja;0,5\n", "delimiter ';'"),
        ("r.csv", "text\tlabel\na, b\t1\n", "delimiter a tab"),
        ("r.tsv", "text,label\na,1\n", "delimiter ','"),
        ("r.psv", "text|label\na, b|1\n", "delimiter '|'"),
        ("r.csv", "sep=;\ntext;label\na;1\n", "delimiter ';', 1 line before the header left out"),
        ("r.csv", "sep=^\ntext^label\na^1\n", "delimiter '^', 1 line before the header left out"),
        ("r.csv", "# one\n# two\ntext,label\na,1\n", "2 lines before the header left out"),
        ("r.csv", 'label, text\n1, "a, b"\n', "blanks beside delimiters left out"),
        ("r.csv", 'text,label\n"a, b" ,1\n', "blanks beside delimiters left out"),
        ("r.csv", "text\nI, we\nyou\n", "delimiter none, a line is one field"),
        ("r.csv", "text,label\ra,1\r", "lines end with CR alone"),
        ("r.csv", "\ufefftext,label\na,1\n", "UTF-8 with a byte-order mark"),
        ("r.csv", "text,label\na,1\n".encode("utf-16"), "UTF-16 with a byte-order mark"),
        ("r.csv", '{"text": "a"}\n{"text": "b"}\n', "JSON Lines, whatever its name says"),
        (
            "r.csv",
            'text,label\n"a \\"b\\" c",1\n',
            "quotes within fields written \\\" (else: `quoting='doubled'`)",
        ),
        (
            "r.tsv",
            'text\tlabel\n" a film\t1\n"b" c\t0\n',
            "quotes are characters like any (else: `quoting='doubled'`)",
        ),
    ],
)
def test_what_a_name_does_not_say_is_told(tmp_path, name, content, told):
    """In one line."""
    assert notices([(name, look(tmp_path, name, content))]) == [f"{name}: {told}"]


def test_what_the_user_says_is_taken_and_not_told(tmp_path):
    """Even against what the content speaks for."""
    table = look(
        tmp_path,
        "r.csv",
        "a;b,c\nx;y,z\n",
        delimiter="comma",
        encoding="latin-1",
        quoting="none",
        header=False,
    )
    assert table.format == TableFormat(
        SourceKind.CSV, encoding="iso8859-1", quoting=Quoting.NONE, has_header=False
    )
    assert table.columns == ("1", "2")
    assert table.remarks == table.row_remarks == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"encoding": "latin-11"}, "`encoding` is 'latin-11'.*Did you mean 'latin-1'"),
        ({"encoding": "rot13"}, "which is no encoding of text"),
        ({"delimiter": "semicolom"}, "Did you mean 'semicolon'"),
        ({"delimiter": '"'}, "expected one character, or a word: comma, semicolon, tab"),
        ({"quoting": "double"}, "Did you mean 'doubled'"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(options, message):
    """With near choices."""
    with pytest.raises(ConfigurationError, match=message):
        TableOptions(**options)


def test_an_encoding_against_the_files_own_mark_is_refused(tmp_path):
    """The mark would be read as letters."""
    content = "text,label\na,1\n".encode("utf-8-sig")
    with pytest.raises(DatasetError, match=r"mark of UTF-8\. Leave `encoding` out"):
        look(tmp_path, "r.csv", content, encoding="latin-1")


@pytest.mark.parametrize(
    ("content", "way_out"),
    [
        ("café £5".encode("latin-1"), "`encoding='latin-1'` reads it"),
        ("“café” costs €5".encode("windows-1252"), "`encoding='windows-1252'` reads it"),
        ("превосходный фильм".encode("windows-1251"), r"e.g. windows-1251 \(Cyrillic\)"),
    ],
)
def test_other_encodings_name_the_first_line_and_a_way_out(tmp_path, content, way_out):
    """By the bytes that occur."""
    content = b"text,label\nfine,1\n" + content + b",0\n"
    with pytest.raises(DatasetError, match=f"r.csv, line 3: byte 0x.. is not UTF-8.*{way_out}"):
        look(tmp_path, "r.csv", content)


def test_utf_8_with_a_few_bad_bytes_stays_utf_8(tmp_path):
    """Each costs its record."""
    content = "text,label\nçà et là,1\n".encode() + b"caf\xe9,0\n"
    assert look(tmp_path, "r.csv", content).format == TableFormat(SourceKind.CSV)


def test_a_first_row_of_data_hints_at_no_header(tmp_path):
    """With the columns that hold text and label, if there is such a row."""
    rows = "1,a good film of old times\n0,bad\n1,fine\n"
    assert look(tmp_path, "r.csv", rows).numbers == ("2", "1")
    assert look(tmp_path, "r.csv", f"stars,body\n{rows}").numbers is None


def test_a_header_alone_has_no_records(tmp_path):
    """In no format."""
    assert not look(tmp_path, "r.csv", "text,label\n").has_records
    assert not look(tmp_path, "r.csv", "text,label").has_records
    assert not look(tmp_path, "r.json", "[]").has_records
    assert look(tmp_path, "r.csv", "text,label", header=False).has_records
