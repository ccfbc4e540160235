"""Which blessed model a candidate is measured against."""

from __future__ import annotations

from collections.abc import Sequence

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
        others = [model for model in input_dict[MODEL] if model.id not in candidates]
        return latest_blessed(others, input_dict[MODEL_BLESSING]) | {
            CANDIDATE: input_dict[CANDIDATE]
        }


def latest_blessed(
    models: Sequence[types.Artifact], blessings: Sequence[types.Artifact]
) -> dict[str, list[types.Artifact]]:
    """Returns the one of `models` that was blessed last, and its blessing, or empty lists."""
    by_id = {model.id: model for model in models}
    theirs = [blessing for blessing in blessings if _blessed_model_id(blessing) in by_id]
    if not theirs:
        return {MODEL: [], MODEL_BLESSING: []}
    latest = max(theirs, key=lambda blessing: blessing.id)
    return {MODEL: [by_id[_blessed_model_id(latest)]], MODEL_BLESSING: [latest]}


def _blessed_model_id(blessing: types.Artifact) -> int | None:
    """Returns the id of the model that was blessed; None when it was refused."""
    is_blessed = blessing.get_int_custom_property(evaluator_constants.ARTIFACT_PROPERTY_BLESSED_KEY)
    if not is_blessed:
        return None
    return blessing.get_int_custom_property(
        evaluator_constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY
    )
