"""Folders of models on a disk, or in a store that TensorFlow knows by a scheme, such as gs://.

Paths are `str`. What is local goes to the operating system, so that whoever has no TensorFlow can
ask as well; a store goes to TensorFlow, which is imported only then. All errors are OSErrors.
"""

from __future__ import annotations

import contextlib
import errno
import os
import posixpath
import re
from collections.abc import Iterator
from typing import Any

from serving.quiet_start import import_tensorflow

_SCHEME = re.compile(r"([a-z][a-z0-9]*)://")


def is_remote(path: str) -> bool:
    """Returns whether a path names something in a store."""
    return bool(_SCHEME.match(path))


def store_of(path: str) -> str:
    """Returns the store that a path is in, such as "gs://bucket"; "" is this machine.

    >>> store_of("gs://bucket/models/m")
    'gs://bucket'
    """
    if not is_remote(path):
        return ""
    scheme, _, rest = path.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def missing_scheme(path: str) -> str:
    """Returns what is to be said of a scheme that TensorFlow here does not know, else ""."""
    found = _SCHEME.match(path)
    if not found:
        return ""
    import_tensorflow()
    import tensorflow as tf

    known = sorted(set(tf.io.gfile.get_registered_schemes()) - {"", "file"})
    if found[1] in (*known, "file"):
        return ""
    return (
        f"TensorFlow has no file system for {found[1]}:// here; it has "
        f"{', '.join(f'{scheme}://' for scheme in known) or 'none'}. For s3:// and others, "
        "install the tensorflow-io that fits this TensorFlow"
    )


def join(folder: str, *names: str) -> str:
    """Returns the path of something below a folder."""
    return posixpath.join(folder, *names)


def name_of(path: str) -> str:
    """Returns the last name of a path."""
    return posixpath.basename(path.rstrip("/"))


def names_in(folder: str) -> list[str]:
    """Returns the names of what is in a folder, sorted.

    Raises:
      OSError: There is no such folder, or it cannot be read.
    """
    if not is_remote(folder):
        return sorted(os.listdir(folder))
    with _errors_of_store(folder) as gfile:
        # Object stores put a slash behind what they take for folders.
        return sorted({name.rstrip("/") for name in gfile.listdir(folder)} - {""})


def is_file(path: str) -> bool:
    """Returns whether there is a file.

    Raises:
      OSError: A store cannot be asked.
    """
    if not is_remote(path):
        return os.path.isfile(path)
    with _errors_of_store(path) as gfile:
        return bool(gfile.exists(path) and not gfile.isdir(path))


def read_bytes(path: str, most_bytes: int | None = None) -> bytes:
    """Returns a file's content, or its first bytes.

    Raises:
      OSError: It cannot be read.
    """
    if not is_remote(path):
        with open(path, "rb") as file:
            return file.read(-1 if most_bytes is None else most_bytes)
    with _errors_of_store(path) as gfile, gfile.GFile(path, "rb") as file:
        return bytes(file.read(-1 if most_bytes is None else most_bytes))


@contextlib.contextmanager
def _errors_of_store(path: str) -> Iterator[Any]:
    """Gives TensorFlow's file operations, and raises its errors as OSErrors."""
    import_tensorflow()
    import tensorflow as tf

    try:
        yield tf.io.gfile
    except tf.errors.NotFoundError as error:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from error
    except (tf.errors.PermissionDeniedError, tf.errors.UnauthenticatedError) as error:
        raise PermissionError(errno.EACCES, str(error.message), path) from error
    except tf.errors.OpError as error:
        raise OSError(errno.EIO, str(error.message) or os.strerror(errno.EIO), path) from error
