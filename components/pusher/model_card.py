"""The model card of a pushed version: `model_card.json` in its folder."""

from __future__ import annotations

import json
import math
import platform
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from components.evaluator import lift, results
from components.example_gen.reading_report import ReadingReport
from components.infra_validator.outcome import Outcome
from components.pusher.pushed_data import CARD_FILE as FILE
from components.trainer.training_record import TrainingRecord
from components.transform.token_settings import TokenSettings

# What a pipeline says that knows nothing of these.
NO_FACTS: dict[str, Any] = {
    "data": "",
    "origin": {"path": "", "digest": ""},
    "gate": {},
    "source_fingerprint": {},
}
LIBRARIES = ("tensorflow", "keras", "tfx", "tensorflow-transform", "apache-beam")


def write(
    version: Path,
    model_name: str,
    facts: dict[str, Any],
    report: str | None,
    evaluation: str | None,
    infra_validation: Outcome | None,
) -> None:
    """Writes the card of the version whose files are in the folder `version`.

    It leaves out what is not known: another trainer leaves no record, another evaluation has
    other metrics.

    Args:
      version: The folder; holds the training's record.
      model_name: The name that it is served under.
      facts: What the pipeline knows: `data`, `origin`, `gate` and `source_fingerprint`.
      report: Folder of the reading report, if there is one.
      evaluation: Folder of the Evaluator's measurements, if there are any.
      infra_validation: Which server answered as the model itself did; None if none was asked.
    """
    card = {
        "name": model_name,
        "data": {"name": facts["data"], "origin": facts["origin"], **_reading(report)},
        **_tokens(version),
        **_training(version),
        **_measurements(evaluation),
        "gate": facts["gate"],
        "infra_validation": infra_validation
        and {"engine": infra_validation.engine, "answers": infra_validation.answers},
        "source_fingerprint": facts["source_fingerprint"],
        "stack": {
            "python": platform.python_version(),
            **{library: version_of(library) for library in LIBRARIES},
        },
    }
    (version / FILE).write_text(json.dumps(card, indent=1, allow_nan=False), encoding="utf-8")


def _reading(report: str | None) -> dict[str, Any]:
    if report is None:
        return {}
    reading = ReadingReport.read(report)
    return {
        "reviews": reading.reviews,
        "leaks": reading.leaks,
        "dropped_leaks": reading.dropped_leaks,
    }


def _tokens(version: Path) -> dict[str, Any]:
    settings = TokenSettings.of_model(version)
    return {"tokens": settings.to_config()} if settings else {}


def _training(version: Path) -> dict[str, Any]:
    if not TrainingRecord.is_in(str(version)):
        return {}
    training = TrainingRecord.read(str(version))
    return {
        "variant": training.model,
        "hyperparameters": training.hyperparameters.to_config(),
        "parameters": training.parameters,
        "training_seconds": training.seconds,
    }


def _measurements(evaluation: str | None) -> dict[str, Any]:
    if evaluation is None:
        return {}
    metrics = results.load_candidate(evaluation).overall
    found: dict[str, Any] = {
        "test_metrics": {name: _number(value) for name, value in metrics.items()}
    }
    if metrics.keys() >= results.CONFUSION_COUNTS.keys():
        larger = lift.larger_class(metrics)
        found["larger_class"] = {"name": larger.name or None, "share": _number(larger.share)}
    return found


def _number(value: float) -> float | None:
    """Returns a number that JSON has: NaN is none."""
    return value if math.isfinite(value) else None
