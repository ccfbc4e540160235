"""Makes a root's metadata independent of where the root is.

Earlier releases wrote absolute paths. See `pipeline.runners.in_root`.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from pipeline.root import PIPELINES_FOLDER, SERVING_FOLDER, open_metadata

_ABSOLUTE = "SELECT 1 FROM Artifact WHERE uri LIKE '/%' LIMIT 1"


def make_relative(metadata_path: Path) -> int:
    """Rewrites the paths of artifacts below the root, wherever it was when they were written.

    All in one transaction: if the process is killed, nothing is changed, and the next run does it.
    The caller holds the lock of the root.

    Args:
      metadata_path: ML Metadata's SQLite file of one root; it need not be there.

    Returns:
      How many artifacts were changed.
    """
    if not _has_absolute(metadata_path):
        return 0
    store = open_metadata(metadata_path, can_write=True)
    names = [context.name for context in store.get_contexts_by_type("pipeline")]
    folders = [f"{PIPELINES_FOLDER}/{name}" for name in names] + [SERVING_FOLDER]
    changed = []
    for artifact in store.get_artifacts():
        before = artifact.SerializeToString(deterministic=True)
        artifact.uri = below_root(artifact.uri, folders)
        for value in artifact.custom_properties.values():
            if value.HasField("string_value"):
                value.string_value = below_root(value.string_value, folders)
        if artifact.SerializeToString(deterministic=True) != before:
            changed.append(artifact)
    if changed:
        store.put_artifacts(changed)
    return len(changed)


def below_root(path: str, folders: Sequence[str]) -> str:
    """Returns an absolute path relative to the root that holds one of `folders`.

    Others are returned as they are.
    """
    if not path.startswith("/"):
        return path
    # The root itself may lie below a folder of such a name: the last one counts.
    start = max(path.rfind(f"/{folder}/") for folder in folders)
    return path if start < 0 else path[start + 1 :]


def _has_absolute(metadata_path: Path) -> bool:
    if not metadata_path.is_file():
        return False
    connection = sqlite3.connect(f"{metadata_path.as_uri()}?mode=ro", uri=True)
    try:
        return bool(connection.execute(_ABSOLUTE).fetchall())
    except sqlite3.DatabaseError:  # it has no tables yet, or is none of ours
        return False
    finally:
        with contextlib.suppress(sqlite3.Error):
            connection.close()
