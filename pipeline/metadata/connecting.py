"""A connection to a MySQL server, and what to do where there is none.

ML Metadata's client says the same of a wrong host and a wrong password, and waits for ever;
PyMySQL, which Beam needs as well, tells them apart.
"""

from __future__ import annotations

import contextlib
import re
import time
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from components.errors import ConfigurationError
from pipeline.metadata.address import PASSWORD, PASSWORD_FILE, MySqlDatabase

if TYPE_CHECKING:
    import pymysql

# How long a server may take to answer at all, and to answer a question.
CONNECT_SECONDS = 5
ANSWER_SECONDS = 12
# For how long a server that answered is taken to answer still.
MOMENT_SECONDS = 1.0

NATIVE_PASSWORD = (
    "ML Metadata's client knows the plugin mysql_native_password alone (others end in "
    '"Authentication plugin ... cannot be loaded"). On MariaDB it is the default; on MySQL 8.0: '
    "ALTER USER ... IDENTIFIED WITH mysql_native_password BY '...'; on MySQL 8.4 set "
    "mysql_native_password=ON in the server's [mysqld] first; MySQL 9 has it no more"
)


@contextlib.contextmanager
def connected(database: MySqlDatabase) -> Iterator[pymysql.Connection[Any]]:
    """Yields a connection; what goes wrong in the block is explained.

    Raises:
      ConfigurationError: The server cannot be reached within CONNECT_SECONDS, or refuses.
    """
    import pymysql

    try:
        with contextlib.closing(_connect(database)) as connection:
            yield connection
    except pymysql.Error as error:
        raise ConfigurationError(_explained(error, database)) from error


class Probe:
    """A connection beside that of a client which would wait for a server for ever."""

    def __init__(self, database: MySqlDatabase):
        """Connects.

        Raises:
          ConfigurationError: The server cannot be reached within CONNECT_SECONDS, or refuses.
        """
        self._connection = _connect(database)
        weakref.finalize(self, _close, self._connection).atexit = False
        self.has_answered()

    def has_answered(self) -> None:
        """Notes that the server has just answered somebody."""
        self._answered = time.monotonic()

    def answers(self) -> bool:
        """Returns whether the server answers within ANSWER_SECONDS, or did a moment ago."""
        if time.monotonic() - self._answered < MOMENT_SECONDS:
            return True
        try:
            self._connection.ping(reconnect=False)
        # As when it connects: PyMySQL fails by whatever its parser meets.
        except Exception:
            return False
        self.has_answered()
        return True


def _close(connection: pymysql.Connection[Any]) -> None:
    with contextlib.suppress(Exception):  # that it is closed already, or lost
        connection.close()


def _connect(database: MySqlDatabase) -> pymysql.Connection[Any]:
    """Returns a connection.

    Raises:
      ConfigurationError: The server cannot be reached, or refuses.
    """
    import pymysql

    where = {"unix_socket": database.socket} if database.socket else {"port": database.port}
    try:
        return pymysql.connect(
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


def named(database: MySqlDatabase) -> str:
    """Returns the database's name as SQL has it; in backquotes only if it must be."""
    name = database.database
    return name if re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) else f"`{name}`"


def lacks_rights(database: MySqlDatabase) -> str:
    """Returns what to do where an account may do too little."""
    return (
        f"{database}: the account may do too little there. As the server's administrator: GRANT "
        f"ALL PRIVILEGES ON {named(database)}.* TO '{database.user}'@'%';"
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
            f"server's administrator: CREATE DATABASE {named(database)} CHARACTER SET utf8mb4; "
            f"GRANT ALL PRIVILEGES ON {named(database)}.* TO '{database.user}'@'%';"
        )
    if number in (1142, 1143, 1227, 1370):
        return lacks_rights(database)
    if number in (1251, 1524, 2059) or isinstance(error, RuntimeError):
        return f"{database}: the server asks for a password in a way that fails: {NATIVE_PASSWORD}."
    if number in (2002, 2003, 2005, 2006, 2013) or isinstance(error, OSError):
        place = database.socket or f"port {database.port} of {database.host}"
        return (
            f"{database}: no MySQL server answers at {place} ({reason}). Check the address, that "
            "the server runs, and that this machine may reach it."
        )
    return f"{database} cannot be used: {reason} ({type(error).__name__} {number})."
