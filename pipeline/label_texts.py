"""Labels as a TOML file has them, as the text that a flag takes."""

from __future__ import annotations

from typing import Any

from components.dataset.label_settings import map_setting_of
from components.dataset.labels import setting_of, spelling_of
from components.errors import ConfigurationError
from pipeline.settings import flag_of


def labels_as_text(name: str, value: Any) -> str:
    """Returns a label, or a list of labels as TOML has it, as the flag's text.

    Raises:
      ConfigurationError: It is something else.
    """
    if isinstance(value, str):
        return value
    labels = value if isinstance(value, list | tuple) else [value]
    if any(not isinstance(label, str | int | float) for label in labels):
        raise ConfigurationError(
            f"{flag_of(name)} is {value!r}; expected a label, or a list of labels."
        )
    return setting_of(map(spelling_of, labels)) if labels else ""


def mapping_as_text(name: str, value: Any) -> str:
    """Returns a table of labels and classes, as TOML has it, as the flag's text.

    Raises:
      ConfigurationError: It is something else.
    """
    if isinstance(value, str):
        return value
    if not isinstance(value, dict) or not all(
        isinstance(label, str | int | float) for label in value.values()
    ):
        raise ConfigurationError(
            f"{flag_of(name)} is {value!r}; expected labels and their classes, e.g. 5=good,1=bad."
        )
    pairs = [(spelling_of(label), spelling_of(meant)) for label, meant in value.items()]
    return map_setting_of(pairs)
