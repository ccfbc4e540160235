"""The address of ML Metadata: an SQLite file, or a database of a MySQL server."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, TypeAlias
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from components.errors import ConfigurationError
from components.storage.place import Place, below, place_of
from pipeline.paths import shown
from serving.small_files import UnreadableFileError, read_small_file

if TYPE_CHECKING:
    from ml_metadata.proto import metadata_store_pb2

PASSWORD = "SENTIMENT_METADATA_PASSWORD"
PASSWORD_FILE = "SENTIMENT_METADATA_PASSWORD_FILE"
PORT = 3306
FORM = "mysql://USER@HOST[:PORT]/DATABASE or mysql://USER@localhost/DATABASE?socket=/PATH"

_SCHEME = "mysql"
_OF_ADDRESS = re.compile(r"[:@?]")
_PORT = re.compile(r":(?!\d*(?:[/?]|$))[^/?]*")


@dataclass(frozen=True)
class SqliteFile:
    """ML Metadata's SQLite file.

    Attributes:
      path: The file, which need not be there.
      is_shared: Whether it lies apart from the roots of its runs, so that what it names is
        absolute; else it is relative to the file's folder, the root.
    """

    path: Path
    is_shared: bool = False

    def connection_config(
        self, *, can_write: bool = True, can_create: bool = True
    ) -> metadata_store_pb2.ConnectionConfig:
        """Returns what ML Metadata's library opens the file by."""
        from ml_metadata.proto import metadata_store_pb2

        modes = metadata_store_pb2.SqliteMetadataSourceConfig
        config = metadata_store_pb2.ConnectionConfig()
        config.sqlite.filename_uri = str(self.path)
        config.sqlite.connection_mode = modes.READWRITE if can_write else modes.READONLY
        if can_create:
            config.sqlite.connection_mode = modes.READWRITE_OPENCREATE
        return config

    def place(self, uri: str) -> Place:
        """Returns where an artifact's files are."""
        return below(self.path.parent, uri)

    def __str__(self) -> str:
        """Returns the path as messages show it."""
        return shown(self.path)


@dataclass(frozen=True)
class MySqlDatabase:
    """A database of a MySQL or MariaDB server; what it names is absolute, as roots share it.

    Attributes:
      user: The account.
      database: The database's name.
      host: The server's name or address.
      port: Its port.
      socket: Path of its Unix socket, which takes the place of host and port; "" if there is none.
      password: The account's. It is in no text that this class makes.
      password_from: Where the password was found, for messages.
      password_file: The setting that named its file; "" if it came from the environment.
    """

    user: str
    database: str
    host: str = "localhost"
    port: int = PORT
    socket: str = ""
    password: str = field(default="", repr=False)
    password_from: str = ""
    password_file: str = ""
    is_shared: ClassVar[bool] = True

    def connection_config(
        self, *, can_write: bool = True, can_create: bool = True
    ) -> metadata_store_pb2.ConnectionConfig:
        """Returns what ML Metadata's library opens the database by, but without the password.

        TFX logs it and writes it into compiled pipelines; `reconnecting` adds the password.
        """
        from ml_metadata.proto import metadata_store_pb2

        config = metadata_store_pb2.ConnectionConfig()
        config.mysql.user, config.mysql.database = self.user, self.database
        config.mysql.skip_db_creation = True
        if self.socket:
            config.mysql.socket = self.socket
        else:
            config.mysql.host, config.mysql.port = self.tcp_host, self.port
        return config

    @property
    def tcp_host(self) -> str:
        """The host; MySQL's clients take the name `localhost` for a socket at a usual place."""
        return "127.0.0.1" if self.host == "localhost" else self.host

    def place(self, uri: str) -> Place:
        """Returns where an artifact's files are."""
        return place_of(uri)

    def __str__(self) -> str:
        """Returns the address without the password."""
        port = f":{self.port}" if self.port != PORT else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        socket = f"?socket={quote(self.socket)}" if self.socket else ""
        return f"{_SCHEME}://{quote(self.user)}@{host}{port}/{quote(self.database)}{socket}"


MetadataStoreAddress: TypeAlias = SqliteFile | MySqlDatabase


def address_of(metadata: MetadataStoreAddress | Path) -> MetadataStoreAddress:
    """Returns an address; a path is that of an SQLite file."""
    return SqliteFile(metadata) if isinstance(metadata, Path) else metadata


