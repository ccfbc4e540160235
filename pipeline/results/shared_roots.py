"""Roots that share a database: each is known by an absolute path, and by an id in its folder.

A run reads what runs of the same pipeline wrote, by absolute paths: the models before it, and what
the cache holds. Where another machine has something else under such a path, nothing may be read.
"""

from __future__ import annotations

import uuid

from components.errors import ConfigurationError
from components.storage.place import Place, place_of
from pipeline.resolution import ResolvedRun
from pipeline.results import run_properties as names
from pipeline.results.metadata_file import reading
from pipeline.root import is_there
from serving.small_files import UnreadableFileError, read_small_file

ID_FILE = ".root-id"

_ROOTS = """
SELECT DISTINCT r.string_value, i.string_value FROM Context c
JOIN Type t ON t.id = c.type_id AND t.type_kind = 2
JOIN ParentContext e ON e.parent_context_id = c.id
JOIN ContextProperty r ON r.context_id = e.context_id AND r.name = ?
JOIN ContextProperty i ON i.context_id = e.context_id AND i.name = ?
WHERE t.name = ? AND c.name = ?
"""


def own_id(root: Place) -> str:
    """Returns the id of a root, and writes it into the folder where there is none.

    The caller holds the lock of the root.
    """
    path = root / ID_FILE
    if not path.exists():
        path.write_text(f"{uuid.uuid4()}\n")
    return path.read_text().strip()


def check_roots(run: ResolvedRun) -> None:
    """Checks that all roots in which the pipeline ran are here, under the same paths.

    Raises:
      ConfigurationError: One is not, or the database cannot be used.
    """
    if not run.metadata.is_shared or not is_there(run.metadata):
        return
    parameters = (names.ROOT, names.ROOT_ID, names.PIPELINE_CONTEXT, run.pipeline_name)
    with reading(run.metadata) as connection:
        found = connection.execute(_ROOTS, parameters).fetchall() if connection else []
    for root, root_id in found:
        if not _is(place_of(root), root_id):
            there = "is another folder here" if place_of(root).is_dir() else "is not here"
            raise ConfigurationError(
                f"Runs of the pipeline '{run.pipeline_name}' in {run.metadata} wrote below {root}, "
                f"which {there}: this run would read their models and cached results from there. "
                f"Mount that folder under the same path, or choose another `pipeline_name`."
            )


def _is(root: Place, root_id: str) -> bool:
    try:
        return read_small_file(str(root / ID_FILE)).strip() == root_id
    except UnreadableFileError:
        return False
