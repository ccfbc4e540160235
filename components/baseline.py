"""Which blessed model a candidate is measured against."""

from __future__ import annotations

import ml_metadata as mlmd
from tfx import types
from tfx.components.evaluator import constants as evaluator_constants
from tfx.dsl.components.common.resolver import ResolverStrategy

# Keys of the Resolver's channels.
MODEL = "model"
MODEL_BLESSING = "model_blessing"
CANDIDATE = "candidate"


class LatestBlessedPredecessor(ResolverStrategy):
    """Resolves the latest blessed model other than the candidate itself.

    TFX's LatestBlessedModelStrategy would answer with the candidate as soon as it is blessed.
    A second run would then compare the model with itself, and because this is a new input, the
    Evaluator would never be taken from the cache.
    """

    def resolve_artifacts(
        self, store: mlmd.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Returns the model and its blessing, or empty lists when there is none yet."""
        candidates = {model.id for model in input_dict[CANDIDATE]}
        models = {model.id: model for model in input_dict[MODEL]}
        blessings = sorted(
            (
                blessing
                for blessing in input_dict[MODEL_BLESSING]
                if blessed_model_id(blessing) in models.keys() - candidates
            ),
            key=lambda blessing: blessing.id,
        )
        resolved: dict[str, list[types.Artifact]] = {MODEL: [], MODEL_BLESSING: []}
        if blessings:
            latest = blessings[-1]
            resolved[MODEL] = [models[blessed_model_id(latest)]]
            resolved[MODEL_BLESSING] = [latest]
        return resolved | {CANDIDATE: input_dict[CANDIDATE]}


def blessed_model_id(blessing: types.Artifact) -> int | None:
    """Returns the id of the model that was blessed; None when it was refused."""
    is_blessed = blessing.get_int_custom_property(evaluator_constants.ARTIFACT_PROPERTY_BLESSED_KEY)
    if not is_blessed:
        return None
    return blessing.get_int_custom_property(
        evaluator_constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY
    )