def parse_url(text: str) -> MySqlDatabase:
    """Returns the database that the setting `metadata` names, without a password.

    Raises:
      ConfigurationError: It is no such address, or holds a password; the message does not hold it.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
        options = dict(
            parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)
            if parts.query
            else ()
        )
    except ValueError as error:
        raise _unfit(text, "its port, brackets or options are malformed") from error
    if parts.password is not None or {"password", "passwd"} & options.keys():
        raise ConfigurationError(
            f"`metadata` is {_scrubbed(text)} and holds a password, which the list of processes "
            "and the shell's history show to others: choose a new one. Leave it out of the "
            f"address, and set `metadata_password_file` or ${PASSWORD_FILE} to a file that holds "
            f"it, or ${PASSWORD} to the password."
        )
    if parts.scheme != _SCHEME:
        raise _unfit(text, f"it does not begin with {_SCHEME}://")
    database = unquote(parts.path.removeprefix("/"))
    if not parts.username:
        raise _unfit(text, "it names no user")
    if not database or "/" in database:
        raise _unfit(text, "it names no database" if not database else "its database holds a /")
    socket = options.pop("socket", "")
    if options:
        raise _unfit(text, f"it has the options {', '.join(options)}; the only one is socket")
    if socket and not socket.startswith("/"):
        raise _unfit(text, "its socket is no absolute path")
    if not (parts.hostname or socket) or port == 0 or parts.fragment:
        raise _unfit(text, "it names no host, or port 0, or holds a #")
    return MySqlDatabase(
        user=unquote(parts.username),
        database=database,
        host=parts.hostname or "localhost",
        port=port or PORT,
        socket=socket,
    )


def names_file(metadata: str) -> bool:
    """Returns whether the setting `metadata` names a file, and not a database by its address."""
    # What looks like an address may hold a password, which must not become a file's name.
    return bool(metadata) and not _OF_ADDRESS.search(metadata)


def find_address(
    metadata: str, password_file: str, sqlite: Place, variables: Mapping[str, str]
) -> MetadataStoreAddress:
    """Returns where ML Metadata is, with the password.

    Args:
      metadata: The setting; "" is the SQLite file of the root.
      password_file: The setting; before $SENTIMENT_METADATA_PASSWORD_FILE, which is before
        $SENTIMENT_METADATA_PASSWORD. Without any of them there is no password.
      sqlite: The SQLite file of the root.
      variables: The environment.

    Raises:
      ConfigurationError: The address is malformed, or the password's file cannot be read; or the
        root is in a store, where no SQLite file can be.
    """
    if names_file(metadata):
        file = Path(metadata).absolute()
        return SqliteFile(file, is_shared=file != sqlite)
    if not metadata and isinstance(sqlite, Path):
        return SqliteFile(sqlite)
    if not metadata:
        raise ConfigurationError(
            f"`root` is {sqlite.parent}, and ML Metadata's SQLite file cannot be in a store: "
            f"expected `metadata` with it, a local file such as runs.db, or {FORM}."
        )
    database = replace(parse_url(metadata), password_file=password_file)
    named = f"`metadata_password_file` ({password_file})" if password_file else ""
    if not password_file and (password_file := variables.get(PASSWORD_FILE, "")):
        named = f"${PASSWORD_FILE} ({password_file})"
    if not password_file:
        password = variables.get(PASSWORD, "")
        named = f"${PASSWORD}" if password else ""
    else:
        try:
            password = read_small_file(Path(password_file)).rstrip("\r\n")
        except UnreadableFileError as error:
            raise ConfigurationError(
                f"{named} is to hold the password of {database}, and nothing else: {error}."
            ) from error
    return replace(database, password=password, password_from=named)


def _unfit(text: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"`metadata` is '{_scrubbed(text)}'; expected {FORM}, and {why}; or a local file, "
        "without : @ ? in its path. In names, write @ : / ? as %40 %3A %2F %3F. Leave it out to "
        "keep the SQLite file of the root."
    )


def _scrubbed(text: str) -> str:
    """Returns an address without what may be a password in it, however it is written."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "", text
    rest, question, _ = rest.partition("?")
    before, at, place = rest.rpartition("@")
    user, colon, _ = before.partition(":")
    hidden = f"{user}{':***' if colon else ''}{at}{_PORT.sub(':***', place)}"
    return f"{scheme}{separator}{hidden}{'?***' if question else ''}"
