"""What a body holds, before it is made objects of; and what it unzips to."""

from __future__ import annotations

import gzip
import json
import time
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.server.rest import json_document, json_size
from serving.server.rest.json_size import count_values
from serving.server.rest.unzipping import unzip
from serving.status import Code, StatusError

# With what tells the inside of a string from the outside.
_TEXTS = st.text(st.sampled_from('ab,[{"\\:'), max_size=12)
_VALUES = st.recursive(
    st.none() | st.integers(-9, 9) | st.floats(-9, 9) | _TEXTS,
    lambda values: st.lists(values, max_size=5) | st.dictionaries(_TEXTS, values, max_size=3),
)


def _separators(value) -> int:
    if isinstance(value, list):
        return 1 + max(len(value) - 1, 0) + sum(map(_separators, value))
    if isinstance(value, dict):
        return 1 + max(len(value) - 1, 0) + sum(map(_separators, value.values()))
    return 0


@settings(max_examples=25)
@given(_VALUES, st.integers(1, 40))
def test_separators_in_strings_do_not_count(value, piece):
    """Whatever is escaped, and wherever the body is cut into pieces."""
    before, json_size._PIECE = json_size._PIECE, piece
    try:
        counted = json_size._count_outside_of_strings(json.dumps(value).encode(), 10**9)
    finally:
        json_size._PIECE = before
    assert counted == _separators(value)


def test_a_text_of_commas_is_one_value():
    """The quick count is too high then, and the careful one is asked."""
    body = json.dumps({"instances": ["," * 1000, "[{"]}).encode()
    assert count_values(body, 100) == 3
    assert count_values(body, 10_000) == 1005


def test_counting_ends_once_it_is_enough():
    """A million is not counted to the end when a hundred are allowed."""
    assert 100 < count_values(b"[" + b"0," * 2**20, 100) <= 2**19 + 1


@settings(max_examples=25)
@given(_VALUES, st.integers(0, 200), st.integers(3, 30))
def test_large_bodies_read_in_pieces_are_the_same(value, cut, piece):
    """The same documents, and the same errors at the same offsets, as read in one go."""
    text = json.dumps({"instances": value, "x": [value]}, indent=cut % 2 or None)
    outcomes = []
    for size in (piece, 2**30):
        outcomes.append([_parsed(one.encode(), size) for one in (text, text[:-cut], text + "]")])
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][0] == {"instances": value, "x": [value]}


def _parsed(body: bytes, piece: int):
    before = json_document._PIECE, json_document._WORTH_WHILE
    json_document._PIECE, json_document._WORTH_WHILE = piece, 0
    try:
        return json_document.parse(body)
    except StatusError as error:
        return str(error)
    finally:
        json_document._PIECE, json_document._WORTH_WHILE = before


@pytest.mark.parametrize("item", ["[]", "{}", '"\\ud83d\\ude00"'])
def test_reading_ends_at_the_deadline(item):
    """Of what the standard library reads, and of what needs care."""
    body = f'{{"instances":[{",".join([item] * 100_000)}]}}'.encode()
    with pytest.raises(StatusError) as error:
        json_document.parse(body, time.monotonic())
    assert error.value.code is Code.DEADLINE_EXCEEDED
    assert len(json_document.parse(body, time.monotonic() + 60)["instances"]) == 100_000


@pytest.mark.parametrize("number", ["1e400", "1E+400", "9" * 400, "-1e999"])
def test_numbers_beyond_range_are_found_across_pieces(number):
    """A number that lies on the border of two pieces is still too big."""
    for blanks in range(json_document._PIECE - 405, json_document._PIECE + 5, 97):
        body = b'{"instances":[' + b" " * blanks + number.encode() + b"]}"
        with pytest.raises(StatusError, match="Number too big to be stored in double"):
            json_document.parse(body)


@pytest.mark.parametrize("members", [1, 3])
def test_gzip_is_read_whatever_its_members(members):
    """One, several, zeros behind them; the limit is to the byte."""
    data = b"".join(gzip.compress(b"film " * 1000 * (n + 1)) for n in range(members)) + b"\0" * 9
    size = 5000 * sum(range(1, members + 1))
    assert unzip(data, size) == b"film " * (size // 5)
    assert unzip(bytearray(data), size - 1) is None
    assert gzip.decompress(data) == b"film " * (size // 5)


def test_a_bomb_is_not_unzipped_to_its_end():
    """Megabytes in kilobytes: only so much of it is made."""
    compressor = zlib.compressobj(1, wbits=31)
    bomb = b"".join(compressor.compress(bytes(2**20)) for _ in range(64)) + compressor.flush()
    started = time.process_time()
    assert unzip(bomb, 2**20) is None
    assert time.process_time() - started < 0.05


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"no gzip", "incorrect header check"),
        (b"", "it ends before its end-of-stream marker"),
        (gzip.compress(b"film", mtime=0)[:-5], "it ends before its end-of-stream marker"),
        (gzip.compress(b"film", mtime=0) + b"film", "incorrect header check"),
        (gzip.compress(b"", mtime=0) * 1001, "gzip of more than 1000 members. Send one"),
    ],
)
def test_what_is_no_gzip_is_refused(data, reason):
    """With zlib's reason; a thousand members are no body of anybody's."""
    with pytest.raises(StatusError) as error:
        unzip(data, 2**20)
    assert error.value.code is Code.INVALID_ARGUMENT and reason in error.value.message
