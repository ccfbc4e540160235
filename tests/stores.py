"""A store in the memory of one process that fails on purpose: mem://, for TFX's fileio and Beam.

It is like an object store: an object appears whole once its writer is closed, folders are the
beginnings of names, and nothing can be renamed. TensorFlow's C++ does not know it, so models,
TFRecords and checkpoints cannot lie in it; TensorFlow's own `ram://` takes those.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import io
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

SCHEME = "mem"
ROOT = f"{SCHEME}://"
# What can be made to fail, and is counted.
OPERATIONS = (
    *("open", "read", "write", "close"),
    *("exists", "isdir", "listdir", "glob", "stat", "walk"),
    *("mkdir", "remove", "rename", "copy"),
)


@dataclass
class _Failure:
    operation: str
    calls_before: int
    times: int
    error: Callable[[str], Exception]
    matching: str


@dataclass
class Store:
    """What is in mem://, and how it is to behave.

    Attributes:
      objects: Content by path.
      folders: Paths of folders that were made, with nothing in them perhaps.
      calls: Operation and path of each call so far.
      tells_times: Whether the store tells when an object was written.
    """

    objects: dict[str, bytes] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    calls: list[tuple[str, str]] = field(default_factory=list)
    tells_times: bool = True
    _times: dict[str, int] = field(default_factory=dict)
    _clock: int = 0
    _failures: list[_Failure] = field(default_factory=list)
    _cuts: list[tuple[int, str]] = field(default_factory=list)
    _delays: list[tuple[str, float, str]] = field(default_factory=list)

    def put(self, path: str, content: bytes | str) -> str:
        """Writes an object, without a call that is counted or fails; returns its path."""
        self._clock += 1
        self.objects[path] = content.encode() if isinstance(content, str) else content
        self._times[path] = self._clock
        return path

    def fail(
        self,
        operation: str,
        nth: int = 1,
        *,
        times: int = 1,
        error: Callable[[str], Exception] | None = None,
        matching: str = "",
    ) -> None:
        """Makes the n-th call of an operation from now on raise, and those after it.

        Args:
          operation: One of OPERATIONS.
          nth: Which call is the first that fails, from 1.
          times: How many calls fail.
          error: Makes the exception of a path; that of a broken connection where it is None.
          matching: Only calls with this in their path count.
        """
        assert operation in OPERATIONS
        self._failures.append(
            _Failure(operation, nth - 1, times, error or _broken_connection, matching)
        )

    def cut_reads(self, after: int, matching: str = "") -> None:
        """Makes reading end, without an error, behind so many bytes of an object."""
        self._cuts.append((after, matching))

    def delay(self, operation: str, seconds: float, matching: str = "") -> None:
        """Makes each call of an operation wait first."""
        assert operation in OPERATIONS
        self._delays.append((operation, seconds, matching))

    def mend(self) -> None:
        """Forgets all failures, cuts and delays that were planned."""
        self._failures.clear()
        self._cuts.clear()
        self._delays.clear()

    def clear(self) -> None:
        """Forgets everything."""
        self.mend()
        self.tells_times = True
        self.objects.clear()
        self.folders.clear()
        self.calls.clear()
        self._times.clear()

    def count(self, operation: str, matching: str = "") -> int:
        """Returns how often an operation was called."""
        return sum(done == operation and matching in path for done, path in self.calls)

    def below(self, folder: str) -> list[str]:
        """Returns the paths of all objects in a folder, sorted."""
        return sorted(path for path in self.objects if path.startswith(as_folder(folder)))

    def is_folder(self, path: str) -> bool:
        """Returns whether names begin with the path, or a folder was made there."""
        start = as_folder(path)
        return any(name.startswith(start) for name in (*self.objects, *self.folders))

    def time_of(self, path: str) -> int:
        """Returns when an object was written, by a clock that counts writes; 0 if not told."""
        return self._times[path] if self.tells_times else 0

    def call(self, operation: str, path: str) -> None:
        """Counts a call; waits or raises as it was planned."""
        self.calls.append((operation, path))
        for delayed, seconds, matching in self._delays:
            if delayed == operation and matching in path:
                time.sleep(seconds)
        for failure in list(self._failures):
            if failure.operation != operation or failure.matching not in path:
                continue
            if failure.calls_before:
                failure.calls_before -= 1
                continue
            failure.times -= 1
            if not failure.times:
                self._failures.remove(failure)
            raise failure.error(path)

    def readable(self, path: str) -> bytes:
        """Returns an object as far as it can be read.

        Raises:
          FileNotFoundError: There is none.
        """
        if path not in self.objects:
            raise not_found(path)
        cuts = [after for after, matching in self._cuts if matching in path]
        return self.objects[path][: min(cuts, default=None)]


STORE = Store()


def not_found(path: str) -> FileNotFoundError:
    """Returns the error of what is not there."""
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)


def no_permission(path: str) -> PermissionError:
    """Returns the error of what one may not read or write; `Store.fail` takes it."""
    return PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)


def no_space(path: str) -> OSError:
    """Returns the error of a store that is full; `Store.fail` takes it."""
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)


def _broken_connection(path: str) -> OSError:
    return OSError(errno.ECONNRESET, os.strerror(errno.ECONNRESET), path)


def as_folder(path: str) -> str:
    return path if path.endswith("/") else f"{path}/"


class _Reader(io.BytesIO):
    def __init__(self, path: str):
        super().__init__(STORE.readable(path))
        self._path = path

    def read(self, size: int | None = -1) -> bytes:
        STORE.call("read", self._path)
        return super().read(size)

    def readinto(self, buffer: Any) -> int:
        STORE.call("read", self._path)
        return super().readinto(buffer)

    def readline(self, size: int | None = -1) -> bytes:
        STORE.call("read", self._path)
        return super().readline(size)


class _Writer(io.BytesIO):
    """Its object appears when it is closed, even after a failure, as with TensorFlow's writers."""

    def __init__(self, path: str):
        super().__init__()
        self._path = path

    def write(self, content: Any) -> int:
        STORE.call("write", self._path)
        return super().write(content)

    def close(self) -> None:
        if self.closed:
            return
        content = self.getvalue()
        super().close()
        STORE.call("close", self._path)
        STORE.put(self._path, content)


