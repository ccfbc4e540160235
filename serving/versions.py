"""Which versions of a model there are, on a disk or in a store.

The Pusher, the server and `sentiment predict` must agree on what a version is: all ask this module.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import NamedTuple

from serving import folders

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

    complete: Mapping[int, str]
    incomplete: list[int]
    duplicates: list[str]


def number_of(name: str) -> int | None:
    """Returns the version number of a folder's name; None if it is not one."""
    if not _NUMBER.fullmatch(name):
        return None
    number = int(name)
    return number if number <= LARGEST else None


def look_up(base_path: str | os.PathLike[str]) -> VersionFolders:
    """Lists the versions under a folder, of this machine or in a store.

    Raises:
      OSError: The folder is not there, or cannot be read.
    """
    base = os.fspath(base_path)
    complete: dict[int, str] = {}
    incomplete, duplicates = [], []
    for name in folders.names_in(base):
        version = number_of(name)
        if version is None:
            continue
        path = folders.join(base, name)
        if not folders.is_file(folders.join(path, SAVED_MODEL_FILE)):
            incomplete.append(version)
            continue
        if version in complete:
            duplicates.append(folders.name_of(complete[version]))
        complete[version] = path
    return VersionFolders(complete, incomplete, duplicates)
