"""Turns what TFX's local runner logs of its steps into calls.

LocalDagRunner offers no hook for "a step starts": it only logs. This handler listens to those
messages by their templates, so that no line of text is parsed.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Protocol, TypeVar, cast

from absl import logging as absl_logging

from components.tfx_base.tfx_adapter import STEP_CACHED, STEP_FINISHED, STEP_STARTED


class StepListener(Protocol):
    """Is told of each step, in order."""

    def step_started(self, step: str) -> None:
        """The step of that name begins."""

    def step_cached(self, step: str, execution_id: int) -> None:
        """Its outputs are taken from the cache; `step_finished` follows."""

    def step_finished(self, step: str) -> None:
        """The step ended well."""


Listener = TypeVar("Listener", bound=StepListener)


class _Announcements(logging.Handler):
    def __init__(self, listener: StepListener):
        super().__init__(logging.INFO)
        self._listener = listener
        self._step = ""

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg == STEP_STARTED and isinstance(record.args, tuple):
            self._step = str(record.args[0])
            self._listener.step_started(self._step)
        elif record.msg == STEP_CACHED and isinstance(record.args, tuple):
            self._listener.step_cached(self._step, cast("int", record.args[0]))
        elif record.msg == STEP_FINISHED:
            self._listener.step_finished(self._step)


@contextlib.contextmanager
def announced_to(listener: Listener) -> Iterator[Listener]:
    """Tells `listener`, and yields it, of the steps that LocalDagRunner runs in the block."""
    handler = _Announcements(listener)
    verbosity = absl_logging.get_verbosity()
    absl_logging.set_verbosity(absl_logging.INFO)
    absl_logging.get_absl_logger().addHandler(handler)
    try:
        yield listener
    finally:
        absl_logging.get_absl_logger().removeHandler(handler)
        absl_logging.set_verbosity(verbosity)
