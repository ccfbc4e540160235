"""From the setting `data` to the files that it names."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable
from pathlib import Path

from components import features
from components.dataset.detect import kind_of
from components.dataset.hub_folders import only_configuration
from components.dataset.suffixes import SUFFIXES
from components.errors import DatasetError, as_setting, did_you_mean

AUTO, IMDB, SAMPLE = "auto", "imdb", "sample"

# Files that Hugging Face's `datasets` writes beside the data.
_DESCRIPTIONS = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")


def expand(data: str) -> list[Path]:
    """Returns the existing paths that the argument names; commas and globs name several.

    Raises:
      DatasetError: There is no such path.
    """
    # Not `Path.exists`: of a name that is too long, or behind a locked folder, it raises.
    if os.path.exists(data):
        return [Path(data).absolute()]
    paths: list[Path] = []
    for named in data.split(","):
        # "a.csv, b.csv"; and a blank part would be the current folder.
        part = named if os.path.exists(named) else named.strip()
        if not part:
            raise DatasetError(
                f"{as_setting('data', data)}: a comma has no path on one side. Expected paths with "
                "commas in between."
            )
        matches = [part] if os.path.exists(part) else sorted(glob.glob(part, recursive=True))
        if not matches:
            raise DatasetError(
                f"{as_setting('data', data)}: there is no file or folder '{part}'. "
                f"Expected auto, imdb, sample or a path."
                f"{did_you_mean(part, (AUTO, IMDB, SAMPLE, *_neighbours(part)))}"
            )
        paths += [Path(match).absolute() for match in matches]
    return list(dict.fromkeys(paths))


def _neighbours(part: str) -> list[str]:
    folder = Path(part).parent
    try:
        return [str(folder / path.name) for path in folder.iterdir()]
    except OSError:
        return []


def tables_in(paths: Iterable[Path]) -> list[Path]:
    """Returns the tables among files and in folders.

    Raises:
      DatasetError: A folder holds none, or several configurations of a data set.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = [
                file
                for file in sorted(path.rglob("*"))
                if kind_of(file) and file.is_file() and not _is_side_file(file, path)
            ]
            if not inside:
                raise DatasetError(
                    f"The folder {path} holds no reviews: expected {features.TRAIN_SPLIT}/pos, "
                    f"{features.TRAIN_SPLIT}/neg, {features.TEST_SPLIT}/pos and "
                    f"{features.TEST_SPLIT}/neg with files such as 123_8.txt, or tables "
                    f"({', '.join(SUFFIXES)})."
                )
            found += only_configuration(path, inside)
        else:
            found.append(path)
    return found


def _is_side_file(file: Path, folder: Path) -> bool:
    """Says whether a file below a folder is hidden, or describes the data set beside it."""
    parts = file.relative_to(folder).parts
    return file.name in _DESCRIPTIONS or any(part.startswith(".") for part in parts)
