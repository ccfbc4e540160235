"""JSON as RapidJSON reads it, which TF-Serving uses: the same documents, error texts and offsets.

The standard library's `json` reads what it can read as RapidJSON does, a large body in pieces. All
else goes to `careful_json`, which says why it is needed and which tests need it.

RapidJSON knows NaN and Inf, keeps invalid UTF-8 as it came, stops at the end of the first document,
and can be nested without limit. Strings are str; bytes that are not UTF-8 are kept in them as
`surrogateescape` has it. Of a key that comes again, the first value counts; see `json_members`.
"""

from __future__ import annotations

import json
import re
from typing import Any

from serving.server.rest.careful_json import TOKENS_BETWEEN_CHECKS, CarefulParser, check_time
from serving.server.rest.json_members import object_of
from serving.status import invalid_argument

# What the standard library reads differently: surrogates, and numbers beyond a double's range.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_KINDS = bytes(
    ord("0") if chr(byte).isdecimal() and byte < 128 else byte if byte in b"e+" else
    ord("e") if byte == ord("E") else ord(" ")
    for byte in range(256)
)  # fmt: skip
_BEYOND_RANGE = (b"e000", b"e+000", b"0" * 300)
# Bytes that are searched at once, and the longest match, in bytes.
_PIECE = 2**18
_LONGEST_CARE = 300
# Several items are read in one call only where they have so many characters; also the distance
# between two attempts.
_WORTH_WHILE = 2**14
# Lists within lists that are read item by item.
_MAX_SPLIT = 3
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_NUMBERS = re.compile(r"[-+.0-9eE, \n\r\t]*")
_BLANKS = re.compile(r"[ \n\r\t]*")
_DECODER = json.JSONDecoder(object_pairs_hook=object_of)


def parse(body: bytes | bytearray, deadline: float | None = None) -> Any:
    """Reads the first document in `body`; what follows it is ignored.

    A large body is read in pieces, between which other threads get their turn.

    Args:
      body: JSON.
      deadline: Of `time.monotonic`; None takes as long as it takes.

    Raises:
      StatusError: INVALID_ARGUMENT, with RapidJSON's text and offset; DEADLINE_EXCEEDED.
    """
    if not body:
        raise invalid_argument("JSON Parse error: The document is empty")
    start = len(_BYTE_ORDER_MARK) if body.startswith(_BYTE_ORDER_MARK) else 0
    if not _needs_care(body):
        text = body.decode("utf-8", "surrogateescape")
        try:
            at = _match(_BLANKS, text, bool(start)).end()
            if len(text) > _PIECE:
                document = _read_object(text, at, deadline)
            else:
                document, _ = _DECODER.raw_decode(text, at)
        except (ValueError, IndexError, RecursionError):
            pass  # the careful parser says what is wrong, or reads what is nested too deeply
        else:
            if isinstance(document, dict):
                return document
    return CarefulParser(bytes(body), start, deadline).parse()


def _needs_care(body: bytes | bytearray) -> bool:
    for start in range(0, len(body), _PIECE):
        piece = body[start : start + _PIECE + _LONGEST_CARE]
        if b"\\u" in piece and _SURROGATE.search(piece):
            return True
        kinds = piece.translate(_KINDS)
        if any(number in kinds for number in _BEYOND_RANGE):
            return True
    return False


def _read_object(text: str, at: int, deadline: float | None) -> dict[str, Any]:
    """Reads an object member by member, and its lists item by item.

    Raises:
      ValueError, IndexError: It is not an object.
    """
    members: list[tuple[str, Any]] = []
    if text[at] != "{":
        raise ValueError
    at = _match(_BLANKS, text, at + 1).end()
    if text[at] == "}":
        return {}
    while True:
        if text[at] != '"':
            raise ValueError
        key, at = _DECODER.raw_decode(text, at)
        at = _match(_BLANKS, text, at).end()
        if text[at] != ":":
            raise ValueError
        value, at = _read_value(text, _match(_BLANKS, text, at + 1).end(), deadline, _MAX_SPLIT)
        members.append((key, value))
        at = _match(_BLANKS, text, at).end()
        if text[at] == "}":
            return object_of(members)
        if text[at] != ",":
            raise ValueError
        at = _match(_BLANKS, text, at + 1).end()


def _read_value(text: str, at: int, deadline: float | None, depth: int) -> tuple[Any, int]:
    """Reads a value, lists item by item down to a depth; returns the value and its end."""
    if text[at] != "[" or not depth:
        return _DECODER.raw_decode(text, at)
    items: list[Any] = []
    at = _match(_BLANKS, text, at + 1).end()
    if text[at] == "]":
        return items, at + 1
    next_try = at
    while True:
        several: list[Any] = []
        if at >= next_try:
            next_try = at + _WORTH_WHILE
            several, at = _read_several(text, at)
        if several:
            items += several
        else:
            item, at = _read_value(text, at, deadline, depth - 1)
            items.append(item)
        if text[at] not in ",]":
            at = _match(_BLANKS, text, at).end()
        if text[at] == "]":
            return items, at + 1
        if text[at] != ",":
            raise ValueError
        at += 1
        if text[at] in " \n\r\t":
            at = _match(_BLANKS, text, at).end()
        if several or not len(items) % TOKENS_BETWEEN_CHECKS:
            check_time(deadline)


def _read_several(text: str, at: int) -> tuple[list[Any], int]:
    """Reads the items of a list up to a comma further on, in one call.

    Returns:
      The items and their end; no items when the comma is not between items.
    """
    is_text = text[at] == '"'
    end = text.rfind('",' if is_text else ",", at, at + _PIECE) + is_text
    if end <= at + _WORTH_WHILE or not (is_text or _NUMBERS.fullmatch(text, at, end)):
        return [], at
    piece = f"[{text[at:end]}]"
    try:
        # Divided within a string, or beyond the end of this list, it is not one JSON list.
        items, read = _DECODER.raw_decode(piece)
    except ValueError:
        return [], at
    return (items, end) if read == len(piece) else ([], at)


def _match(pattern: re.Pattern[str], text: str, start: int) -> re.Match[str]:
    """Matches a pattern that the empty text fits, too."""
    found = pattern.match(text, start)
    assert found is not None
    return found
