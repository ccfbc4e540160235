"""The pushed model as Beam's RunInference takes it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from apache_beam.ml.inference.base import ModelHandler

from components.errors import ConfigurationError, ScoringError
from pipeline.scoring.plan import AddedColumns
from pipeline.scoring.pushed_model import PushedModel
from pipeline.scoring.rows import Chunk
from serving.predictions import Prediction

BATCH_SIZE = 128
# Of texts: the words of a batch are held as tensors, many times their size.
BATCH_BYTES = 4 << 20


class ScoredChunk(NamedTuple):
    """A chunk, and an answer for each of its rows."""

    chunk: Chunk
    answers: list[Prediction]


class PushedModelHandler(ModelHandler[Chunk, ScoredChunk, PushedModel]):
    """Loads a pushed version once a process, and answers whole chunks.

    Why this and not a handler that exists: Beam's `TFModelHandlerTensor` loads by
    `keras.models.load_model`, and Keras 3 takes no SavedModel. TFX-BSL's RunInference takes
    tf.Examples, copies each into a PredictionLog, and has only an experimental way to keep rows
    together. Beam's base class is the same in both stacks.
    """

    def __init__(self, folder: str, added: AddedColumns):
        """Takes the version's folder, and what is asked for."""
        # A chunk is a batch already.
        super().__init__(max_batch_size=1)
        self._folder = folder
        self._added = added

    def load_model(self) -> PushedModel:
        """Loads the SavedModel.

        Raises:
          ConfigurationError: It has other classes than its model card says.
        """
        model = PushedModel(self._folder)
        if model.has_two_classes != self._added.has_two_classes:
            found, said = "two", "more"
            if not model.has_two_classes:
                found, said = "more than two", "two, or is missing"
            raise ConfigurationError(
                f"{self._folder} answers as a model of {found} classes, but its model_card.json "
                f"names {said}. Take another version by --model, or push it again by "
                "`sentiment run`."
            )
        return model

    def run_inference(
        self,
        batch: Sequence[Chunk],
        model: PushedModel,
        inference_args: dict[str, Any] | None = None,
    ) -> Iterator[ScoredChunk]:
        """Answers each chunk.

        Raises:
          ScoringError: The model answers with no number.
        """
        for chunk in batch:
            yield ScoredChunk(chunk, answers(chunk.texts, model, self._added.scored))

    def get_num_bytes(self, batch: Sequence[Chunk]) -> int:
        """Returns the size of the texts; by default, Beam would pickle the chunks to find it."""
        return sum(len(text) for chunk in batch for text in chunk.texts)


def answers(
    texts: Sequence[bytes], model: PushedModel, scored: Sequence[str] = ()
) -> list[Prediction]:
    """Answers texts in their order, with the scores of the classes `scored`.

    Texts of similar length share a batch: the model reads the padding that a batch has in common
    once, or not at all.

    Raises:
      ScoringError: The model answers with no number, or scores of other classes.
    """
    by_length = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    answered: dict[int, Prediction] = {}
    for indices in _batches(by_length, texts):
        batch = _asked([texts[index] for index in indices], model, scored)
        answered.update(zip(indices, batch, strict=True))
    unusable = [index for index in by_length if not math.isfinite(answered[index].probability)]
    if unusable:
        raise ScoringError(
            f"The model answers {answered[unusable[0]].probability} to the review that begins "
            f"'{texts[unusable[0]].decode()[:40]}'. Expected a probability; choose another "
            "version by --model."
        )
    return [answered[index] for index in range(len(texts))]


def _asked(texts: Sequence[bytes], model: PushedModel, scored: Sequence[str]) -> list[Prediction]:
    if not scored:
        return model.predict(texts)
    predictions = _with_scores(texts, model)
    found = list(predictions[0].scores or ())
    if found != list(scored):
        raise ScoringError(
            f"The model answers scores of {len(found):,} classes, beginning with '{found[0]}'; its "
            f"model_card.json names {len(scored):,}, beginning with '{scored[0]}'. Choose another "
            "version by --model, or score without --scores."
        )
    return predictions


def _with_scores(texts: Sequence[bytes], model: PushedModel) -> list[Prediction]:
    """Returns the model's own decisions; of two classes, its probability tells both scores."""
    if not model.has_two_classes:
        return [each.prediction for each in model.classify(texts)]
    first, second = model.classify(texts[:1])[0].scores
    return [
        replace(
            decided,
            scores={
                first: float(np.float32(1) - np.float32(decided.probability)),
                second: decided.probability,
            },
        )
        for decided in model.predict(texts)
    ]


def _batches(indices: Sequence[int], texts: Sequence[bytes]) -> Iterator[list[int]]:
    batch: list[int] = []
    size = 0
    for index in indices:
        if batch and (len(batch) == BATCH_SIZE or size + len(texts[index]) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(index)
        size += len(texts[index])
    if batch:
        yield batch
