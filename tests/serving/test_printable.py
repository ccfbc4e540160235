"""What anybody may have written is shown without doing anything to a terminal."""

from __future__ import annotations

import io
import logging
import sys

import pytest

from serving.printable import (
    UNSAFE,
    PrintableFormatter,
    PrintableStream,
    printable,
    printable_lines,
)

# C0, DEL, C1, marks and overrides of direction, separators of lines, surrogates: by their names in
# Unicode's own tables.
CONTROLS = [
    *map(chr, [*range(0x20), *range(0x7F, 0xA0)]),
    *"\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069",
    *map(chr, [0xD800, 0xDBFF, 0xDC00, 0xDC7F, 0xDD00, 0xDFFF]),
]


@pytest.mark.parametrize("control", CONTROLS, ids=ascii)
def test_control_characters_are_shown_by_their_escapes(control):
    """As Python writes them in a string."""
    assert printable(f"a{control}b") == f"a{ascii(control)[1:-1]}b"


def test_all_other_characters_are_shown_as_they_are():
    """Letters of any script, joiners that emoji and Hindi need, backslashes, blanks."""
    others = "".join(chr(code) for code in range(sys.maxunicode + 1) if chr(code) not in CONTROLS)
    others = "".join(each for each in others if not "\ud800" <= each <= "\udfff")
    assert printable(others) == others


def test_bytes_that_are_no_utf8_are_shown_as_bytes():
    """Python carries them as surrogates, in arguments and in names of files."""
    assert printable(b"caf\xe9".decode("utf-8", "surrogateescape")) == r"caf\xe9"


def test_lines_stay_lines():
    """In a traceback; in a message a line feed is as suspect as any."""
    assert printable_lines("one\n\ttwo\r\n\x1b[31m") == "one\n\\ttwo\\r\n\\x1b[31m"
    assert printable("one\ntwo") == r"one\ntwo"


@pytest.mark.parametrize(("one_line", "between"), [(True, r"\n"), (False, "\n")])
def test_log_records_are_safe_with_their_tracebacks(one_line, between):
    """Also where another handler has formatted the traceback before."""
    stream = io.StringIO()
    handlers = [logging.StreamHandler(io.StringIO()), logging.StreamHandler(stream)]
    handlers[1].setFormatter(PrintableFormatter("%(message)s", one_line=one_line))
    logger = logging.Logger("test")
    for handler in handlers:
        logger.addHandler(handler)
    try:
        raise ValueError("\x1b]0;title\x07")
    except ValueError:
        logger.exception("a%s\nb", "\x9b")
    lines = stream.getvalue()
    assert lines.startswith(f"a\\x9b{between}b\nTraceback (most recent call last):\n")
    assert lines.endswith("ValueError: \\x1b]0;title\\x07\n")
    assert not UNSAFE.search(lines.replace("\n", ""))


def test_a_stream_escapes_what_is_written_and_passes_on_the_rest():
    """Whoever writes to it."""
    behind = io.StringIO()
    stream = PrintableStream(behind)
    print("a\x1bb", file=stream)
    stream.writelines(["\x07", "\n"])
    assert behind.getvalue() == "a\\x1bb\n\\x07\n"
    assert not stream.isatty()
