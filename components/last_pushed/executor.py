"""LastPushedModel's executor: copies the newest version that a candidate may be compared with."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence

from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.evaluator.baseline import CANDIDATE, MODEL
from components.models.class_list import class_list
from components.models.training_record import TrainingRecord
from components.notices import notify
from components.tfx_base.tfx_adapter import Inputs, Outputs, Parameters
from serving.versions import SAVED_MODEL_FILE, number_of

SERVING_DIRECTORY = "serving_directory"
CLASSES = "classes"
VARIANT = "variant"

_WEIGHTS = "variables"
_PART = 1 << 20


class Executor(base_executor.BaseExecutor):
    """Looks at the pushed versions from the newest on, and takes the first that will do."""

    def Do(self, input_dict: Inputs, output_dict: Outputs, exec_properties: Parameters) -> None:
        """Copies the model found; where there is none, the artifact's folder stays empty."""
        model = artifact_utils.get_single_instance(output_dict[MODEL])
        candidates = input_dict.get(CANDIDATE, [])
        found = last_pushed(
            exec_properties[SERVING_DIRECTORY],
            classes=json.loads(exec_properties[CLASSES]),
            variant=exec_properties[VARIANT],
            other_than=[path_utils.serving_model_path(artifact.uri) for artifact in candidates],
        )
        fileio.makedirs(model.uri)
        if found:
            _copy(found, path_utils.serving_model_path(model.uri))
            model.set_string_custom_property("pushed_version", os.path.basename(found))


def last_pushed(
    serving_directory: str,
    classes: Sequence[str] = (),
    variant: str = "",
    other_than: Sequence[str] = (),
) -> str:
    """Returns the folder of the newest version that will do; empty if there is none.

    A pushed model was blessed by all that judged it. One of other classes is passed over, and a
    warning says so: its answers are to another question.

    Args:
      serving_directory: Its children are versions.
      classes: Names of the model's classes, by label; without names all models count.
      variant: The model's variant; "" for any.
      other_than: SavedModels that do not count: the same one, trained and pushed before.
    """
    excluded = {_digest(export) for export in other_than}
    passed_over: tuple[str, ...] = ()
    found = ""
    for version in _versions(serving_directory):
        record = _record(version)
        if variant and (record is None or record.model != variant):
            continue
        if classes and record is not None and record.classes != tuple(classes):
            passed_over = passed_over or record.classes
            continue
        if excluded and _digest(version) in excluded:
            continue
        found = version
        break
    if passed_over:
        instead = "an earlier one takes its place" if found else "there is none"
        notify(
            f"The last pushed model tells other classes apart ({class_list(passed_over)}), and is "
            f"not compared with; {instead}."
        )
    return found


def _versions(serving_directory: str) -> Iterator[str]:
    """Yields the folders of complete versions, the newest first."""
    if not fileio.isdir(serving_directory):
        return
    # Object stores list folders with a slash behind their names.
    names = [name.rstrip("/") for name in fileio.listdir(serving_directory)]
    by_number = {number: name for name in names if (number := number_of(name)) is not None}
    for number in sorted(by_number, reverse=True):
        folder = os.path.join(serving_directory, by_number[number])
        if fileio.exists(os.path.join(folder, SAVED_MODEL_FILE)):
            yield folder


def _record(version: str) -> TrainingRecord | None:
    """Returns what was trained; None of another trainer's model."""
    try:
        return TrainingRecord.read(version)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _digest(export: str) -> str:
    """Hashes graph and weights: the Pusher adds other files to a version."""
    digest = hashlib.sha256()
    weights = os.path.join(export, _WEIGHTS)
    names = sorted(fileio.listdir(weights)) if fileio.isdir(weights) else []
    for path in (
        os.path.join(export, SAVED_MODEL_FILE),
        *(os.path.join(weights, name) for name in names),
    ):
        with fileio.open(path, "rb") as file:
            while part := file.read(_PART):
                digest.update(part)
    return digest.hexdigest()


def _copy(source: str, destination: str) -> None:
    """Copies a folder with all below it; `saved_model.pb`, which makes it a model, is the last."""
    later: tuple[str, str] | None = None
    for folder, _, names in fileio.walk(source):
        target = os.path.join(destination, os.path.relpath(folder, source))
        target = os.path.normpath(target) if "://" not in target else target.removesuffix("/.")
        fileio.makedirs(target)
        for name in names:
            pair = os.path.join(folder, name), os.path.join(target, name)
            if name == SAVED_MODEL_FILE and folder.rstrip("/") == source.rstrip("/"):
                later = pair
            else:
                fileio.copy(*pair, overwrite=True)
    if later:
        fileio.copy(*later, overwrite=True)
