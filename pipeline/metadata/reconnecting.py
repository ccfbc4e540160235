"""An ML Metadata store in MySQL that outlives a lost connection.

ML Metadata's client does not connect anew, and the process crashes when a client that failed is
used once more. Here a client that lost its connection is put away, and another takes its place.
It waits for a server that hangs for ever, and holds Python's interpreter lock meanwhile: before it
is used, the server is asked whether it answers.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import ml_metadata as mlmd
from ml_metadata import errors

from components.errors import ConfigurationError, MetadataLostError
from pipeline.metadata.address import MetadataStoreAddress, MySqlDatabase
from pipeline.metadata.connecting import Probe

RECONNECT_SECONDS = 60.0
_PAUSE_SECONDS = 1.0
_LOST = ("Lost connection", "server has gone away", "mysql_real_connect failed")

_MetadataStore = mlmd.MetadataStore
# Clients that failed: to end one could crash the process as well.
_put_away: list[Any] = []


class _Patience:
    """For how long a lost server is waited for; once that was in vain, no longer."""

    seconds = 0.0


class ReconnectingStore(_MetadataStore):  # type: ignore[misc, valid-type]
    """A `MetadataStore` of one MySQL database; a call is repeated if the connection was lost."""

    def __init__(self, database: MySqlDatabase):
        """Connects.

        Raises:
          ConfigurationError: The server cannot be reached, or refuses.
          MetadataLostError: In a run: it was lost, and does not come back.
        """
        self._database: MySqlDatabase | None = database
        self._probe: Probe | None = None
        self._connect(database)

    def _connect(self, database: MySqlDatabase) -> None:
        """Makes a client, once the server answers."""
        until = time.monotonic() + _Patience.seconds
        while True:
            try:
                probe = Probe(database)
                self._make_client(database)
                self._probe = probe
                return
            except (ConfigurationError, RuntimeError) as error:
                if not _Patience.seconds:
                    raise
                if time.monotonic() > until:
                    waited, _Patience.seconds = _Patience.seconds, 0.0
                    raise MetadataLostError(
                        f"The connection to {database} was lost, and for {waited:.0f} "
                        "seconds there was no other. When the server answers again, run again: it "
                        "goes on from the last finished step."
                    ) from error
            time.sleep(_PAUSE_SECONDS)

    def _make_client(self, database: MySqlDatabase) -> None:
        config = database.connection_config()
        config.mysql.password = database.password
        super().__init__(config)
        # The library keeps what it was given, for nothing.
        self._config = None

    def _call(self, *arguments: Any, **options: Any) -> Any:
        if not self._database:
            return super()._call(*arguments, **options)
        while True:
            if not (self._probe and self._probe.answers()):
                self._probe = None
                _put_away.append(self._metadata_store)
                self._connect(self._database)
            try:
                answer = super()._call(*arguments, **options)
            except errors.InternalError as error:
                if not any(reason in str(error) for reason in _LOST):
                    raise
                self._probe = None
                continue
            if self._probe:
                self._probe.has_answered()
            return answer


def open_store(database: MySqlDatabase) -> mlmd.MetadataStore:
    """Opens the store of a database, and makes its tables where there are none.

    Raises:
      ConfigurationError: The server cannot be reached, or refuses.
      RuntimeError: ML Metadata's client cannot use it.
    """
    return ReconnectingStore(database)


@contextlib.contextmanager
def reconnecting(address: MetadataStoreAddress) -> Iterator[None]:
    """Makes all stores of a database outlive RECONNECT_SECONDS without it, in the block.

    TFX's own too, which are opened by `MySqlDatabase.connection_config`. A write whose
    answer was lost is repeated; what must be unique is refused the second time, and ends the run.
    """
    if not isinstance(address, MySqlDatabase):
        yield
        return
    database = address

    class Store(ReconnectingStore):
        def __init__(self, config: Any, *arguments: Any, **options: Any):
            if config == database.connection_config():
                super().__init__(database)
            else:
                self._database = None
                _MetadataStore.__init__(self, config, *arguments, **options)

    _Patience.seconds = RECONNECT_SECONDS
    mlmd.MetadataStore = Store
    try:
        yield
    finally:
        mlmd.MetadataStore = _MetadataStore
        _Patience.seconds = 0.0
