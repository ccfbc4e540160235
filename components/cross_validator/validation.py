"""Fits the variant once a fold, and judges each review by the model that did not see it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from components import progress
from components.cross_validator.figures import CrossValidation, slice_figures
from components.cross_validator.folds import fold_of_each
from components.cross_validator.vocabulary import SplitTexts
from components.dataset.splits import bucket
from components.evaluator.slices import SliceKey
from components.hyperparameters import Hyperparameters
from components.models.registry import get_variant
from components.models.shape import ModelShape
from components.trainer.fit import fit_variant, set_seeds
from components.trainer.loss import predicted_labels
from components.transform.token_settings import TokenSettings

# Of a fold's training reviews, where training looks at some after each epoch.
VALIDATION_SHARE = 0.1
_VALIDATION_SALT = "validation of a fold"
_BATCH = 256


@dataclass(frozen=True)
class Candidate:
    """What is cross-validated.

    Attributes:
      model: Name of the variant.
      hyperparameters: What it is trained with.
      classes: How many classes there are.
      tokens: How texts become token ids.
    """

    model: str
    hyperparameters: Hyperparameters
    classes: int
    tokens: TokenSettings

    @property
    def shape(self) -> ModelShape:
        """Sizes of the model's input and answer."""
        return ModelShape(self.tokens.vocabulary_size, self.tokens.max_length, self.classes)


def cross_validate(
    candidate: Candidate,
    texts: Sequence[bytes],
    labels: np.ndarray,
    folds: int,
    slices: Sequence[Iterable[SliceKey]] = (),
) -> CrossValidation:
    """Judges each review by a model, and a vocabulary, of the reviews in all other folds.

    (Stone, Cross-Validatory Choice and Assessment of Statistical Predictions, 1974.)

    Args:
      candidate: What is fitted once a fold, always with the same seed.
      texts: Of the reviews, UTF-8.
      labels: <int64>[reviews].
      folds: How many there are.
      slices: Of each review those that it is in, or nothing at all.

    Raises:
      TrainingError: There are fewer different texts than folds, or the loss stopped being a number.
    """
    fold_of = fold_of_each(texts, labels, folds)
    split = SplitTexts(texts, candidate.tokens)
    looks_at = _validation(candidate, texts)
    found = []
    is_right = np.zeros(len(labels), bool)
    for fold in range(folds):
        with progress.part_of(fold, folds, f"fold {fold + 1}/{folds}"):
            is_known = fold_of != fold
            token_ids = split.token_ids(is_known)
            decisions = _decisions(candidate, token_ids, labels, is_known, looks_at)
        is_right[~is_known] = labels[~is_known] == decisions
        found.append(zip(labels[~is_known].tolist(), decisions.tolist(), strict=True))
    measured = slice_figures(slices, is_right.tolist())
    return replace(CrossValidation.of_decisions(found, candidate.classes), slices=measured)


def _validation(candidate: Candidate, texts: Sequence[bytes]) -> np.ndarray | None:
    """Returns which reviews end a training early, <bool>[reviews]; None if it asks for none."""
    if not candidate.hyperparameters.needs_validation:
        return None
    return np.array([bucket(text, _VALIDATION_SALT) < VALIDATION_SHARE for text in texts])


def _decisions(
    candidate: Candidate,
    token_ids: np.ndarray,
    labels: np.ndarray,
    is_known: np.ndarray,
    looks_at: np.ndarray | None,
) -> np.ndarray:
    """Fits to the known reviews; returns the labels decided on for the others, <int64>[others]."""
    variant, hyperparameters = get_variant(candidate.model), candidate.hyperparameters
    set_seeds(hyperparameters)
    model = variant.build(hyperparameters, shape=candidate.shape)
    fitted_on, validation = is_known, None
    if looks_at is not None and (looks_at & is_known).any():
        fitted_on, seen = is_known & ~looks_at, is_known & looks_at
        validation = token_ids[seen], labels[seen]
    training = token_ids[fitted_on], labels[fitted_on]
    with tempfile.TemporaryDirectory() as logs:
        fit_variant(variant, model, training, validation, hyperparameters, logs)
    others = token_ids[~is_known]
    answers = [
        model.predict_on_batch(others[start : start + _BATCH].astype(np.int32))
        for start in range(0, len(others), _BATCH)
    ]
    return predicted_labels(np.concatenate(answers))
