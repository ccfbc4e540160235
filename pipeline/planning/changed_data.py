"""What of the data changed since it was last read."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from components.models.class_list import class_list
from components.storage import files
from pipeline.paths import shown as shown_path
from pipeline.planning.setting_words import is_setting, setting_changed, shown

_MOST_NAMED = 2
_SETTINGS = {"has_header": "header"}
_LABELS = "--labels, --map-labels, --positive-label or --negative-label changed"
# They follow from the files, or are told with them.
_OF_THE_FILES = ("digest", "files", "kind", "name", "origin")


def changed_data(before: Any, now: Any, since: float) -> list[str]:
    """Compares two sources.

    Args:
      before: As it was last read, `ReviewSource.to_json`.
      now: As it is.
      since: When it was last read, in seconds since 1970: files that changed later are named.
    """
    old, new = json.loads(before), json.loads(now)
    changes = []
    if old["digest"] != new["digest"] or old["kind"] != new["kind"]:
        changes.append(_changed_files(_paths(old), _paths(new), since))
    elif _paths(old) != _paths(new):
        there, before_there = (_paths(each)[:1] or ["nowhere"] for each in (new, old))
        changes.append(
            f"the same data is at {shown_path(there[0])}, was at {shown_path(before_there[0])}"
        )
    return [*changes, *dict.fromkeys(_changed_reading(old, new))]


def _changed_files(before: Sequence[str], now: Sequence[str], since: float) -> str:
    if not now:
        return "the generated sample changed"
    if added := [path for path in now if path not in before]:
        return f"the data changed: {_names(added)} {_were(added)} added"
    if gone := [path for path in before if path not in now]:
        return f"the data changed: {_names(gone)} {_were(gone)} left out"
    if len(now) == 1:
        return f"the data changed: {_names(now)}"
    later = [path for path in now if _changed_at(path) > since]
    if not later:
        return f"the data changed: some of {len(now):,} files"
    return f"the data changed: {_names(later)}, {len(later):,} of {len(now):,} files"


def _changed_reading(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    """Yields what differs in how the files are read."""
    for name in sorted(old.keys() | new.keys()):
        if name in _OF_THE_FILES or old.get(name) == new.get(name):
            continue
        if name in ("label_classes", "leaves_out"):
            yield _LABELS
        else:
            yield _changed(name, old.get(name), new.get(name))
    by_path = {file["path"]: file.get("format") or {} for file in old["files"]}
    for file in new["files"]:
        earlier, today = by_path.get(file["path"], {}), file.get("format") or {}
        for name in sorted(today) if earlier else ():
            if earlier.get(name) != today[name]:
                yield _changed(name, earlier.get(name), today[name])


def _changed(name: str, before: Any, now: Any) -> str:
    name = _SETTINGS.get(name, name)
    if is_setting(name):
        return setting_changed(name, before, now)
    words = name.replace("_", " ")
    if name == "classes":
        return f"the classes are {class_list(now or ())}, were {class_list(before or ())}"
    return f"the data's {words} is {shown(name, now)}, was {shown(name, before)}"


def _paths(source: dict[str, Any]) -> list[str]:
    return [file["path"] for file in source["files"]]


def _names(paths: Sequence[str]) -> str:
    names = ", ".join(Path(path).name for path in paths[:_MOST_NAMED])
    more = len(paths) - _MOST_NAMED
    return f"{names} and {more:,} more" if more > 0 else names


def _were(paths: Sequence[str]) -> str:
    return "was" if len(paths) == 1 else "were"


def _changed_at(path: str) -> float:
    with contextlib.suppress(OSError):
        if files.is_remote(path):
            return files.status_of(path).modified_ns / 1e9
        status = os.stat(path)
        # A file that was moved to its place keeps the time of its content.
        return max(status.st_mtime, status.st_ctime)
    return 0.0
