"""JSON as RapidJSON reads it: the same documents, error texts and offsets.

TF-Serving's bodies go through RapidJSON's iterative parser, which knows NaN and Inf, keeps
invalid UTF-8 as it came, stops at the end of the first document, and can be nested without limit.
Strings are str; bytes that are not UTF-8 are kept in them as `surrogateescape` has it. Of a key
that comes again, the first value counts, as in RapidJSON's look-ups; see `Members`.
"""

from __future__ import annotations

import itertools
import json
import math
import re
import time
from typing import Any, AnyStr

from serving.status import Code, StatusError, invalid_argument

# What the standard library reads differently: surrogates, and numbers beyond a double's range.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_KINDS = bytes(
    ord("0") if chr(byte).isdecimal() and byte < 128 else byte if byte in b"e+" else
    ord("e") if byte == ord("E") else ord(" ")
    for byte in range(256)
)  # fmt: skip
_BEYOND_RANGE = (b"e000", b"e+000", b"0" * 300)
# Bytes that are looked through at once, and the most that a match takes.
_PIECE = 2**18
_LONGEST_CARE = 300
# Characters from which on several items are read in one go, and between two attempts.
_WORTH_WHILE = 2**14
# Lists within lists that are read item by item; and items, or tokens, between two looks at a clock.
_MAX_SPLIT = 3
_ASKED_EVERY = 4096
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_NUMBERS = re.compile(r"[-+.0-9eE, \n\r\t]*")
_BLANKS = re.compile(r"[ \n\r\t]*")
_WHITESPACE = re.compile(rb"[ \n\r\t]*")
_PLAIN = re.compile(rb'[^"\\\x00-\x1f]*')
_INTEGER = re.compile(rb"0|[1-9][0-9]*")
_DIGITS = re.compile(rb"[0-9]+")
_HEX4 = re.compile(rb"[0-9a-fA-F]{4}")
_ESCAPES = {
    b'"': b'"',
    b"\\": b"\\",
    b"/": b"/",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
}
_INT64_MIN, _UINT64_MAX = -(2**63), 2**64 - 1

# Where an end of input or an unexpected character is met -> what is missing there.
_START = "The document is empty."
_NAME = "Missing a name for object member."
_COLON = "Missing a colon after a name of object member."
_VALUE = "Invalid value."
_COMMA_OR_CURLY = "Missing a comma or '}' after an object member."
_COMMA_OR_SQUARE = "Missing a comma or ']' after an array element."


class Members(dict[str, Any]):
    """An object whose keys may come more than once: the first values.

    Attributes:
      last: All keys with their last values; None as long as no key came again.
    """

    def __init__(self) -> None:
        """Starts without members."""
        super().__init__()
        self.last: dict[str, Any] | None = None

    def add(self, key: str, value: Any) -> None:
        """Adds the next member."""
        if key in self and self.last is None:
            self.last = dict(self)
        if self.last is not None:
            self.last[key] = value
        self.setdefault(key, value)


def last_members(document: dict[str, Any]) -> dict[str, Any] | None:
    """Returns an object's keys with their last values; None if no key came again."""
    return document.last if isinstance(document, Members) else None


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    once = dict(members)
    if len(once) == len(members):
        return once
    repeated = Members()
    for key, value in members:
        repeated.add(key, value)
    return repeated


_DECODER = json.JSONDecoder(object_pairs_hook=_object)


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
            pass  # the careful parser says what is wrong, or nests as deep as it takes
        else:
            if isinstance(document, dict):
                return document
    return _CarefulParser(bytes(body), start, deadline).parse()


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
      ValueError, IndexError: It is none.
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
            return _object(members)
        if text[at] != ",":
            raise ValueError
        at = _match(_BLANKS, text, at + 1).end()


def _read_value(text: str, at: int, deadline: float | None, depth: int) -> tuple[Any, int]:
    """Reads a value, down to a depth of lists item by item; returns where it ends as well."""
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
        if several or not len(items) % _ASKED_EVERY:
            _check_time(deadline)


def _read_several(text: str, at: int) -> tuple[list[Any], int]:
    """Reads the items of a list up to a comma some way on, all in one go.

    Returns:
      The items, and where they end; none when the comma is not one between items.
    """
    is_text = text[at] == '"'
    end = text.rfind('",' if is_text else ",", at, at + _PIECE) + is_text
    if end <= at + _WORTH_WHILE or not (is_text or _NUMBERS.fullmatch(text, at, end)):
        return [], at
    piece = f"[{text[at:end]}]"
    try:
        # Cut within a string, or past the end of this list, it is no JSON, or not all of it is.
        items, read = _DECODER.raw_decode(piece)
    except ValueError:
        return [], at
    return (items, end) if read == len(piece) else ([], at)


def _check_time(deadline: float | None) -> None:
    if deadline is not None and time.monotonic() > deadline:
        raise StatusError(Code.DEADLINE_EXCEEDED, "Timed out waiting for notification")


def _match(pattern: re.Pattern[AnyStr], text: AnyStr, start: int) -> re.Match[AnyStr]:
    """Matches a pattern that the empty text fits, too."""
    found = pattern.match(text, start)
    assert found is not None
    return found


