"""What lies below a root, how ML Metadata there is opened, and how one works from within it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from components.storage.place import Place, place_of
from pipeline.metadata.address import (
    MetadataStoreAddress,
    MySqlDatabase,
    SqliteFile,
    address_of,
    find_address,
)

if TYPE_CHECKING:
    import ml_metadata as mlmd

LOCK_FILE = ".lock"
METADATA_FILE = "metadata.db"
PIPELINES_FOLDER = "pipelines"
SERVING_FOLDER = "serving_model"
FUNCTIONS_FOLDER = "functions"


def serving_folder(root: Place, serving_dir: str = "") -> Place:
    """Returns the folder of all pushed models, below which each has a folder of its own.

    Args:
      root: Of the runs that push.
      serving_dir: Where they push instead; "" is below the root.
    """
    return place_of(serving_dir).absolute() if serving_dir else root / SERVING_FOLDER


def file_of(root: Place) -> SqliteFile:
    """Returns ML Metadata's SQLite file of a root on this machine.

    Raises:
      ConfigurationError: The root is in a store.
    """
    address = find_address("", "", root / METADATA_FILE, {})
    assert isinstance(address, SqliteFile)
    return address


def open_metadata(
    metadata: MetadataStoreAddress | Path, *, can_write: bool = False, can_create: bool = False
) -> mlmd.MetadataStore:
    """Opens ML Metadata; an SQLite file for reading, unless it is asked for more.

    Args:
      metadata: Its address, or the path of its SQLite file.
      can_write: Whether it will be written to.
      can_create: Whether it is made if it is not there.

    Raises:
      ConfigurationError: A server refuses, or does not answer.
      MetadataLostError: The same in a run, after a minute.
    """
    # It takes a while to import, which commands that need none of it do not have.
    address = address_of(metadata)
    if isinstance(address, SqliteFile):
        import ml_metadata as mlmd

        return mlmd.MetadataStore(
            address.connection_config(can_write=can_write, can_create=can_create)
        )
    from pipeline.metadata.reconnecting import open_store

    return open_store(address)


def is_there(address: MetadataStoreAddress) -> bool:
    """Returns whether ML Metadata has been written to at an address.

    Raises:
      ConfigurationError: A server refuses, or does not answer.
    """
    if isinstance(address, SqliteFile):
        return address.path.is_file()
    from pipeline.metadata.mysql import has_schema

    return has_schema(address)


def lock_files(root: Place, metadata: MetadataStoreAddress | None = None) -> list[Path]:
    """Returns the files that a run in a root locks, in this order.

    A store has no locks: a root there goes by the one of its metadata.

    Args:
      root: The root.
      metadata: Where its runs are recorded.
    """
    found = [root / LOCK_FILE] if isinstance(root, Path) else []
    if isinstance(metadata, SqliteFile) and metadata.is_shared:
        found.append(metadata.path.with_name(f"{metadata.path.name}{LOCK_FILE}"))
    return found


def is_in_use(root: Place, metadata: MetadataStoreAddress | None = None) -> bool:
    """Returns whether a process holds the lock of a root, i.e. runs something in it.

    The lock is tried for some microseconds; who wants it meanwhile asks for it again.
    """
    if isinstance(metadata, MySqlDatabase) and not isinstance(root, Path):
        from pipeline.metadata.mysql import is_held

        return is_held(metadata, str(root))
    return any(_is_locked(path) for path in lock_files(root, metadata)[:1])


def _is_locked(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except OSError:  # there is no such file, or it may not be opened
        return False


@contextlib.contextmanager
def working_in(folder: Place) -> Iterator[None]:
    """Makes `folder` the working folder of this process; one in a store cannot be."""
    if not isinstance(folder, Path):
        yield
        return
    # A descriptor leads back to the folder even if it was renamed in the meantime.
    before = os.open(".", os.O_RDONLY)
    try:
        os.chdir(folder)
        yield
    finally:
        os.fchdir(before)
        os.close(before)
