"""Resolves a setting `data` as the tests of it do."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.dataset.resolve import resolve_source
from components.dataset.source import ReviewSource, SourceKind, TableFormat
from components.errors import DatasetError

PLAIN = TableFormat(SourceKind.CSV)


CSV = "text,label\ngood,1\nbad,0\n"


def resolve(data: object, tmp_path: Path, **settings) -> ReviewSource:
    """Resolves with an empty cache and no archive."""
    settings = {"imdb_archive": None, "cache_dir": tmp_path / "cache"} | settings
    return resolve_source(str(data), **settings)


def refusal(data: object, tmp_path: Path, **settings) -> str:
    """Returns the sentence with which the data is refused."""
    with pytest.raises(DatasetError) as error:
        resolve(data, tmp_path, **settings)
    return str(error.value)


def write(path: Path, content: str = CSV) -> Path:
    """Writes a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path
