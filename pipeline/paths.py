"""Paths for people."""

from __future__ import annotations

from pathlib import Path

from components.storage.place import Place, place_of


def shown(path: Place | str) -> str:
    """Returns a path relative to the current folder if it is below it, else as it is."""
    path = place_of(path)
    if not isinstance(path, Path):
        return str(path)
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
