"""The pushed model as Beam's RunInference takes it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from apache_beam.ml.inference.base import ModelHandler

from components.errors import ScoringError
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

    def __init__(self, folder: str):
        """Takes the version's folder."""
        # A chunk is a batch already.
        super().__init__(max_batch_size=1)
        self._folder = folder

    def load_model(self) -> PushedModel:
        """Loads the SavedModel."""
        return PushedModel(Path(self._folder))

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
            yield ScoredChunk(chunk, answers(chunk.texts, model))

    def get_num_bytes(self, batch: Sequence[Chunk]) -> int:
        """Returns the size of the texts; by default, Beam would pickle the chunks to find it."""
        return sum(len(text) for chunk in batch for text in chunk.texts)


def answers(texts: Sequence[bytes], model: PushedModel) -> list[Prediction]:
    """Answers texts in their order.

    Texts of similar length share a batch: the model reads the padding that a batch has in common
    once, or not at all.

    Raises:
      ScoringError: The model answers with no number.
    """
    by_length = sorted(range(len(texts)), key=lambda index: len(texts[index]))
    answered: dict[int, Prediction] = {}
    for indices in _batches(by_length, texts):
        batch = model.predict([texts[index] for index in indices])
        answered.update(zip(indices, batch, strict=True))
    unusable = [index for index in by_length if not math.isfinite(answered[index].probability)]
    if unusable:
        raise ScoringError(
            f"The model answers {answered[unusable[0]].probability} to the review that begins "
            f"'{texts[unusable[0]].decode()[:40]}'. Expected a probability; choose another "
            "version by --model."
        )
    return [answered[index] for index in range(len(texts))]


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
