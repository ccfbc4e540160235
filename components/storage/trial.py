"""Tries a folder before the work whose outcome goes there."""

from __future__ import annotations

import contextlib
import tempfile
import uuid
from pathlib import Path

from components.storage import files
from components.storage.place import Place


def try_folder(folder: Place, prefix: str = ".trial-") -> None:
    """Makes a folder, writes a file in it and removes that again.

    Args:
      folder: On a disk or in a store.
      prefix: What the file's name begins with.

    Raises:
      OSError: It cannot be made, or written to.
    """
    files.make_folder(str(folder))
    if isinstance(folder, Path):
        with tempfile.TemporaryFile(prefix=prefix, dir=folder):
            return
    trial = str(folder / f"{prefix}{uuid.uuid4().hex}")
    try:
        files.write_bytes(trial, b"")
    finally:
        with contextlib.suppress(FileNotFoundError):
            files.remove_file(trial)
