"""CrossValidator's executor: cross-validates what the Trainer trained, and blesses or not."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import tensorflow as tf
from tfx import types
from tfx.components.evaluator import constants
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components import features
from components.cross_validator.validation import Candidate, cross_validate
from components.dataset.slice_values import feature_of
from components.evaluator.bounds import GateBounds
from components.evaluator.slices import SliceKey, key_of_column
from components.models.training_record import TrainingRecord
from components.tfx_base.tfx_adapter import Inputs, Outputs, Parameters
from components.transform.token_settings import IMDB_TOKENS, TokenSettings
from serving.datasets import record_dataset

# Inputs, parameters and outputs.
EXAMPLES, MODEL, EVALUATOR_BLESSING = "examples", "model", "evaluator_blessing"
FOLDS, BOUNDS, SLICE_BY = "folds", "bounds", "slice_by"
CROSS_VALIDATION, BLESSING = "cross_validation", "blessing"


class Executor(base_executor.BaseExecutor):
    """Trains the model's variant anew, once a fold, on the reviews of all splits."""

    def Do(self, input_dict: Inputs, output_dict: Outputs, exec_properties: Parameters) -> None:
        """Writes the figures, and a blessing where they and the Evaluator say so.

        Raises:
          TrainingError: There are fewer different texts than folds, or training diverged.
        """
        model = artifact_utils.get_single_instance(input_dict[MODEL])
        examples = artifact_utils.get_single_instance(input_dict[EXAMPLES])
        slice_by = json.loads(exec_properties[SLICE_BY])
        texts, labels, slices = read_reviews(
            (
                artifact_utils.get_split_uri([examples], split)
                for split in artifact_utils.decode_split_names(examples.split_names)
            ),
            slice_by,
        )
        candidate = candidate_of(path_utils.serving_model_path(model.uri))
        found = cross_validate(candidate, texts, labels, exec_properties[FOLDS], slices)
        found.write(artifact_utils.get_single_uri(output_dict[CROSS_VALIDATION]))
        evaluated = artifact_utils.get_single_instance(input_dict[EVALUATOR_BLESSING])
        bounds = GateBounds(**json.loads(exec_properties[BOUNDS]))
        bless(
            artifact_utils.get_single_instance(output_dict[BLESSING]),
            model,
            is_blessed=model_utils.is_model_blessed(evaluated)
            and bounds.are_met_by(
                found.confusion, ((each.examples, each.accuracy) for each in found.slices)
            ),
        )


def candidate_of(saved_model: str) -> Candidate:
    """Returns what a model of ours was trained as."""
    record = TrainingRecord.read(saved_model)
    tokens = TokenSettings.of_model(saved_model) or IMDB_TOKENS
    return Candidate(record.model, record.hyperparameters, len(record.classes), tokens)


def read_reviews(
    folders: Iterable[str], slice_by: Sequence[Sequence[str]] = ()
) -> tuple[list[bytes], np.ndarray, list[tuple[SliceKey, ...]]]:
    """Reads the tf.Examples of splits.

    Args:
      folders: Of gzipped TFRecords, as ReviewExampleGen writes them.
      slice_by: Columns that slices are by, see `ReviewSource.slice_by`.

    Returns:
      Texts, labels <int64>[reviews], and the slices that each review is in, in an order that does
      not depend on the files.
    """
    files = [file for folder in folders for file in fileio.glob(os.path.join(folder, "*.gz"))]
    specification = {
        features.TEXT: tf.io.FixedLenFeature([], tf.string),
        features.LABEL: tf.io.FixedLenFeature([], tf.int64),
    }
    columns = list(dict.fromkeys(column for each in slice_by for column in each))
    specification |= {feature_of(column): specification[features.TEXT] for column in columns}
    reviews: list[tuple[bytes, int, tuple[bytes, ...]]] = []
    for batch in record_dataset(sorted(files), "GZIP").batch(1_024):
        parsed = tf.io.parse_example(batch, specification)
        texts, labels, *values = (
            parsed[name].numpy().tolist()
            for name in (features.TEXT, features.LABEL, *map(feature_of, columns))
        )
        of_review = zip(*values, strict=True) if values else [()] * len(texts)
        reviews += zip(texts, labels, of_review, strict=True)
    reviews.sort()
    return (
        [text for text, _, _ in reviews],
        np.array([label for _, label, _ in reviews], np.int64),
        [slices_of(dict(zip(columns, values, strict=True)), slice_by) for _, _, values in reviews],
    )


def slices_of(
    values: Mapping[str, bytes], slice_by: Sequence[Sequence[str]]
) -> tuple[SliceKey, ...]:
    """Returns the slices that a review is in, by its values in columns."""
    return tuple(
        tuple(sorted((key_of_column(column), values[column].decode()) for column in columns))
        for columns in slice_by
    )


def bless(blessing: types.Artifact, model: types.Artifact, *, is_blessed: bool) -> None:
    """Writes a verdict on a model as TFX's Evaluator does, for those who ask for one."""
    name, value = (
        (constants.BLESSED_FILE_NAME, constants.BLESSED_VALUE)
        if is_blessed
        else (constants.NOT_BLESSED_FILE_NAME, constants.NOT_BLESSED_VALUE)
    )
    with fileio.open(os.path.join(blessing.uri, name), "w"):
        pass
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, value)
    blessing.set_string_custom_property(
        constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri
    )
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
