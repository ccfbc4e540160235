"""What the numbers in a label column stand for, where the data set says so.

Hugging Face's `datasets` writes a ClassLabel as integers, and its names into the schema's metadata
of a Parquet file, or into the front matter of the README.md above the files:
https://huggingface.co/docs/datasets/about_dataset_features
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from components.dataset.hub_card import card_in, entries_in
from components.dataset.labels import key_of
from components.dataset.parquet_records import open_parquet
from components.dataset.places import names_below
from components.dataset.source import SourceKind
from components.storage.place import Place

_METADATA = b"huggingface"
# Data lies beside a card, or in data/ or configuration/data/ below it.
_FOLDERS_TO_CARD = 3


def class_names_in(path: Place, column: str, kind: SourceKind) -> tuple[str, ...]:
    """Returns the names of the classes 0, 1, ... of a column; nothing if none are told.

    Args:
      path: A table.
      column: Its column of labels.
      kind: The table's format.
    """
    found = _names_in_parquet(path, column) if kind is SourceKind.PARQUET else ()
    return found or _names_in_card(path, column)


def _names_in_parquet(path: Place, column: str) -> tuple[str, ...]:
    with open_parquet(path) as file:
        metadata = file.schema_arrow.metadata or {}
    try:
        names = json.loads(metadata[_METADATA])["info"]["features"][column]["names"]
    except (KeyError, TypeError, ValueError):
        return ()
    return _checked(names)


def _names_in_card(path: Place, column: str) -> tuple[str, ...]:
    """Returns the names in the nearest card; of several configurations, where they are the same."""
    folders: Sequence[Place] = path.parents
    for folder in folders[:_FOLDERS_TO_CARD]:
        entries = entries_in(card_in(folder), "dataset_info")
        if not entries:
            continue
        parts = names_below(path, folder)
        chosen = [entry for entry in entries if entry.get("config_name") in parts] or entries
        found = {names for entry in chosen if (names := _names_in_entry(entry, column))}
        return found.pop() if len(found) == 1 else ()
    return ()


def _names_in_entry(entry: Mapping[str, Any], column: str) -> tuple[str, ...]:
    for feature in entries_in(entry, "features"):
        if feature.get("name") != column:
            continue
        kind = feature.get("dtype")
        label = kind.get("class_label") if isinstance(kind, dict) else feature.get("class_label")
        names = label.get("names") if isinstance(label, dict) else None
        if isinstance(names, dict):
            # The keys are the numbers, as text.
            names = [names.get(str(number), names.get(number)) for number in range(len(names))]
        return _checked(names)
    return ()


def _checked(names: Any) -> tuple[str, ...]:
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return ()
    return tuple(names)


def names_in_force(names: Sequence[str], spellings: Sequence[str]) -> tuple[str, ...]:
    """Returns the names to read in place of numbers; nothing where the user means the numbers.

    Args:
      names: What the numbers 0, 1, ... stand for.
      spellings: The labels that the user names, in whichever way.
    """
    named = set(map(key_of, spellings))
    numbers = {str(number) for number in range(len(names))}
    return () if named & numbers and not named & set(map(key_of, names)) else tuple(names)
