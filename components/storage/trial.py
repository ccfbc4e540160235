"""Tries a folder before the work whose outcome goes there."""

from __future__ import annotations

import contextlib
import tempfile
import uuid
from pathlib import Path

from components.storage import files
from components.storage.answering import answer_within
from components.storage.place import Place

# TensorFlow writes to a bucket that is not there again and again, for minutes.
SECONDS_TO_WRITE = 20.0


def try_folder(folder: Place, prefix: str = ".trial-") -> None:
    """Makes a folder, writes a file in it and removes that again.

    Args:
      folder: On a disk or in a store.
      prefix: What the file's name begins with.

    Raises:
      StoreSilentError: The store does not answer within SECONDS_TO_WRITE.
      OSError: It cannot be made, or written to.
    """
    if isinstance(folder, Path):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(prefix=prefix, dir=folder):
            return
    trial = str(folder / f"{prefix}{uuid.uuid4().hex}")

    def write() -> None:
        files.make_folder(str(folder))
        try:
            files.write_bytes(trial, b"")
        finally:
            with contextlib.suppress(FileNotFoundError):
                files.remove_file(trial)

    answer_within(SECONDS_TO_WRITE, trial, write)
