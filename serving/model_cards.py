"""Reads the model card of a pushed version: `model_card.json` in its folder."""

from __future__ import annotations

import json
import os
from typing import Any

from serving import folders
from serving.small_files import UnreadableFileError, read_small_file

# The second is for servers that take nothing else beside a SavedModel.
FILES = ("model_card.json", "assets.extra/model_card.json")
# A confusion matrix of 1,000 classes takes some 10 MB.
MOST_BYTES = 32 << 20
# Of a model whose card names none, or that has no card.
DEFAULT_CLASSES = ("negative", "positive")


def read(folder: str | os.PathLike[str]) -> dict[str, Any] | None:
    """Returns the card of the version in `folder`; None if it has none that can be read.

    The folder may be in a store.
    """
    for name in FILES:
        try:
            card = json.loads(read_small_file(folders.join(os.fspath(folder), name), MOST_BYTES))
        except (UnreadableFileError, ValueError, RecursionError):
            continue
        if isinstance(card, dict):
            return card
    return None


def classes_in(card: dict[str, Any] | None) -> tuple[str, ...]:
    """Returns the names of the classes in the order of the label, at least two.

    >>> classes_in({"classes": ["ham", "spam"]}), classes_in(None)
    (('ham', 'spam'), ('negative', 'positive'))
    """
    names = (card or {}).get("classes")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return DEFAULT_CLASSES
    return tuple(names) if len(set(names)) == len(names) >= 2 else DEFAULT_CLASSES
