"""Reads ML Metadata's tables by itself, in milliseconds, and says what is wrong with its file.

Its tables are those of schema version 10, which both stacks write (ml_metadata's
`metadata_source_query_config`). Through the library the same takes twenty calls a run.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from components.errors import ConfigurationError
from pipeline.metadata import mysql
from pipeline.metadata.address import MetadataStoreAddress, SqliteFile
from pipeline.metadata.mysql import SCHEMA_VERSION, Rows
from pipeline.paths import shown

# How long another program's transaction is waited for.
_BUSY_SECONDS = 1.0


def reading(address: MetadataStoreAddress) -> AbstractContextManager[Rows | None]:
    """Yields what takes SELECTs, of one moment; None of a database without tables.

    Raises:
      ConfigurationError: It is missing, damaged, locked, or of another version.
    """
    return reading_file(address.path) if isinstance(address, SqliteFile) else mysql.reading(address)


@contextlib.contextmanager
def reading_file(path: Path) -> Iterator[sqlite3.Connection]:
    """Yields a connection that reads; what goes wrong in the block is explained.

    Args:
      path: ML Metadata's file.

    Raises:
      ConfigurationError: The file is missing, damaged, locked, or of another version.
    """
    if not path.exists():
        raise ConfigurationError(f"There is no {shown(path)}.")
    if not path.is_file():
        raise ConfigurationError(
            f"{shown(path)} is a folder or a device; expected ML Metadata's SQLite file. Move it "
            "away, or set `root` to another folder."
        )
    try:
        with contextlib.closing(_connected(path)) as connection:
            _check_version(connection, path)
            yield connection
    except sqlite3.Error as error:
        raise ConfigurationError(_explained(error, path)) from error


def check(address: MetadataStoreAddress) -> None:
    """Checks that it can be read, if it is there and has been written to.

    Raises:
      ConfigurationError: It is damaged, locked, or of another version.
    """
    if not isinstance(address, SqliteFile):
        mysql.has_schema(address)
        return
    path = address.path
    if path.exists() and (path.stat().st_size or not path.is_file()):
        with reading_file(path):
            pass


def _connected(path: Path) -> sqlite3.Connection:
    connection = _connect(path, "ro")
    try:
        connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
    except sqlite3.OperationalError as error:
        if "readonly" not in str(error):
            connection.close()
            raise
        # A process was killed as it wrote: what it left half-done must be undone first.
        connection.close()
        connection = _connect(path, "rw")
    return connection


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    address = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS)


def _check_version(connection: sqlite3.Connection, path: Path) -> None:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if not tables:  # as a run leaves it that was killed at once
        raise ConfigurationError(
            f"{shown(path)} is empty. Expected ML Metadata's SQLite file; the next `sentiment run` "
            "fills it."
        )
    if not {"MLMDEnv", "Context", "Execution", "Artifact"} <= tables:
        raise ConfigurationError(
            f"{shown(path)} is an SQLite file, but not ML Metadata's. Expected the one that a run "
            "wrote: move this file away, or set `root` to another folder."
        )
    versions = [version for (version,) in connection.execute("SELECT * FROM MLMDEnv")]
    if versions != [SCHEMA_VERSION]:
        raise ConfigurationError(
            f"{shown(path)} has version {', '.join(map(str, versions)) or 'unknown'} of ML "
            f"Metadata's schema; expected {SCHEMA_VERSION}. Read it with the release of sentiment "
            "that wrote it, or set `root` to another folder."
        )


def _explained(error: sqlite3.Error, path: Path) -> str:
    reason = str(error) or type(error).__name__
    if "locked" in reason:
        return (
            f"{shown(path)} is locked by another program that writes to it. Wait until it is done, "
            "and ask again."
        )
    if "unable to open" in reason or "readonly" in reason:
        return f"{shown(path)} cannot be read ({reason}). Check the permissions of it and its root."
    return (
        f"{shown(path)} is damaged ({reason}). Restore it from a backup, or move it away: the next "
        "run starts a new one, and no step of it comes from the cache."
    )
