"""The folder that scores are written to: an output appears whole, or not at all.

On a disk that is by one rename. A store has none: there an output is copied, and appears when the
copy is whole.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

from components.errors import ConfigurationError, ScoringError
from components.pusher.durability import flush_to_disk
from components.storage import files
from components.storage.answering import StoreSilentError
from components.storage.place import Place, StorePath
from components.storage.trial import try_folder

WORKSPACE_PREFIX = ".scoring-"
# In a store no lock tells whether a run goes on; what is older was left there.
_LEFT_OVER_SECONDS = 7 * 24 * 3_600
# Tells when a workspace in a store was made.
_STARTED = "started"


@contextlib.contextmanager
def errors_of_stores() -> Iterator[None]:
    """Raises errors of a store as ours: an OSError loses its type on the way from a worker."""
    try:
        yield
    except OSError as error:
        path = str(error.filename)
        if not files.is_remote(path):
            raise
        raise ScoringError(
            f"{path} could not be read or written: {error.strerror or error}. Check the store, and "
            "run again."
        ) from error


def make_folder(folder: Place) -> None:
    """Makes the folder, and tries it.

    Raises:
      ConfigurationError: It cannot be written to.
    """
    try:
        try_folder(folder, WORKSPACE_PREFIX)
    except StoreSilentError as error:
        raise ConfigurationError(f"--output is '{folder}': {error}") from error
    except OSError as error:
        raise ConfigurationError(
            f"--output is '{folder}'; expected a folder that can be made and written to: "
            f"{error.strerror or error}."
        ) from error


@contextlib.contextmanager
def workspace(folder: Place) -> Iterator[Place]:
    """Yields a folder of its own inside `folder`, and removes it at the end.

    On a disk, the caller holds the lock of `folder`, so what an earlier run left there when it was
    killed is removed; in a store, what was left a week ago. The name is new each time, because
    workers of that run may still be running.
    """
    if isinstance(folder, StorePath):
        _remove_left_over(folder)
        path: Place = folder / f"{WORKSPACE_PREFIX}{uuid.uuid4().hex}"
    else:
        for left_over in folder.glob(f"{WORKSPACE_PREFIX}*"):
            shutil.rmtree(left_over, ignore_errors=True)
        path = Path(tempfile.mkdtemp(prefix=WORKSPACE_PREFIX, dir=folder))
    try:
        if isinstance(path, StorePath):
            with errors_of_stores():
                files.make_folder(str(path))
                files.write_bytes(str(path / _STARTED), b"")
        yield path
    finally:
        with contextlib.suppress(OSError):
            files.remove_folder(str(path))


def _remove_left_over(folder: StorePath) -> None:
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if path.name.startswith(WORKSPACE_PREFIX):
                with contextlib.suppress(OSError):
                    made = files.status_of(str(path / _STARTED)).modified_ns / 1e9
                    if 0 < made < time.time() - _LEFT_OVER_SECONDS:
                        files.remove_folder(str(path))


def publish(names: Iterable[str], workspace: Place, folder: Place) -> None:
    """Moves whole files from the workspace to the folder, in the place of those that are there.

    Raises:
      ScoringError: A file cannot be moved; those before it are there, and whole.
    """
    move = _copy if isinstance(folder, StorePath) else _rename
    names = list(names)
    if isinstance(workspace, Path):
        for name in names:
            flush_to_disk(workspace / name)
    for name in names:
        try:
            move(str(workspace / name), str(folder / name))
        except OSError as error:
            raise ScoringError(
                f"{folder / name} could not be written: {error.strerror}. Fix that and run again."
            ) from error
    if isinstance(folder, Path):
        flush_to_disk(folder)


def _rename(source: str, target: str) -> None:
    files.rename(source, target)


def _copy(source: str, target: str) -> None:
    try:
        files.copy_file(source, target)
    except OSError:
        # What an error leaves of an object may look whole.
        with contextlib.suppress(OSError):
            files.remove_file(target)
        raise
