"""How labels are spelt, and which class each means.

1, 1.0, "1.0" and True are one label, in the data and in a setting.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from components import features
from components.dataset.records import printable
from components.dataset.source import ReviewSource
from serving.printable import printable as without_control_characters

POSITIVE_SPELLINGS = ("1", "positive", "pos", "true", "yes")
NEGATIVE_SPELLINGS = ("0", "negative", "neg", "false", "no")
# A wrong column may hold whole reviews; they are counted and shown by their beginning.
MAX_SPELLING = 100
# Classes that a message names.
LISTED_CLASSES = 10

# Of yes and no, true and false: databases export them so.
_POSITIVE_LETTERS, _NEGATIVE_LETTERS = ("y", "t"), ("n", "f")
# What pandas writes for a value that is missing.
_MISSING = ("nan", "<na>")
_NUMBER = re.compile(r"[+-]?(\d{1,18}(\.\d{0,18})?|\.\d{1,18})(e[+-]?\d{1,3})?")
# As German and Spanish tables write 1.0; 1,000 may be a thousand.
_DECIMAL_COMMA = re.compile(r"([+-]?\d{1,18}),(\d{1,2})")
_TRUTH = {"true": "1", "false": "0"}
_REMEMBERED = 10_000
# Of the number of a class.
_MOST_DIGITS = 9


def spelling_of(value: Any) -> str:
    """Returns a label as people read it, without surrounding blanks.

    True is "true", the number 1.0 is "1", text stays as it is written, but see `shown_label`;
    what is missing (None, NaN, blanks) is "".
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
    return shown_label(text)


def shown_label(label: str) -> str:
    """Returns a label as it can be shown, stored and typed, in at most 100 characters.

    Control characters are written as escapes, and of a long label there is the beginning; a mark
    then tells it from others that look alike.
    """
    shown = without_control_characters(label)
    if shown == label and len(label) <= MAX_SPELLING:
        return label
    digest = hashlib.sha256(label.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    mark = f"{'...' if len(shown) > MAX_SPELLING - 10 else ''} #{digest}"
    return shown[: MAX_SPELLING - len(mark)] + mark


def spelling_in(value: Any, class_names: Sequence[str]) -> str:
    """Returns the label as it is spelt; a class's name in place of its number.

    Args:
      value: What the label's column holds.
      class_names: What the numbers 0, 1, ... stand for, if not for themselves.
    """
    if class_names:
        number = value if type(value) is int else _number_in_text(value, class_names)
        if 0 <= number < len(class_names):
            value = class_names[number]
    return spelling_of(value)


def _number_in_text(value: Any, class_names: Sequence[str]) -> int:
    """Returns the number that a field of text holds; -1 where it holds none, or a name."""
    if not isinstance(value, str | bytes) or len(value) > _MOST_DIGITS or not value.isascii():
        return -1
    is_number = value.strip().isdigit() and spelling_of(value) not in class_names
    return int(value) if is_number else -1


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
        return (setting.strip(),)
    parts = tuple(dict.fromkeys(part.strip() for part in row if part.strip()))
    return parts or (setting.strip(),)


def setting_of(labels: Iterable[str]) -> str:
    """Returns the setting that names these labels: what `labels_named` reads."""
    row = io.StringIO()
    csv.writer(row, lineterminator="").writerow(list(labels))
    return row.getvalue()


class LabelLookup:
    """Which class a label means: by its exact spelling, then by `key_of`.

    Labels may differ in their case alone. Where no spelling is given, the usual ones hold.
    """

    def __init__(
        self, classes: Sequence[str], label_classes: Iterable[Sequence[str]], leaves_out: bool
    ):
        """Takes what `ReviewSource` says of labels."""
        self._leaves_out = leaves_out
        labels = {name: label for label, name in enumerate(classes)}
        self._exact: dict[str, int] = {}
        self._by_key: dict[str, int] = {}
        for spelling, name in label_classes:
            self._exact.setdefault(spelling, labels[name])
            self._by_key.setdefault(key_of(spelling), labels[name])
        self._found: dict[str, int | None] = {}

    @classmethod
    def of(cls, source: ReviewSource) -> LabelLookup:
        """Returns the lookup of a source."""
        return cls(source.classes, source.label_classes, source.leaves_out)

    def label_of(self, spelling: str) -> int | None:
        """Returns the number of the label's class; None if it means none, and for a blank."""
        try:
            return self._found[spelling]
        except KeyError:
            pass
        label = self._looked_up(spelling.strip())
        if len(self._found) < _REMEMBERED:
            self._found[spelling] = label
        return label

    def is_left_out(self, spelling: str) -> bool:
        """Says whether classes were named, and this label means none of them."""
        return self._leaves_out and bool(spelling) and self.label_of(spelling) is None

    def _looked_up(self, spelling: str) -> int | None:
        if not spelling:
            return None
        if not self._exact:
            return known_class(spelling)
        if spelling in self._exact:
            return self._exact[spelling]
        return self._by_key.get(key_of(spelling))


def label_of(spelling: str, source: ReviewSource) -> int | None:
    """Returns the number of the label's class; None if it means none, and for a blank."""
    return LabelLookup.of(source).label_of(spelling)


def is_left_out(spelling: str, source: ReviewSource) -> bool:
    """Says whether classes were named, and this label means none of them."""
    return LabelLookup.of(source).is_left_out(spelling)


def known_class(spelling: str) -> int | None:
    """Returns 1 or 0 for a label that needs no name, and None for others."""
    key = key_of(spelling)
    if key in _POSITIVE_KEYS:
        return features.POSITIVE
    return features.NEGATIVE if key in _NEGATIVE_KEYS else None


def expected_labels(source: ReviewSource) -> str:
    """Says which spellings are understood, the first few of many."""
    if not source.label_classes:
        return (
            f"one of {', '.join(POSITIVE_SPELLINGS)} or {', '.join(NEGATIVE_SPELLINGS)}; name "
            "others with `positive_label` and `negative_label`"
        )
    by_class: dict[str, list[str]] = {}
    for spelling, name in source.label_classes:
        by_class.setdefault(name, []).append(f"'{spelling}'")
    if len(by_class) == 2:
        return " or ".join(", ".join(spellings) for spellings in by_class.values())
    spellings = [spelling for each in by_class.values() for spelling in each]
    more = len(spellings) - LISTED_CLASSES
    listed = ", ".join(spellings[:LISTED_CLASSES])
    return f"one of {listed} and {more:,} more" if more > 0 else f"one of {listed}"
