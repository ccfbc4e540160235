"""How labels are spelt: 1, 1.0, "1.0" and True are one label, in the data and in a setting."""

from __future__ import annotations

import csv
import hashlib
import io
import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from components import features
from components.dataset.records import printable
from components.dataset.source import ReviewSource

POSITIVE_SPELLINGS = ("1", "positive", "pos", "true", "yes")
NEGATIVE_SPELLINGS = ("0", "negative", "neg", "false", "no")
# A wrong column may hold whole reviews; they are counted and shown by their beginning.
MAX_SPELLING = 100

# Of yes and no, true and false: databases export them so.
_POSITIVE_LETTERS, _NEGATIVE_LETTERS = ("y", "t"), ("n", "f")
# What pandas writes for a value that is missing.
_MISSING = ("nan", "<na>")
_NUMBER = re.compile(r"[+-]?(\d{1,18}(\.\d{0,18})?|\.\d{1,18})(e[+-]?\d{1,3})?")
# As German and Spanish tables write 1.0; 1,000 may be a thousand.
_DECIMAL_COMMA = re.compile(r"([+-]?\d{1,18}),(\d{1,2})")
_TRUTH = {"true": "1", "false": "0"}


def spelling_of(value: Any) -> str:
    """Returns a label as people read it, without surrounding blanks.

    True is "true", the number 1.0 is "1", text stays as it is written; what is missing (None,
    NaN, blanks) is "".
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bytes):
        value = value.decode("utf-8", "surrogateescape")
    text = printable(str(value).strip())
    if text.lower() in _MISSING:
        return ""
    return _bounded(text)


def _bounded(label: str) -> str:
    """Returns a label; of a long one the beginning, and what tells it from others that begin so."""
    if len(label) <= MAX_SPELLING:
        return label
    mark = f"... #{hashlib.sha256(label.encode()).hexdigest()[:8]}"
    return label[: MAX_SPELLING - len(mark)] + mark


@lru_cache(maxsize=10_000)
def key_of(spelling: str) -> str:
    """Returns what is the same for all spellings of one label.

    Case, surrounding blanks and the way in which a number is written make no difference, nor
    does an accent's (NFC); true is 1, and false is 0.
    """
    folded = unicodedata.normalize("NFC", spelling.strip().casefold())
    if _DECIMAL_COMMA.fullmatch(folded):
        folded = folded.replace(",", ".")
    if _NUMBER.fullmatch(folded):
        number = Decimal(folded).normalize()
        return str(number) if number else "0"
    return _TRUTH.get(folded, folded)


_POSITIVE_KEYS = frozenset(map(key_of, POSITIVE_SPELLINGS + _POSITIVE_LETTERS))
_NEGATIVE_KEYS = frozenset(map(key_of, NEGATIVE_SPELLINGS + _NEGATIVE_LETTERS))


@lru_cache(maxsize=100)
def labels_named(setting: str) -> tuple[str, ...]:
    """Returns the labels that a setting names, separated by commas as in a row of a CSV file.

    A label that itself holds a comma stands in double quotes.
    """
    if not setting.strip():
        return ()
    try:
        (row,) = csv.reader([setting], skipinitialspace=True, strict=True)
    except (csv.Error, ValueError):
        return (_bounded(setting.strip()),)
    parts = tuple(dict.fromkeys(_bounded(part.strip()) for part in row if part.strip()))
    return parts or (_bounded(setting.strip()),)


def setting_of(labels: Iterable[str]) -> str:
    """Returns the setting that names these labels: what `labels_named` reads."""
    row = io.StringIO()
    csv.writer(row, lineterminator="").writerow(list(labels))
    return row.getvalue()


def label_of(spelling: str, source: ReviewSource) -> int | None:
    """Returns 1 for a positive label, 0 for a negative one, None for neither and for a blank.

    With labels of one side named and none of the other, every other spelling is of the other
    side; the data gate checks that there is only one.
    """
    return _class_of(spelling.strip(), source.positive_label, source.negative_label)


def is_left_out(spelling: str, source: ReviewSource) -> bool:
    """Says whether labels of both sides are named, and this one on neither side."""
    return (
        bool(spelling and source.positive_label and source.negative_label)
        and label_of(spelling, source) is None
    )


@lru_cache(maxsize=10_000)
def _class_of(spelling: str, positive: str, negative: str) -> int | None:
    if not spelling:
        return None
    if not (positive or negative):
        return known_class(spelling)
    # The exact spelling first: labels may differ in their case alone.
    for same in (str, key_of):
        if same(spelling) in map(same, labels_named(positive)):
            return features.POSITIVE
        if same(spelling) in map(same, labels_named(negative)):
            return features.NEGATIVE
    if not negative:
        return features.NEGATIVE
    return None if positive else features.POSITIVE


def known_class(spelling: str) -> int | None:
    """Returns 1 or 0 for a label that needs no name, and None for others."""
    key = key_of(spelling)
    if key in _POSITIVE_KEYS:
        return features.POSITIVE
    return features.NEGATIVE if key in _NEGATIVE_KEYS else None


def expected_labels(source: ReviewSource) -> str:
    """Says which spellings are understood."""
    positive, negative = (
        ", ".join(f"'{label}'" for label in labels_named(setting))
        for setting in (source.positive_label, source.negative_label)
    )
    if other_label_is_implied(source):
        return f"{positive or negative} or one other"
    if positive:
        return f"{positive} or {negative}"
    return (
        f"one of {', '.join(POSITIVE_SPELLINGS)} or {', '.join(NEGATIVE_SPELLINGS)}; name others "
        "with `positive_label` and `negative_label`"
    )


def other_label_is_implied(source: ReviewSource) -> bool:
    """Says whether labels of one side are named, and the other is whatever else occurs."""
    return bool(source.positive_label) != bool(source.negative_label)
