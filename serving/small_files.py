"""Reads files of settings within bounds of size and time, whatever a path leads to."""

from __future__ import annotations

import os
import select
import stat
import time

from serving import folders

MOST_BYTES = 256 * 1024
PATIENCE_SECONDS = 0.5
_BLOCK = 1 << 16


class UnreadableFileError(Exception):
    """A file cannot be read as settings; the message says why, without the path or a full stop."""


def read_small_file(path: str | os.PathLike[str], most_bytes: int = MOST_BYTES) -> str:
    """Returns a file's text.

    A pipe, such as a shell's `<(...)`, is read as well, if its text is there at once. A store
    answers when it likes.

    Args:
      path: Of a file, a pipe or a device, or of a file in a store.
      most_bytes: A larger file is refused; only one byte more than this is ever read.

    Raises:
      UnreadableFileError: It is missing, too large, not UTF-8, or a pipe that sends nothing or
        does not end within PATIENCE_SECONDS.
    """
    content = _content_of(path, most_bytes)
    if len(content) > most_bytes:
        raise UnreadableFileError(
            f"it is larger than {most_bytes // 1024:,} KiB, more than any settings need"
        )
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableFileError(f"byte {error.start:,} is not UTF-8") from error


def _content_of(path: str | os.PathLike[str], most_bytes: int) -> bytes:
    """Returns the content, or one byte more than is allowed of it."""
    if folders.is_remote(os.fspath(path)):
        try:
            return folders.read_bytes(os.fspath(path), most_bytes + 1)
        except OSError as error:
            raise UnreadableFileError(error.strerror) from error
    try:
        # Otherwise opening a pipe that nobody writes to would block.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise UnreadableFileError(error.strerror) from error
    except ValueError as error:
        raise UnreadableFileError("there is a NUL in its path") from error
    try:
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return _read(descriptor, most_bytes, None if is_file else PATIENCE_SECONDS)
    except OSError as error:
        raise UnreadableFileError(error.strerror) from error
    finally:
        os.close(descriptor)


def _read(descriptor: int, most_bytes: int, patience: float | None) -> bytes:
    """Returns the content, or one byte more than is allowed of it."""
    content = b""
    until = None if patience is None else time.monotonic() + patience
    while len(content) <= most_bytes:
        if until is not None:
            left = until - time.monotonic()
            if left <= 0 or not select.select([descriptor], [], [], left)[0]:
                raise UnreadableFileError(
                    f"nothing, or no end of it, arrived within {patience:g} s; expected a file"
                )
        try:
            block = os.read(descriptor, min(_BLOCK, most_bytes + 1 - len(content)))
        except BlockingIOError:  # another process has read it
            continue
        if not block:
            break
        content += block
    return content
