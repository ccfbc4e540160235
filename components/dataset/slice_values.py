"""The value of a review in a column that slices are by: text that can be shown and stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from components import features
from components.dataset.labels import shown_label, spelling_of

# Values of a column that are slices of their own; all others are OTHER together.
MOST_VALUES = 100
MISSING, OTHER = "(missing)", "(other)"
# A longer text is not remembered: only its beginning is kept.
_REMEMBERED_LENGTH = 200


def feature_of(column: str) -> str:
    """Returns the name of the tf.Example's feature that holds a column's value."""
    return features.slice_feature(shown_label(column))


def values_in(record: Mapping[str, Any], columns: Sequence[str]) -> tuple[str, ...]:
    """Returns what a record holds in each column; see `value_of`."""
    return tuple(value_of(record.get(column)) for column in columns)


def value_of(value: Any) -> str:
    r"""Returns a value as the slice's name.

    Text stays as it is written, without surrounding blanks; of a number, a truth value or a date
    there is the text that JSON and ISO 8601 have. None, NaN and blanks are MISSING, and what a
    table itself calls so has quotes around it. Control characters and bytes that are not UTF-8 are
    written as escapes, and of more than 100 characters there is the beginning; a mark then tells
    it from others that look alike.

    >>> value_of(" shoes "), value_of(4.0), value_of(True), value_of(None), value_of("a\nb")
    ('shoes', '4.0', 'true', '(missing)', 'a\\nb #7e18f737')
    """
    if isinstance(value, str | bytes) and len(value) <= _REMEMBERED_LENGTH:
        return _remembered(value)
    return _value_of(value)


def _value_of(value: Any) -> str:
    # `spelling_of` shortens 4.0 to 4, which a table of labels may mean by it.
    named = spelling_of(str(value) if isinstance(value, float) else value)
    # What a table itself calls so is told from ours by quotes around it.
    return f"'{named}'" if named.strip("'") in (MISSING, OTHER) else named or MISSING


_remembered = lru_cache(maxsize=10_000, typed=True)(_value_of)
