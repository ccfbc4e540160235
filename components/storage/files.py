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
import io
import os
import posixpath
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from components.storage.store import errors_of_store, fileio, scheme_of
from components.storage.streams import BytesToStore, StoredBytes
from serving.folders import is_remote as is_remote
from serving.folders import join as join
from serving.folders import name_of as name_of

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


def has_rename(path: str) -> bool:
    """Returns whether a folder there can be renamed in one step."""
    scheme = scheme_of(path)
    return not scheme or scheme in _WITH_RENAME


def parent_of(path: str) -> str:
    """Returns the path of the folder that something is in."""
    return posixpath.dirname(path.rstrip("/"))


def absolute(path: str) -> str:
    """Returns a local path as an absolute one; a path in a store is one already."""
    return path if is_remote(path) else os.path.abspath(path)


def exists(path: str) -> bool:
    """Returns whether there is a file or a folder."""
    if not is_remote(path):
        return os.path.exists(path)
    with errors_of_store(path):
        return bool(fileio().exists(path))


def is_folder(path: str) -> bool:
    """Returns whether there is a folder: in an object store, whether names begin with it."""
    if not is_remote(path):
        return os.path.isdir(path)
    with errors_of_store(path):
        return bool(fileio().isdir(path))


def names_in(folder: str) -> list[str]:
    """Returns the names of files and folders in a folder, sorted.

    Raises:
      OSError: There is no such folder, or it cannot be read.
    """
    if not is_remote(folder):
        return sorted(os.listdir(folder))
    with errors_of_store(folder):
        # Object stores put a slash behind what they take for folders.
        return sorted({name.rstrip("/") for name in fileio().listdir(folder)} - {""})


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
    with errors_of_store(path):
        fileio().makedirs(path)


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
    with errors_of_store(path), fileio().open(path, mode) as file:
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
    if not (is_remote(source) or is_remote(destination)):
        shutil.copyfile(source, destination)
        return
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
    with errors_of_store(source):
        fileio().rename(source, destination, overwrite=True)


def remove_file(path: str) -> None:
    """Removes a file.

    Raises:
      OSError: There is none, or it cannot be removed.
    """
    if not is_remote(path):
        os.remove(path)
        return
    with errors_of_store(path):
        fileio().remove(path)


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
    with errors_of_store(path):
        fileio().rmtree(path)


def open_to_read(path: str) -> io.BufferedReader:
    """Opens a file of bytes to read it, from any place in it, as Python's libraries want it.

    Reading one of a store that ends before its size raises OSError: the store broke off.

    Raises:
      OSError: It cannot be opened.
    """
    if not is_remote(path):
        return open(path, "rb")
    return io.BufferedReader(StoredBytes(path, status_of(path).size), _BUFFER_BYTES)


def open_to_write(path: str) -> io.BufferedWriter:
    """Opens a file of bytes to write it anew, from its beginning to its end.

    What an error leaves of it, once it is closed, may look whole: whoever writes removes it then.

    Raises:
      OSError: It cannot be opened.
    """
    if not is_remote(path):
        return open(path, "wb")
    return io.BufferedWriter(BytesToStore(path), _BUFFER_BYTES)


def status_of(path: str) -> FileStatus:
    """Returns what is told of a file.

    Raises:
      OSError: There is none, or it cannot be read.
    """
    if not is_remote(path):
        local = os.stat(path)
        return FileStatus(local.st_size, local.st_mtime_ns)
    with errors_of_store(path):
        stat = fileio().stat(path)
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
