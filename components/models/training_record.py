"""A record beside each trained model: what was trained, how, and at what cost."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from components import features
from components.hyperparameters import Hyperparameters
from components.models.decision import Decision
from components.storage.place import place_of

# SavedModel's own place for files that servers do not read.
FOLDER = "assets.extra"
FILE = "training.json"


@dataclass(frozen=True)
class CurvePoint:
    """A point of a training's curve.

    Attributes:
      step: Batches of training reviews so far; 0 of a model that a solver fitted.
      epoch: The pass over the training reviews that the step is of, from 1; 0 of a solved model.
      loss: Mean over the training reviews of the steps since the point before.
      accuracy: The same, a share from 0 to 1.
      eval_loss: On the eval split, or on a fixed part of it, as measured last since the point
        before; None where nothing was.
      eval_accuracy: The same.
    """

    step: int
    epoch: int
    loss: float
    accuracy: float
    eval_loss: float | None = None
    eval_accuracy: float | None = None


@dataclass(frozen=True)
class TrainingRecord:
    """One training.

    Attributes:
      model: Name of the variant.
      hyperparameters: What it was trained with.
      seconds: Wall time of the fit alone.
      parameters: How many weights the model has.
      classes: Names of the classes, by label.
      chosen_because: Why it is this variant, in a sentence; "" where it was asked for.
      curve: Loss and accuracy over the steps; none in records of earlier releases.
      decision: From which probability on it decides on the second of two classes, and why.
    """

    model: str
    hyperparameters: Hyperparameters
    seconds: float
    parameters: int
    classes: tuple[str, ...] = features.CLASSES
    chosen_because: str = ""
    curve: tuple[CurvePoint, ...] = ()
    decision: Decision = Decision()

    def write(self, saved_model: str) -> None:
        """Writes the record into the SavedModel's folder; it is pushed with the model."""
        folder = place_of(saved_model) / FOLDER
        folder.mkdir(exist_ok=True)
        (folder / FILE).write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")

    @staticmethod
    def is_in(saved_model: str) -> bool:
        """Returns whether a SavedModel has a record: another trainer's has none."""
        return (place_of(saved_model) / FOLDER / FILE).is_file()

    @classmethod
    def classes_of(cls, saved_model: str) -> tuple[str, ...]:
        """Returns the classes of a SavedModel; of one without a record, those of two classes."""
        return cls.read(saved_model).classes if cls.is_in(saved_model) else features.CLASSES

    @classmethod
    def read(cls, saved_model: str) -> TrainingRecord:
        """Reads what `write` wrote."""
        fields = json.loads((place_of(saved_model) / FOLDER / FILE).read_text(encoding="utf-8"))
        fields["hyperparameters"] = Hyperparameters.from_config(fields["hyperparameters"])
        fields["decision"] = Decision(**fields.get("decision", {}))
        fields["classes"] = tuple(fields.get("classes", features.CLASSES))
        fields["curve"] = tuple(CurvePoint(**point) for point in fields.get("curve", ()))
        return cls(**fields)
