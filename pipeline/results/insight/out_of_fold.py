"""What a linear model that did not see a review makes of it: out-of-fold predictions.

(Stone, Cross-Validatory Choice and Assessment of Statistical Predictions, 1974.) The model is the
`linear` variant's kind, naive Bayes features in a logistic regression over words and pairs of words
(Wang & Manning, Baselines and Bigrams, 2012), on hashed words instead of a vocabulary. Where
classes and reviews are too many for that, naive Bayes alone.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.cross_validator.folds import fold_of_each
from components.transform.token_settings import WORDS
from pipeline.results.insight.hashed_tokens import Chunks, hashed_tokens, runs
from pipeline.results.insight.reviews import LabelledText

FOLDS = 5
# Words and pairs are told apart by a hash of so many bits.
_BITS = 18
_PLACE_BITS = np.uint64(32)
# Where reviews hold more n-grams than this in all, only those have a weight that say most of the
# class: it costs less than a point of accuracy, and half the time.
_MANY_NGRAMS = 4_000_000
_MOST_WEIGHTS = 40_000
# Below this product of n-grams held and classes there is a logistic regression for each class.
_MOST_WORK = 40_000_000
_REGULARIZATION = 0.1
_ITERATIONS = 15
# Of a class that the known reviews do not have.
_GREATEST_LOGIT = 16.0
_DIGEST_BYTES = 16


@dataclass(frozen=True)
class OutOfFold:
    """Predictions for reviews, each by a model of the reviews in all other folds.

    Attributes:
      labels: The given ones, <int64>[reviews].
      log_probabilities: <float32>[reviews, classes], calibrated by one temperature (Guo et al., On
        Calibration of Modern Neural Networks, 2017).
      folds: How many there are.
    """

    labels: np.ndarray
    log_probabilities: np.ndarray
    folds: int


class TooFewReviewsError(Exception):
    """There is nothing to predict from; says why in a sentence."""


def predict_out_of_fold(
    reviews: Iterable[LabelledText], classes: int, tokens: str = WORDS
) -> OutOfFold:
    """Judges each review; equal texts are in the same fold. Memory: some 3 KB a review.

    Args:
      reviews: All of them.
      classes: How many there are, from 2 on.
      tokens: What a token of the model is; else than words, characters are counted.

    Raises:
      TooFewReviewsError: There are fewer than two different texts, or but one class.
    """
    held, labels, digests = _read(reviews, tokens)
    present = np.bincount(labels, minlength=classes)
    if (present > 0).sum() < 2:
        raise TooFewReviewsError(
            f"There are {len(labels):,} reviews of {(present > 0).sum()} class; labels can be "
            "doubted from two classes on."
        )
    folds = max(2, min(FOLDS, int(_texts_of_rarest(digests, labels))))
    fold_of = fold_of_each(digests, labels, folds)
    scores = np.zeros((len(labels), classes), np.float32)
    for fold in range(folds):
        is_known = fold_of != fold
        scores[~is_known] = _scores(held[is_known], labels[is_known], held[~is_known], classes)
    return OutOfFold(labels, _calibrated(scores, labels), folds)


def _read(reviews: Iterable[LabelledText], tokens: str) -> tuple[Any, np.ndarray, list[bytes]]:
    """Returns which review holds which n-gram <float32>[reviews, n-grams], labels and digests."""
    from scipy.sparse import csr_matrix

    labels: list[int] = []
    digests: list[bytes] = []
    columns, counts = [np.zeros(0, np.int32)], [np.zeros(1, np.int64)]
    chunks = Chunks()

    def count() -> None:
        found, sizes = _ngrams(chunks.take(), tokens)
        columns.append(found)
        counts.append(sizes)

    for review in reviews:
        labels.append(review.label)
        digests.append(hashlib.blake2b(review.text, digest_size=_DIGEST_BYTES).digest())
        if chunks.add(review.text):
            count()
    count()
    indices = np.concatenate(columns)
    held = csr_matrix(
        (np.ones(len(indices), np.float32), indices, np.cumsum(np.concatenate(counts))),
        shape=(len(labels), 1 << _BITS),
    )
    return held, np.array(labels, np.int64), digests


def _ngrams(texts: list[bytes], tokens: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the n-grams of texts, each once a text, and their number in each text."""
    found = hashed_tokens(texts, tokens)
    parts = []
    for length in (1, 2):
        hashes, row_splits = runs(found, length)
        row = np.repeat(np.arange(len(texts), dtype=np.uint64), np.diff(row_splits))
        parts.append((row << _PLACE_BITS) | (hashes >> np.uint64(64 - _BITS)))
    places = np.unique(np.concatenate(parts))
    sizes = np.bincount((places >> _PLACE_BITS).astype(np.int64), minlength=len(texts))
    return (places & np.uint64((1 << _BITS) - 1)).astype(np.int32), sizes


