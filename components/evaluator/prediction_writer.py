"""Writes predictions from within TFMA's pipeline, where the models have just made them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from tensorflow_model_analysis import constants as tfma_constants

from components import features
from components.evaluator import predictions
from components.evaluator.decisions import AnswerReader

# TFX tells `custom_extractors` everything but where the evaluation is written.
_EVALUATION: ContextVar[str | None] = ContextVar("evaluation", default=None)


@contextmanager
def writing_to(evaluation: str) -> Iterator[None]:
    """Has `custom_extractors`, called within, write predictions into the folder `evaluation`."""
    token = _EVALUATION.set(evaluation)
    try:
        yield
    finally:
        _EVALUATION.reset(token)


def folder_to_write() -> str | None:
    """Returns where predictions are to be written; None outside of `writing_to`."""
    return _EVALUATION.get()


class WritePredictions(beam.PTransform):
    """Writes batches of extracts with predictions as Parquet, and passes them on as they are.

    A batch is written before the next is read; each of Beam's bundles makes one file.
    """

    def __init__(self, evaluation: str, readers: Mapping[str, AnswerReader]):
        """Takes the evaluation's folder, and how the answers of each model are read, by its name.

        TFMA gives one model alone no name, and two the names of candidate and baseline.
        """
        super().__init__()
        self._evaluation = evaluation
        self._readers = dict(readers)

    def expand(self, extracts: Any) -> Any:
        """Returns `extracts`."""
        schema = predictions.schema(has_baseline=len(self._readers) > 1)
        _ = (
            extracts
            | "AsTable" >> beam.Map(_table, schema, self._readers)
            | "Write"
            >> beam.io.WriteToParquetBatched(
                os.path.join(self._evaluation, predictions.FOLDER, predictions.PREFIX),
                schema,
                codec="snappy",
                file_name_suffix=predictions.SUFFIX,
            )
        )
        return extracts


def _table(
    extracts: dict[str, Any], schema: pa.Schema, readers: Mapping[str, AnswerReader]
) -> pa.Table:
    """Returns the predictions of a batch."""
    labels = extracts[tfma_constants.LABELS_KEY]
    if isinstance(labels, Mapping):
        # As a model wants them; each may have a label key of its own.
        labels = labels[tfma_constants.CANDIDATE_KEY]
    labels = np.asarray(labels).reshape(-1).astype(np.int64)
    columns: dict[str, Any] = {
        predictions.REVIEW_ID: _ids(extracts, len(labels)),
        predictions.LABEL: labels,
    }
    said = extracts[tfma_constants.PREDICTIONS_KEY]
    for model, reader in readers.items():
        outputs = said[model] if len(readers) > 1 else said
        is_baseline = model == tfma_constants.BASELINE_KEY
        scores, choice = predictions.BASELINE_COLUMNS if is_baseline else predictions.COLUMNS
        columns[scores] = _lists(reader.scores(outputs))
        columns[choice] = reader.decisions(outputs)
    return pa.table(columns, schema=schema)


def _ids(extracts: dict[str, Any], reviews: int) -> list[str]:
    """Returns the reviews' ids; empty ones of another ExampleGen's reviews, which have none."""
    found = extracts[tfma_constants.FEATURES_KEY].get(features.REVIEW_ID)
    if found is None:
        return [""] * reviews
    return [
        value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        for value in np.asarray(found).reshape(-1)
    ]


def _lists(scores: np.ndarray) -> pa.Array:
    offsets = np.arange(len(scores) + 1, dtype=np.int32) * scores.shape[1]
    return pa.ListArray.from_arrays(offsets, scores.reshape(-1))
