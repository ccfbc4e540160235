"""The limit on connections: one more takes the place of one whose client has gone, or is idle."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from typing import Protocol

# Connections that are looked at to make room for another: each look is a call of the system.
_LOOKED_AT = 64
# A client that asks, sends or reads once in a while keeps its connection.
_IDLE_SECONDS = 2.0
# Connections beyond the limit that may read why they are refused.
_REFUSED_AT_ONCE = 100


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
        self._heard_at: dict[Connected, float] = {}

    def __len__(self) -> int:
        """Returns how many are open."""
        return len(self._heard_at)

    def __iter__(self) -> Iterator[Connected]:
        """Yields those that were open when it was called."""
        return iter(list(self._heard_at))

    def add(self, connection: Connected) -> bool:
        """Adds a connection; False where there is no room, and it is to be refused."""
        has_room = len(self) < self.limit or self._make_room()
        self._heard_at[connection] = time.monotonic()
        return has_room

    @property
    def is_crowded(self) -> bool:
        """Whether there are so many that no more are even refused in words."""
        return len(self) > self.limit + _REFUSED_AT_ONCE

    def discard(self, connection: Connected) -> None:
        """Removes a connection that is closed."""
        self._heard_at.pop(connection, None)

    def hear_of(self, connection: Connected) -> None:
        """Counts it as the one whose client was heard of last."""
        if self._heard_at.pop(connection, None) is not None:
            self._heard_at[connection] = time.monotonic()

    def _make_room(self) -> bool:
        """Closes a connection that is of no use to anybody; False where there is none.

        One whose client has gone, or else the one that has been idle for the longest time.
        """
        looked_at = itertools.islice(self._heard_at, _LOOKED_AT)
        chosen = next((one for one in looked_at if one.has_client_closed()), None)
        if chosen is None:
            idle_since = time.monotonic() - _IDLE_SECONDS
            chosen = next(
                (
                    one
                    for one, heard_at in self._heard_at.items()
                    if heard_at < idle_since and one.waits_for_client
                ),
                None,
            )
        if chosen is None:
            return False
        del self._heard_at[chosen]
        chosen.abort()
        return True