def open_object(path: str, mode: str) -> Any:
    STORE.call("open", path)
    stream = _Writer(path) if "w" in mode else _Reader(path)
    return stream if "b" in mode else io.TextIOWrapper(stream, encoding="utf-8")


def matching(pattern: str) -> list[str]:
    import re

    from apache_beam.io.filesystem import FileSystem

    fits = re.compile(FileSystem.translate_pattern(pattern)).fullmatch
    return sorted(filter(fits, STORE.objects))


def remove(path: str) -> None:
    if path not in STORE.objects:
        raise not_found(path)
    del STORE.objects[path]


def remove_below(folder: str) -> None:
    for path in STORE.below(folder):
        STORE.call("remove", path)
        remove(path)
    start = as_folder(folder)
    STORE.folders -= {name for name in STORE.folders if name.startswith(start)}


def no_rename(path: str) -> OSError:
    return OSError(errno.EOPNOTSUPP, "a store has no rename", path)


@dataclass(frozen=True)
class ObjectStatus:
    """What the store tells of an object."""

    st_size: int
    st_mtime_ns: int


def names_in(folder: str) -> list[str]:
    """Returns names, with a slash behind those of folders, as Google's store lists them."""
    start = as_folder(folder)
    names = set()
    for path in (*STORE.objects, *STORE.folders):
        if path.startswith(start) and path != start:
            name, slash, _ = path[len(start) :].partition("/")
            names.add(name + slash)
    return sorted(names)


@functools.cache
def _registered() -> tuple[type, ...]:
    """Makes mem:// known to TFX and Beam, once a process."""
    # First: it registers TensorFlow's, which takes what no other has.
    from tfx.dsl.io import fileio  # noqa: F401
    from tfx.dsl.io.filesystem_registry import DEFAULT_FILESYSTEM_REGISTRY

    from tests.store_of_beam import MemoryFileSystem
    from tests.store_of_tfx import MemoryFilesystem

    DEFAULT_FILESYSTEM_REGISTRY.register(MemoryFilesystem, priority=0)
    # Beam finds the class by itself, as long as somebody holds it.
    return MemoryFilesystem, MemoryFileSystem


@contextlib.contextmanager
def empty_store() -> Iterator[Store]:
    """Yields an empty store behind mem://."""
    _registered()
    STORE.clear()
    yield STORE
    STORE.clear()
