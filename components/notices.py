"""How a step says what the person who started the run must not miss.

As `components.progress`: steps tell, and do not print. Where nobody listens, the log keeps it.
Notices do not cross process borders.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator

_LOG = logging.getLogger(__name__)
_listeners: list[Callable[[str], None]] = []


def notify(text: str) -> None:
    """Passes sentences to the log and to every listener."""
    _LOG.warning("%s", text)
    for listener in _listeners:
        listener(text)


@contextlib.contextmanager
def listening(listener: Callable[[str], None]) -> Iterator[None]:
    """Calls `listener` with every notice made inside the `with` block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Keeps notices from the listeners inside the `with` block: the log alone has them."""
    listeners = list(_listeners)
    _listeners.clear()
    try:
        yield
    finally:
        _listeners[:] = listeners
