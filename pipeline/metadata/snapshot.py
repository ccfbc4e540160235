"""Copies what one pipeline has in a MySQL database to an SQLite file, with the ids that it has."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from pipeline.metadata.address import MySqlDatabase, SqliteFile
from pipeline.metadata.mysql import Rows, reading

_BLOCK = 1_000
_TYPES = ("Type", "ParentType", "TypeProperty")
_PIPELINE = """
SELECT c.id FROM Context c JOIN Type t ON t.id = c.type_id
WHERE t.name = 'pipeline' AND t.type_kind = 2 AND c.name = ?
"""
# What a run of the pipeline can ask for: its executions, what they read and wrote, and all contexts
# that these are in, those of the cache too.
_EXECUTIONS = "SELECT execution_id FROM Association WHERE context_id = {pipeline}"
_ARTIFACTS = (
    "SELECT artifact_id FROM Attribution WHERE context_id = {pipeline} UNION "
    "SELECT artifact_id FROM Event WHERE execution_id IN ({executions})"
)
_CONTEXTS = (
    "SELECT {pipeline} UNION SELECT context_id FROM ParentContext WHERE parent_context_id = "
    "{pipeline} UNION SELECT context_id FROM Association WHERE execution_id IN ({executions})"
)
_TABLES = {
    "Context": "id IN ({contexts})",
    "ContextProperty": "context_id IN ({contexts})",
    "ParentContext": "parent_context_id = {pipeline}",
    "Execution": "id IN ({executions})",
    "ExecutionProperty": "execution_id IN ({executions})",
    "Association": "execution_id IN ({executions})",
    "Artifact": "id IN ({artifacts})",
    "ArtifactProperty": "artifact_id IN ({artifacts})",
    "Attribution": "context_id IN ({contexts}) AND artifact_id IN ({artifacts})",
    "Event": "execution_id IN ({executions})",
    "EventPath": "event_id IN (SELECT id FROM Event WHERE execution_id IN ({executions}))",
}


def copy_pipeline(database: MySqlDatabase, pipeline_name: str, path: Path) -> None:
    """Copies one moment of a pipeline; nothing where the database has no tables yet.

    Args:
      database: Is only read.
      pipeline_name: Of which pipeline; of other ones, only their types are copied.
      path: The SQLite file, which is not there yet.

    Raises:
      ConfigurationError: The database cannot be used, or has another version of the schema.
    """
    import ml_metadata as mlmd

    with reading(database) as source:
        if source is None:
            return
        mlmd.MetadataStore(SqliteFile(path).connection_config())
        found = source.execute(_PIPELINE, (pipeline_name,)).fetchall()
        with contextlib.closing(sqlite3.connect(path)) as target, target:
            for table in _TYPES:
                # Of the types that a new file has, the ids may be others.
                target.execute(f"DELETE FROM {table}")
                _copy(source, target, table, "TRUE")
            for (pipeline,), *_ in (found,) if found else ():
                for table, condition in _TABLES.items():
                    _copy(source, target, table, _filled(condition, int(pipeline)))


def _filled(condition: str, pipeline: int) -> str:
    executions = _EXECUTIONS.format(pipeline=pipeline)
    return condition.format(
        pipeline=pipeline,
        executions=executions,
        artifacts=_ARTIFACTS.format(pipeline=pipeline, executions=executions),
        contexts=_CONTEXTS.format(pipeline=pipeline, executions=executions),
    )


def _copy(source: Rows, target: sqlite3.Connection, table: str, condition: str) -> None:
    columns = [row[1] for row in target.execute(f"PRAGMA table_info({table})")]
    names, marks = ", ".join(f"{each}" for each in columns), ", ".join("?" for _ in columns)
    # Names of tables and columns are those of ML Metadata, and the condition is this module's.
    rows = source.execute(f"SELECT {names} FROM {table} WHERE {condition}")
    while block := rows.fetchmany(_BLOCK):
        target.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", block)
