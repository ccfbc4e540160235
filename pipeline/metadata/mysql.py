"""Asks a MySQL server itself: whether it can be used, for rows, and for a lock.

ML Metadata's client takes no lock as it makes its tables. The tables are those of schema version 10
(ml_metadata's `metadata_source_query_config`).
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from components.errors import ConfigurationError, RootBusyError
from pipeline.metadata.address import MySqlDatabase
from pipeline.metadata.connecting import NATIVE_PASSWORD, connected, lacks_rights, named

if TYPE_CHECKING:
    import pymysql

SCHEMA_VERSION = 10
# How long another process may take to make the tables.
LOCK_SECONDS = 10
_LONGEST_RUN_SECONDS = 30 * 86_400

# The rights that a run needs, by statements that change no row.
_RIGHTS = {
    "INSERT": "INSERT INTO Type (name, type_kind) SELECT name, type_kind FROM Type WHERE FALSE",
    "UPDATE": "UPDATE Type SET name = name WHERE FALSE",
    "DELETE": "DELETE FROM Type WHERE FALSE",
}
_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = %s"


class Rows(Protocol):
    """A connection that reads, as `sqlite3.Connection` is one; parameters stand for `?`."""

    def execute(self, statement: str, parameters: Sequence[Any] = ..., /) -> Any:
        """Returns the rows of a SELECT, with `fetchall`."""


class _MySqlRows:
    def __init__(self, connection: pymysql.Connection[Any]):
        self._connection = connection

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        """Returns the rows of a SELECT."""
        cursor = self._connection.cursor()
        cursor.execute(statement.replace("%", "%%").replace("?", "%s"), tuple(parameters))
        return cursor


@contextlib.contextmanager
def reading(database: MySqlDatabase) -> Iterator[Rows | None]:
    """Yields a connection that reads one moment of the database; None where it has no tables yet.

    Raises:
      ConfigurationError: The database cannot be used, or has another version of the schema.
    """
    with connected(database) as connection:
        if not _has_schema(connection, database):
            yield None
            return
        connection.query("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        yield _MySqlRows(connection)


def has_schema(database: MySqlDatabase) -> bool:
    """Returns whether ML Metadata's tables are there.

    Raises:
      ConfigurationError: The database cannot be used, or has another version of the schema.
    """
    with connected(database) as connection:
        return _has_schema(connection, database)


def prepare(database: MySqlDatabase) -> None:
    """Checks that runs can be recorded, and makes the tables where there are none.

    Raises:
      ConfigurationError: It cannot be reached or used; says why, and what to do.
    """
    # ML Metadata takes a while to import.
    from pipeline.metadata.reconnecting import open_store

    with connected(database) as connection:
        # Two processes may start at once on an empty database; the lock ends with the connection.
        lock = f"sentiment tables of {database.database}"[:64]
        with connection.cursor() as cursor:
            cursor.execute("SELECT GET_LOCK(%s, %s)", (lock, LOCK_SECONDS))
            if cursor.fetchone() != (1,):
                raise ConfigurationError(
                    f"{database}: another process has been making ML Metadata's tables for more "
                    f"than {LOCK_SECONDS} seconds. Wait until it is done, and run again."
                )
            if _has_schema(connection, database):
                for statement in _RIGHTS.values():
                    cursor.execute(statement)
        try:
            open_store(database)
        except Exception as error:
            raise ConfigurationError(_refused(error, database)) from error


@contextlib.contextmanager
def holding(database: MySqlDatabase, root: str) -> Iterator[None]:
    """Holds the lock of a root in a store, on the server; it ends with the connection.

    Raises:
      RootBusyError: Another run holds it, on whichever machine.
      ConfigurationError: The server cannot be reached, or refuses.
    """
    with connected(database) as connection:
        with connection.cursor() as cursor:
            # Nothing is said on this connection until the run ends, however long that takes.
            cursor.execute("SET SESSION wait_timeout = %s", (_LONGEST_RUN_SECONDS,))
            cursor.execute("SELECT GET_LOCK(%s, 0)", (_lock_of(root),))
            if cursor.fetchone() != (1,):
                raise RootBusyError(
                    f"Another run, recorded in {database}, is using {root}. Wait until it ends, or "
                    "give this one a --root of its own."
                )
        yield


def is_held(database: MySqlDatabase, root: str) -> bool:
    """Returns whether a run holds the lock of a root in a store."""
    with connected(database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT IS_FREE_LOCK(%s)", (_lock_of(root),))
        return bool(cursor.fetchone() != (1,))


def _lock_of(root: str) -> str:
    """Returns the name of a root's lock; MySQL takes 64 characters."""
    return f"sentiment root {hashlib.blake2b(root.encode(), digest_size=16).hexdigest()}"


def _has_schema(connection: pymysql.Connection[Any], database: MySqlDatabase) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(_TABLES, (database.database,))
        tables = {name for (name,) in cursor.fetchall()}
        if not tables:
            return False
        if not {"MLMDEnv", "Type", "Context", "Execution", "Artifact"} <= tables:
            raise ConfigurationError(
                f"{database} holds tables that are not ML Metadata's, or only some of its: "
                f"{', '.join(sorted(tables)[:5])}. Choose a database of its own, which may be "
                "empty; where a first run was cut short, drop this one and create it anew."
            )
        cursor.execute("SELECT schema_version FROM MLMDEnv")
        versions = [version for (version,) in cursor.fetchall()]
    if not versions:
        raise ConfigurationError(
            f"{database}: a first run was cut short as it made ML Metadata's tables. As the "
            f"server's administrator: DROP DATABASE {named(database)}; CREATE DATABASE "
            f"{named(database)} CHARACTER SET utf8mb4;"
        )
    if versions != [SCHEMA_VERSION]:
        raise ConfigurationError(
            f"{database} has version {', '.join(map(str, versions))} of ML Metadata's "
            f"schema; expected {SCHEMA_VERSION}. Use the release of sentiment that wrote it, or "
            "another database."
        )
    return True


def _refused(error: Exception, database: MySqlDatabase) -> str:
    """Says why ML Metadata's client failed where PyMySQL did not."""
    reason = " ".join(str(error).split())
    if "denied" in reason:
        return lacks_rights(database)
    if "mysql_real_connect" in reason:
        return f"{database} lets the account in, but not by its password plugin: {NATIVE_PASSWORD}."
    return f"{database} cannot be used: {reason}."
