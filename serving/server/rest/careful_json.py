"""Reads what `json` cannot, with RapidJSON's error texts and the offset of the wrong byte.

No library has them, and clients of TF-Serving see them. Without them the standard library's `json`
would do. What needs this parser, and not `json`:

  tests/serving/conformance/test_rest.py
    test_look_up_and_document_errors                 texts and offsets
    test_control_characters_are_not_read_raw         the offset of a control character
  tests/serving/server/rest/test_json_document.py
    test_errors_say_what_and_where                   all texts and offsets
    test_not_a_number_and_infinities_are_values      `Inf`, which `json` does not know

It nests without limit, where `json` ends with a RecursionError.
"""

from __future__ import annotations

import itertools
import math
import re
import time
from typing import Any

from serving.server.rest.json_members import Members
from serving.status import Code, StatusError, invalid_argument

# Tokens, or items, that are read between two checks of the deadline.
TOKENS_BETWEEN_CHECKS = 4096

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

# States of the parser: each is the error text for an unexpected character in it.
_START = "The document is empty."
_NAME = "Missing a name for object member."
_COLON = "Missing a colon after a name of object member."
_VALUE = "Invalid value."
_COMMA_OR_CURLY = "Missing a comma or '}' after an object member."
_COMMA_OR_SQUARE = "Missing a comma or ']' after an array element."
# Nothing is missing: the document is complete.
_NOTHING = ""


def check_time(deadline: float | None) -> None:
    """Raises DEADLINE_EXCEEDED past a time of `time.monotonic`."""
    if deadline is not None and time.monotonic() > deadline:
        raise StatusError(Code.DEADLINE_EXCEEDED, "Timed out waiting for notification")


class CarefulParser:
    """RapidJSON's iterative parser, state by state."""

    def __init__(self, body: bytes, start: int, deadline: float | None = None):
        """Takes the bytes, where the document starts, and a time of `time.monotonic`, or None."""
        self._body = body
        self._at = start
        self._deadline = deadline
        self._root: list[Any] = []
        self._open: list[Any] = []
        self._key = ""

    def parse(self) -> Any:
        """Returns the first value.

        Raises:
          StatusError: INVALID_ARGUMENT, with RapidJSON's text and offset; DEADLINE_EXCEEDED.
        """
        expects = _START
        for token in itertools.count(1):
            if not token % TOKENS_BETWEEN_CHECKS:
                check_time(self._deadline)
            self._at = _match(_WHITESPACE, self._body, self._at).end()
            character = self._body[self._at : self._at + 1]
            if character in (b"", b"\0"):
                raise self._error(expects)
            if expects in (_START, _VALUE):
                expects = self._read_value(character, expects)
            elif expects == _NAME:
                expects = self._read_name(character)
            elif expects == _COLON:
                expects = self._read_colon(character)
            else:
                expects = self._read_comma_or_end(character, expects)
            if expects == _NOTHING:
                return self._root[0]

    # Each reads one token and returns what is expected after it.

    def _read_value(self, character: bytes, expects: str) -> str:
        container = self._container
        if character in (b"{", b"["):
            self._at += 1
            value: Any = Members() if character == b"{" else []
            self._add(value)
            self._open.append(value)
            return _NAME if character == b"{" else _VALUE
        if character in (b"]", b"}", b",", b":"):
            is_empty_list = isinstance(container, list) and not container
            if expects == _VALUE and character == b"]" and is_empty_list:
                return self._close()
            raise self._error(expects)
        self._add(self._scalar(character))
        return self._after_value()

    def _read_name(self, character: bytes) -> str:
        if character == b"}" and not self._container:
            return self._close()
        if character != b'"':
            raise self._error(_NAME)
        self._key = self._string()
        return _COLON

    def _read_colon(self, character: bytes) -> str:
        if character != b":":
            raise self._error(_COLON)
        self._at += 1
        return _VALUE

    def _read_comma_or_end(self, character: bytes, expects: str) -> str:
        is_object = isinstance(self._container, Members)
        if character == b",":
            self._at += 1
            return _NAME if is_object else _VALUE
        if character != (b"}" if is_object else b"]"):
            raise self._error(expects)
        return self._close()

    @property
    def _container(self) -> Any:
        """The innermost object or list that is not closed yet; the root where there is none."""
        return self._open[-1] if self._open else self._root

    def _add(self, value: Any) -> None:
        container = self._container
        if isinstance(container, Members):
            container.add(self._key, value)
        else:
            container.append(value)

    def _close(self) -> str:
        self._at += 1
        self._open.pop()
        return self._after_value()

    def _after_value(self) -> str:
        if not self._open:
            return _NOTHING
        return _COMMA_OR_CURLY if isinstance(self._container, Members) else _COMMA_OR_SQUARE

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


def _match(pattern: re.Pattern[bytes], text: bytes, start: int) -> re.Match[bytes]:
    """Matches a pattern that the empty text fits, too."""
    found = pattern.match(text, start)
    assert found is not None
    return found
