"""What lies below a root, how ML Metadata there is opened, and how one works from within it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ml_metadata as mlmd

METADATA_FILE = "metadata.db"
PIPELINES_FOLDER = "pipelines"
SERVING_FOLDER = "serving_model"
FUNCTIONS_FOLDER = "functions"


def open_metadata(path: Path, *, can_write: bool = False) -> mlmd.MetadataStore:
    """Opens an SQLite ML Metadata store, for reading unless it is asked for more."""
    # It takes a while to import, which commands that need none of it do not have.
    import ml_metadata as mlmd
    from ml_metadata.proto import metadata_store_pb2

    modes = metadata_store_pb2.SqliteMetadataSourceConfig
    config = metadata_store_pb2.ConnectionConfig()
    config.sqlite.filename_uri = str(path)
    config.sqlite.connection_mode = modes.READWRITE if can_write else modes.READONLY
    return mlmd.MetadataStore(config)


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
