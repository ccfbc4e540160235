"""Paths for people."""

from __future__ import annotations

from pathlib import Path


def shown(path: Path | str) -> str:
    """Returns a path relative to the current folder if it is below it, else as it is."""
    path = Path(path)
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
