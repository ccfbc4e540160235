"""A temporary folder for what libraries write, removed when a command ends.

TensorFlow removes the files of traced functions only when the interpreter ends, which a command
does not wait for; Beam's worker processes do the same.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from components.errors import ConfigurationError

PREFIX = "sentiment-"
_VARIABLE = "TMPDIR"
# Processes that were told to end may write a last file.
_ATTEMPTS, _PAUSE_SECONDS = 20, 0.05


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Makes a new folder the temporary one of this process and of those that it starts.

    Raises:
      ConfigurationError: There is no place for it.
    """
    variable, cached = os.environ.get(_VARIABLE), tempfile.tempdir
    try:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    except OSError as error:
        raise ConfigurationError(
            f"Temporary files cannot be written: {error.strerror}"
            f"{f' ({error.filename})' if error.filename else ''}. Free some space there, or name "
            "another folder in the environment variable TMPDIR."
        ) from error
    os.environ[_VARIABLE] = tempfile.tempdir = str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = cached
        if variable is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = variable
        _remove(folder)


def _remove(folder: Path) -> None:
    for _ in range(_ATTEMPTS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_PAUSE_SECONDS)
