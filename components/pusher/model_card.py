"""The model card of a pushed version: `model_card.json` in its folder."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

from components.cross_validator.figures import CrossValidation
from components.evaluator import lift, results
from components.evaluator.predictions import read_predictions
from components.evaluator.significance import Pairs, wilson_interval, with_margin
from components.example_gen.reading_report import ReadingReport
from components.infra_validator.outcome import Outcome
from components.models.training_record import TrainingRecord
from components.pusher.pushed_data import CARD_FILE as FILE
from components.transform.token_settings import TokenSettings

# What a pipeline says that knows nothing of these.
NO_FACTS: dict[str, Any] = {
    "data": "",
    "origin": {"path": "", "digest": ""},
    "gate": {},
    "source_fingerprint": {},
}
# Two columns of 100 values may have 10,000.
MOST_SLICES = 1_000
LIBRARIES = ("tensorflow", "keras", "tfx", "tensorflow-transform", "apache-beam")


def write(
    version: Path,
    model_name: str,
    facts: dict[str, Any],
    report: str | None,
    evaluation: str | None,
    infra_validation: Outcome | None,
    cross_validation: str | None = None,
) -> None:
    """Writes the card of the version whose files are in the folder `version`.

    It leaves out what is not known: another trainer leaves no record, another evaluation has
    other metrics.

    Args:
      version: The folder; holds the training's record.
      model_name: The name that it is served under.
      facts: What the pipeline knows: `data`, `origin`, `gate` and `source_fingerprint`; of a
        model without a training's record, `classes` and `tokens` as well.
      report: Folder of the reading report, if there is one.
      evaluation: Folder of the Evaluator's measurements, if there are any.
      infra_validation: Which server answered as the model itself did; None if none was asked.
      cross_validation: Folder of CrossValidator's figures, if there are any.
    """
    facts = {**NO_FACTS, **facts}
    training = TrainingRecord.read(str(version)) if TrainingRecord.is_in(str(version)) else None
    classes = list(training.classes if training else facts.get("classes", ()))
    tokens = TokenSettings.of_model(version)
    shape = {
        "classes": classes,
        "tokens": tokens.to_config() if tokens else facts.get("tokens"),
    }
    card = {
        "name": model_name,
        **{name: value for name, value in shape.items() if value},
        "data": {"name": facts["data"], "origin": facts["origin"], **_reading(report)},
        **_training(training),
        **_measurements(evaluation, classes),
        **_cross_validation(cross_validation),
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


def _training(training: TrainingRecord | None) -> dict[str, Any]:
    if training is None:
        return {}
    return {
        "variant": training.model,
        **({"chosen_because": training.chosen_because} if training.chosen_because else {}),
        **({"decision": asdict(training.decision)} if len(training.classes) == 2 else {}),
        "hyperparameters": training.hyperparameters.to_config(),
        "parameters": training.parameters,
        "training_seconds": training.seconds,
    }


def _measurements(evaluation: str | None, classes: Sequence[str]) -> dict[str, Any]:
    if evaluation is None:
        return {}
    measured = results.load_candidate(evaluation)
    found: dict[str, Any] = {
        "test_metrics": {name: _number(value) for name, value in measured.overall.items()}
    }
    if slices := _slices(measured):
        found["slices"] = slices
    accuracy, reviews = (measured.overall.get(name) for name in ("accuracy", "examples"))
    if reviews and accuracy is not None:
        found["accuracy_interval"] = _interval(round(accuracy * reviews), round(reviews))
    if pairs := _pairs(evaluation):
        found["against_last_blessed"] = {**pairs.to_json(), "verdict": pairs.verdict}
    confusion = measured.confusion
    if confusion and confusion.classes == len(classes):
        larger = lift.largest_class(confusion.sizes.tolist(), classes)
        found["larger_class"] = {"name": larger.name or None, "share": _number(larger.share)}
        columns = zip(classes, confusion.precision, confusion.recall, confusion.sizes, strict=True)
        found["class_metrics"] = {
            name: {
                "precision": _number(float(precision)),
                "recall": _number(float(recall)),
                "reviews": int(reviews),
            }
            for name, precision, recall, reviews in columns
        }
    return found


def _slices(measured: results.EvaluationResults) -> list[dict[str, Any]]:
    """Returns the largest slices that were measured."""
    known = [
        (key, metrics)
        for key, metrics in measured.slices.items()
        if {"examples", "accuracy"} <= metrics.keys()
    ]
    largest = sorted(known, key=lambda pair: (-pair[1]["examples"], pair[0]))[:MOST_SLICES]
    return [
        {
            "slice": dict(key),
            "reviews": int(metrics["examples"]),
            "accuracy": _number(metrics["accuracy"]),
        }
        for key, metrics in largest
    ]


def _interval(right: int, reviews: int) -> dict[str, Any]:
    """Returns the 95 % interval of an accuracy by Wilson's score, and in words."""
    low, high = wilson_interval(right, reviews)
    return {"low": _number(low), "high": _number(high), "text": with_margin(right, reviews)}


def _pairs(evaluation: str) -> Pairs | None:
    """Returns the model and the last blessed one on the same reviews, where that was kept."""
    try:
        return Pairs.in_predictions(read_predictions(evaluation, with_scores=False))
    except LookupError:
        return None


def _cross_validation(folder: str | None) -> dict[str, Any]:
    """Returns the figures of cross-validation but for the counts, which grow with the classes."""
    if folder is None:
        return {}
    found = CrossValidation.read(folder).to_json()
    folds = [{**fold, "macro_f1": _number(fold["macro_f1"])} for fold in found.pop("folds")]
    for fold in folds:
        del fold["counts"]
    return {"cross_validation": {**found, "folds": folds}}


def _number(value: float) -> float | None:
    """Returns a number that JSON has: NaN is none."""
    return value if math.isfinite(value) else None
