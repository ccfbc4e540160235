"""Where a push went: `pushed.json` in the folder of its artifact.

TFX's cache asks whether the artifact's folder is there, which it is for good. What counts is the
version: once somebody has deleted it, the next run must push again.
"""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING

from components.storage import files
from components.tfx_base import tfx_adapter
from serving.versions import SAVED_MODEL_FILE

if TYPE_CHECKING:
    from tfx import types

FILE = "pushed.json"
_VERSION = "version"


def write(artifact: str, version: str) -> None:
    """Writes into an artifact's folder where the version is.

    A path that is relative to the working folder, as those below a root are, is written relative to
    the artifact's folder: the root may be moved. An absolute one stays as it is.

    Raises:
      OSError: It cannot be written.
    """
    if not os.path.isabs(version) and not files.is_remote(version):
        version = os.path.relpath(version, artifact)
    files.make_folder(artifact)
    files.write_text(files.join(artifact, FILE), json.dumps({_VERSION: version}))


def version_of(artifact: str) -> str | None:
    """Returns the version's folder; None of an artifact that does not tell.

    The artifact of a model that was not pushed does not, nor does that of an earlier release, which
    is a link to the version.

    Raises:
      OSError: It cannot be read.
      ValueError: It is damaged.
    """
    try:
        told = json.loads(files.read_text(files.join(artifact, FILE)))
    except FileNotFoundError:
        return None
    version = told.get(_VERSION) if isinstance(told, dict) else None
    if not isinstance(version, str):
        raise ValueError(f"{files.join(artifact, FILE)} names no version.")
    if files.is_remote(version):
        return version
    path = files.join(artifact, version)
    return path if files.is_remote(path) else os.path.normpath(path)


def is_there(artifact: str) -> bool:
    """Returns whether a server still finds the version that an artifact tells of.

    Raises:
      OSError: The store cannot be asked.
    """
    try:
        version = version_of(artifact)
    except ValueError:
        return False
    if version is None:
        return files.exists(artifact)
    return files.exists(files.join(version, SAVED_MODEL_FILE))


def cached_while_there() -> contextlib.AbstractContextManager[None]:
    """Makes TFX's cache ignore a push whose version was removed, so that it is pushed again."""
    from tfx.types import standard_artifacts

    def is_right(artifact: types.Artifact) -> bool:
        is_push = artifact.type_name == standard_artifacts.PushedModel.TYPE_NAME
        return not is_push or is_there(artifact.uri)

    return tfx_adapter.cache_checked_by(is_right)
