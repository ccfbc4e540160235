"""What TFX's Tuner writes: KerasTuner's JSON of the best values, with the variant among them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from components.storage.place import place_of

# The value that names the variant of these hyperparameters.
VARIANT = "model"
_FILES = "best_hyperparameters*"


def tuned_values(result: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the hyperparameters by name."""
    return {name: value for name, value in result["values"].items() if name != VARIANT}


def has_best(artifact_uri: str) -> bool:
    """Returns whether there is a file for `read_best`; it may have been deleted."""
    return any(place_of(artifact_uri).glob(_FILES))


def read_best(artifact_uri: str) -> dict[str, Any]:
    """Reads a Tuner's `best_hyperparameters` artifact."""
    (file,) = place_of(artifact_uri).glob(_FILES)
    return json.loads(file.read_text(encoding="utf-8"))
