"""Progress of components that run for long: they report it, and whoever listens shows it.

Components report; they do not print. The command line listens and draws; in a test, or on a
remote runner, nobody listens and nothing happens. Reports do not cross process borders.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Progress:
    """How far a piece of work is.

    Attributes:
      done: Units done so far (bytes, steps).
      total: Units in all, or None when unknown.
      unit: What is counted, e.g. "bytes" or "steps".
      stage: A few words on the part at hand, e.g. "epoch 2/3".
      metrics: Values worth showing, e.g. {"loss": 0.31, "accuracy": 0.87}.
    """

    done: int
    total: int | None
    unit: str
    stage: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)


_listeners: list[Callable[[Progress], None]] = []


def report(progress: Progress) -> None:
    """Passes `progress` to every listener."""
    for listener in _listeners:
        listener(progress)


@contextlib.contextmanager
def listening(listener: Callable[[Progress], None]) -> Iterator[None]:
    """Calls `listener` with every report made inside the `with` block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
