"""Sends everything that libraries print to a file, and keeps the terminal for our own output.

TensorFlow's C++ code and Beam's worker processes write to file descriptors 1 and 2 without
asking Python, so it is the descriptors that are redirected.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO, cast

from absl import logging as absl_logging

from pipeline.flag_spelling import with_flags
from serving.printable import PrintableFormatter, PrintableStream

_FORMAT = "%(asctime)s %(levelname).1s %(name)s] %(message)s"


@contextlib.contextmanager
def captured_output(log_path: Path, *, debug: bool) -> Iterator[TextIO]:
    """Yields a stream to the real standard output; all other output goes to `log_path`.

    Args:
      log_path: Is appended to; its folder is made.
      debug: Leaves the descriptors alone and shows log lines on standard error; the file still
        gets all that goes through Python's logging.
    """
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(
            log_path.open("a", buffering=1, encoding="utf-8", errors="backslashreplace")
        )
        stack.enter_context(_logging_to(log, *([sys.stderr] if debug else [])))
        if debug:
            yield sys.stdout
            return
        sys.stdout.flush()
        sys.stderr.flush()
        terminal = stack.enter_context(
            open(os.dup(1), "w", buffering=1, encoding=sys.stdout.encoding, errors="replace")
        )
        for descriptor in (1, 2):
            stack.enter_context(_redirected(descriptor, log.fileno()))
        # What Python still buffers belongs to the log: it is flushed before the way back.
        stack.callback(sys.stderr.flush)
        stack.callback(sys.stdout.flush)
        stack.enter_context(contextlib.redirect_stdout(cast("TextIO", PrintableStream(sys.stdout))))
        stack.enter_context(contextlib.redirect_stderr(cast("TextIO", PrintableStream(sys.stderr))))
        yield terminal


class _Formatter(PrintableFormatter):
    """Spells settings in log lines as flags."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns all of a record."""
        return with_flags(super().format(record))


@contextlib.contextmanager
def _redirected(descriptor: int, target: int) -> Iterator[None]:
    """Makes `descriptor` write to `target`, for child processes too."""
    original = os.dup(descriptor)
    os.dup2(target, descriptor)
    try:
        yield
    finally:
        os.dup2(original, descriptor)
        os.close(original)


@contextlib.contextmanager
def _logging_to(*streams: TextIO) -> Iterator[None]:
    """Writes Python's and absl's log records and warnings to `streams`, with the time."""
    root = logging.getLogger()
    level, verbosity = root.level, absl_logging.get_verbosity()
    handlers = [logging.StreamHandler(stream) for stream in streams]
    for handler in handlers:
        handler.setFormatter(_Formatter(_FORMAT))
        root.addHandler(handler)
    root.setLevel(logging.INFO)
    absl_logging.set_verbosity(absl_logging.INFO)
    logging.captureWarnings(True)
    try:
        with warnings.catch_warnings():
            yield
    finally:
        logging.captureWarnings(False)
        absl_logging.set_verbosity(verbosity)
        root.setLevel(level)
        for handler in handlers:
            root.removeHandler(handler)
