"""Which versions of a model are on the disk, and which of them the policy asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, TypeAlias

from tensorflow_serving.config import file_system_storage_path_source_pb2 as source_pb2

from serving.server.saved_model import SAVED_MODEL_FILE

_NUMBER = re.compile(r"[0-9]+")
_LARGEST = 2**63 - 1


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


def look_up(base_path: str) -> VersionFolders:
    """Lists the versions under a folder.

    Raises:
      OSError: The folder is not there, or cannot be read.
    """
    complete: dict[int, Path] = {}
    incomplete, duplicates = [], []
    for path in sorted(Path(base_path).iterdir(), key=lambda path: path.name):
        if not _NUMBER.fullmatch(path.name) or int(path.name) > _LARGEST:
            continue
        version = int(path.name)
        if not (path / SAVED_MODEL_FILE).is_file():
            incomplete.append(version)
            continue
        if version in complete:
            duplicates.append(complete[version].name)
        complete[version] = path
    return VersionFolders(complete, incomplete, duplicates)


_Policy: TypeAlias = source_pb2.FileSystemStoragePathSourceConfig.ServableVersionPolicy


def choose(policy: _Policy, folders: Mapping[int, Path]) -> tuple[dict[int, Path], list[int]]:
    """Returns the versions that a policy asks for, and those it names that are not there."""
    kind = policy.WhichOneof("policy_choice")
    if kind == "all":
        return dict(folders), []
    if kind == "specific":
        wanted = list(policy.specific.versions)
        missing = [version for version in wanted if version not in folders]
        return {v: folders[v] for v in wanted if v in folders}, missing
    count = policy.latest.num_versions or 1
    return {version: folders[version] for version in sorted(folders)[-count:]}, []
