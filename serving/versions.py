"""Which versions of a model are on the disk.

The Pusher, the server and `sentiment predict` must agree on what a version is: all ask this module.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

SAVED_MODEL_FILE = "saved_model.pb"
# TF-Serving reads a folder's name as a signed number of 64 bits, and ignores any other name.
LARGEST = 2**63 - 1
_NUMBER = re.compile(r"[0-9]+")


class VersionFolders(NamedTuple):
    """The version folders below a base path.

    Attributes:
      complete: Folders by version.
      incomplete: Versions without a saved_model.pb; a copy in progress writes it last.
      duplicates: Names of folders that are ignored: another one has the same number.
    """

    complete: Mapping[int, Path]
    incomplete: list[int]
    duplicates: list[str]


def number_of(name: str) -> int | None:
    """Returns the version number of a folder's name; None if it is not one."""
    if not _NUMBER.fullmatch(name):
        return None
    number = int(name)
    return number if number <= LARGEST else None


def look_up(base_path: str | Path) -> VersionFolders:
    """Lists the versions under a folder.

    Raises:
      OSError: The folder is not there, or cannot be read.
    """
    complete: dict[int, Path] = {}
    incomplete, duplicates = [], []
    for path in sorted(Path(base_path).iterdir(), key=lambda path: path.name):
        version = number_of(path.name)
        if version is None:
            continue
        if not (path / SAVED_MODEL_FILE).is_file():
            incomplete.append(version)
            continue
        if version in complete:
            duplicates.append(complete[version].name)
        complete[version] = path
    return VersionFolders(complete, incomplete, duplicates)
