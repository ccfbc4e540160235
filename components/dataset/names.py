"""The name of a data set, taken from the file or folder that distinguishes it from others."""

from __future__ import annotations

import re

from components.dataset.splits import SPELLINGS, UNLABELLED
from components.storage.place import Place

NAMELESS = "reviews"
# Names of pipelines and models, of at most 100 characters, add something to it.
MAX_LENGTH = 80

_SPLIT_WORDS = {word for words in SPELLINGS.values() for word in words} | set(UNLABELLED)
# What only tells the files of one data set apart.
_SHARD_WORDS = _SPLIT_WORDS | {"part", "shard", "chunk", "of", "set", "split"}
# What folders are called whatever they hold.
_PLAIN_FOLDERS = _SPLIT_WORDS | {
    *("data", "dataset", "datasets", "raw", "files", "tables", "input", "default", "main"),
    *("plain_text", "csv", "tsv", "json", "jsonl", "parquet", "snapshots", "splits"),
}
_COMMIT = re.compile(r"[0-9a-f]{40}")
_HUB_PREFIX = "datasets--"


def name_of(path: Place) -> str:
    """Returns a name in snake case: "My Reviews.csv.gz" gives "my_reviews"."""
    return _snake(path.name.split(".")[0]) or NAMELESS


def name_and_origin(path: Place, keeps_splits: bool) -> tuple[str, Place]:
    """Returns the name of a table's data set, and the file or folder that it comes from.

    A file that is named only for its split and shard (train-00000-of-00001.parquet) leaves the
    name to its folder, as train/data.csv does; folders that are called data, train or default
    leave it to theirs.

    Args:
      path: The first file, absolute.
      keeps_splits: Whether files are named for splits; reviews_train.csv is then "reviews".
    """
    words = name_of(path).split("_")
    told = _without_split(words) if keeps_splits else words
    is_plain = path.parent.name.lower() in _SPLIT_WORDS and set(told) <= _PLAIN_FOLDERS
    if not (is_plain or all(map(_tells_shards, told))):
        return "_".join(told), path
    for folder in path.parents:
        name = _snake(folder.name.removeprefix(_HUB_PREFIX))
        if name and name not in _PLAIN_FOLDERS and not _COMMIT.fullmatch(name):
            return name, folder
    return NAMELESS, path.parent


def _without_split(words: list[str]) -> list[str]:
    """Takes a split away from the beginning, or from the end together with its shard."""
    if words[0] in _SPLIT_WORDS:
        return words[1:]
    shards = len(words)
    while shards and _tells_shards(words[shards - 1]):
        shards -= 1
        if words[shards] in _SPLIT_WORDS:
            return words[:shards]
    return words


def _tells_shards(word: str) -> bool:
    return word.rstrip("0123456789") in {"", *_SHARD_WORDS}


def _snake(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:MAX_LENGTH].rstrip("_")
