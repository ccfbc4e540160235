"""Where data lies: on a disk, or in a store; readers ask either in the same way.

A place on a disk is a `pathlib.Path`. One in a store, "gs://bucket/reviews.csv", answers to as much
of its methods as reading data needs, by `components.files`.
"""

from __future__ import annotations

import fnmatch
import glob
import io
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, TypeAlias

from components import files

_WILD = re.compile(r"[*?[]")
_ANY_FOLDERS = "**"


class _Status(NamedTuple):
    st_size: int
    st_mtime_ns: int


@dataclass(frozen=True, order=True)
class StoredPath:
    """A file or folder in a store.

    Attributes:
      url: As the user wrote it, without a slash at its end.
    """

    url: str

    def __str__(self) -> str:
        """Returns it as the user wrote it."""
        return self.url

    def __truediv__(self, name: str) -> StoredPath:
        """Returns something below a folder."""
        return StoredPath(files.join(self.url, name))

    @property
    def parts(self) -> tuple[str, ...]:
        """Returns the store's own name, such as "gs://bucket", and the names below it."""
        scheme, _, rest = self.url.partition("://")
        store, *names = rest.split("/")
        return f"{scheme}://{store}", *names

    @property
    def name(self) -> str:
        """Returns the last name; of a whole store, that of the store."""
        return files.name_of(self.url)

    @property
    def stem(self) -> str:
        """Returns the last name without its last suffix."""
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        """Returns the last name's last suffix."""
        return PurePosixPath(self.name).suffix

    @property
    def suffixes(self) -> list[str]:
        """Returns the last name's suffixes."""
        return PurePosixPath(self.name).suffixes

    @property
    def parent(self) -> StoredPath:
        """Returns the folder that it is in; a whole store is in itself."""
        return StoredPath("/".join(self.parts[:-1])) if len(self.parts) > 1 else self

    @property
    def parents(self) -> tuple[StoredPath, ...]:
        """Returns the folders that it is in, the innermost first."""
        ends = range(len(self.parts) - 1, 0, -1)
        return tuple(StoredPath("/".join(self.parts[:end])) for end in ends)

    def absolute(self) -> StoredPath:
        """Returns itself."""
        return self

    def resolve(self) -> StoredPath:
        """Returns itself: a store has no links."""
        return self

    def exists(self) -> bool:
        """Returns whether it is there."""
        return files.exists(self.url)

    def is_dir(self) -> bool:
        """Returns whether it is a folder: whether names begin with it."""
        return files.is_folder(self.url)

    def is_file(self) -> bool:
        """Returns whether it is a file."""
        return files.exists(self.url) and not files.is_folder(self.url)

    def iterdir(self) -> Iterator[StoredPath]:
        """Yields what is in a folder."""
        for name in files.names_in(self.url):
            yield self / name

    def rglob(self, pattern: str) -> Iterator[StoredPath]:
        """Yields the files below a folder whose names match a pattern."""
        for below in files.files_below(self.url):
            if fnmatch.fnmatchcase(files.name_of(below), pattern):
                yield self / below

    def stat(self) -> _Status:
        """Returns its size and when it was written."""
        return _Status(*files.status_of(self.url))

    def open(self, mode: str = "rb") -> io.BufferedReader:
        """Opens it to read bytes."""
        if mode != "rb":
            raise ValueError(f"mode is {mode!r}, expected 'rb'")
        return files.open_to_read(self.url)

    def read_bytes(self) -> bytes:
        """Returns its content."""
        with self.open() as stream:
            return stream.read()


Place: TypeAlias = Path | StoredPath


def place(path: str) -> Place:
    """Returns where a path leads, as it is written: `gs://...` into a store, any other to a disk.

    >>> place("gs://bucket/train/reviews.csv.gz").parent.name
    'train'
    >>> str(place("gs://bucket/train/"))
    'gs://bucket/train'
    """
    if not files.is_remote(path):
        return Path(path)
    scheme, _, rest = path.partition("://")
    return StoredPath(f"{scheme}://{rest.rstrip('/')}")


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
        return [place(pattern)]
    if not files.is_remote(pattern):
        return [Path(path) for path in sorted(glob.glob(pattern, recursive=True))]
    if not is_pattern(pattern):
        return []
    first, *names = place(pattern).parts
    return sorted(set(_matching(StoredPath(first), names)))


def _matching(folder: StoredPath, names: Sequence[str]) -> Iterator[StoredPath]:
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


def _listed(folder: StoredPath) -> list[StoredPath]:
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
    return sorted(path for path in found if isinstance(path, StoredPath) or path.is_file())


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
