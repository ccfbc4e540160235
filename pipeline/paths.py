"""Paths for people."""

from __future__ import annotations

from pathlib import Path

from components import files
from components.dataset.places import Place


def shown(path: Place | str) -> str:
    """Returns a path relative to the current folder if it is below it, else as it is."""
    if files.is_remote(str(path)):
        return str(path)
    path = Path(str(path))
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
