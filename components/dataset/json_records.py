"""JSON: an object a line, one array of objects, or objects over several lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO, Any

from components.dataset.records import MalformedRecord, printable
from components.dataset.source import TableFormat
from components.dataset.text_lines import lines_of

# One record; what is longer is not held in memory.
MAX_RECORD_CHARACTERS = 64 << 20
_BLOCK = 1 << 16
_BLANKS = " \t\r\n"
_BEHIND_LAST = "the array ends, and more follows; expected one array, or an object a line"


def read_json_lines(
    stream: IO[str], form: TableFormat
) -> Iterator[dict[str, Any] | MalformedRecord]:
    """Yields the objects of JSON Lines; blank lines are left out."""
    for line in lines_of(stream, form):
        if not line or line.isspace():
            continue
        try:
            yield json_object(line)
        except ValueError as error:
            yield MalformedRecord(str(error))


def json_object(text: str) -> dict[str, Any]:
    """Returns the object that a text holds; a ValueError says what it holds instead."""
    try:
        record = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from error
    if not isinstance(record, dict):
        raise ValueError("not a JSON object; expected one object a line")
    return _without_repeated_keys(record)


def read_json(stream: IO[str], wrapper: str = "") -> Iterator[dict[str, Any] | MalformedRecord]:
    """Yields the objects of one array, or objects that follow each other, as they are read.

    It needs memory for the longest record alone. What is no JSON ends the file: where the
    next record begins is not known.

    Args:
      stream: The text.
      wrapper: The name in one object under which the array is; what follows the array is not read.
    """
    text = _Window(stream)
    if wrapper:
        try:
            _go_to_value(text, wrapper)
        except (ValueError, RecursionError) as error:
            yield MalformedRecord(f"line {text.line:,}: not JSON: {error}", is_last=True)
            return
    is_array = text.next_character() == "["
    if is_array:
        text.skip(1)
    is_first = True
    while True:
        character = text.next_character()
        if is_array:
            if character == "]":
                text.skip(1)
                if not wrapper and text.next_character():
                    yield MalformedRecord(f"line {text.line:,}: {_BEHIND_LAST}", is_last=True)
                return
            if not is_first and character:
                if character != ",":
                    yield MalformedRecord(
                        f"line {text.line:,}: not JSON: ',' or ']' expected between two records, "
                        f"and {character!r} found",
                        is_last=True,
                    )
                    return
                text.skip(1)
                character = text.next_character()
        if not character:
            if is_array:
                yield MalformedRecord("not JSON: the array breaks off", is_last=True)
            return
        is_first = False
        line = text.line
        try:
            record = text.decode()
        except (ValueError, RecursionError) as error:
            yield MalformedRecord(f"line {line:,}: not JSON: {error}", is_last=True)
            return
        if not isinstance(record, dict):
            kind = type(record).__name__
            yield MalformedRecord(f"line {line:,}: a record of type {kind}, expected an object")
            continue
        try:
            yield _without_repeated_keys(record)
        except ValueError as error:
            yield MalformedRecord(f"line {line:,}: {error}")


def _go_to_value(text: _Window, key: str) -> None:
    """Goes to the value that an object has under a key.

    Raises:
      ValueError: There is no such object.
    """
    before = "{"
    while True:
        if text.next_character() != before:
            raise ValueError(f"{before!r} expected, before '{printable(key)}' was found")
        text.skip(1)
        text.next_character()
        found = text.decode()
        if text.next_character() != ":":
            raise ValueError(f"':' expected behind the key '{printable(str(found))}'")
        text.skip(1)
        text.next_character()
        if found == key:
            return
        text.decode()
        before = ","


class _WithRepeatedKey(dict[str, Any]):
    """An object in which a key came twice; JSON's reader keeps the last value."""

    key = ""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) == len(pairs):
        return record
    keys = [key for key, _ in pairs]
    marked = _WithRepeatedKey(record)
    marked.key = next(key for key in record if keys.count(key) > 1)
    return marked


def _without_repeated_keys(record: dict[str, Any]) -> dict[str, Any]:
    if isinstance(record, _WithRepeatedKey):
        raise ValueError(f"two columns '{printable(record.key)}' in one object")
    return record


_DECODER = json.JSONDecoder(object_pairs_hook=_object)


class _Window:
    """The part of a text in memory: from the current record to the last block that was read."""

    def __init__(self, stream: IO[str]):
        self._stream = stream
        self._text = ""
        self._at = 0
        self._is_whole = False
        self.line = 1

    def next_character(self) -> str:
        """Returns the first character that is no blank, or "" at the end."""
        while True:
            length = len(self._text)
            while self._at < length and self._text[self._at] in _BLANKS:
                if self._text[self._at] == "\n":
                    self.line += 1
                self._at += 1
            if self._at < length:
                return self._text[self._at]
            if not self._more(_BLOCK):
                return ""

    def skip(self, count: int) -> None:
        """Goes on behind `count` characters."""
        self._at += count

    def decode(self) -> Any:
        """Returns the value that begins here, and goes on behind it.

        Raises:
          ValueError: There is none, or it is too long.
        """
        while True:
            size = len(self._text) - self._at
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
                # Half of a number is a number.
                is_cut = end == len(self._text) and not isinstance(value, dict | list | str)
            except json.JSONDecodeError as error:
                if not self._may_be_truncated(error):
                    raise ValueError(error.msg) from error
                if self._is_whole:
                    raise ValueError(f"{error.msg}; the file ends here") from error
                is_cut = True
            if is_cut and not self._is_whole:
                if size > MAX_RECORD_CHARACTERS:
                    raise ValueError(f"a record of more than {MAX_RECORD_CHARACTERS:,} characters")
                # As much again as there is: a long record is not looked at again for each block.
                self._more(max(_BLOCK, size))
                continue
            self.line += self._text.count("\n", self._at, end)
            self._at = end
            return value

    def _may_be_truncated(self, error: json.JSONDecodeError) -> bool:
        """Says whether more text could mend the error."""
        return error.msg.startswith(("Unterminated string", "Invalid \\u")) or (
            # The longest word of JSON, "-Infinity", may be truncated before its last letter.
            len(self._text) - error.pos < len("-Infinity")
        )

    def _more(self, size: int) -> bool:
        block = self._stream.read(size)
        self._is_whole = not block
        # NUL is no blank in JSON; elsewhere in a table it is.
        self._text = self._text[self._at :] + block.replace("\0", " ")
        self._at = 0
        return bool(block)
