"""Which settings of a configuration are the user's own."""

from __future__ import annotations

from typing import Any

from pipeline.config import PipelineConfig, setting_fields

# The root may be moved, and where metadata is or what is printed changes no outcome.
_NOT_OF_THE_RUN = ("root", "metadata", "metadata_password_file", "debug", "report")
# How the text of reviews is read from a table.
TABLE_SETTINGS = (
    "text_column",
    "delimiter",
    "encoding",
    "quoting",
    "header",
    "max_bad_records",
)
# What `sentiment inspect` takes.
INSPECT_SETTINGS = (*TABLE_SETTINGS, "label_column")


def chosen_settings(config: PipelineConfig) -> dict[str, Any]:
    """Returns the settings that are not the defaults, and the seed, which decides in any case.

    `root`, `metadata`, `report` and `debug` are not among them: they change no outcome.
    """
    return {
        field.name: value
        for field in setting_fields()
        if field.name not in _NOT_OF_THE_RUN
        and ((value := getattr(config, field.name)) != field.default or field.name == "seed")
    }
