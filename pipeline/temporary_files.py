"""A temporary folder for what libraries write, removed when a command ends.

TensorFlow removes the files of traced functions only when the interpreter ends, which a command
does not wait for; Beam's worker processes do the same.

A command that is killed (SIGKILL) removes nothing. So a process locks its folder (flock(2) of the
folder itself), and the next command removes folders that nobody has locked. The lock goes with the
last process that holds it, whatever ended it; it is the system's, so that containers which share a
temporary folder see each other's.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from components.errors import ConfigurationError

# Nothing else of the project, and no other version of it, makes folders of this name.
PREFIX = "sentiment-tmp-"
_VARIABLE = "TMPDIR"
# Processes that were told to end may write a last file.
_ATTEMPTS, _PAUSE_SECONDS = 20, 0.05
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Makes a new folder the temporary one of this process and of those that it starts.

    Folders of commands that were killed are removed first.

    Raises:
      ConfigurationError: There is no place for it.
    """
    variable, cached = os.environ.get(_VARIABLE), tempfile.tempdir
    try:
        _remove_abandoned(Path(tempfile.gettempdir()))
        folder, lock = _locked_folder()
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
        os.close(lock)


def _locked_folder() -> tuple[Path, int]:
    """Makes a folder; returns it and the descriptor that keeps it locked."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        try:
            lock = os.open(folder, _FOLDER)
        except FileNotFoundError:
            continue
        with contextlib.suppress(OSError):  # a file system without locks: nobody removes it either
            fcntl.flock(lock, fcntl.LOCK_EX)
        # Another command may have found it before it was locked, and removed it.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(lock), os.stat(folder)):
                return folder, lock
        os.close(lock)


def _remove_abandoned(parent: Path) -> None:
    """Removes this user's folders that no process has locked."""
    for folder in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # another's, in use, no folder, or gone meanwhile
            lock = os.open(folder, _FOLDER)
            try:
                if os.fstat(lock).st_uid == os.geteuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def _remove(folder: Path) -> None:
    # Whoever still writes there, by its name, is told that it is gone, and adds no more.
    with contextlib.suppress(OSError):
        folder = folder.rename(f"{folder}-gone")
    for _ in range(_ATTEMPTS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_PAUSE_SECONDS)
