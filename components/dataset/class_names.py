"""What the numbers in a label column stand for, where a Parquet file says so.

Hugging Face's `datasets` writes a ClassLabel as integers, and its names into the schema's metadata:
https://huggingface.co/docs/datasets/about_dataset_features
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from components.dataset.labels import key_of
from components.dataset.parquet_records import open_parquet
from components.storage.place import Place

_METADATA = b"huggingface"


def class_names_in(path: Place, column: str) -> tuple[str, ...]:
    """Returns the names of the classes 0, 1, ... of a column; nothing if the file has none."""
    with open_parquet(path) as file:
        metadata = file.schema_arrow.metadata or {}
    try:
        names = json.loads(metadata[_METADATA])["info"]["features"][column]["names"]
    except (KeyError, TypeError, ValueError):
        return ()
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
