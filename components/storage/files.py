"""Files and folders on a disk, or in a store that TensorFlow and Beam know by a scheme.

Paths are `str`: of "gs://bucket/name", `pathlib` would make "gs:/bucket/name". A local path goes to
the operating system. Any other, such as `gs://`, `s3://` and `hdfs://`, goes to TFX's `fileio`,
which needs TensorFlow and is imported only then. Which schemes there are is decided by the
libraries that are installed, and by what a user registers with them.

Whatever fails raises OSError, FileNotFoundError where something is not there: stores raise errors
of TensorFlow's, which are translated here.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import importlib
import io
import os
import posixpath
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

_SCHEME = re.compile(r"([a-z][a-z0-9]*)://")
# Stores with folders of their own, where a rename is one step. An object store copies the bytes.
_WITH_RENAME = ("hdfs", "viewfs")
# What a store is asked for, or given, at once.
_BUFFER_BYTES = 1 << 20
# Copied in pieces, so that memory does not grow with a file.
_PIECE_BYTES = 8 << 20


class FileStatus(NamedTuple):
    """What a disk or a store tells of a file.

    Attributes:
      size: In bytes.
      modified_ns: When it was written, in nanoseconds since 1970; 0 where the store does not tell.
    """

    size: int
    modified_ns: int


def scheme_of(path: str) -> str:
    """Returns the scheme of a path, such as "gs"; "" of a local one."""
    found = _SCHEME.match(path)
    return found.group(1) if found else ""


def is_remote(path: str) -> bool:
    """Returns whether a path names something in a store."""
    return bool(scheme_of(path))


def has_rename(path: str) -> bool:
    """Returns whether a folder there can be renamed in one step."""
    scheme = scheme_of(path)
    return not scheme or scheme in _WITH_RENAME


def join(path: str, *names: str) -> str:
    """Returns the path of something below a folder."""
    return posixpath.join(path, *names)


def parent_of(path: str) -> str:
    """Returns the path of the folder that something is in."""
    return posixpath.dirname(path.rstrip("/"))


def name_of(path: str) -> str:
    """Returns the last name of a path."""
    return posixpath.basename(path.rstrip("/"))


def absolute(path: str) -> str:
    """Returns a local path as an absolute one; a path in a store is one already."""
    return path if is_remote(path) else os.path.abspath(path)


def known_schemes(asked: str = "") -> tuple[str, ...]:
    """Returns the schemes of stores that the installed libraries know, sorted; imports TensorFlow.

    They are TensorFlow's, with those of tensorflow-io where it is needed for the one that is asked
    for, and those of file systems that were registered with TFX.
    """
    import tensorflow as tf

    _fileio()
    _find_scheme(asked)
    from tfx.dsl.io import filesystem_registry
    from tfx.dsl.io.plugins.tensorflow_gfile import TensorflowFilesystem

    # There is no public list.
    registered = vars(filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY).get(
        "_preferred_filesystem_by_scheme", {}
    )
    others = {
        scheme.removesuffix("://")
        for scheme, file_system in registered.items()
        if file_system is not TensorflowFilesystem
    }
    # "file" is the disk, whose paths have none.
    return tuple(sorted({*tf.io.gfile.get_registered_schemes(), *others} - {"", "file"}))


def exists(path: str) -> bool:
    """Returns whether there is a file or a folder."""
    if not is_remote(path):
        return os.path.exists(path)
    with _errors_of_store(path):
        return bool(_fileio().exists(path))


def is_folder(path: str) -> bool:
    """Returns whether there is a folder: in an object store, whether names begin with it."""
    if not is_remote(path):
        return os.path.isdir(path)
    with _errors_of_store(path):
        return bool(_fileio().isdir(path))


def names_in(folder: str) -> list[str]:
    """Returns the names of files and folders in a folder, sorted.

    Raises:
      OSError: There is no such folder, or it cannot be read.
    """
    if not is_remote(folder):
        return sorted(os.listdir(folder))
    with _errors_of_store(folder):
        # Object stores put a slash behind what they take for folders.
        return sorted({name.rstrip("/") for name in _fileio().listdir(folder)} - {""})


def files_below(folder: str) -> list[str]:
    """Returns the paths of all files in a folder and in its folders, relative to it, sorted.

    Raises:
      OSError: There is no such folder, or it cannot be read.
    """
    found: list[str] = []
    for name in names_in(folder):
        path = join(folder, name)
        found += [join(name, below) for below in files_below(path)] if is_folder(path) else [name]
    return sorted(found)


def make_folder(path: str) -> None:
    """Makes a folder and those that it is in, unless they are there."""
    if not is_remote(path):
        os.makedirs(path, exist_ok=True)
        return
    with _errors_of_store(path):
        _fileio().makedirs(path)


@contextlib.contextmanager
def opened(path: str, mode: str = "rb") -> Iterator[IO[Any]]:
    """Opens a file of bytes, to read ("rb") or to write anew ("wb").

    Raises:
      OSError: It cannot be opened, read or written.
    """
    if not is_remote(path):
        with open(path, mode) as file:
            yield file
        return
    with _errors_of_store(path), _fileio().open(path, mode) as file:
        yield file


def read_bytes(path: str) -> bytes:
    """Returns a file's content.

    Raises:
      OSError: It cannot be read.
    """
    with opened(path) as file:
        return bytes(file.read())


def read_text(path: str) -> str:
    """Returns a file's content, which is UTF-8.

    Raises:
      OSError: It cannot be read.
      UnicodeDecodeError: It is not UTF-8.
    """
    return read_bytes(path).decode("utf-8")


def write_bytes(path: str, content: bytes) -> None:
    """Writes a file, in place of one that is there; a reader never finds half of it.

    An object store shows an object once it is whole; elsewhere it is written under another name,
    and renamed.

    Raises:
      OSError: It cannot be written; a file that was there is as it was.
    """
    if is_remote(path) and not has_rename(path):
        with opened(path, "wb") as file:
            file.write(content)
        return
    partial = f"{path}.partial-{os.getpid()}"
    try:
        with opened(partial, "wb") as file:
            file.write(content)
        rename(partial, path)
    except BaseException:
        with contextlib.suppress(OSError):
            remove_file(partial)
        raise


def write_text(path: str, text: str) -> None:
    """Writes a file as UTF-8; see `write_bytes`."""
    write_bytes(path, text.encode("utf-8"))


def copy_file(source: str, destination: str) -> None:
    """Copies a file, from a disk or a store to a disk or a store, in pieces.

    Raises:
      OSError: It cannot be read or written; a part of the copy may be left on a disk.
    """
    with opened(source) as read, opened(destination, "wb") as written:
        while piece := read.read(_PIECE_BYTES):
            written.write(piece)


def copy_folder(
    source: str,
    destination: str,
    last: Sequence[str] = (),
    copy: Callable[[str, str], None] = copy_file,
) -> None:
    """Copies all files below a folder, in the order of their names.

    Args:
      source: The folder.
      destination: Where its content goes; made if it is not there.
      last: Relative paths that are copied after all others, in this order.
      copy: How one file is copied.

    Raises:
      OSError: What `copy` raises; what was copied until then is left there.
    """
    names = files_below(source)
    ordered = [name for name in names if name not in last]
    ordered += [name for name in last if name in names]
    make_folder(destination)
    for name in ordered:
        make_folder(parent_of(join(destination, name)))
        copy(join(source, name), join(destination, name))


def rename(source: str, destination: str) -> None:
    """Renames a file, over one that is there, or a folder, where `has_rename` says so.

    Raises:
      OSError: It cannot be renamed.
    """
    if not is_remote(source):
        os.replace(source, destination)
        return
    with _errors_of_store(source):
        _fileio().rename(source, destination, overwrite=True)


def remove_file(path: str) -> None:
    """Removes a file.

    Raises:
      OSError: There is none, or it cannot be removed.
    """
    if not is_remote(path):
        os.remove(path)
        return
    with _errors_of_store(path):
        _fileio().remove(path)


def remove_folder(path: str) -> None:
    """Removes a folder with all that is in it; one that is not there is no error.

    Raises:
      OSError: Something cannot be removed.
    """
    if not exists(path):
        return
    if not is_remote(path):
        shutil.rmtree(path)
        return
    with _errors_of_store(path):
        _fileio().rmtree(path)


def open_to_read(path: str) -> io.BufferedReader:
    """Opens a file of bytes to read it, from any place in it, as Python's libraries want it.

    Reading one of a store that ends before its size raises OSError: the store broke off.

    Raises:
      OSError: It cannot be opened.
    """
    if not is_remote(path):
        return open(path, "rb")
    return io.BufferedReader(_StoredBytes(path), _BUFFER_BYTES)


def open_to_write(path: str) -> io.BufferedWriter:
    """Opens a file of bytes to write it anew, from its beginning to its end.

    What an error leaves of it, once it is closed, may look whole: whoever writes removes it then.

    Raises:
      OSError: It cannot be opened.
    """
    if not is_remote(path):
        return open(path, "wb")
    return io.BufferedWriter(_BytesToStore(path), _BUFFER_BYTES)


def status_of(path: str) -> FileStatus:
    """Returns what is told of a file.

    Raises:
      OSError: There is none, or it cannot be read.
    """
    if not is_remote(path):
        local = os.stat(path)
        return FileStatus(local.st_size, local.st_mtime_ns)
    with _errors_of_store(path):
        stat = _fileio().stat(path)
        # TensorFlow's names, or Python's.
        if hasattr(stat, "length"):
            return FileStatus(int(stat.length), int(stat.mtime_nsec))
        return FileStatus(int(stat.st_size), int(stat.st_mtime_ns))


def size_of(path: str) -> int:
    """Returns the bytes of a file, or of all files below a folder.

    Raises:
      OSError: It cannot be read.
    """
    if is_folder(path):
        return sum(size_of(join(path, name)) for name in files_below(path))
    return status_of(path).size


@contextlib.contextmanager
def local_copy(path: str) -> Iterator[Path]:
    """Gives a file or folder of a store as a local one, to libraries that know no other.

    A local path is given as it is. A copy lies in the temporary folder until the block ends.

    Raises:
      OSError: It cannot be read, or there is no room for the copy.
    """
    if not is_remote(path):
        yield Path(path)
        return
    with tempfile.TemporaryDirectory(prefix="sentiment-copy-") as folder:
        copy = join(folder, name_of(path))
        (copy_folder if is_folder(path) else copy_file)(path, copy)
        yield Path(copy)


class _BytesToStore(io.RawIOBase):
    """A file in a store that is written, as a stream of Python's."""

    def __init__(self, path: str):
        self._path = path
        with _errors_of_store(path):
            self._file = _fileio().open(path, "wb")

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        with _errors_of_store(self._path):
            self._file.write(bytes(content))
        return len(content)

    def close(self) -> None:
        if not self.closed and hasattr(self, "_file"):
            with _errors_of_store(self._path):
                self._file.close()
        super().close()


