"""Where `--hyperparameters-from` finds its values: the latest Tuner of the pipeline, or a file."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from components.errors import ConfigurationError
from components.hyperparameters import EVERY_VARIANT, Hyperparameters, names_where
from components.trainer.tuned import VARIANT, has_best, read_best, tuned_values
from pipeline.config import PipelineConfig
from pipeline.metadata.address import MetadataStoreAddress, address_of
from pipeline.root import is_there, open_metadata
from serving.small_files import UnreadableFileError, read_small_file

FROM_TUNER = "tuner"


def with_found(
    config: PipelineConfig, metadata: MetadataStoreAddress | Path, pipeline_name: str
) -> PipelineConfig:
    """Returns `config` with the values that `hyperparameters_from` names, which must be set.

    Values that a flag sets stay as they are.

    Raises:
      ConfigurationError: There are none, or they cannot be used.
    """
    asked = config.hyperparameters_from
    if asked == FROM_TUNER:
        found = latest_of_tuner(address_of(metadata), pipeline_name, config.model)
    else:
        found = read_file(Path(asked), config.model)
    not_searched = names_where("part", EVERY_VARIANT)
    by_flag = [name for name in not_searched if name in found]
    if by_flag:
        raise ConfigurationError(
            f"--hyperparameters-from {asked} sets {', '.join(by_flag)}, which a search does "
            f"not tune. Leave it out, and give --{' and --'.join(by_flag)} on the command line."
        )
    known = [name for name in Hyperparameters.__dataclass_fields__ if name not in not_searched]
    unknown = sorted(found.keys() - set(known))
    if unknown:
        raise ConfigurationError(
            f"--hyperparameters-from {asked}: no hyperparameter is called {', '.join(unknown)}. "
            f"Choose from: {', '.join(known)}."
        )
    missing = {name: value for name, value in found.items() if getattr(config, name) is None}
    return dataclasses.replace(config, **missing)


def read_file(path: Path, model: str) -> dict[str, Any]:
    """Reads a JSON object of hyperparameters, or one that a Tuner wrote for `model`.

    Raises:
      ConfigurationError: It cannot be read, is something else, or is another variant's.
    """
    try:
        found = json.loads(read_small_file(path))
    except UnreadableFileError as error:
        raise ConfigurationError(
            f"--hyperparameters-from is '{path}'; expected {FROM_TUNER} or a JSON file: {error}."
        ) from error
    except RecursionError as error:
        raise ConfigurationError(f"--hyperparameters-from {path} is nested too deeply.") from error
    except ValueError as error:
        raise ConfigurationError(f"--hyperparameters-from {path} is no JSON: {error}.") from error
    if isinstance(found, dict) and isinstance(found.get("values"), dict):
        whose = found["values"].get(VARIANT, model)
        if whose != model:
            raise ConfigurationError(
                f"--hyperparameters-from {path} was found for '{whose}', and --model is '{model}'. "
                f"Choose --model {whose}, or another file."
            )
        return tuned_values(found)
    if not isinstance(found, dict):
        raise ConfigurationError(
            f"--hyperparameters-from {path}: expected a JSON object such as "
            '{"learning_rate": 0.001, "epochs": 3}.'
        )
    return found


def latest_of_tuner(
    metadata: MetadataStoreAddress, pipeline_name: str, model: str
) -> dict[str, Any]:
    """Returns the best values of the pipeline's latest Tuner that searched for `model`.

    Raises:
      ConfigurationError: There is none.
    """
    latest_first = []
    if is_there(metadata):
        store = open_metadata(metadata)
        context = store.get_context_by_type_and_name("pipeline", pipeline_name)
        if context:
            artifacts = {
                artifact.id: artifact
                for artifact in store.get_artifacts_by_context(context.id)
                if artifact.type == "HyperParameters"
                and has_best(str(metadata.place(artifact.uri)))
            }
            # A search that came from the cache has another event, and the artifact of the first.
            events = store.get_events_by_artifact_ids(list(artifacts)) if artifacts else []
            outputs = [event for event in events if event.type == event.OUTPUT]
            outputs.sort(key=lambda event: event.execution_id, reverse=True)
            latest_first = [artifacts[event.artifact_id] for event in outputs]
    for artifact in latest_first:
        best = read_best(str(metadata.place(artifact.uri)))
        if best["values"].get(VARIANT) == model:
            return tuned_values(best)
    raise ConfigurationError(
        f"--hyperparameters-from {FROM_TUNER}: no run of '{pipeline_name}' has tuned '{model}' "
        "yet, or what it found was deleted. Run with --tune 10 --validation-fraction 0.1 first, "
        "or name a JSON file."
    )
