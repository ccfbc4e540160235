"""Places of data: what paths and patterns name, and how places lie to each other."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from components.storage import files
from components.storage.place import Place, StorePath, place_of

_WILD = re.compile(r"[*?[]")
_ANY_FOLDERS = "**"


def is_there(path: str) -> bool:
    """Returns whether a path is there; what cannot be asked for on a disk is not."""
    # Not `Path.exists`: of a name that is too long, or behind a locked folder, it raises.
    return files.exists(path)


def is_pattern(path: str) -> bool:
    """Returns whether a path has signs that stand for others."""
    return bool(_WILD.search(path))


def matching(pattern: str) -> list[Place]:
    """Returns what a path or a pattern of `glob` names, sorted; nothing where nothing is there.

    Raises:
      OSError: A store cannot be asked.
    """
    if is_there(pattern):
        return [place_of(pattern)]
    if not files.is_remote(pattern):
        return [Path(path) for path in sorted(glob.glob(pattern, recursive=True))]
    if not is_pattern(pattern):
        return []
    first, *names = place_of(pattern).parts
    return sorted(set(_matching(StorePath(first), names)))


def _matching(folder: StorePath, names: Sequence[str]) -> Iterator[StorePath]:
    """Yields what is in a folder and fits the names, of which some are patterns."""
    if not names:
        yield folder
        return
    first, *rest = names
    if first == _ANY_FOLDERS:
        yield from _matching(folder, rest)
        for inside in _listed(folder):
            if not inside.name.startswith(".") and inside.is_dir():
                yield from _matching(inside, names)
            elif not rest and not inside.name.startswith("."):
                yield inside
    elif not is_pattern(first):
        found = folder / first
        if rest or found.exists():
            yield from _matching(found, rest)
    else:
        for inside in _listed(folder):
            is_hidden = inside.name.startswith(".") and not first.startswith(".")
            if fnmatch.fnmatchcase(inside.name, first) and not is_hidden:
                yield from _matching(inside, rest)


def _listed(folder: StorePath) -> list[StorePath]:
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def inside(folder: Place) -> list[Place]:
    """Returns what is in a folder, sorted."""
    found: list[Any] = [*folder.iterdir()]
    return sorted(found)


def files_in(folder: Place, is_wanted: Callable[[Place], bool]) -> list[Place]:
    """Returns the files in a folder and in its folders that are wanted, sorted."""
    found: list[Any] = [path for path in folder.rglob("*") if is_wanted(path)]
    # A store has listed files alone, and is not asked again for each.
    return sorted(path for path in found if isinstance(path, StorePath) or path.is_file())


def names_below(path: Place, folder: Place) -> tuple[str, ...]:
    """Returns the names that lead from a folder to a path in it."""
    return path.parts[len(folder.parts) :]


def shared_folder(paths: Sequence[Place]) -> Place:
    """Returns the innermost folder that all paths, which are absolute, are in."""
    first = paths[0]
    return next(folder for folder in first.parents if all(folder in path.parents for path in paths))


def names_below_shared(paths: Sequence[Place]) -> list[tuple[str, ...]]:
    """Returns for each path its names below the innermost folder that all are in."""
    levels = zip(*(path.parent.parts for path in paths), strict=False)
    shared = len(list(takewhile(lambda names: len(set(names)) == 1, levels)))
    return [path.parts[shared:] for path in paths]


def from_here(path: str) -> str:
    """Returns a path on a disk relative to the current folder; one in a store as it is."""
    return path if files.is_remote(path) else os.path.relpath(path)
