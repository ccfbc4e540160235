"""Files and folders by pathlib's names, on a disk or in a store.

A `Place` is a `pathlib.Path`, or a `StorePath`, which knows of `Path` what is used here. So what
lies below a root is named by `root / "logs"`, wherever the root is. Other libraries take
`str(place)`; those that know no stores get a `files.local_copy`.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import IO, NamedTuple, TypeAlias

from components.storage import files


class StoredStatus(NamedTuple):
    """What a store tells of a file, as the operating system does.

    Attributes:
      st_size: In bytes.
      st_mtime_ns: When it was written, in nanoseconds since 1970; 0 where the store does not tell.
    """

    st_size: int
    st_mtime_ns: int


@dataclass(frozen=True, order=True)
class StorePath:
    """A path in a store, such as "gs://bucket/name", without a slash at its end.

    It is no `os.PathLike`: functions of the operating system would look for it on the disk.

    Attributes:
      text: The path.
    """

    text: str

    def __str__(self) -> str:
        """Returns the path."""
        return self.text

    def __truediv__(self, name: str | PurePath) -> StorePath:
        """Returns the path of something below; `name` is relative."""
        return StorePath(files.join(self.text, *PurePath(name).parts))

    @property
    def parts(self) -> tuple[str, ...]:
        """The store's own name, such as "gs://bucket", and the names below it."""
        scheme, _, rest = self.text.partition("://")
        store, *names = rest.split("/")
        return f"{scheme}://{store}", *names

    @property
    def name(self) -> str:
        """The last name."""
        return files.name_of(self.text)

    @property
    def stem(self) -> str:
        """The last name without its suffix."""
        return PurePath(self.name).stem

    @property
    def suffix(self) -> str:
        """The last name's suffix, ".gz"; "" if it has none."""
        return PurePath(self.name).suffix

    @property
    def suffixes(self) -> list[str]:
        """The last name's suffixes, [".csv", ".gz"]."""
        return PurePath(self.name).suffixes

    @property
    def parent(self) -> StorePath:
        """The folder that it is in; a whole store is in itself."""
        return self.parents[0] if self.parents else self

    @property
    def parents(self) -> tuple[StorePath, ...]:
        """The folders that it is in, the innermost first."""
        ends = range(len(self.parts) - 1, 0, -1)
        return tuple(StorePath("/".join(self.parts[:end])) for end in ends)

    def with_name(self, name: str) -> StorePath:
        """Returns the path of something beside it."""
        return self.parent / name

    def absolute(self) -> StorePath:
        """Returns itself."""
        return self

    def resolve(self) -> StorePath:
        """Returns itself: a store has no links."""
        return self

    def stat(self) -> StoredStatus:
        """Returns its size and when it was written."""
        return StoredStatus(*files.status_of(self.text))

    def exists(self) -> bool:
        """Returns whether there is a file or a folder."""
        return files.exists(self.text)

    def is_dir(self) -> bool:
        """Returns whether there is a folder."""
        return files.is_folder(self.text)

    def is_file(self) -> bool:
        """Returns whether there is a file."""
        return self.exists() and not self.is_dir()

    def iterdir(self) -> Iterator[StorePath]:
        """Yields what is in a folder, in the order of the names."""
        for name in files.names_in(self.text):
            yield self / name

    def glob(self, pattern: str) -> Iterator[StorePath]:
        """Yields what a pattern names, such as "Split-*/*.gz"; "**" is not known."""
        first, _, rest = pattern.partition("/")
        if not self.is_dir():
            return
        for path in self.iterdir():
            if fnmatch.fnmatchcase(path.name, first):
                if rest:
                    yield from path.glob(rest)
                else:
                    yield path

    def rglob(self, pattern: str) -> Iterator[StorePath]:
        """Yields the files below a folder, at any depth, whose names fit a pattern."""
        for name in files.files_below(self.text) if self.is_dir() else ():
            if fnmatch.fnmatchcase(files.name_of(name), pattern):
                yield self / name

    def mkdir(self, parents: bool = False, exist_ok: bool = False) -> None:
        """Makes a folder, those that it is in as well, unless it is there."""
        files.make_folder(self.text)

    def unlink(self, missing_ok: bool = False) -> None:
        """Removes a file."""
        if missing_ok and not self.exists():
            return
        files.remove_file(self.text)

    def open(self, mode: str = "rb") -> IO[bytes]:
        """Opens a file of bytes, to read ("rb") or to write anew ("wb")."""
        if mode not in ("rb", "wb"):
            raise ValueError(f"mode is {mode!r}, expected 'rb' or 'wb'")
        return (files.open_to_read if mode == "rb" else files.open_to_write)(self.text)

    def read_bytes(self) -> bytes:
        """Returns a file's content."""
        return files.read_bytes(self.text)

    def read_text(self, encoding: str = "utf-8") -> str:
        """Returns a file's content."""
        return self.read_bytes().decode(encoding)

    def write_bytes(self, content: bytes) -> int:
        """Writes a file; a reader never finds half of it."""
        files.write_bytes(self.text, content)
        return len(content)

    def write_text(self, text: str, encoding: str = "utf-8") -> int:
        """Writes a file; a reader never finds half of it."""
        return self.write_bytes(text.encode(encoding))


Place: TypeAlias = "Path | StorePath"


def place_of(path: str | os.PathLike[str] | StorePath) -> Place:
    """Returns the place that a path names.

    >>> place_of("gs://bucket/root/") / "logs"
    StorePath(text='gs://bucket/root/logs')
    """
    if isinstance(path, StorePath):
        return path
    text = os.fspath(path)
    return StorePath(text.rstrip("/")) if files.is_remote(text) else Path(path)


def below(root: Place, path: str) -> Place:
    """Returns where a recorded path leads: below the root if it is relative, else by itself."""
    if files.is_remote(path) or os.path.isabs(path):
        return place_of(path)
    return root / path


def matching(folder: Place, pattern: str) -> list[Place]:
    """Returns what a pattern names below a folder, such as "Split-*/*.gz", sorted."""
    found: list[Place] = [*folder.glob(pattern)]
    return sorted(found, key=str)


def size_of(place: Place) -> int:
    """Returns the bytes of a file, or of all files below a folder.

    Raises:
      OSError: It cannot be read.
    """
    return files.size_of(str(place))
