"""What comes through a pipe, copied to a file: it can be read once, and tables are read twice."""

from __future__ import annotations

import os
import select
import stat
import time
from typing import IO

from components.errors import DatasetError

# Of the copy; a file of any size can be given by its name.
MOST_BYTES = 1 << 30
# How long to wait until somebody writes to a named pipe.
SECONDS_WITHOUT_WRITER = 10.0
_BLOCK = 1 << 20
_PAUSE = 0.05


def is_pipe(path: str) -> bool:
    """Says whether a path is a pipe, by name or as shells make them for `<(command)`."""
    try:
        return stat.S_ISFIFO(os.stat(path).st_mode)
    except OSError:
        return False


def copy_pipe(path: str, target: IO[bytes]) -> None:
    """Copies what comes through a pipe, once somebody writes to it.

    Raises:
      DatasetError: Nobody did for `SECONDS_WITHOUT_WRITER`, or it has more than `MOST_BYTES`.
    """
    # Opened in the usual way, a pipe without a writer waits for ever.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as pipe:
        target.write(_first_byte(pipe.fileno(), path))
        os.set_blocking(pipe.fileno(), True)
        copy(pipe, target, path)


def copy(source: IO[bytes], target: IO[bytes], name: str) -> None:
    """Copies a stream to its end.

    Args:
      source: The stream.
      target: A file.
      name: How to call the stream.

    Raises:
      DatasetError: It has more than `MOST_BYTES`.
    """
    left = MOST_BYTES
    while block := source.read(_BLOCK):
        left -= len(block)
        if left < 0:
            raise DatasetError(
                f"{name} has more than {MOST_BYTES >> 20:,} MB. Write it to a file, and give that."
            )
        target.write(block)
    target.flush()


def _first_byte(pipe: int, path: str) -> bytes:
    """Waits for a writer; returns what was read meanwhile, a byte or none."""
    until = time.monotonic() + SECONDS_WITHOUT_WRITER
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    # A pipe that nobody opened for writing yet is neither ready nor closed, and reads as empty.
    while not poll.poll(0):
        try:
            if found := os.read(pipe, 1):
                return found
        except BlockingIOError:  # somebody opened it
            return b""
        if time.monotonic() > until:
            raise DatasetError(
                f"{path} is a pipe, and nobody wrote to it for {SECONDS_WITHOUT_WRITER:.0f} "
                "seconds. Give a file, or write to the pipe."
            )
        time.sleep(_PAUSE)
    return b""
