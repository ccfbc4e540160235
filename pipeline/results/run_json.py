"""A run as JSON, for programs."""

from __future__ import annotations

import math
from dataclasses import fields
from pathlib import Path
from typing import Any

from components.storage.place import StorePath
from pipeline.results.run_info import RunInfo, StepInfo

# By step, a thousand names: `runs show` gives them, the list of runs does not.
_LARGE = ("functions",)
# Where the run is, which is no property of it.
_WHERE = ("metadata", "root")


def as_json(run: RunInfo, *, is_whole: bool = False) -> dict[str, Any]:
    """Returns a run as values that `json.dumps` takes.

    Args:
      run: The run.
      is_whole: Whether the functions by step are in it.
    """
    return {
        field.name: plain(getattr(run, field.name))
        for field in fields(RunInfo)
        if field.name not in _WHERE and (is_whole or field.name not in _LARGE)
    } | {"slices": [[list(map(list, key)), *values] for key, values in run.slices.items()]}


def plain(value: Any) -> Any:
    """Returns a value as JSON has it: a number that is not finite is null, a time ISO 8601."""
    if isinstance(value, StepInfo):
        return {field.name: plain(getattr(value, field.name)) for field in fields(StepInfo)}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Path | StorePath):
        return str(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if hasattr(value, "items"):
        return {str(name): plain(one) for name, one in value.items() if isinstance(name, str)}
    return value