class _StoredBytes(io.RawIOBase):
    """A file in a store, as a stream of Python's."""

    def __init__(self, path: str):
        self._path = path
        self._place = 0
        self._size = status_of(path).size
        with _errors_of_store(path):
            self._file = _fileio().open(path, "rb")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(start + offset, 0)
        with _errors_of_store(self._path):
            # TensorFlow's files refuse places behind their end.
            self._file.seek(min(self._place, self._size))
        return self._place

    def readinto(self, buffer: Any) -> int:
        if self._place >= self._size:
            return 0
        with _errors_of_store(self._path):
            found = self._file.read(min(len(buffer), self._size - self._place))
        if not found:
            raise OSError(
                errno.EIO,
                f"the store ended it after {self._place:,} of {self._size:,} bytes",
                self._path,
            )
        buffer[: len(found)] = found
        self._place += len(found)
        return len(found)

    def close(self) -> None:
        if not self.closed and hasattr(self, "_file"):
            with contextlib.suppress(OSError), _errors_of_store(self._path):
                self._file.close()
        super().close()


def _fileio() -> Any:
    from tfx.dsl.io import fileio

    return fileio


@contextlib.contextmanager
def _errors_of_store(path: str) -> Iterator[None]:
    """Raises TensorFlow's errors of a file system as OSErrors."""
    import tensorflow as tf

    _find_scheme(scheme_of(path))
    try:
        yield
    except tf.errors.OpError as error:
        raise _as_os_error(error, path) from error
    except FileNotFoundError:
        raise
    except OSError as error:
        from tfx.dsl.io.filesystem import NotFoundError

        if isinstance(error, NotFoundError):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from error
        raise


@functools.cache
def _find_scheme(scheme: str) -> None:
    """Loads tensorflow-io, if it is installed, for a scheme that TensorFlow alone does not know."""
    import tensorflow as tf

    if scheme not in tf.io.gfile.get_registered_schemes():
        with contextlib.suppress(ImportError):
            importlib.import_module("tensorflow_io")


def _as_os_error(error: Any, path: str) -> OSError:
    import tensorflow as tf

    numbers = {
        tf.errors.NotFoundError: errno.ENOENT,
        tf.errors.PermissionDeniedError: errno.EACCES,
        tf.errors.UnauthenticatedError: errno.EACCES,
        tf.errors.ResourceExhaustedError: errno.ENOSPC,
        tf.errors.AlreadyExistsError: errno.EEXIST,
    }
    number = numbers.get(type(error), errno.EIO)
    if isinstance(error, tf.errors.UnimplementedError):
        return OSError(
            errno.EPROTONOSUPPORT,
            f"TensorFlow has no file system for {scheme_of(path)}:// here",
            path,
        )
    return OSError(number, error.message or os.strerror(number), path)
