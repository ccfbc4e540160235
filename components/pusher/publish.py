"""`publish`: a SavedModel becomes a version that TF-Serving loads, all or nothing."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from components.errors import PushError
from components.pusher.claim import Claim, claim_version
from components.pusher.durability import flush_to_disk
from components.storage import files
from serving.versions import SAVED_MODEL_FILE

_GO_ON = "run again: every step before the push is taken from the cache."


def publish(
    model: str, base_directory: str, complete: Callable[[Path], None] = lambda incoming: None
) -> str:
    """Copies a SavedModel to a new version under `base_directory`.

    Where folders can be renamed, the version appears by one rename, on a disk after every byte is
    on it. In an object store the files appear one by one, `saved_model.pb` last: without it a
    server takes the folder for a copy in progress, as TF-Serving and TFX's Pusher have agreed.

    The version's number is the time in seconds, and always larger than those of the versions that
    are there: servers serve the largest.

    Args:
      model: The SavedModel's folder.
      base_directory: What TF-Serving watches.
      complete: Adds files to a local copy before it appears.

    Returns:
      The version's folder.

    Raises:
      PushError: It could not be written whole. Nothing of it is left, or the message says what.
    """
    base = files.absolute(base_directory)
    left: list[str] = []
    try:
        if files.is_remote(base):
            version = _to_store(model, base, complete, left)
        else:
            version = _to_disk(model, base, complete, left)
    except PushError as error:
        if not left:
            raise
        raise PushError(f"{error}{_what_is(left)}") from error
    except (OSError, tf.errors.OpError) as error:
        raise PushError(f"{_explain(error, model, base)}{_what_is(left)}") from error
    return version


def _to_disk(model: str, base: str, complete: Callable[[Path], None], left: list[str]) -> str:
    with claim_version(base, _graph_bytes(model), left) as claim:
        incoming = Path(claim.incoming)
        _copy_here(model, incoming)
        complete(incoming)
        for path in (incoming, *incoming.rglob("*")):
            flush_to_disk(path)
        _rename(claim)
        flush_to_disk(Path(base))
    return claim.version


def _to_store(model: str, base: str, complete: Callable[[Path], None], left: list[str]) -> str:
    with tempfile.TemporaryDirectory(prefix="sentiment-push-") as folder:
        whole = Path(folder, "model")
        _copy_here(model, whole)
        complete(whole)
        with claim_version(base, _graph_bytes(model), left) as claim:
            if files.has_rename(base):
                files.copy_folder(str(whole), claim.incoming)
                _rename(claim)
                return claim.version

            def copy(source: str, destination: str) -> None:
                if destination == files.join(claim.version, SAVED_MODEL_FILE):
                    claim.check()
                files.copy_file(source, destination)

            claim.has_begun = True
            files.copy_folder(str(whole), claim.version, last=[SAVED_MODEL_FILE], copy=copy)
    return claim.version


def _graph_bytes(model: str) -> int:
    graph = files.join(model, SAVED_MODEL_FILE)
    return files.size_of(graph) if files.exists(graph) else 0


def _rename(claim: Claim) -> None:
    """Makes the version appear; a folder that somebody else has made in the meantime stays."""
    claim.check()
    if files.exists(claim.version):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), claim.version)
    files.rename(claim.incoming, claim.version)
    claim.has_begun = True


def _copy_here(model: str, folder: Path) -> None:
    """Copies the model to a folder of this machine.

    Not by shutil.copytree: it goes on after an error, and of the error of a full disk it keeps the
    text alone.
    """
    files.copy_folder(model, str(folder))


def _what_is(left: list[str]) -> str:
    if not left:
        return ""
    return (
        f" What was written could not be removed either: {', '.join(left)}. Remove it by hand; a "
        f"version without {SAVED_MODEL_FILE} is loaded by no server, nor taken by the next push."
    )


def _explain(error: OSError | tf.errors.OpError, model: str, base: str) -> str:
    if not isinstance(error, OSError):
        reason = str(error.message)
    elif error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = base
        if files.is_remote(base) and not files.is_remote(str(error.filename or base)):
            where = tempfile.gettempdir()
        kind = "store" if files.is_remote(where) else "disk"
        return (
            f"The {kind} is full: the model needs {files.size_of(model) / 1e6:.1f} MB in {where}. "
            f"Free some space and {_GO_ON}"
        )
    else:
        where = f" ({error.filename})" if error.filename else ""
        reason = f"{error.strerror or error}{where}"
    return f"The model could not be pushed to {base}: {reason}. Mend that and {_GO_ON}"
