"""Sends everything that libraries print to a file, and keeps the terminal for us.

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
from typing import TextIO

_FORMAT = "%(asctime)s %(levelname).1s %(name)s] %(message)s"


@contextlib.contextmanager
def captured_output(log_path: Path, *, debug: bool) -> Iterator[TextIO]:
    """Yields a stream to the real standard output; all other output goes to `log_path`.

    Args:
      log_path: Is appended to; its folder is made.
      debug: Leaves the descriptors alone, so that everything shows; the file still gets all
        that goes through Python's logging.
    """
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(log_path.open("a", buffering=1, encoding="utf-8"))
        stack.enter_context(_logging_to(log))
        if debug:
            yield sys.stdout
            return
        sys.stdout.flush()
        sys.stderr.flush()
        terminal = stack.enter_context(
            open(os.dup(1), "w", buffering=1, encoding=sys.stdout.encoding, errors="replace")
        )
        saved = [(descriptor, os.dup(descriptor)) for descriptor in (1, 2)]
        for descriptor, _ in saved:
            os.dup2(log.fileno(), descriptor)
        try:
            yield terminal
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            for descriptor, original in saved:
                os.dup2(original, descriptor)
                os.close(original)


@contextlib.contextmanager
def _logging_to(stream: TextIO) -> Iterator[None]:
    """Writes Python's log records and warnings to `stream`, with the time."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter(_FORMAT))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    try:
        with warnings.catch_warnings():
            yield
    finally:
        logging.captureWarnings(False)
        root.removeHandler(handler)
        root.setLevel(level)
