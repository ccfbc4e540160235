"""Files in formats that are not read, known by their first bytes, with advice."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

PARQUET = b"PAR1"

_EXPORT = "Save it as CSV or Parquet and give that."
# What such files are, by the bytes that they begin with, and what to do with each of them.
_MAGIC: tuple[tuple[str, Mapping[bytes, str]], ...] = (
    (
        "Write it as Parquet, e.g. by to_parquet of pandas or of datasets, and give that.",
        {
            b"\xff\xff\xff\xff": "an Arrow stream, as save_to_disk of datasets writes it",
            b"ARROW1": "an Arrow (Feather) file",
            b"FEA1": "a Feather file",
            b"ORC": "an ORC file",
            b"Obj\x01": "an Avro file",
        },
    ),
    ("Export the table as CSV and give that.", {b"SQLite format 3\x00": "an SQLite database"}),
    ("Give a table: CSV, TSV, JSON Lines or Parquet.", {b"%PDF": "a PDF"}),
    ("Unpack it (zstd -d) and give what is in it.", {b"\x28\xb5\x2f\xfd": "compressed by zstd"}),
    ("Unpack it (lz4 -d) and give what is in it.", {b"\x04\x22\x4d\x18": "compressed by lz4"}),
    ("Unpack it (uncompress) and give what is in it.", {b"\x1f\x9d": "compressed by compress"}),
    (
        "Unpack it and give what is in it.",
        {b"7z\xbc\xaf\x27\x1c": "a 7z archive", b"Rar!": "a RAR archive"},
    ),
    (
        _EXPORT,
        {
            b"\xd0\xcf\x11\xe0": "an Excel workbook (.xls)",
            b"\x89HDF": "an HDF5 file",
            b"\x93NUMPY": "a NumPy array",
            b"\x80\x04\x95": "a pickle",
            b"\x80\x05\x95": "a pickle",
            b"<?xml": "an XML file",
        },
    ),
    (
        "Was the download an error? Give the data itself.",
        {b"<!doctype html": "a web page", b"<html": "a web page"},
    ),
    (
        "Fetch the data itself: git lfs pull.",
        {b"version https://git-lfs": "a pointer of Git LFS, not the data"},
    ),
)
_TAR = (257, b"ustar")
_WORKBOOK = re.compile(r"(^|/)xl/|(^|/)word/|^mimetype$", re.MULTILINE)
# Bytes that no text has, in any encoding that has ASCII in it.
_BINARY = re.compile(rb"[\x01-\x08\x0e-\x1a]")
_MOST_BINARY = 0.05
# Tags of words, outside and inside of names; a few lines are comments.
_TAG = re.compile(r"O|[BIESLU]-\S+")
_MOST_TAGS, _MOST_LINES, _FEWEST_LINES = 0.9, 1_000, 10


def foreign(head: bytes) -> str:
    """Returns what a file is, and what to do, if it is known and no table; else ""."""
    begin = head[:64].lstrip().lower()
    known = ((magic, name, advice) for advice, of in _MAGIC for magic, name in of.items())
    for magic, name, advice in known:
        if head.startswith(magic) or (magic.startswith((b"<", b"v")) and begin.startswith(magic)):
            return f"it is {name}. {advice}"
    if head[_TAR[0] : _TAR[0] + len(_TAR[1])] == _TAR[1]:
        return "it is a tar archive. Unpack it, and give the files that you mean, or their folder."
    return ""


def tagged_words(lines: Sequence[str]) -> str:
    """Returns the same of a file whose lines hold a word and its tag each, by its first lines."""
    last = [line.split()[-1] for line in lines[:_MOST_LINES] if line.strip()]
    tags = sum(map(bool, map(_TAG.fullmatch, last)))
    if len(last) < _FEWEST_LINES or tags < _MOST_TAGS * len(last) or len(set(last)) < 2:
        return ""
    return (
        "its lines hold a word and its tag each, as CoNLL. Texts are classified here, not words: "
        "write a row for each text, with its label."
    )


def office_document(member_names: str) -> str:
    """Returns the same of a ZIP archive, by its members' names, one a line."""
    if _WORKBOOK.search(member_names):
        return f"it is a workbook or a document of an office program. {_EXPORT}"
    return ""


def looks_binary(head: bytes) -> bool:
    """Says whether a file that begins so is no text."""
    sample = head[:4_096]
    return bool(sample) and len(_BINARY.findall(sample)) > _MOST_BINARY * len(sample)
