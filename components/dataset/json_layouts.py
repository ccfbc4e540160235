"""JSON files whose only object is a whole table and no record: by columns, or by keys."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping
from typing import Any

from components.dataset.records import printable


def objection_to_object(record: Mapping[str, Any], name: str) -> str:
    """Says how a file's only object holds records, and how to write them one a line; else "".

    Args:
      record: The object.
      name: The file's name.
    """
    lines = f"{name.split('.')[0]}.jsonl"
    as_lines = f".to_json({lines!r}, orient='records', lines=True)"
    if {"columns", "data"} <= record.keys() and _are_rows(record["data"]):
        return (
            "it holds columns and rows apart, as pandas writes with orient='split'. In Python: "
            f"pandas.read_json({name!r}, orient='split'){as_lines}"
        )
    values = list(record.values())
    if len(values) < 2:
        return ""
    if _are_objects_alike(values) and len(values) > len(values[0]):
        return (
            "its only object holds each record under a key, e.g. "
            f"'{printable(next(iter(record)))}'. Write them one a line, e.g. by "
            f"jq -c '.[]' {shlex.quote(name)} > {shlex.quote(lines)}"
        )
    if _are_objects_alike(values) or _are_lists_alike(values):
        return (
            "its only object holds each column under its name, as pandas writes without `orient`. "
            f"In Python: pandas.read_json({name!r}){as_lines}"
        )
    return ""


def _are_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, list) for row in value)


def _are_objects_alike(values: Collection[Any]) -> bool:
    """Says whether all are objects with the same keys, and values that hold no others."""
    if not all(isinstance(value, Mapping) and len(value) > 1 for value in values):
        return False
    keys = next(iter(values)).keys()
    return all(value.keys() == keys and _are_plain(value.values()) for value in values)


def _are_lists_alike(values: Collection[Any]) -> bool:
    """Says whether all are lists of the same length, and hold no others."""
    if not all(isinstance(value, list) and len(value) > 1 for value in values):
        return False
    return len(set(map(len, values))) == 1 and all(map(_are_plain, values))


def _are_plain(values: Collection[Any]) -> bool:
    return not any(isinstance(value, list | Mapping) for value in values)
