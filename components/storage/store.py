"""What the installed libraries know of stores: schemes, file operations, and errors as OSErrors."""

from __future__ import annotations

import contextlib
import errno
import functools
import importlib
import os
import re
import warnings
from collections.abc import Iterator
from typing import Any

from serving.quiet_start import import_tensorflow

_SCHEME = re.compile(r"([a-z][a-z0-9]*)://")


def scheme_of(path: str) -> str:
    """Returns the scheme of a path, such as "gs"; "" of a local one."""
    found = _SCHEME.match(path)
    return found.group(1) if found else ""


def known_schemes(asked: str = "") -> tuple[str, ...]:
    """Returns the schemes of stores that the installed libraries know, sorted; imports TensorFlow.

    They are TensorFlow's, with those of tensorflow-io where it is needed for the one that is asked
    for, and those of file systems that were registered with TFX.
    """
    tf = tensorflow()
    fileio()
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


def fileio() -> Any:
    """Returns TFX's file operations, once they know what TensorFlow knows."""
    tensorflow()
    with warnings.catch_warnings():
        # Libraries that TFX imports warn that this Python is old.
        warnings.simplefilter("ignore")
        from tfx.dsl.io import fileio

    return fileio


def tensorflow() -> Any:
    """Returns TensorFlow, which prints nothing while it is imported."""
    import_tensorflow()
    import tensorflow

    return tensorflow


@contextlib.contextmanager
def errors_of_store(path: str) -> Iterator[None]:
    """Raises TensorFlow's errors of a file system as OSErrors."""
    tf = tensorflow()
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
    tf = tensorflow()
    if scheme not in tf.io.gfile.get_registered_schemes():
        with contextlib.suppress(ImportError):
            importlib.import_module("tensorflow_io")


def _as_os_error(error: Any, path: str) -> OSError:
    tf = tensorflow()
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
