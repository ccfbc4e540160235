"""A JSON object whose keys may come more than once."""

from __future__ import annotations

from typing import Any


class Members(dict[str, Any]):
    """An object whose keys may come more than once: the first values.

    Attributes:
      last: All keys with their last values; None as long as no key came again.
    """

    def __init__(self) -> None:
        """Starts without members."""
        super().__init__()
        self.last: dict[str, Any] | None = None

    def add(self, key: str, value: Any) -> None:
        """Adds the next member."""
        if key in self and self.last is None:
            self.last = dict(self)
        if self.last is not None:
            self.last[key] = value
        self.setdefault(key, value)


def last_members(document: dict[str, Any]) -> dict[str, Any] | None:
    """Returns an object's keys with their last values; None if no key came again."""
    return document.last if isinstance(document, Members) else None


def object_of(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Returns an object of members in their order: a plain dict where no key comes again."""
    once = dict(members)
    if len(once) == len(members):
        return once
    repeated = Members()
    for key, value in members:
        repeated.add(key, value)
    return repeated
