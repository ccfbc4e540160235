"""Progress of components that run for long: they report it, and whoever listens shows it.

Components report; they do not print. The command line listens and draws; in a test, or on a
remote runner, nobody listens and nothing happens. Reports do not cross process borders.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace


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
_wholes: list[Callable[[Progress], Progress]] = []


def report(progress: Progress) -> None:
    """Passes `progress` to every listener, as that of the whole where it is `part_of` one."""
    for as_whole in reversed(_wholes):
        progress = as_whole(progress)
    for listener in _listeners:
        listener(progress)


@contextlib.contextmanager
def part_of(index: int, parts: int, name: str) -> Iterator[None]:
    """Makes what is reported inside the `with` block one of several equal parts of a whole.

    Args:
      index: Which part, from 0.
      parts: How many there are.
      name: Of this part, in front of the stage: "fold 2/5" gives "fold 2/5, epoch 1/3".
    """

    def as_whole(progress: Progress) -> Progress:
        stage = ", ".join(filter(None, (name, progress.stage)))
        if progress.total is None:
            return replace(progress, stage=stage)
        return replace(
            progress,
            done=index * progress.total + progress.done,
            total=parts * progress.total,
            stage=stage,
        )

    _wholes.append(as_whole)
    try:
        yield
    finally:
        _wholes.remove(as_whole)


@contextlib.contextmanager
def listening(listener: Callable[[Progress], None]) -> Iterator[None]:
    """Calls `listener` with every report made inside the `with` block."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
