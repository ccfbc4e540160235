"""What the numbers in a label column stand for, where a Parquet file says so.

Hugging Face's `datasets` writes a ClassLabel as integers, and its names into the schema's metadata:
https://huggingface.co/docs/datasets/about_dataset_features
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from components import features
from components.dataset.labels import key_of, known_class, labels_named
from components.dataset.parquet_records import open_parquet

_METADATA = b"huggingface"


def class_names_in(path: Path, column: str) -> tuple[str, ...]:
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


def names_in_force(
    names: Sequence[str], positive: str, negative: str, notify: Callable[[str], None]
) -> tuple[str, ...]:
    """Returns the names to read in place of numbers; nothing where the numbers are meant.

    Args:
      names: What the numbers 0, 1, ... stand for.
      positive: The setting `positive_label`; "" if none is named.
      negative: The setting `negative_label`.
      notify: Is told when numbers decide although their names say nothing.
    """
    named = set(map(key_of, labels_named(positive) + labels_named(negative)))
    if named:
        numbers = {str(number) for number in range(len(names))}
        return () if named & numbers and not named & set(map(key_of, names)) else tuple(names)
    if len(names) == 2 and set(map(known_class, names)) != {features.NEGATIVE, features.POSITIVE}:
        notify(
            f"The label 1, '{names[1]}', is taken for positive, and 0, '{names[0]}', for negative. "
            "If that is wrong, name the positive one with `positive_label`."
        )
        return ()
    return tuple(names)
