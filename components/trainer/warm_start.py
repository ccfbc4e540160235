"""Warm start: training begins with the weights of an earlier model instead of random ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import ml_metadata as mlmd
import tensorflow as tf
import tensorflow_transform as tft
from tfx import types
from tfx.dsl.components.common.resolver import ResolverStrategy
from tfx.utils import path_utils

from components import features
from components.errors import ConfigurationError, as_setting
from components.evaluator.baseline import MODEL, MODEL_BLESSING, latest_blessed
from components.hyperparameters import Hyperparameters, names_where
from components.models.class_list import class_list
from components.models.training_record import TrainingRecord
from components.storage.place import place_of
from components.transform.token_settings import IMDB_TOKENS, TokenSettings

_WITHOUT = "Train without `warm_start`"


class LatestBlessedOfVariant(ResolverStrategy):
    """Resolves the latest blessed model of one variant; to nothing when there is none."""

    def __init__(self, variant: str):
        """Takes the variant's name."""
        self._variant = variant

    def resolve_artifacts(
        self, store: mlmd.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Returns at most one model under MODEL."""
        models = [model for model in input_dict[MODEL] if self._is_of_variant(model)]
        return latest_blessed(store, models, input_dict[MODEL_BLESSING])

    def _is_of_variant(self, model: types.Artifact) -> bool:
        try:
            record = TrainingRecord.read(path_utils.serving_model_path(model.uri))
        except OSError:  # somebody deleted it, and with it its variant's name
            return False
        return record.model == self._variant


def load_weights(
    model: keras.Model,
    variant: str,
    hyperparameters: Hyperparameters,
    base_model: str | None,
    transform_output: tft.TFTransformOutput,
    classes: tuple[str, ...] = features.CLASSES,
    tokens: TokenSettings = IMDB_TOKENS,
) -> None:
    """Gives `model` the weights of an export.

    Args:
      model: As the variant builds it.
      variant: Its name, for the messages.
      hyperparameters: What it was built with.
      base_model: Folder of the SavedModel; None, or without one, when none was blessed.
      transform_output: What the model will be trained with.
      classes: Names of the classes that it will tell apart, by label.
      tokens: The settings that it was made with.

    Raises:
      ConfigurationError: There is no earlier model, it tells other classes apart, or its weights
        do not fit.
    """
    if not base_model or not tf.saved_model.contains_saved_model(base_model):
        raise ConfigurationError(
            f"`warm_start` needs a blessed model of '{variant}' from an earlier run of this "
            f"pipeline, and there is none. {_WITHOUT} first, or choose the `model`, "
            "`pipeline_name` and `root` of that run."
        )
    _check_trained_alike(base_model, variant, transform_output, classes, tokens)
    checkpoint = tf.train.load_checkpoint(str(place_of(base_model) / "variables" / "variables"))
    shapes = checkpoint.get_variable_to_shape_map()
    found = [shapes.get(_key(index)) for index in range(len(model.weights))]
    expected = [list(weight.shape) for weight in model.weights]
    if found != expected or _key(len(expected)) in shapes:
        sizes = names_where("is_size", True)
        earlier_sizes = TrainingRecord.read(base_model).hyperparameters
        differing = _differing(
            {size: getattr(earlier_sizes, size) for size in sizes}, hyperparameters.to_config()
        )
        raise ConfigurationError(
            f"`warm_start`: the latest blessed model of '{variant}' has other layers: "
            + (
                f"it was trained with {differing}. {_WITHOUT}, or with that."
                if differing
                else f"the variant's code was another then. {_WITHOUT}."
            )
        )
    model.set_weights([checkpoint.get_tensor(_key(index)) for index in range(len(expected))])


def _check_trained_alike(
    base_model: str,
    variant: str,
    transform_output: tft.TFTransformOutput,
    classes: tuple[str, ...],
    tokens: TokenSettings,
) -> None:
    """Checks that an export was trained with the same classes, tokens and vocabulary.

    Raises:
      ConfigurationError: It was not.
    """
    earlier_classes = TrainingRecord.classes_of(base_model)
    if earlier_classes != classes:
        raise ConfigurationError(
            "`warm_start`: the latest blessed model tells other classes apart: "
            f"{class_list(earlier_classes)}, where this data has {class_list(classes)}. "
            f"{_WITHOUT}, or with the data of that run."
        )
    _check_tokens(variant, base_model, tokens)
    vocabulary = place_of(transform_output.vocabulary_file_by_name(features.VOCABULARY))
    earlier = place_of(base_model) / "assets" / vocabulary.name
    if not earlier.is_file() or earlier.read_bytes() != vocabulary.read_bytes():
        raise ConfigurationError(
            "`warm_start`: the latest blessed model was trained with another vocabulary, so its "
            f"word vectors stand for other words. {_WITHOUT}, or with the training reviews of "
            "that run."
        )


def _check_tokens(variant: str, base_model: str, tokens: TokenSettings) -> None:
    """Refuses an earlier model that reads other tokens.

    Raises:
      ConfigurationError: Names the settings that differ.
    """
    earlier = TokenSettings.of_model(base_model) or IMDB_TOKENS
    if earlier != tokens:
        raise ConfigurationError(
            f"`warm_start`: the latest blessed model of '{variant}' reads other tokens: it was "
            f"trained with {_differing(earlier.to_config(), tokens.to_config())}. {_WITHOUT}, or "
            "with that."
        )


def _differing(earlier: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Returns the settings of `earlier` that are others now, as messages name them."""
    return ", ".join(
        as_setting(name, value) for name, value in earlier.items() if value != now[name]
    )


def _key(index: int) -> str:
    """Returns where a SavedModel of ours keeps a weight; see `signatures.ServedModel`."""
    return f"_weights/{index}/.ATTRIBUTES/VARIABLE_VALUE"
