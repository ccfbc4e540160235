"""The store of the tests as TFX's fileio knows it."""

# The methods are those of the base class, which says what they do.
# ruff: noqa: D102

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import Any

from tfx.dsl.io.filesystem import Filesystem, NotFoundError

from tests.stores import (
    ROOT,
    STORE,
    ObjectStatus,
    as_folder,
    matching,
    names_in,
    no_rename,
    open_object,
    remove,
    remove_below,
)


class MemoryFilesystem(Filesystem):
    """The store as TFX's fileio knows it."""

    SUPPORTED_SCHEMES = [ROOT]

    @staticmethod
    def open(name: Any, mode: str = "r") -> Any:
        return open_object(name, mode)

    @staticmethod
    def copy(src: Any, dst: Any, overwrite: bool = False) -> None:
        STORE.call("copy", src)
        if dst in STORE.objects and not overwrite:
            raise OSError(errno.EEXIST, os.strerror(errno.EEXIST), dst)
        STORE.put(dst, STORE.readable(src))

    @staticmethod
    def exists(path: Any) -> bool:
        STORE.call("exists", path)
        return path in STORE.objects or STORE.is_folder(path)

    @staticmethod
    def glob(pattern: Any) -> list[Any]:
        STORE.call("glob", pattern)
        return matching(pattern)

    @staticmethod
    def isdir(path: Any) -> bool:
        STORE.call("isdir", path)
        return STORE.is_folder(path)

    @staticmethod
    def listdir(path: Any) -> list[Any]:
        STORE.call("listdir", path)
        if not STORE.is_folder(path):
            raise NotFoundError()
        return names_in(path)

    @staticmethod
    def makedirs(path: Any) -> None:
        STORE.call("mkdir", path)
        STORE.folders.add(as_folder(path))

    @staticmethod
    def mkdir(path: Any) -> None:
        STORE.call("mkdir", path)
        STORE.folders.add(as_folder(path))

    @staticmethod
    def remove(path: Any) -> None:
        STORE.call("remove", path)
        remove(path)

    @staticmethod
    def rename(src: Any, dst: Any, overwrite: bool = False) -> None:
        STORE.call("rename", src)
        raise no_rename(src)

    @staticmethod
    def rmtree(path: Any) -> None:
        remove_below(path)

    @staticmethod
    def stat(path: Any) -> Any:
        STORE.call("stat", path)
        if path not in STORE.objects:
            raise NotFoundError()
        return ObjectStatus(len(STORE.objects[path]), STORE.time_of(path))

    @staticmethod
    def walk(
        top: Any, topdown: bool = True, onerror: Any = None
    ) -> Iterator[tuple[Any, list[Any], list[Any]]]:
        STORE.call("walk", top)
        names = names_in(top)
        folders = [name.rstrip("/") for name in names if name.endswith("/")]
        found = top, folders, [name for name in names if not name.endswith("/")]
        if topdown:
            yield found
        for folder in folders:
            yield from MemoryFilesystem.walk(as_folder(top) + folder, topdown, onerror)
        if not topdown:
            yield found