class _CarefulParser:
    """RapidJSON's iterative parser, state by state; used for what is odd or wrong."""

    def __init__(self, body: bytes, start: int, deadline: float | None = None):
        self._body = body
        self._at = start
        self._deadline = deadline

    def parse(self) -> Any:
        root: list[Any] = []
        open_containers: list[Any] = []
        key = ""
        expects = _START
        for token in itertools.count(1):
            if not token % _ASKED_EVERY:
                _check_time(self._deadline)
            self._at = _match(_WHITESPACE, self._body, self._at).end()
            character = self._body[self._at : self._at + 1]
            if character in (b"", b"\0"):
                raise self._error(expects)
            container = open_containers[-1] if open_containers else root
            if expects in (_START, _VALUE):
                if character in (b"{", b"["):
                    self._at += 1
                    value: Any = Members() if character == b"{" else []
                elif character in (b"]", b"}", b",", b":"):
                    if not (character == b"]" and isinstance(container, list) and not container):
                        raise self._error(expects)
                    if expects == _START:
                        raise self._error(expects)
                    self._at += 1
                    open_containers.pop()
                    value = _CLOSED
                else:
                    value = self._scalar(character)
                if value is not _CLOSED:
                    if isinstance(container, Members):
                        container.add(key, value)
                    else:
                        container.append(value)
                    if isinstance(value, (dict, list)):
                        open_containers.append(value)
                        expects = _NAME if isinstance(value, dict) else _VALUE
                        continue
            elif expects == _NAME:
                if character == b"}" and not container:
                    self._at += 1
                    open_containers.pop()
                elif character == b'"':
                    key = self._string()
                    expects = _COLON
                    continue
                else:
                    raise self._error(expects)
            elif expects == _COLON:
                if character != b":":
                    raise self._error(expects)
                self._at += 1
                expects = _VALUE
                continue
            else:
                closing = b"}" if isinstance(container, dict) else b"]"
                if character == b",":
                    self._at += 1
                    expects = _NAME if isinstance(container, dict) else _VALUE
                    continue
                if character != closing:
                    raise self._error(expects)
                self._at += 1
                open_containers.pop()
            if not open_containers:
                return root[0]
            expects = _COMMA_OR_CURLY if isinstance(open_containers[-1], dict) else _COMMA_OR_SQUARE

    def _scalar(self, character: bytes) -> Any:
        if character == b'"':
            return self._string()
        for word, value in ((b"true", True), (b"false", False), (b"null", None)):
            if character == word[:1]:
                self._word(word)
                return value
        return self._number()

    def _word(self, word: bytes) -> None:
        for letter in word:
            if self._body[self._at : self._at + 1] != bytes([letter]):
                raise self._error(_VALUE)
            self._at += 1

    def _string(self) -> str:
        self._at += 1
        parts = []
        while True:
            plain = _match(_PLAIN, self._body, self._at)
            parts.append(plain.group())
            self._at = plain.end()
            character = self._body[self._at : self._at + 1]
            if character == b'"':
                self._at += 1
                return b"".join(parts).decode("utf-8", "surrogateescape")
            if character in (b"", b"\0"):
                raise self._error("Missing a closing quotation mark in string.")
            if character != b"\\":
                raise self._error("Invalid encoding in string.")
            parts.append(self._escape())

    def _escape(self) -> bytes:
        backslash = self._at
        escaped = self._body[backslash + 1 : backslash + 2]
        if escaped in _ESCAPES:
            self._at += 2
            return _ESCAPES[escaped]
        if escaped != b"u":
            raise self._error("Invalid escape character in string.", backslash)
        invalid_pair = self._error("The surrogate pair in string is invalid.", backslash)
        codepoint = self._hex4(backslash)
        if 0xDC00 <= codepoint <= 0xDFFF:
            raise invalid_pair
        if 0xD800 <= codepoint <= 0xDBFF:
            if self._body[self._at : self._at + 2] != b"\\u":
                raise invalid_pair
            low = self._hex4(backslash)
            if not 0xDC00 <= low <= 0xDFFF:
                raise invalid_pair
            codepoint = 0x10000 + ((codepoint - 0xD800) << 10) + (low - 0xDC00)
        return chr(codepoint).encode()

    def _hex4(self, backslash: int) -> int:
        digits = _HEX4.match(self._body, self._at + 2)
        if not digits:
            raise self._error("Incorrect hex digit after \\u escape in string.", backslash)
        self._at = digits.end()
        return int(digits.group(), 16)

    def _number(self) -> int | float:
        start = self._at
        is_negative = self._skip(b"-")
        if self._body[self._at : self._at + 1] in (b"N", b"I"):
            return self._not_finite(is_negative)
        integer = _INTEGER.match(self._body, self._at)
        if not integer:
            raise self._error(_VALUE)
        self._at = integer.end()
        is_double = False
        if self._skip(b"."):
            is_double = True
            self._digits("Miss fraction part in number.")
        if self._skip(b"e") or self._skip(b"E"):
            is_double = True
            self._skip(b"+") or self._skip(b"-")
            self._digits("Miss exponent in number.")
        text = self._body[start : self._at]
        if not is_double and len(text) < 21 and _INT64_MIN <= int(text) <= _UINT64_MAX:
            return int(text)
        number = float(text)
        if math.isinf(number):
            raise self._error("Number too big to be stored in double.", start)
        return number

    def _not_finite(self, is_negative: bool) -> float:
        if self._body[self._at : self._at + 1] == b"N":
            self._word(b"NaN")
            return math.nan
        self._word(b"Inf")
        if self._body[self._at : self._at + 1] == b"i":
            self._word(b"inity")
        return -math.inf if is_negative else math.inf

    def _digits(self, missing: str) -> None:
        digits = _DIGITS.match(self._body, self._at)
        if not digits:
            raise self._error(missing)
        self._at = digits.end()

    def _skip(self, character: bytes) -> bool:
        if self._body[self._at : self._at + 1] != character:
            return False
        self._at += 1
        return True

    def _error(self, text: str, offset: int | None = None) -> StatusError:
        at = self._at if offset is None else offset
        return invalid_argument(f"JSON Parse error: {text} at offset: {at}")


_CLOSED = object()
