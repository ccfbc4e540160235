"""The limit on connections: one more takes the place of one that waits for its client."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Protocol

# Connections that are looked at for one whose client has gone, when none waits for its client.
_LOOKED_AT = 16


class Connected(Protocol):
    """A connection, as the server sees it."""

    @property
    def waits_for_client(self) -> bool:
        """Whether it is the client's turn: to ask, to send the rest, or to read the answer."""

    def has_client_closed(self) -> bool:
        """Returns whether the client sends no more: most of those have gone."""

    def finish(self) -> None:
        """Closes as soon as nothing is being answered."""

    def abort(self) -> None:
        """Closes at once."""


class Connections:
    """The connections that are open, in the order in which their clients were last heard of.

    Attributes:
      limit: How many are kept.
    """

    def __init__(self, limit: int):
        """Takes how many are kept."""
        self.limit = limit
        self._open: dict[Connected, None] = {}

    def __len__(self) -> int:
        """Returns how many are open."""
        return len(self._open)

    def __iter__(self) -> Iterator[Connected]:
        """Yields those that were open when it was called."""
        return iter(list(self._open))

    def add(self, connection: Connected) -> bool:
        """Adds a connection; False where there is no room, and it is to be refused."""
        has_room = len(self._open) < self.limit or self._make_room()
        self._open[connection] = None
        return has_room

    def discard(self, connection: Connected) -> None:
        """Removes a connection that is closed."""
        self._open.pop(connection, None)

    def wait_anew(self, connection: Connected) -> None:
        """Counts it as the one that was heard of last."""
        if connection in self._open:
            del self._open[connection]
            self._open[connection] = None

    def _make_room(self) -> bool:
        """Closes the connection whose client's turn it has been for the longest time.

        Where it is no client's turn, one whose client has gone; False if none is found.
        """
        waiting = (one for one in self._open if one.waits_for_client)
        looked_at = itertools.islice(self._open, _LOOKED_AT)
        gone = (one for one in looked_at if one.has_client_closed())
        chosen = next(waiting, None) or next(gone, None)
        if chosen is None:
            return False
        del self._open[chosen]
        chosen.abort()
        return True
