"""Where `--hyperparameters` finds its values: the latest Tuner of the pipeline, or a file."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from components.errors import ConfigurationError
from components.hyperparameters import Hyperparameters
from components.tuned import VARIANT, read_best, tuned_values
from pipeline.config import PipelineConfig

FROM_TUNER = "from-tuner"


def with_found(settings: PipelineConfig, metadata_path: Path, pipeline_name: str) -> PipelineConfig:
    """Returns `settings` with the values found; those that a flag sets stay as they are.

    Raises:
      ConfigurationError: There are none, or they cannot be used.
    """
    asked = settings.hyperparameters
    if not asked:
        return settings
    if asked == FROM_TUNER:
        found = latest_of_tuner(metadata_path, pipeline_name, settings.model)
    else:
        found = read_file(Path(asked))
    known = Hyperparameters.__dataclass_fields__
    unknown = sorted(found.keys() - known.keys())
    if unknown:
        raise ConfigurationError(
            f"--hyperparameters {asked}: no hyperparameter is called {', '.join(unknown)}. Choose "
            f"from: {', '.join(known)}."
        )
    missing = {name: value for name, value in found.items() if getattr(settings, name) is None}
    return dataclasses.replace(settings, **missing)


def read_file(path: Path) -> dict[str, Any]:
    """Reads a JSON object of hyperparameters, or one that a Tuner wrote.

    Raises:
      ConfigurationError: It cannot be read, or is something else.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"--hyperparameters is '{path}'; expected {FROM_TUNER} or a JSON file: "
            f"{error.strerror}."
        ) from error
    except ValueError as error:
        raise ConfigurationError(f"--hyperparameters {path} is no JSON: {error}.") from error
    if isinstance(found, dict) and isinstance(found.get("values"), dict):
        return tuned_values(found)
    if not isinstance(found, dict):
        raise ConfigurationError(
            f"--hyperparameters {path}: expected a JSON object such as "
            '{"learning_rate": 0.001, "epochs": 3}.'
        )
    return found


def latest_of_tuner(metadata_path: Path, pipeline_name: str, model: str) -> dict[str, Any]:
    """Returns the best values of the pipeline's latest Tuner that searched for `model`.

    Raises:
      ConfigurationError: There is none.
    """
    artifacts = []
    if metadata_path.is_file():
        from pipeline.report.run_record import open_metadata

        store = open_metadata(metadata_path)
        context = store.get_context_by_type_and_name("pipeline", pipeline_name)
        if context:
            artifacts = [
                artifact
                for artifact in store.get_artifacts_by_context(context.id)
                if artifact.type == "HyperParameters" and Path(artifact.uri).is_dir()
            ]
    for artifact in sorted(artifacts, key=lambda each: -each.id):
        best = read_best(artifact.uri)
        if best["values"].get(VARIANT) == model:
            return tuned_values(best)
    raise ConfigurationError(
        f"--hyperparameters {FROM_TUNER}: no run of '{pipeline_name}' has tuned '{model}' yet. Run "
        "with --tune 10 --validation-fraction 0.1 first, or name a JSON file."
    )
