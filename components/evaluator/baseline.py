"""Which blessed model a candidate is measured against."""

from __future__ import annotations

import os
from collections.abc import Sequence

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2
from tfx import types
from tfx.components.evaluator import constants as evaluator_constants
from tfx.dsl.components.common.resolver import ResolverStrategy
from tfx.dsl.io import fileio
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from components.infra_validator.outcome import Outcome
from components.models.class_list import class_list
from components.models.training_record import TrainingRecord
from components.notices import notify

# Keys of the Resolver's channels.
MODEL = "model"
MODEL_BLESSING = "model_blessing"
CANDIDATE = "candidate"

# Files that every SavedModel with weights has.
_PARTS = ("saved_model.pb", "variables/variables.index", "variables/variables.data-*")
_INPUT = (metadata_store_pb2.Event.INPUT, metadata_store_pb2.Event.DECLARED_INPUT)
_OUTPUT = (metadata_store_pb2.Event.OUTPUT, metadata_store_pb2.Event.DECLARED_OUTPUT)


class LatestBlessedPredecessor(ResolverStrategy):
    """Resolves the latest blessed model other than the candidate itself.

    TFX's LatestBlessedModelStrategy would answer with the candidate as soon as it is blessed.
    A second run would then compare the model with itself, and because this is a new input, the
    Evaluator would never be taken from the cache.

    >>> from tfx.types import Channel, standard_artifacts
    >>> from tfx.v1.dsl import Resolver
    >>> from components import LatestBlessedPredecessor
    >>> baseline = Resolver(
    ...     strategy_class=LatestBlessedPredecessor,
    ...     candidate=Channel(standard_artifacts.Model),
    ...     model=Channel(standard_artifacts.Model),
    ...     model_blessing=Channel(standard_artifacts.ModelBlessing),
    ... ).with_id("LatestBlessedModel")
    >>> sorted(baseline.outputs)
    ['candidate', 'model', 'model_blessing']
    """

    def __init__(self, classes: Sequence[str] = ()):
        """Takes the names of the candidate's classes, by label.

        A model of other classes is passed over, and a warning says so: its answers are to another
        question. Without names all models count.
        """
        self._classes = tuple(classes)

    def resolve_artifacts(
        self, store: mlmd.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Returns the model and its blessing, or empty lists when there is none yet."""
        candidates = {model.id for model in input_dict[CANDIDATE]}
        others = [model for model in input_dict[MODEL] if model.id not in candidates]
        found = latest_blessed(store, others, input_dict[MODEL_BLESSING])
        if found[MODEL] and not self._is_of_classes(found[MODEL][0]):
            alike = [model for model in others if self._is_of_classes(model)]
            passed_over = classes_of(found[MODEL][0])
            found = latest_blessed(store, alike, input_dict[MODEL_BLESSING])
            instead = "an earlier one takes its place" if found[MODEL] else "there is none"
            notify(
                f"The last blessed model tells other classes apart ({class_list(passed_over)}), "
                f"and is not compared with; {instead}."
            )
        return found | {CANDIDATE: input_dict[CANDIDATE]}

    def _is_of_classes(self, model: types.Artifact) -> bool:
        return not self._classes or classes_of(model) in ((), self._classes)


def latest_blessed(
    store: mlmd.MetadataStore,
    models: Sequence[types.Artifact],
    blessings: Sequence[types.Artifact],
) -> dict[str, list[types.Artifact]]:
    """Returns the one of `models` that was blessed last, and its blessing, or empty lists.

    A blessing that another step, such as CrossValidator, put a verdict of its own in the place of
    does not count, nor does a model that the infra validation refused. One whose files are gone
    does not either, and a warning says so.

    Args:
      store: Where the infra validation's verdicts are.
      models: From which to choose.
      blessings: The Evaluator's verdicts, on these models and on others.
    """
    by_id = {model.id: model for model in models}
    judged_further = superseded_blessing_ids(store, blessings)
    blessings = [blessing for blessing in blessings if blessing.id not in judged_further]
    blessing_by_model: dict[int, types.Artifact] = {}
    for blessing in sorted(blessings, key=lambda blessing: blessing.id, reverse=True):
        model_id = _blessed_model_id(blessing)
        if model_id is not None and model_id in by_id:
            blessing_by_model.setdefault(model_id, blessing)
    gone = []
    found: dict[str, list[types.Artifact]] = {MODEL: [], MODEL_BLESSING: []}
    for model_id, blessing in blessing_by_model.items():
        if is_refused_by_server(store, model_id):
            continue
        if is_whole(by_id[model_id]):
            found = {MODEL: [by_id[model_id]], MODEL_BLESSING: [blessing]}
            break
        gone.append(by_id[model_id].uri)
    if gone:
        instead = "the one blessed before takes its place" if found[MODEL] else "no other is left"
        older = f" and {len(gone) - 1:,} blessed before it" if gone[1:] else ""
        notify(
            f"Passed over as the last blessed model, since its files are gone: {gone[0]}{older}; "
            f"{instead}."
        )
    return found


def superseded_blessing_ids(
    store: mlmd.MetadataStore, blessings: Sequence[types.Artifact]
) -> set[int]:
    """Returns the ids of blessings that a later step, as CrossValidator, replaced by its own."""
    ids = [blessing.id for blessing in blessings]
    events = store.get_events_by_artifact_ids(ids) if ids else []
    writers = {event.execution_id for event in events if event.type in _OUTPUT}
    return {
        event.artifact_id
        for event in events
        if event.type in _INPUT and event.execution_id in writers
    }


def classes_of(model: types.Artifact) -> tuple[str, ...]:
    """Returns the names of a model's classes; nothing of another trainer's model."""
    try:
        return TrainingRecord.read(path_utils.serving_model_path(model.uri)).classes
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def is_whole(model: types.Artifact) -> bool:
    """Returns whether the files of a model's export are there."""
    export = path_utils.serving_model_path(model.uri)
    return all(fileio.glob(os.path.join(export, part)) for part in _PARTS)


def is_refused_by_server(store: mlmd.MetadataStore, model_id: int) -> bool:
    """Returns whether the latest infra validation that tried a model refused it."""
    tried_by = {
        event.execution_id
        for event in store.get_events_by_artifact_ids([model_id])
        if event.type in _INPUT
    }
    outputs = [
        event
        for event in store.get_events_by_execution_ids(sorted(tried_by))
        if event.type in _OUTPUT
    ]
    artifacts = {
        artifact.id: artifact
        for artifact in store.get_artifacts_by_id([event.artifact_id for event in outputs])
        if artifact.type == standard_artifacts.InfraBlessing.TYPE_NAME
    }
    for event in sorted(outputs, key=lambda event: event.execution_id, reverse=True):
        outcome = event.artifact_id in artifacts and Outcome.read(artifacts[event.artifact_id])
        if outcome:
            return bool(outcome.refusal)
    return False


def _blessed_model_id(blessing: types.Artifact) -> int | None:
    """Returns the id of the model that was blessed; None when it was refused."""
    is_blessed = blessing.get_int_custom_property(evaluator_constants.ARTIFACT_PROPERTY_BLESSED_KEY)
    if not is_blessed:
        return None
    return blessing.get_int_custom_property(
        evaluator_constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY
    )
