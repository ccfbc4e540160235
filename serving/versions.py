"""Which versions of a model are on the disk.

Who pushes, who serves and who asks the newest one must agree on what a version is: all read it
here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

SAVED_MODEL_FILE = "saved_model.pb"
# TF-Serving reads a folder's name as a signed number of 64 bits, and passes over any other name.
LARGEST = 2**63 - 1
_NUMBER = re.compile(r"[0-9]+")


class VersionFolders(NamedTuple):
    """What a look at the disk found.

    Attributes:
      complete: Folder by version.
      incomplete: Versions that hold no saved_model.pb yet: whoever copies them writes it last.
      duplicates: Names that another spelling of the same number hides.
    """

    complete: Mapping[int, Path]
    incomplete: list[int]
    duplicates: list[str]


def number_of(name: str) -> int | None:
    """Returns the version that a folder's name stands for; None if it stands for none."""
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
