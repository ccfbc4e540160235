"""What a run recorded of itself, where it has the shape that runs give it.

Other programs and other releases may write to the same file: what has another shape is left out, as
if it had not been recorded, so that one odd run does not hide all others of its root.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

SliceAccuracies = dict[tuple[tuple[str, str], ...], tuple[int, float]]

_DATA_TEXTS = ("name", "origin", "digest")


def from_json(text: Any) -> Any:
    """Returns what a property holds; None where it is no JSON."""
    try:
        return json.loads(text) if text else None
    except (ValueError, TypeError, RecursionError):
        return None


def mapping_of(value: Any) -> dict[str, Any]:
    """Returns a JSON object, or an empty one."""
    return value if isinstance(value, dict) else {}


def number(value: Any) -> float | None:
    """Returns a number that is finite and not below 0, or None."""
    return float(value) if _is_number(value) and value >= 0 else None


def texts(value: Any) -> dict[str, str]:
    """Returns the members of a JSON object that are texts."""
    return _only(value, lambda one: isinstance(one, str))


def text_list(value: Any) -> tuple[str, ...]:
    """Returns the members of a JSON array that are texts."""
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def figures(value: Any) -> dict[str, float | None]:
    """Returns metrics: numbers, or null where one is not defined; an accuracy is a share."""
    found = _only(value, lambda one: one is None or _is_number(one))
    if not 0 <= (found.get("accuracy") or 0) <= 1:
        del found["accuracy"]
    return found


def data(value: Any) -> dict[str, Any]:
    """Returns what is known of the data: texts, classes, counts by split and label, leaks."""
    known = mapping_of(value)
    found: dict[str, Any] = {
        key: known[key] for key in _DATA_TEXTS if isinstance(known.get(key), str)
    }
    if isinstance(known.get("classes"), list):
        found["classes"] = [str(name) for name in known["classes"]]
    if "reviews" in known:
        splits = mapping_of(known["reviews"])
        found["reviews"] = {split: _only(labels, _is_count) for split, labels in splits.items()}
    return found | ({"leaks": known["leaks"]} if _is_count(known.get("leaks")) else {})


def slices(value: Any) -> SliceAccuracies:
    """Returns reviews and accuracy by ((feature, value), ...)."""
    found: SliceAccuracies = {}
    for row in value if isinstance(value, list) else ():
        try:
            key, reviews, accuracy = row
            name = tuple((str(feature), str(one)) for feature, one in key)
        except (TypeError, ValueError):
            continue
        if _is_count(reviews) and _is_number(accuracy) and 0 <= accuracy <= 1:
            found[name] = (reviews, accuracy)
    return found


def step_notes(value: Any) -> dict[str, dict[str, Any]]:
    """Returns state, seconds, peak memory and reason by step; a step has only what has its kind."""
    return {
        step: {
            key: one
            for key, one in mapping_of(noted).items()
            if (isinstance(one, str) if key in ("state", "reason") else number(one) is not None)
        }
        for step, noted in mapping_of(value).items()
    }


def time(recorded: str, created: int) -> datetime:
    """Returns when a run began, by its own record, or by ML Metadata's milliseconds."""
    try:
        began = datetime.fromisoformat(recorded)
    except ValueError:
        began = datetime.fromtimestamp(created / 1_000)
    return began if began.tzinfo else began.astimezone()


def _only(value: Any, is_right: Callable[[Any], bool]) -> dict[str, Any]:
    members: Mapping[str, Any] = mapping_of(value)
    return {name: one for name, one in members.items() if is_right(one)}


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
