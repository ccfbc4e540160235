"""What a pushed version says of itself: `model_card.json` in its folder."""

from __future__ import annotations

import json
import math
import platform
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from components import evaluation_results
from components.infra_validation.outcome import Outcome
from components.pushed_data import CARD_FILE as FILE
from components.reading_report import ReadingReport
from components.training_record import TrainingRecord

LIBRARIES = ("tensorflow", "keras", "tfx", "tensorflow-transform", "apache-beam")


def write(
    version: Path,
    model_name: str,
    facts: dict[str, Any],
    report: str,
    evaluation: str,
    infra_validation: Outcome | None,
) -> None:
    """Writes the card of the version whose files are in the folder `version`.

    Args:
      version: The folder; holds the training's record.
      model_name: The name that it is served under.
      facts: What the pipeline knows: `data`, `origin`, `gate` and `source_fingerprint`.
      report: Folder of the reading report.
      evaluation: Folder of the Evaluator's measurements.
      infra_validation: Which server answered as the model itself did; None if none was asked.
    """
    training = TrainingRecord.read(str(version))
    reading = ReadingReport.read(report)
    metrics = evaluation_results.load_candidate(evaluation).overall
    card = {
        "name": model_name,
        "data": {
            "name": facts["data"],
            "origin": facts["origin"],
            "reviews": reading.reviews,
            "leaks": reading.leaks,
            "dropped_leaks": reading.dropped_leaks,
        },
        "variant": training.model,
        "hyperparameters": training.hyperparameters.to_config(),
        "parameters": training.parameters,
        "training_seconds": training.seconds,
        # JSON has no NaN.
        "test_metrics": {
            name: value if math.isfinite(value) else None for name, value in metrics.items()
        },
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
