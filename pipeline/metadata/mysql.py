"""Asks a MySQL server itself: whether it can be used, for rows, and for a lock.

ML Metadata's client says the same of a wrong host and a wrong password, waits for ever, and takes
no lock; PyMySQL, which Beam needs as well, does all three. The tables are those of schema version
10 (ml_metadata's `metadata_source_query_config`).
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from components.errors import ConfigurationError, RootBusyError
from pipeline.metadata.address import PASSWORD, PASSWORD_FILE, MySqlDatabase

if TYPE_CHECKING:
    import pymysql

SCHEMA_VERSION = 10
# How long a server may take to answer at all, and to answer a question.
CONNECT_SECONDS = 5
ANSWER_SECONDS = 12
# How long another process may take to make the tables.
LOCK_SECONDS = 10
_LONGEST_RUN_SECONDS = 30 * 86_400

NATIVE_PASSWORD = (
    "ML Metadata's client knows the plugin mysql_native_password alone (others end in "
    '"Authentication plugin ... cannot be loaded"). On MariaDB it is the default; on MySQL 8.0: '
    "ALTER USER ... IDENTIFIED WITH mysql_native_password BY '...'; on MySQL 8.4 set "
    "mysql_native_password=ON in the server's [mysqld] first; MySQL 9 has it no more"
)
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
def connected(database: MySqlDatabase) -> Iterator[pymysql.Connection[Any]]:
    """Yields a connection; what goes wrong in the block is explained.

    Raises:
      ConfigurationError: The server cannot be reached within CONNECT_SECONDS, or refuses.
    """
    import pymysql

    where = {"unix_socket": database.socket} if database.socket else {"port": database.port}
    try:
        connection = pymysql.connect(
            host=database.tcp_host,
            user=database.user,
            # Text would become Latin-1; ML Metadata's client sends UTF-8.
            password=database.password.encode(),
            database=database.database,
            charset="utf8mb4",
            connect_timeout=CONNECT_SECONDS,
            read_timeout=ANSWER_SECONDS,
            write_timeout=ANSWER_SECONDS,
            autocommit=True,
            **where,
        )
    # What answers may be no MySQL server: PyMySQL then fails by whatever its parser meets.
    except Exception as error:
        raise ConfigurationError(_explained(error, database)) from error
    try:
        with contextlib.closing(connection):
            yield connection
    except pymysql.Error as error:
        raise ConfigurationError(_explained(error, database)) from error


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
            f"server's administrator: DROP DATABASE {_named(database)}; CREATE DATABASE "
            f"{_named(database)} CHARACTER SET utf8mb4;"
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
        return _lacks_rights(database)
    if "mysql_real_connect" in reason:
        return f"{database} lets the account in, but not by its password plugin: {NATIVE_PASSWORD}."
    return f"{database} cannot be used: {reason}."


def _named(database: MySqlDatabase) -> str:
    """Returns the database's name as SQL has it; in backquotes only if it must be."""
    name = database.database
    return name if re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) else f"`{name}`"


def _lacks_rights(database: MySqlDatabase) -> str:
    return (
        f"{database}: the account may do too little there. As the server's administrator: GRANT "
        f"ALL PRIVILEGES ON {_named(database)}.* TO '{database.user}'@'%';"
    )


def _explained(error: Exception, database: MySqlDatabase) -> str:
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    reason = " ".join(str(error.args[-1] if error.args else error).split())
    if number in (1045, 1698):
        found = database.password_from or "none, as neither a file nor the environment has one"
        return (
            f"{database}: the server refuses the account '{database.user}' or its password (from: "
            f"{found}). Check both; the password comes from `metadata_password_file`, "
            f"${PASSWORD_FILE} or ${PASSWORD}."
        )
    if number in (1044, 1049):
        return (
            f"{database}: there is no such database, or the account may not use it. As the "
            f"server's administrator: CREATE DATABASE {_named(database)} CHARACTER SET utf8mb4; "
            f"GRANT ALL PRIVILEGES ON {_named(database)}.* TO '{database.user}'@'%';"
        )
    if number in (1142, 1143, 1227, 1370):
        return _lacks_rights(database)
    if number in (1251, 1524, 2059) or isinstance(error, RuntimeError):
        return f"{database}: the server asks for a password in a way that fails: {NATIVE_PASSWORD}."
    if number in (2002, 2003, 2005, 2006, 2013) or isinstance(error, OSError):
        place = database.socket or f"port {database.port} of {database.host}"
        return (
            f"{database}: no MySQL server answers at {place} ({reason}). Check the address, that "
            "the server runs, and that this machine may reach it."
        )
    return f"{database} cannot be used: {reason} ({type(error).__name__} {number})."
