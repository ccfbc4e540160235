"""Values inside records: the column `a.b` is what the object `a` holds under `b`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

# Of the paths that are listed; a longer one can be named all the same.
MOST_PATHS = 200
MOST_DEPTH = 8
_MOST_DIGITS = 9
_ABSENT = object()


def value_at(record: Mapping[str, Any], column: str) -> Any:
    """Returns the value of a column, or None where there is none.

    A column of that very name comes first. Lists are entered by index, from 0.

    >>> value_at({"review": {"text": "fine", "stars": [4, 5]}}, "review.stars.1")
    5
    """
    if column in record or "." not in column:
        return record.get(column)
    return value_inside(record, column)


def value_inside(value: Any, path: str) -> Any:
    """Returns what a value holds at a path, or None where there is nothing."""
    found = _inside(value, path)
    return None if found is _ABSENT else found


def has_value_at(record: Mapping[str, Any], column: str) -> bool:
    """Says whether a record has a column, be it by that very name or inside another."""
    return column in record or ("." in column and _inside(record, column) is not _ABSENT)


def paths_in(record: Mapping[str, Any]) -> Iterator[str]:
    """Yields the names of the values inside a record's objects, at most `MOST_PATHS`."""
    waiting = [(key, value) for key, value in record.items() if isinstance(value, Mapping)]
    count = 0
    while waiting and count < MOST_PATHS:
        path, value = waiting.pop(0)
        inside = []
        for key, each in value.items():
            name = f"{path}.{key}"
            if isinstance(each, Mapping) and name.count(".") < MOST_DEPTH:
                inside.append((name, each))
            elif count < MOST_PATHS:
                count += 1
                yield name
        waiting = inside + waiting


def paths_in_lists(record: Mapping[str, Any]) -> Iterator[str]:
    """Yields the names of the values inside the first objects of a record's lists."""
    for name in (*record, *paths_in(record)):
        value = value_at(record, name)
        if isinstance(value, list) and value and isinstance(value[0], Mapping):
            yield from paths_in({f"{name}.0": value[0]})


def with_columns(record: dict[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """Returns a record in which the values of nested columns stand beside the others."""
    for column in columns:
        if column not in record and (value := value_at(record, column)) is not None:
            record[column] = value
    return record


def _inside(value: Any, path: str) -> Any:
    """Returns what is at a path; keys may hold dots themselves, the shortest key is tried first."""
    if isinstance(value, list | tuple):
        head, _, rest = path.partition(".")
        if not (head.isdecimal() and len(head) <= _MOST_DIGITS and int(head) < len(value)):
            return _ABSENT
        item = value[int(head)]
        return _inside(item, rest) if rest else item
    if not isinstance(value, Mapping):
        return _ABSENT
    if path in value:
        return value[path]
    at = path.find(".")
    while at >= 0:
        if path[:at] in value:
            found = _inside(value[path[:at]], path[at + 1 :])
            if found is not _ABSENT:
                return found
        at = path.find(".", at + 1)
    return _ABSENT
