"""Files of text as lines: unpacked, decoded, with a bound on the memory that they take."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from typing import IO

from components.dataset.compressed import PackedFileError, open_unpacked
from components.dataset.source import TableFormat
from components.storage.place import Place

# More than any review; a file that is one endless line is not held in memory.
MAX_LINE_CHARACTERS = 64 << 20
BLOCK_CHARACTERS = 1 << 18


class LongLineError(Exception):
    """A line is longer than `MAX_LINE_CHARACTERS`."""


# What reading lines raises, beside the errors of a damaged file.
UNDECODABLE = (UnicodeError, PackedFileError, LongLineError)


@contextlib.contextmanager
def open_text(path: Place, form: TableFormat) -> Iterator[IO[str]]:
    """Opens a file as text with its own line ends.

    In UTF-8, invalid bytes become surrogates, so that only their record is bad.
    Eight-bit encodings do the same; others end with a UnicodeError.
    """
    with open_unpacked(path, form.compression) as stream:
        errors = "strict" if form.encoding.startswith(("utf-16", "utf-32")) else "surrogateescape"
        text = io.TextIOWrapper(stream, encoding=form.encoding, errors=errors, newline="")
        try:
            yield text
        finally:
            with contextlib.suppress(ValueError):
                text.detach()


def blocks_of_lines(stream: IO[str], form: TableFormat) -> Iterator[list[str]]:
    """Yields lines, many at a time, without the LF, or the CR alone, that ends them.

    CR before LF is kept, and a NUL becomes a blank. Not `str.splitlines`: a text may hold other
    separators of lines.

    Raises:
      LongLineError: A line is longer than `MAX_LINE_CHARACTERS`.
    """
    rest: list[str] = []
    length = 0
    holds_carriage_return = False
    while block := stream.read(BLOCK_CHARACTERS):
        if "\0" in block:
            block = block.replace("\0", " ")
        if form.ends_at_carriage_return:
            if holds_carriage_return:
                block = f"\r{block}"
            holds_carriage_return = block.endswith("\r")
            block = block.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n")
        lines = block.split("\n")
        rest.append(lines[0])
        length += len(lines[0])
        if len(lines) > 1:
            lines[0] = "".join(rest)
            rest = [lines.pop()]
            length = len(rest[0])
            yield lines
        if length > MAX_LINE_CHARACTERS:
            raise LongLineError(f"a line is longer than {MAX_LINE_CHARACTERS:,} characters")
    if length:
        yield ["".join(rest)]


def lines_of(stream: IO[str], form: TableFormat) -> Iterator[str]:
    """Yields the lines of `blocks_of_lines`, one at a time."""
    for block in blocks_of_lines(stream, form):
        yield from block
