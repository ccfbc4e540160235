"""Folders as Hugging Face's hub has them: several configurations of one data set in one folder.

They are named in the front matter of README.md
(https://huggingface.co/docs/hub/datasets-manual-configuration), or are folders with a train split
each.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.dataset.hub_card import card_in, entries_in
from components.dataset.places import from_here, names_below, shared_folder
from components.dataset.records import printable
from components.dataset.splits import split_in_name
from components.errors import DatasetError, as_setting
from components.features import TRAIN_SPLIT
from components.storage.place import Place

_MOST_LISTED = 20


def only_configuration(folder: Place, tables: Sequence[Place]) -> list[Place]:
    """Returns the tables of a folder's only configuration; all of them where none is told.

    Args:
      folder: The folder.
      tables: The tables in it.

    Raises:
      DatasetError: There are several; names them, and how to choose.
    """
    configurations = _described(folder, tables) or _folders(folder, tables)
    if not configurations:
        return list(tables)
    if len(configurations) == 1:
        return next(iter(configurations.values()))
    listed = ", ".join(map(printable, list(configurations)[:_MOST_LISTED]))
    more = len(configurations) - _MOST_LISTED
    example = next(iter(configurations))
    chosen = as_setting("data", _path_of(folder, example, configurations))
    raise DatasetError(
        f"{printable(str(folder))} holds {len(configurations):,} configurations of a data set: "
        f"{listed}{f' and {more:,} more' if more > 0 else ''}. Choose one by its path; "
        f"'{printable(example)}' is {chosen}."
    )


def _path_of(folder: Place, name: str, configurations: Mapping[str, Sequence[Place]]) -> str:
    """Returns the path that names the tables of one configuration alone."""
    files = configurations[name]
    others = {file for other, found in configurations.items() if other != name for file in found}
    shared = shared_folder(files)
    # The folder of that name rather than that of its only split.
    shared = folder / name if folder / name in (shared, *shared.parents) else shared
    if any(shared in other.parents for other in others):
        return ",".join(_shorter(str(file)) for file in files)
    return _shorter(str(shared))


def _shorter(path: str) -> str:
    return min(path, from_here(path), key=len)


def _described(folder: Place, tables: Sequence[Place]) -> dict[str, list[Place]]:
    """Returns the configurations that README.md describes and of which there are tables."""
    found: dict[str, list[Place]] = {}
    for entry in entries_in(card_in(folder), "configs"):
        patterns = list(_patterns(entry.get("data_files")))
        base = entry.get("data_dir")
        if isinstance(base, str):
            patterns = [f"{base}/{pattern}" for pattern in patterns] or [base]
        files = [
            table
            for table in tables
            if any(_fits("/".join(names_below(table, folder)), pattern) for pattern in patterns)
        ]
        if files:
            found[str(entry.get("config_name", "default"))] = files
    return found


def _patterns(data_files: Any) -> Iterator[str]:
    """Yields the patterns of `data_files`: a string, a list, or paths by split."""
    if isinstance(data_files, str):
        yield data_files
    elif isinstance(data_files, list):
        for each in data_files:
            yield from _patterns(each.get("path") if isinstance(each, dict) else each)
    elif isinstance(data_files, dict):
        for each in data_files.values():
            yield from _patterns(each)


def _fits(path: str, pattern: str) -> bool:
    pattern = pattern.removeprefix("./").rstrip("/")
    return fnmatch.fnmatchcase(path, pattern.removeprefix("**/")) or path.startswith(f"{pattern}/")


def _folders(folder: Place, tables: Sequence[Place]) -> dict[str, list[Place]]:
    """Returns the folders that have a train split each, where there are several."""
    groups: dict[str, list[Place]] = {}
    trained: set[str] = set()
    for table in tables:
        *folders, name = names_below(table, folder)
        path = [part for part in folders if not split_in_name(part)]
        key = "/".join(path) or "."
        groups.setdefault(key, []).append(table)
        if TRAIN_SPLIT in map(split_in_name, (name.split(".")[0], *folders)):
            trained.add(key)
    return {key: groups[key] for key in groups if key in trained} if len(trained) > 1 else {}
