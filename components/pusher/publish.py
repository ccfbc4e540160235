"""`publish`: a SavedModel becomes a version that TF-Serving loads, all or nothing."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from components.errors import PushError
from components.pusher.durability import flush_to_disk
from serving.versions import LARGEST, number_of

# TF-Serving only looks at folders whose names are numbers.
INCOMING_PREFIX = ".incoming-"


def publish(
    model: Path, base_directory: Path, complete: Callable[[Path], None] = lambda incoming: None
) -> Path:
    """Copies a SavedModel to a new version under `base_directory`.

    The version appears by one rename, after every byte is on the disk. Its number is the time
    in seconds, and always larger than those of the versions that are there: servers serve the
    largest.

    Args:
      model: The SavedModel's folder.
      base_directory: What TF-Serving watches.
      complete: Adds files to the copy before it appears.

    Returns:
      The version's folder.

    Raises:
      PushError: It could not be written whole; nothing of it is left.
    """
    base_directory = base_directory.absolute()
    incoming = base_directory / f"{INCOMING_PREFIX}{os.getpid()}"
    try:
        base_directory.mkdir(parents=True, exist_ok=True)
        for left_over in base_directory.glob(f"{INCOMING_PREFIX}*"):
            shutil.rmtree(left_over)
        version = base_directory / str(_next_version(base_directory))
        _copy(model, incoming)
        complete(incoming)
        for path in (incoming, *incoming.rglob("*")):
            flush_to_disk(path)
        incoming.rename(version)
        flush_to_disk(base_directory)
    except (OSError, tf.errors.OpError) as error:
        raise PushError(_explain(error, model, base_directory)) from error
    finally:
        shutil.rmtree(incoming, ignore_errors=True)
    return version


def _next_version(base_directory: Path) -> int:
    numbers = [number_of(path.name) for path in base_directory.iterdir()]
    latest = max((number for number in numbers if number is not None), default=0)
    if latest == LARGEST:
        raise PushError(
            f"The model could not be pushed: {base_directory / str(latest)} has the largest number "
            "that a server reads, and a new version needs a larger one. Rename or remove that "
            "folder and run again: every step before the push is taken from the cache."
        )
    return max(int(time.time()), latest + 1)


def _copy(source: Path, destination: Path) -> None:
    """Copies a folder.

    Not shutil.copytree: it goes on after an error, and of the error of a full disk it keeps the
    text alone.
    """
    destination.mkdir()
    for path in source.iterdir():
        if path.is_dir():
            _copy(path, destination / path.name)
        else:
            shutil.copyfile(path, destination / path.name)


def _explain(error: OSError | tf.errors.OpError, model: Path, base_directory: Path) -> str:
    if not isinstance(error, OSError):
        reason = str(error.message)
    elif error.errno in (errno.ENOSPC, errno.EDQUOT):
        size = sum(path.stat().st_size for path in model.rglob("*") if path.is_file())
        return (
            f"The disk is full: the model needs {size / 1e6:.1f} MB in {base_directory}. Free "
            "some space and run again: every step before the push is taken from the cache."
        )
    else:
        where = f" ({error.filename})" if error.filename else ""
        reason = f"{error.strerror or error}{where}"
    return (
        f"The model could not be pushed to {base_directory}: {reason}. Mend that and run again: "
        "every step before the push is taken from the cache."
    )
