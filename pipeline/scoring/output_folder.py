"""The folder that scores are written to: an output appears by one rename, or not at all."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from components.errors import ConfigurationError, ScoringError
from components.pusher.durability import flush_to_disk

WORKSPACE_PREFIX = ".scoring-"


def make_folder(folder: Path) -> None:
    """Makes the folder, and tries it.

    Raises:
      ConfigurationError: It cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigurationError(
            f"--output is '{folder}'; expected a folder that can be made and written to: "
            f"{error.strerror}."
        ) from error


@contextlib.contextmanager
def workspace(folder: Path) -> Iterator[Path]:
    """Yields a folder of its own inside `folder`, and removes it at the end.

    The caller holds the lock of `folder`, so what an earlier run left there when it was killed is
    removed. The name is new each time, because workers of that run may still be running.
    """
    for left_over in folder.glob(f"{WORKSPACE_PREFIX}*"):
        shutil.rmtree(left_over, ignore_errors=True)
    path = Path(tempfile.mkdtemp(prefix=WORKSPACE_PREFIX, dir=folder))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def publish(names: Iterable[str], workspace: Path, folder: Path) -> None:
    """Moves whole files from the workspace to the folder, in the place of those that are there.

    Raises:
      ScoringError: A file cannot be moved; those before it are there, and whole.
    """
    names = list(names)
    for name in names:
        path = workspace / name
        flush_to_disk(path)
    for name in names:
        try:
            (workspace / name).replace(folder / name)
        except OSError as error:
            raise ScoringError(
                f"{folder / name} could not be written: {error.strerror}. Fix that and run again."
            ) from error
    flush_to_disk(folder)
