"""Texts to ask about: those of every table that a run reads, or a refusal in words."""

from __future__ import annotations

import pytest

from components.dataset.table_options import TableOptions
from components.dataset.texts import read_texts
from components.errors import DatasetError


@pytest.mark.parametrize(
    ("name", "content", "texts"),
    [
        ("a.txt", "one\r\n\ntwo\u2028still two\n", ["one", "", "two\u2028still two"]),
        ("a.csv", 'id,text\n1,"a, b\nc"\n2,d\n', ["a, b\nc", "d"]),
        ("a.jsonl", '\ufeff{"text": "one"}\n\n{"text": "two"}\n', ["one", "two"]),
        ("a.json", '[{"text": "one"},\n {"text": "two"}]', ["one", "two"]),
        ("a.tsv", "text\tid\none, two\t1\n", ["one, two"]),
        ("a.csv", "text\rone\rtwo\r", ["one", "two"]),
        ("a.csv", "text\nnul\0here\n", ["nul here"]),
    ],
)
def test_files_are_read_as_they_are_written(tmp_path, name, content, texts):
    """Texts arrive whole and in order."""
    (tmp_path / name).write_bytes(content.encode())
    assert read_texts(tmp_path / name, "text").texts == texts


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"txt\nx\n", r"no column 'text'\..* Did you mean 'txt'\?"),
        (
            "a.jsonl",
            b'{"text": 3}',
            "a.jsonl, record 1: the text is of type int, expected a string",
        ),
        ("a.jsonl", b'{"text": "x"}\n{', "a.jsonl, record 2: not JSON"),
        ("a.txt", b"\xff", "line 1: byte 0xff is not UTF-8"),
        ("a.doc", b"", r"unknown format. Expected \.csv, \.tsv"),
        ("a.txt", b"", "a.txt holds no texts"),
        ("a.csv", b"text,id\n", "a.csv holds no texts"),
        ("a.csv", b" \n", "a.csv is empty: expected a column text"),
        ("a.csv", b"text,label,label\nx,1,0\n", "a.csv has two columns 'label'"),
        (
            "a.csv",
            b"text,id\nI loved it, but the end was dreadful,1\nplain and dull,2\n",
            "a.csv, record 1: 3 fields, expected 2",
        ),
        ("a.csv", b'text\n"a great film\na dull one\n', "a.csv, record 1: line 2: unexpected end"),
        ("a.csv", b"te\x1b[31mxt\x07,label\nx,1\n", "a.csv has no column 'text'"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, name, content, message):
    """File, place and what was expected."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError, match=message):
        read_texts(tmp_path / name, "text")


def test_bad_records_are_left_out_when_allowed(tmp_path):
    """They are counted, and the first is told."""
    (tmp_path / "a.csv").write_text("text,id\ngood,1\nso, so,2\nbad,3\n")
    found = read_texts(tmp_path / "a.csv", "text", max_bad_records=0.34)
    assert found.texts == ["good", "bad"]
    assert found.notices == ["1 records were left out, e.g. a.csv, record 2: 3 fields, expected 2"]


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ("good\nso, so\n", ["good", "so, so"]),
        ("id;text\n1;good\n", ["good"]),
        ('[{"text": "good"}]', ["good"]),
        ('{"text": "good"}\n{"text": "bad"}\n', ["good", "bad"]),
    ],
)
def test_standard_input_is_known_by_its_content(tmp_path, content, texts):
    """A table if it has the column, else a text a line."""
    (tmp_path / "x").write_text(content)
    assert read_texts(tmp_path / "x", "text", name="standard input").texts == texts


def test_columns_have_numbers_without_a_header(tmp_path):
    """The message says so, and its advice works."""
    (tmp_path / "a.csv").write_text("1,a good film of old times\n0,bad\n")
    with pytest.raises(DatasetError, match="Then: `header=False` `text_column='2'`"):
        read_texts(tmp_path / "a.csv", "text")
    options = TableOptions(header=False)
    assert read_texts(tmp_path / "a.csv", "2", options).texts == ["a good film of old times", "bad"]
    with pytest.raises(DatasetError, match=r"columns have numbers, e\.g\. `text_column='2'`"):
        read_texts(tmp_path / "a.csv", "text", options)
