"""`custom_extractors`: adds slice features and decisions to what TFMA reads, keeps predictions."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis import constants as tfma_constants
from tensorflow_model_analysis.extractors import extractor
from tensorflow_model_analysis.proto import config_pb2

from components import features
from components.evaluator import tfma_adapter
from components.evaluator.decisions import AnswerReader
from components.evaluator.prediction_writer import WritePredictions, folder_to_write
from components.evaluator.slices import (
    LENGTH,
    UNKNOWN_WORDS,
    feature_of_key,
    length_names,
    unknown_share_names,
)
from components.models.training_record import TrainingRecord
from components.transform.token_settings import IMDB_TOKENS, TokenSettings


def custom_extractors(
    eval_shared_model: Any, eval_config: config_pb2.EvalConfig, tensor_adapter_config: Any
) -> list[extractor.Extractor]:
    """Returns TFMA's extractors, with some that add slice features and decisions to each batch.

    Within `ReviewEvaluator` the predictions are written into its evaluation as well.

    The Evaluator finds this function by its name, in the module that its `module_path` names.

    >>> from tfx.types import Channel, standard_artifacts
    >>> from tfx.v1.components import Evaluator
    >>> from components import eval_config
    >>> evaluator = Evaluator(
    ...     examples=Channel(standard_artifacts.Examples),
    ...     model=Channel(standard_artifacts.Model),
    ...     eval_config=eval_config(),
    ...     module_path="components.evaluator.extractors",
    ... )
    >>> sorted(evaluator.outputs)
    ['blessing', 'evaluation']

    Args:
      eval_shared_model: The candidate, and the model that it is compared with.
      eval_config: What `components.eval_config` returns.
      tensor_adapter_config: How TFMA reads the Examples.
    """
    extractors = tfma.default_extractors(
        eval_shared_model=eval_shared_model,
        eval_config=eval_config,
        tensor_adapter_config=tensor_adapter_config,
    )
    settings = _settings_of(eval_shared_model)
    keys = {key for spec in eval_config.slicing_specs for key in spec.feature_keys}
    stages = [stage.stage_name for stage in extractors]
    extractors.insert(
        stages.index(tfma_adapter.TRANSFORMED_FEATURES_STAGE) + 1,
        extractor.Extractor(
            stage_name="ExtractSliceFeatures",
            ptransform="ExtractSliceFeatures" >> beam.Map(_with_slice_features, settings, keys),
        ),
    )
    stages = [stage.stage_name for stage in extractors]
    place = stages.index(tfma_adapter.PREDICTIONS_STAGE) + 1
    extractors[place:place] = _after_predictions(eval_shared_model, eval_config)
    return extractors


def _after_predictions(
    eval_shared_model: Any, eval_config: config_pb2.EvalConfig
) -> list[extractor.Extractor]:
    """Returns what is done with a batch that the models have answered."""
    readers = _readers(eval_shared_model, eval_config)
    stages = [
        extractor.Extractor(
            stage_name="ExtractDecisions",
            ptransform="ExtractDecisions" >> beam.Map(_with_decisions, readers),
        )
    ]
    if evaluation := folder_to_write():
        stages.append(
            extractor.Extractor(
                stage_name="WritePredictions", ptransform=WritePredictions(evaluation, readers)
            )
        )
    return stages


def _readers(eval_shared_model: Any, eval_config: config_pb2.EvalConfig) -> dict[str, AnswerReader]:
    """Returns how each model's answers are read, by its name; the only one's name is empty."""
    keys = {spec.name: spec.prediction_key for spec in eval_config.model_specs}
    if len(keys) == 1:
        keys = {"": next(iter(keys.values()))}
    return {
        model.model_name: AnswerReader(
            keys.get(model.model_name, ""), TrainingRecord.classes_of(model.model_path)
        )
        for model in _models(eval_shared_model)
    }


def _models(eval_shared_model: Any) -> list[Any]:
    return tfma.utils.verify_and_update_eval_shared_models(eval_shared_model) or []


def _with_decisions(
    extracts: dict[str, Any], readers: Mapping[str, AnswerReader]
) -> dict[str, Any]:
    """Adds DECISION to each model's outputs in a batch; TFMA nests those of several by name."""
    said = extracts[tfma_constants.PREDICTIONS_KEY]
    if len(readers) == 1:
        (reader,) = readers.values()
        said = reader.with_decision(said)
    else:
        said = {model: reader.with_decision(said[model]) for model, reader in readers.items()}
    return {**extracts, tfma_constants.PREDICTIONS_KEY: said}


def _settings_of(eval_shared_model: Any) -> TokenSettings | None:
    """Returns the settings of the candidate's tokens; None where it does not say any."""
    models = _models(eval_shared_model)
    candidates = [model for model in models if model.model_name != tfma_constants.BASELINE_KEY]
    settings = [TokenSettings.of_model(model.model_path) for model in candidates]
    return next(filter(None, settings), None)


def _with_slice_features(
    extracts: dict[str, Any], settings: TokenSettings | None, keys: Collection[str] = ()
) -> dict[str, Any]:
    """Adds LENGTH, UNKNOWN_WORDS and columns by their keys to the features of a batch."""
    read = extracts[tfma_constants.FEATURES_KEY]
    texts = np.asarray(read[features.TEXT]).reshape(-1)
    token_ids = _token_ids(extracts[tfma_constants.TRANSFORMED_FEATURES_KEY])
    token_ids = token_ids.reshape(len(texts), -1)
    if settings:
        lengths = length_names(texts, settings, token_ids)
    else:
        # A model of another trainer does not say what its tokens are: ours are counted.
        ours = dataclasses.replace(IMDB_TOKENS, max_length=token_ids.shape[1])
        lengths = length_names(texts, ours)
    sliced = {
        **read,
        **{key: read[name] for key in keys if (name := feature_of_key(key)) in read},
        LENGTH: _as_feature(lengths),
        UNKNOWN_WORDS: _as_feature(unknown_share_names(token_ids)),
    }
    return {**extracts, tfma_constants.FEATURES_KEY: sliced}


def _token_ids(transformed: dict[str, Any]) -> np.ndarray:
    """Returns the candidate's token ids; with a baseline, TFMA nests them by model name."""
    transformed = transformed.get(tfma_constants.CANDIDATE_KEY, transformed)
    return np.asarray(transformed[features.TOKEN_IDS])


def _as_feature(names: Sequence[str]) -> np.ndarray:
    return np.array([[name.encode()] for name in names], dtype=object)
