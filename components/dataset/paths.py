"""From the setting `data` to the files that it names."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from functools import partial
from itertools import islice
from typing import Any

from components.dataset.detect import kind_of
from components.dataset.foreign_formats import foreign
from components.dataset.hub_folders import only_configuration
from components.dataset.places import files_in, inside, is_there, matching, names_below
from components.dataset.records import printable
from components.dataset.stores import check_store, errors_of_stores
from components.dataset.suffixes import SUFFIXES
from components.dataset.text_folders import class_folders
from components.errors import DatasetError, as_setting, did_you_mean
from components.storage import files
from components.storage.place import Place, StorePath, place_of

AUTO, IMDB, SAMPLE = "auto", "imdb", "sample"

# Of what is in a folder that is refused.
_MOST_SEEN, _MOST_SUFFIXES, _HEAD = 10_000, 5, 1_024
_WITHOUT_SUFFIX = "without a suffix"
# Files that Hugging Face's `datasets` writes beside the data.
_DESCRIPTIONS = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")


@errors_of_stores()
def expand(data: str) -> list[Place]:
    """Returns the existing paths that the argument names; commas and globs name several.

    Raises:
      DatasetError: There is no such path, or a store cannot be asked for it.
    """
    check_store(data)
    if is_there(data):
        return [place_of(data).absolute()]
    paths: list[Place] = []
    for named in data.split(","):
        # "a.csv, b.csv"; and a blank part would be the current folder.
        part = named if not files.is_remote(named) and is_there(named) else named.strip()
        if not part:
            raise DatasetError(
                f"{as_setting('data', data)}: a comma has no path on one side. Expected paths with "
                "commas in between."
            )
        check_store(part)
        matches = matching(part)
        if not matches:
            raise DatasetError(f"{as_setting('data', data)}: {_nothing_at(part)}")
        paths += [match.absolute() for match in matches]
    return list(dict.fromkeys(paths))


def _nothing_at(part: str) -> str:
    """Says that there is nothing, and what there is that is called nearly so."""
    if files.is_remote(part) and not (store := StorePath(place_of(part).parts[0])).is_dir():
        return (
            f"there is no '{printable(part)}': the store '{printable(str(store))}' is not there, "
            "or is empty. Check its name."
        )
    return (
        f"there is no file or folder '{part}'. Expected auto, imdb, sample or a path."
        f"{did_you_mean(part, (AUTO, IMDB, SAMPLE, *_neighbours(part)))}"
    )


def _neighbours(part: str) -> list[str]:
    folder = place_of(part).parent
    try:
        return [str(folder / path.name) for path in inside(folder)]
    except OSError:
        return []


@errors_of_stores()
def tables_in(paths: Iterable[Place]) -> list[Place]:
    """Returns the tables among files and in folders; of a folder without any, its folders of texts.

    Raises:
      DatasetError: A folder holds none, or several configurations of a data set.
    """
    found: list[Place] = []
    for path in paths:
        if path.is_dir():
            tables = files_in(path, partial(_is_table, folder=path))
            if tables:
                found += only_configuration(path, tables)
            elif texts := class_folders(path):
                found += texts
            else:
                raise DatasetError(
                    f"The folder {path} holds no reviews: expected tables ({', '.join(SUFFIXES)}), "
                    "or a folder of texts (.txt) for each class, which may be in train and test. "
                    f"{_what_is_in(path)}"
                )
        else:
            found.append(path)
    return found


def _what_is_in(folder: Place) -> str:
    """Says what there is in a folder that is not read, and the next step."""
    below: Iterable[Any] = folder.rglob("*")
    seen: list[Place] = [path for path in islice(below, _MOST_SEEN) if path.is_file()]
    if not seen:
        return "It holds no file."
    by_suffix: dict[str, list[Place]] = {}
    for path in sorted(seen):
        by_suffix.setdefault(path.suffix.lower() or _WITHOUT_SUFFIX, []).append(path)
    order = sorted(by_suffix, key=lambda suffix: -len(by_suffix[suffix]))[:_MOST_SUFFIXES]
    told = f"It holds {', '.join(f'{len(by_suffix[suffix]):,} {suffix}' for suffix in order)}."
    for suffix in order:
        first = by_suffix[suffix][0]
        with contextlib.suppress(OSError), first.open("rb") as stream:
            if objection := foreign(stream.read(_HEAD)):
                return f"{told} Of {printable(first.name)}: {objection}"
    return (
        f"{told} Put files that are a text each into a folder that is named for their label; of "
        "files with a text a line, write a table with the label beside each text."
    )


def _is_table(file: Place, folder: Place) -> bool:
    """Says whether a file below a folder is named as a table, and is no side file."""
    return kind_of(file) is not None and not _is_side_file(file, folder)


def _is_side_file(file: Place, folder: Place) -> bool:
    """Says whether a file below a folder is hidden, or describes the data set beside it."""
    parts = names_below(file, folder)
    return file.name in _DESCRIPTIONS or any(part.startswith(".") for part in parts)
