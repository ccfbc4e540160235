"""JSON is read as RapidJSON reads it: the same values, texts and offsets."""

from __future__ import annotations

import json
import math
import random

import pytest

from serving.server.rest import careful_json, json_document, json_writer
from serving.status import StatusError


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b" ", "The document is empty. at offset: 1"),
        (b"{", "Missing a name for object member. at offset: 1"),
        (b"{]", "Missing a name for object member. at offset: 1"),
        (b'{"a":1,}', "Missing a name for object member. at offset: 7"),
        (b'{"a"', "Missing a colon after a name of object member. at offset: 4"),
        (b'{"a" 1}', "Missing a colon after a name of object member. at offset: 5"),
        (b'{"a":', "Invalid value. at offset: 5"),
        (b'{"a":1', "Missing a comma or '}' after an object member. at offset: 6"),
        (b'{"a":01}', "Missing a comma or '}' after an object member. at offset: 6"),
        (b"[1 2]", "Missing a comma or ']' after an array element. at offset: 3"),
        (b"[1,]", "Invalid value. at offset: 3"),
        (b"nul", "Invalid value. at offset: 3"),
        (b"xyz", "Invalid value. at offset: 0"),
        (b"[-]", "Invalid value. at offset: 2"),
        (b"[1.]", "Miss fraction part in number. at offset: 3"),
        (b"[1e+]", "Miss exponent in number. at offset: 4"),
        (b"[1e999]", "Number too big to be stored in double. at offset: 1"),
        (b'["a', "Missing a closing quotation mark in string. at offset: 3"),
        (b'["a\n"]', "Invalid encoding in string. at offset: 3"),
        (b'["\\x"]', "Invalid escape character in string. at offset: 2"),
        (b'["\\u12"]', "Incorrect hex digit after \\u escape in string. at offset: 2"),
    ],
)
def test_errors_say_what_and_where(body, message):
    """RapidJSON's words, and the offset of the byte that does not fit."""
    with pytest.raises(StatusError) as error:
        json_document.parse(body)
    assert error.value.message == f"JSON Parse error: {message}"


def test_not_a_number_and_infinities_are_values():
    """In all of RapidJSON's spellings."""
    values = json_document.parse(b"[NaN, -NaN, Inf, -Inf, Infinity, -Infinity]")
    assert math.isnan(values[0]) and math.isnan(values[1])
    assert values[2:] == [math.inf, -math.inf, math.inf, -math.inf]


def test_the_first_document_counts():
    """Behind a byte order mark, and whatever follows."""
    assert json_document.parse(b'\xef\xbb\xbf {"a": 1} {"b"') == {"a": 1}


def _document(chance: random.Random, depth: int = 0):
    kind = chance.randrange(7 if depth < 3 else 5)
    if kind < 2:
        return chance.choice([None, True, False, 0, -7, 2**63, -(2**63), 0.5, 1e-7, 1.5e300, ""])
    if kind < 5:
        return "".join(chance.choices('aé😀"\\\n\t\x1f/ ', k=chance.randrange(6)))
    if kind == 5:
        return [_document(chance, depth + 1) for _ in range(chance.randrange(4))]
    return {str(n): _document(chance, depth + 1) for n in range(chance.randrange(4))}


def test_both_parsers_read_what_the_standard_library_writes():
    """The quick one, and the careful one that everything odd goes through."""
    chance = random.Random(5)
    for _ in range(500):
        document = {"a": _document(chance)}
        for ascii_only in (True, False):
            body = json.dumps(document, ensure_ascii=ascii_only).encode()
            assert json_document.parse(body) == document
            assert careful_json.CarefulParser(body, 0).parse() == document


def test_echoes_are_json_again():
    """What is short enough is echoed whole."""
    chance = random.Random(6)
    for _ in range(500):
        document = _document(chance, depth=2)
        assert json.loads(json_writer.echo(document)) == document


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.0, "1.0"), (1e21, "1e21"), (1e20, "100000000000000000000.0"), (1e-6, "0.000001"),
        (1e-7, "1e-7"), (1.5e300, "1.5e300"), (-0.0, "-0.0"), (123456.5, "123456.5"),
        (2**64, "18446744073709552000.0"),
    ],
)  # fmt: skip
def test_numbers_are_echoed_as_rapidjson_writes_them(number, text):
    """No exponent where 21 digits do."""
    assert json_writer.echo(number) == text
