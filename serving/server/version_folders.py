"""Chooses the versions that are there and that a ServableVersionPolicy asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from tensorflow_serving.config import file_system_storage_path_source_pb2 as source_pb2

_Policy: TypeAlias = source_pb2.FileSystemStoragePathSourceConfig.ServableVersionPolicy


def choose(policy: _Policy, folders: Mapping[int, str]) -> tuple[dict[int, str], list[int]]:
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
