r"""Makes any text safe to show: no character moves the cursor, rings, or reverses the text.

Names, labels, keys and answers come from files and servers that anybody may have written. On a
terminal and in a log, their control characters are shown as escapes: `\x1b`, `\n`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from typing import Any, TextIO

# C0, DEL, C1; Arabic letter mark, the marks and separators of U+200E to U+202E, isolates, and
# surrogates, which no encoding can write.
_UNSAFE = "\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
UNSAFE = re.compile(f"[{_UNSAFE}]")
_UNSAFE_IN_LINES = re.compile(f"(?!\n)[{_UNSAFE}]")
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def printable(text: object) -> str:
    r"""Returns the text on one line; a byte that is not UTF-8 is shown as `\xff`."""
    return UNSAFE.sub(_escape, str(text))


def printable_lines(text: str) -> str:
    """Returns a text of several lines, e.g. a traceback: its line feeds stay."""
    return _UNSAFE_IN_LINES.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python carries a byte that it could not decode
        code -= 0xDC00
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


class PrintableFormatter(logging.Formatter):
    """Formats log records with control characters escaped; messages can be kept to one line."""

    def __init__(self, form: str, *, one_line: bool = False):
        """Writes `form`; with `one_line` a message never fills more than a line."""
        super().__init__(form)
        self._one_line = one_line

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 -- logging's name
        """Returns the line of a record, without its traceback."""
        line = super().formatMessage(record)
        return printable(line) if self._one_line else line

    def format(self, record: logging.LogRecord) -> str:
        """Returns all of a record."""
        return printable_lines(super().format(record))


class PrintableStream:
    """Writes to another text stream; of all control characters, only line feeds pass."""

    def __init__(self, stream: TextIO):
        """Writes to `stream`."""
        self._stream = stream

    def write(self, text: str) -> int:
        """Writes the text, with escapes; returns its length."""
        self._stream.write(printable_lines(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Writes several texts."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        """Returns an attribute of the other stream."""
        return getattr(self._stream, name)
