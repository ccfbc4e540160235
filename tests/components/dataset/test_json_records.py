"""JSON is read as a stream: an array, objects in a row, and what breaks off."""

from __future__ import annotations

import json
import math
from io import StringIO

import pytest

from components.dataset import json_records
from components.dataset.json_records import read_json
from components.dataset.records import MalformedRecord

RECORDS = [
    {"text": 'a "quoted" {word}, [so]', "label": 1, "more": {"a": [1, {"b": None}]}},
    {"text": "Ça va 🎬\n", "label": 0.5},
    {"text": "", "label": True},
]


def read(text: str) -> list:
    """Reads all of a text."""
    return list(read_json(StringIO(text)))


@pytest.mark.parametrize("block", [1, 3, 50, 1 << 16])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("is_array", [True, False])
def test_records_arrive_wherever_a_block_ends(monkeypatch, block, indent, is_array):
    """In an array, and one behind the other."""
    monkeypatch.setattr(json_records, "_BLOCK", block)
    text = json.dumps(RECORDS, indent=indent)
    if not is_array:
        text = "\r\n".join(json.dumps(record, indent=indent) for record in RECORDS)
    assert read(f"  {text}\n ") == RECORDS


def test_an_empty_array_has_no_records():
    """Nor has an empty text."""
    assert read("[]") == read(" [ \n ] ") == read("") == []


def test_nan_is_a_number_as_python_writes_it():
    """Python's own json writes it so."""
    (record,) = read('[{"text": "a", "label": NaN}]')
    assert math.isnan(record["label"])


@pytest.mark.parametrize(
    ("text", "bad", "good", "is_last"),
    [
        ('[{"a": 1}, 5, {"a": 2}]', "line 1: a record of type int, expected an object", 2, False),
        ('[{"a": 1},\n{"a": 1, "a": 2},\n{"a": 3}]', "line 2: two columns 'a' in one", 2, False),
        ('[{"a": 1}', "not JSON: the array breaks off", 1, True),
        ('[{"a": 1},\n{"a": "cut', "line 2: not JSON: Unterminated string", 1, True),
        ('[{"a": 1}\n{"a": 2}]', "line 2: not JSON: ',' or ']' expected between two", 1, True),
        ('[{"a": 1}]\n[{"a": 2}]', "line 2: the array ends, and more follows", 1, True),
        ('{"a": 1}\nword', "line 2: not JSON: Expecting value", 1, True),
        (f'[{{"a": 1}}, {"[" * 100_000}]', "line 1: not JSON: ", 1, True),
    ],
)
def test_what_is_no_record_is_told(text, bad, good, is_last):
    """Reading goes on where the next record begins for sure."""
    found = read(text)
    (problem,) = (item for item in found if isinstance(item, MalformedRecord))
    assert problem.detail.startswith(bad)
    assert problem.is_last is is_last
    assert len(found) - 1 == good


def test_a_record_without_an_end_is_bounded(monkeypatch):
    """By its characters."""
    monkeypatch.setattr(json_records, "MAX_RECORD_CHARACTERS", 1_000)
    monkeypatch.setattr(json_records, "_BLOCK", 100)
    stream = StringIO('[{"text": "' + "a" * 100_000)
    (problem,) = read_json(stream)
    assert problem.detail == "line 1: not JSON: a record of more than 1,000 characters"
    assert stream.tell() < 10_000
