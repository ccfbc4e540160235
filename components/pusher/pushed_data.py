"""Which data a pushed model was trained on, read from its newest version's model card."""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

from components.storage import files
from serving.versions import number_of

CARD_FILE = "model_card.json"


class PushedData(NamedTuple):
    """A data set, as a model card describes it.

    Attributes:
      name: Its short name.
      path: The file or folder that it was named after, "imdb", or "" where the card does not
        say.
      digest: Of its content.
    """

    name: str
    path: str
    digest: str

    def is_same(self, path: str, digest: str) -> bool:
        """Says whether other data is this one: at the same place, or the same content.

        A data set may grow or move; one that did both is taken for another.
        """
        if not self.path:
            return True
        return self.digest == digest or _place(self.path) == _place(path)


def data_of_newest(serving_directory: str) -> PushedData | None:
    """Returns the data of the newest version that has a card; None if there is no such version.

    Args:
      serving_directory: The model's base path; its children are versions.

    Raises:
      OSError: It cannot be listed.
    """
    if not files.is_folder(serving_directory):
        return None
    versions = [name for name in files.names_in(serving_directory) if number_of(name) is not None]
    for version in sorted(versions, key=int, reverse=True):
        try:
            card: Any = json.loads(
                files.read_bytes(files.join(serving_directory, version, CARD_FILE))
            )
            data = card["data"]
            origin = data.get("origin") or {}
            return PushedData(
                str(data["name"]), str(origin.get("path", "")), str(origin.get("digest", ""))
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return None


def _place(path: str) -> str:
    """Returns a file or folder without its symbolic links; "imdb" is none."""
    return os.path.realpath(path) if os.path.isabs(path) else path
