"""The encoding of a file: by its byte-order mark, by its zero bytes, else UTF-8 or advice."""

from __future__ import annotations

import codecs
import math
import re
from encodings.aliases import aliases

from components.errors import ConfigurationError, as_setting, did_you_mean

UTF_8 = "utf-8-sig"  # with a byte-order mark or without

_MARKS = (
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins as UTF-16's does
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SHOWN = {
    UTF_8: "UTF-8",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16 without a byte-order mark",
    "utf-16-be": "UTF-16 without a byte-order mark",
    "utf-32": "UTF-32",
    "utf-32-le": "UTF-32 without a byte-order mark",
    "utf-32-be": "UTF-32 without a byte-order mark",
}
_SUGGESTED = ("latin-1", "windows-1252", "windows-1251", "gb18030", "shift_jis", "utf-16", "utf-8")
# Python's codecs for text that no file is written in.
_NO_FILE_IS = {"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"}
_NO_TEXT = {
    "base64_codec",
    "bz2_codec",
    "hex_codec",
    "quopri_codec",
    "rot_13",
    "uu_codec",
    "zlib_codec",
    "mbcs",
}
_WINDOWS_ONLY = re.compile(rb"[\x80-\x9f]")
_LEAST_ZEROS = 0.35


def checked_encoding(name: str) -> str:
    """Returns the codec that a person means by `name`, UTF-8 with or without its mark.

    Raises:
      ConfigurationError: Python knows no such encoding; near ones are named.
    """
    try:
        found = codecs.lookup(name.strip())
        is_text = found._is_text_encoding and found.name not in _NO_FILE_IS
    except (LookupError, ValueError):
        is_text = False
    if not is_text:
        names = (each.replace("_", "-") for each, codec in aliases.items() if codec not in _NO_TEXT)
        known = sorted({*_SUGGESTED, *names})
        raise ConfigurationError(
            f"`encoding` is '{name}', which is no encoding of text."
            f"{did_you_mean(name.lower(), known)} Choose e.g. from: {', '.join(_SUGGESTED)}."
        )
    return UTF_8 if found.name in ("utf-8", "utf-8-sig") else found.name


def has_mark(head: bytes) -> bool:
    """Says whether a file begins with a byte-order mark."""
    return any(head.startswith(mark) for mark, _ in _MARKS)


def encoding_of(head: bytes) -> str:
    """Returns the codec that a file's first bytes show; UTF-8 where they show no other.

    A file with ASCII in it has zeros in UTF-16 and UTF-32, at the same places of each character.
    """
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    sample = head[:4_096]
    sample = sample[: len(sample) // 4 * 4]
    if len(sample) >= 4 and sample.count(0):
        zeros = [sample[place::4].count(0) * 4 / len(sample) for place in range(4)]
        if min(zeros[1], zeros[2], zeros[3]) > 0.9:
            return "utf-32-le"
        if min(zeros[0], zeros[1], zeros[2]) > 0.9:
            return "utf-32-be"
        # Of other scripts, line ends, delimiters and blanks alone have zeros.
        even, odd = (zeros[0] + zeros[2]) / 2, (zeros[1] + zeros[3]) / 2
        if odd > _LEAST_ZEROS and even < odd / 10:
            return "utf-16-le"
        if even > _LEAST_ZEROS and odd < even / 10:
            return "utf-16-be"
    return UTF_8


def shown(encoding: str, head: bytes) -> str:
    """Returns an encoding's name for people."""
    mark = " with a byte-order mark" if has_mark(head) else ""
    return f"{_SHOWN.get(encoding, encoding)}{mark}"


# Share of the records; whoever left out more would have little left.
_MOST_LEFT_OUT = 0.5


def objection_to_utf8(head: bytes, allowed: float) -> str:
    """Says that a file is not UTF-8 at all, where, and the way out; "" if it is, or is damaged.

    One that has more characters of several bytes than invalid bytes, and more lines with the
    former, is UTF-8 with a few bad records.

    Args:
      head: The file's beginning.
      allowed: Share of lines, 0 to 1, that may be bad.
    """
    first = _first_bad(head)
    if first is None:
        return ""
    text = head.decode("utf-8", "surrogateescape")
    beyond_ascii = [character for character in text if character > "\x7f"]
    bad = sum(map(_is_stray_byte, beyond_ascii))
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    bad_lines = [any(map(_is_stray_byte, line)) for line in lines]
    # Some pairs of bytes in other encodings are a character in UTF-8 by chance.
    is_by_chance = 2 * sum(bad_lines) > sum(not line.isascii() for line in lines)
    if len(beyond_ascii) - bad >= bad and not is_by_chance:
        return ""
    if sum(bad_lines) <= allowed * len(lines):
        return ""
    message = (
        f"line {bad_lines.index(True) + 1:,}: byte {head[first]:#04x} is not UTF-8. "
        f"{_way_out(head, bad)}"
    )
    records = max(sum(map(bool, lines)) - 1, 1)
    share = math.ceil(1_000 * sum(bad_lines) / records) / 1_000
    if bad_lines[0] or share > _MOST_LEFT_OUT:
        return message
    return f"{message} To leave such records out instead: {as_setting('max_bad_records', share)}."


def _is_stray_byte(character: str) -> bool:
    return "\udc80" <= character <= "\udcff"


def _first_bad(head: bytes) -> int | None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(head)
    except UnicodeDecodeError as error:
        return error.start
    return None


def _way_out(head: bytes, bad: int) -> str:
    letters = len(re.findall(rb"[A-Za-z]", head))
    beyond_ascii = list(map(len, re.findall(rb"[\x80-\xff]+", head)))
    # A word of a Western language hardly has three such letters that follow each other.
    in_runs = sum(length for length in beyond_ascii if length > 2)
    if bad > letters or 2 * in_runs > sum(beyond_ascii):
        return (
            "Which encoding is it? Name it with `encoding`, e.g. windows-1251 (Cyrillic), gb18030 "
            "(Chinese), shift_jis (Japanese), euc_kr (Korean)."
        )
    name = "latin-1"
    if _WINDOWS_ONLY.search(head):
        name = "windows-1252"
        try:
            head.decode(name)
        except UnicodeDecodeError:
            name = "latin-1"
    return f"Western European texts are often written so: {as_setting('encoding', name)} reads it."