def _texts_of_rarest(digests: list[bytes], labels: np.ndarray) -> int:
    """Returns how many different texts the class with the fewest has, of those that have any."""
    different = {*zip(labels.tolist(), digests, strict=True)}
    sizes = np.bincount([label for label, _ in different])
    return int(sizes[sizes > 0].min())


def _scores(known: Any, labels: np.ndarray, others: Any, classes: int) -> np.ndarray:
    """Returns what a model of the known reviews makes of others, <float32>[others, classes]."""
    present = np.unique(labels)
    scores = np.full((others.shape[0], classes), -_GREATEST_LOGIT, np.float32)
    if len(present) == 1:
        scores[:, present] = _GREATEST_LOGIT
    elif classes == 2:
        scores[:, 1] = _log_odds(known, labels == 1, others)
        scores[:, 0] = -scores[:, 1]
    elif known.nnz * len(present) <= _MOST_WORK:
        for label in present:
            scores[:, label] = _log_odds(known, labels == label, others)
    else:
        from sklearn.naive_bayes import MultinomialNB

        model = MultinomialNB().fit(known, labels)
        scores[:, present] = model.predict_joint_log_proba(others)
    return scores


def _log_odds(known: Any, is_of_class: np.ndarray, others: Any) -> np.ndarray:
    """Fits a class against all other reviews; returns its log odds in others, <float64>[others]."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    size = known.shape[1]
    with_class = np.repeat(is_of_class, np.diff(known.indptr))
    all_counts = np.bincount(known.indices, minlength=size)
    counts = np.bincount(known.indices[with_class], minlength=size)
    inside, outside = 1.0 + counts, 1.0 + all_counts - counts
    ratios = np.log((inside / inside.sum()) / (outside / outside.sum())).astype(np.float32)
    chosen = np.flatnonzero(all_counts)
    if known.nnz > _MANY_NGRAMS and len(chosen) > _MOST_WEIGHTS:
        told = np.abs(ratios[chosen]) * np.sqrt(all_counts[chosen])
        chosen = np.sort(chosen[np.argpartition(-told, _MOST_WEIGHTS)[:_MOST_WEIGHTS]])
    place = np.full(size, -1, np.int32)
    place[chosen] = np.arange(len(chosen))
    fitted, judged = (_scaled(held, place, ratios[chosen]) for held in (known, others))
    model = LogisticRegression(C=1 / _REGULARIZATION, max_iter=_ITERATIONS, tol=1e-3)
    with warnings.catch_warnings():
        # To stop early is a regularization of its own.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(fitted, is_of_class)
    return model.decision_function(judged)


def _scaled(held: Any, place: np.ndarray, values: np.ndarray) -> Any:
    """Returns the columns that have a place, times their value; rows have the length 1."""
    from scipy.sparse import csr_matrix
    from sklearn.preprocessing import normalize

    columns = place[held.indices]
    is_kept = columns >= 0
    columns = columns[is_kept]
    ends = np.concatenate([[0], np.cumsum(is_kept)])[held.indptr]
    scaled = csr_matrix((values[columns], columns, ends), shape=(held.shape[0], len(values)))
    return normalize(scaled, copy=False)


def _calibrated(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Divides scores by the temperature that gives the labels the greatest likelihood."""
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    given = np.arange(len(labels)), labels

    def loss(log_temperature: float) -> float:
        return -float(log_softmax(scores / np.exp(log_temperature), axis=1)[given].mean())

    found = minimize_scalar(loss, bounds=(-3, 6), method="bounded", options={"maxiter": 20})
    return log_softmax(scores / np.float32(np.exp(found.x)), axis=1)
