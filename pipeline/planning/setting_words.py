"""How a reason names a setting and its values."""

from __future__ import annotations

import dataclasses
from typing import Any

from pipeline.config import PipelineConfig
from pipeline.settings import flag_of

_FIELDS = {field.name: field for field in dataclasses.fields(PipelineConfig)}
_MOST_CHARACTERS = 40


def is_setting(name: str) -> bool:
    """Returns whether a run has such a setting."""
    return name in _FIELDS


def setting_changed(name: str, before: Any, now: Any) -> str:
    """Says what a setting is and was.

    >>> setting_changed("epochs", 3, 5)
    '--epochs is 5, was 3'
    """
    return f"{flag_of(name)} is {shown(name, now)}, was {shown(name, before)}"


def setting_is(name: str, config: PipelineConfig) -> str:
    """Says what a setting is.

    >>> setting_is("infra_validation", PipelineConfig(infra_validation="off"))
    '--infra-validation is off'
    """
    return f"{flag_of(name)} is {shown(name, getattr(config, name))}"


def shown(name: str, value: Any) -> str:
    """Returns a setting's value in a few characters."""
    if value is None or value in ([], ()):
        return "not set"
    if name in _FIELDS and _FIELDS[name].metadata["type"] is bool:
        return "on" if value else "off"
    text = ", ".join(map(_one, value)) if isinstance(value, list | tuple) else str(value)
    text = text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 3]}..."
    return text or "empty"


def _one(value: Any) -> str:
    # Of columns that slice together, as --slice-by has them.
    return "+".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
