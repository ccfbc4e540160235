"""A record beside each trained model: what was trained, how, and at what cost."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from components.hyperparameters import Hyperparameters

# SavedModel's own place for files that servers do not read.
FOLDER = "assets.extra"
FILE = "training.json"


@dataclass(frozen=True)
class TrainingRecord:
    """One training.

    Attributes:
      model: Name of the variant.
      hyperparameters: What it was trained with.
      seconds: Wall time of the fit alone.
      parameters: How many weights the model has.
    """

    model: str
    hyperparameters: Hyperparameters
    seconds: float
    parameters: int

    def write(self, saved_model: str) -> None:
        """Writes the record into the SavedModel's folder; it is pushed with the model."""
        folder = Path(saved_model) / FOLDER
        folder.mkdir(exist_ok=True)
        (folder / FILE).write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @staticmethod
    def is_in(saved_model: str) -> bool:
        """Returns whether a SavedModel has a record: another trainer's has none."""
        return (Path(saved_model) / FOLDER / FILE).is_file()

    @classmethod
    def read(cls, saved_model: str) -> TrainingRecord:
        """Reads what `write` wrote."""
        fields = json.loads((Path(saved_model) / FOLDER / FILE).read_text(encoding="utf-8"))
        fields["hyperparameters"] = Hyperparameters.from_config(fields["hyperparameters"])
        return cls(**fields)
