"""What lies below a root, how ML Metadata there is opened, and how one works from within it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ml_metadata as mlmd

LOCK_FILE = ".lock"
METADATA_FILE = "metadata.db"
PIPELINES_FOLDER = "pipelines"
SERVING_FOLDER = "serving_model"
FUNCTIONS_FOLDER = "functions"


def open_metadata(
    path: Path, *, can_write: bool = False, can_create: bool = False
) -> mlmd.MetadataStore:
    """Opens an SQLite ML Metadata store, for reading unless it is asked for more."""
    # It takes a while to import, which commands that need none of it do not have.
    import ml_metadata as mlmd
    from ml_metadata.proto import metadata_store_pb2

    modes = metadata_store_pb2.SqliteMetadataSourceConfig
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(path)
    config.sqlite.connection_mode = modes.READWRITE if can_write else modes.READONLY
    if can_create:
        config.sqlite.connection_mode = modes.READWRITE_OPENCREATE
    return mlmd.MetadataStore(config)


def is_in_use(root: Path) -> bool:
    """Returns whether a process holds the lock of a root, i.e. runs something in it.

    The lock is tried for some microseconds; who wants it meanwhile asks for it again.
    """
    try:
        with (root / LOCK_FILE).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except OSError:  # there is no such file, or it may not be opened
        return False


@contextlib.contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Makes `folder` the working folder of this process."""
    # A descriptor leads back to the folder even if it was renamed in the meantime.
    before = os.open(".", os.O_RDONLY)
    try:
        os.chdir(folder)
        yield
    finally:
        os.fchdir(before)
        os.close(before)
