"""Keeps the hashes of the functions that each step of a run reached, so that many runs stay small.

Runs of the same code share all of it, and runs of nearly the same code nearly all: functions are
grouped by the name that they have in common, and a group, as well as the list of a run's groups,
is kept once under the hash of its content. Each is an ML Metadata context of its own type.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.results.metadata_file import reading

CONTEXT_TYPE = "sentiment_functions"
PROPERTY = "content"
_BY_NAME = (
    "SELECT p.string_value FROM Context c JOIN Type t ON t.id = c.type_id "
    "JOIN ContextProperty p ON p.context_id = c.id WHERE t.name = ? AND t.type_kind = 2 "
    "AND p.name = ? AND c.name = ?"
)


def split(functions: Mapping[str, Mapping[str, str]]) -> tuple[str, dict[str, str]]:
    """Returns the name of what describes `functions`, and what is to be kept, by name.

    Args:
      functions: By step, the hash of each function, by its qualified name.
    """
    steps_of: dict[tuple[str, str], list[str]] = {}
    for step, hashes in functions.items():
        for name, value in hashes.items():
            steps_of.setdefault((name, value), []).append(step)
    groups: dict[tuple[str, tuple[str, ...]], dict[str, str]] = {}
    for (name, value), steps in steps_of.items():
        groups.setdefault((name.rpartition(".")[0], tuple(sorted(steps))), {})[name] = value
    contents: dict[str, str] = {}
    listed = []
    for (_, sharing), group in sorted(groups.items()):
        listed.append([_keep(group, contents), list(sharing)])
    return _keep({"steps": sorted(functions), "groups": listed}, contents), contents


def join(name: str, content_of: Callable[[str], str]) -> dict[str, dict[str, str]]:
    """Returns what `split` took apart.

    Args:
      name: The name that it returned.
      content_of: Returns what was kept under a name.
    """
    described = json.loads(content_of(name))
    functions: dict[str, dict[str, str]] = {step: {} for step in described["steps"]}
    for group, steps in described["groups"]:
        hashes = json.loads(content_of(group))
        for step in steps:
            functions[step] |= hashes
    return functions


class StoredFunctions(Mapping[str, Mapping[str, str]]):
    """The functions of a run, read when they are first asked for."""

    def __init__(self, metadata_path: Path, name: str):
        """Reads nothing yet.

        Args:
          metadata_path: ML Metadata's SQLite file.
          name: What `split` returned for the run.
        """
        self._path, self._name = metadata_path, name
        self._read: dict[str, dict[str, str]] | None = None

    def __getitem__(self, step: str) -> Mapping[str, str]:
        """Returns the functions of a step."""
        return self._all()[step]

    def __iter__(self) -> Iterator[str]:
        """Yields the steps."""
        return iter(self._all())

    def __len__(self) -> int:
        """Returns how many steps there are."""
        return len(self._all())

    def _all(self) -> Mapping[str, Mapping[str, str]]:
        if self._read is None:
            with reading(self._path) as connection:
                self._read = join(self._name, lambda name: _content(connection, name))
        return self._read


def _content(connection: sqlite3.Connection, name: str) -> str:
    rows = connection.execute(_BY_NAME, (CONTEXT_TYPE, PROPERTY, name)).fetchall()
    if not rows:
        raise LookupError(f"The metadata holds no '{CONTEXT_TYPE}' of the name {name}.")
    return str(rows[0][0])


def _keep(content: Any, contents: dict[str, str]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    name = hashlib.sha256(text.encode()).hexdigest()[:32]
    contents[name] = text
    return name
