"""What a linear model that did not see a review makes of it: out-of-fold predictions.

(Stone, Cross-Validatory Choice and Assessment of Statistical Predictions, 1974.) The model is the
`linear` variant's kind, naive Bayes features in a logistic regression over words and pairs of words
(Wang & Manning, Baselines and Bigrams, 2012), on hashed words instead of a vocabulary. Where
classes and reviews are too many for that, naive Bayes alone.
"""

from __future__ import annotations

import gc
import hashlib
import warnings
from collections.abc import Iterable, Iterator
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
# Where reviews hold more n-grams than this in all, only those have a weight that say most of the
# class: it costs less than a point of accuracy, and half the time.
_MANY_NGRAMS = 4_000_000
_MOST_WEIGHTS = 40_000
# Up to this product of n-grams held and classes there is a logistic regression for each class.
_MOST_WORK = 40_000_000
_REGULARIZATION = 0.1
_ITERATIONS = 15
# Of a class that the known reviews do not have.
_GREATEST_LOGIT = 16.0
_MOST_CALIBRATING, _CHUNK_NUMBERS = 4_000_000, 1_000_000
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
    """Judges each review; equal texts are in the same fold.

    Memory: some 4 bytes a byte of text, and of each review 4 bytes a class.

    Args:
      reviews: All of them.
      classes: How many there are, from 2 on.
      tokens: What a token of the model is; else than words, characters are counted.

    Raises:
      TooFewReviewsError: There are fewer than two different texts, or but one class.
    """
    indices, sizes, labels, digests = _read(reviews, tokens)
    present = int((np.bincount(labels, minlength=classes) > 0).sum())
    if present < 2 or len({*digests}) < 2:
        raise TooFewReviewsError(
            f"There are {len(labels):,} reviews with {len({*digests}):,} different texts, of "
            f"{present} class{'es' * (present != 1)}; labels can be doubted from two of each on."
        )
    folds = max(2, min(FOLDS, _texts_of_rarest(digests, labels)))
    fold_of = fold_of_each(digests, labels, folds)
    order = np.argsort(fold_of, kind="stable")
    held = _by_fold(indices, sizes, order, fold_of)
    del indices
    scores = np.zeros((len(labels), classes), np.float32)
    scores[order] = _scores(held, labels[order], classes)
    return OutOfFold(labels, _calibrated(scores, labels), folds)


@dataclass(frozen=True)
class _Held:
    """Which review holds which n-grams; the reviews of a fold stand together.

    Attributes:
      indices: N-grams, <int32>[all], those of a review behind those of the one before.
      row_splits: Where they begin, <int64>[reviews + 1].
      folds: The reviews of each fold.
    """

    indices: np.ndarray
    row_splits: np.ndarray
    folds: tuple[slice, ...]

    def of_fold(self, fold: int) -> slice:
        """Returns where the n-grams of a fold's reviews stand."""
        reviews = self.folds[fold]
        return slice(self.row_splits[reviews.start], self.row_splits[reviews.stop])


def _read(
    reviews: Iterable[LabelledText], tokens: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[bytes]]:
    """Returns n-grams of all reviews, how many each has, labels and digests."""
    labels: list[int] = []
    digests: list[bytes] = []
    indices, sizes = [np.zeros(0, np.int32)], [np.zeros(0, np.int64)]
    chunks = Chunks()

    def count() -> None:
        found, counts = _ngrams(chunks.take(), tokens)
        indices.append(found)
        sizes.append(counts)

    for review in reviews:
        labels.append(review.label)
        digests.append(hashlib.blake2b(review.text, digest_size=_DIGEST_BYTES).digest())
        if chunks.add(review.text):
            count()
    count()
    return np.concatenate(indices), np.concatenate(sizes), np.array(labels, np.int64), digests


def _ngrams(texts: list[bytes], tokens: str) -> tuple[np.ndarray, np.ndarray]:
    """Returns the n-grams of texts, each once a text, and their number in each text."""
    found = hashed_tokens(texts, tokens)
    parts = []
    for length in (1, 2):
        hashes, row_splits = runs(found, length)
        # Of 32 bits, which are sorted in half the time: there are at most CHUNK_TEXTS rows.
        row = np.repeat(np.arange(len(texts), dtype=np.uint32), np.diff(row_splits))
        parts.append((row << _BITS) | (hashes >> np.uint64(64 - _BITS)).astype(np.uint32))
    places = np.unique(np.concatenate(parts))
    sizes = np.bincount(places >> _BITS, minlength=len(texts))
    return (places & ((1 << _BITS) - 1)).astype(np.int32), sizes


def _texts_of_rarest(digests: list[bytes], labels: np.ndarray) -> int:
    """Returns how many different texts the class with the fewest has, of those that have any."""
    different = {*zip(labels.tolist(), digests, strict=True)}
    sizes = np.bincount([label for label, _ in different])
    return int(sizes[sizes > 0].min())


def _by_fold(
    indices: np.ndarray, sizes: np.ndarray, order: np.ndarray, fold_of: np.ndarray
) -> _Held:
    """Puts reviews into an order in which those of a fold stand together."""
    starts = np.concatenate([[0], np.cumsum(sizes)])
    ordered = [indices[starts[at] : starts[at + 1]] for at in order.tolist()]
    ends = np.cumsum(np.bincount(fold_of)).tolist()
    return _Held(
        np.concatenate(ordered),
        np.concatenate([[0], np.cumsum(sizes[order])]),
        tuple(slice(*bounds) for bounds in zip([0, *ends[:-1]], ends, strict=True)),
    )


def _scores(held: _Held, labels: np.ndarray, classes: int) -> np.ndarray:
    """Returns what models of the other folds make of each review, <float32>[reviews, classes]."""
    if classes == 2:
        positive = _log_odds(held, labels == 1)
        return np.stack([-positive, positive], axis=1)
    if len(held.indices) * classes > _MOST_WORK:
        return _naive_bayes(held, labels, classes)
    scores = np.empty((len(labels), classes), np.float32)
    for label in range(classes):
        scores[:, label] = _log_odds(held, labels == label)
    return scores


def _naive_bayes(held: _Held, labels: np.ndarray, classes: int) -> np.ndarray:
    """Returns joint log probabilities by multinomial naive Bayes, <float32>[reviews, classes].

    As scikit-learn's `MultinomialNB`, which holds a weight for each n-gram and class several times:
    8 GB with 1,000 classes. Most pairs are in no review, and all of these have one weight.
    """
    from scipy.sparse import csr_matrix

    ones = np.ones(len(held.indices), np.float32)
    matrix = csr_matrix((ones, held.indices, held.row_splits), (len(labels), 1 << _BITS))
    lengths = np.diff(held.row_splits)
    scores = np.empty((len(labels), classes), np.float32)
    for judged in held.folds:
        known = np.delete(np.arange(len(labels)), judged)
        sizes = np.bincount(labels[known], minlength=classes)
        places = labels[known], np.arange(len(known))
        is_of_class = csr_matrix((np.ones(len(known), np.float32), places), (classes, len(known)))
        counts = is_of_class @ matrix[known]
        # Of an n-gram that a class does not have, the logarithm of the count 0 + 1 is 0.
        totals = np.log(np.asarray(counts.sum(axis=1)).ravel() + (1 << _BITS))
        weights = counts.log1p().T.tocsr()
        with np.errstate(divide="ignore"):
            priors = np.log(sizes / len(known))
        for rows in in_chunks(judged, classes):
            found = (matrix[rows] @ weights).toarray() - np.outer(lengths[rows], totals) + priors
            least = found[:, sizes > 0].min(axis=1, keepdims=True) - _GREATEST_LOGIT
            scores[rows] = np.where(sizes > 0, found, least)
    return scores


def _log_odds(held: _Held, is_of_class: np.ndarray) -> np.ndarray:
    """Returns the log odds of a class against all others, out of fold, <float32>[reviews]."""
    size = 1 << _BITS
    with_class = np.repeat(is_of_class, np.diff(held.row_splits))
    in_fold = [
        (
            np.bincount(held.indices[part], minlength=size),
            np.bincount(held.indices[part][with_class[part]], minlength=size),
        )
        for part in map(held.of_fold, range(len(held.folds)))
    ]
    del with_class
    in_all, of_class_in_all = (np.sum(counts, axis=0) for counts in zip(*in_fold, strict=True))
    ratios = [_ratios(in_all - counts, of_class_in_all - part) for counts, part in in_fold]
    # What no fold gives a weight is taken out once.
    held = _with_any_of(held, np.any(ratios, axis=0))
    log_odds = np.empty(len(is_of_class), np.float32)
    for judged, weights in zip(held.folds, ratios, strict=True):
        known = np.delete(is_of_class, judged)
        if known.all() or not known.any():
            log_odds[judged] = _GREATEST_LOGIT if known.all() else -_GREATEST_LOGIT
        else:
            log_odds[judged] = _fitted(_weighted(held, weights), is_of_class, judged)
    return log_odds


def _with_any_of(held: _Held, wanted: np.ndarray) -> _Held:
    """Returns `held` with those n-grams only that are wanted, <bool>[n-grams]."""
    is_kept = wanted[held.indices]
    # Of 32 bits: with many reviews, this is most of the memory.
    kept_up_to = np.cumsum(is_kept, dtype=np.int32 if len(is_kept) < 1 << 31 else np.int64)
    row_splits = np.zeros_like(held.row_splits)
    ends = held.row_splits > 0
    row_splits[ends] = kept_up_to[held.row_splits[ends] - 1]
    del kept_up_to
    return _Held(held.indices[is_kept], row_splits, held.folds)


def _ratios(counts: np.ndarray, of_class: np.ndarray) -> np.ndarray:
    """Returns how much likelier n-grams are in a class, as logarithms, <float32>[n-grams].

    0 for those that are left out, because no known review holds them, or because they are many and
    say little.
    """
    inside, outside = 1.0 + of_class, 1.0 + counts - of_class
    ratios = np.log((inside / inside.sum()) / (outside / outside.sum())).astype(np.float32)
    told = np.abs(ratios) * np.sqrt(counts)
    if counts.sum() > _MANY_NGRAMS and len(told) > _MOST_WEIGHTS:
        least = np.partition(told, len(told) - _MOST_WEIGHTS)[len(told) - _MOST_WEIGHTS]
        told[told < least] = 0
    ratios[told == 0] = 0
    return ratios


def _weighted(held: _Held, ratios: np.ndarray) -> Any:
    """Returns a sparse matrix of the n-grams that have a ratio; rows have the length 1."""
    from scipy.sparse import csr_matrix
    from sklearn.preprocessing import normalize

    chosen = np.flatnonzero(ratios)
    place = np.zeros(len(ratios), np.int32)
    place[chosen] = np.arange(len(chosen))
    held = _with_any_of(held, ratios != 0)
    shape = (len(held.row_splits) - 1, max(len(chosen), 1))
    weights = ratios[held.indices]
    matrix = csr_matrix((weights, place[held.indices], held.row_splits), shape)
    return normalize(matrix, copy=False)


def _fitted(weighted: Any, is_of_class: np.ndarray, judged: slice) -> np.ndarray:
    """Fits to all reviews but those that are judged; returns the log odds of these."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    known = np.delete(np.arange(len(is_of_class)), judged)
    model = LogisticRegression(C=1 / _REGULARIZATION, max_iter=_ITERATIONS, tol=1e-3)
    with warnings.catch_warnings():
        # To stop early is a regularization of its own.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(weighted[known], is_of_class[known])
    log_odds = model.decision_function(weighted[judged])
    del model
    # Its solver leaves cycles that hold the matrix; five of them are a third of the memory.
    gc.collect()
    return log_odds


def _calibrated(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Divides scores, in their place, by the temperature that makes the labels likeliest.

    Of very many scores, a part is enough to find one number.
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    reviews, classes = scores.shape
    some = slice(None, None, 1 + reviews * classes // _MOST_CALIBRATING)
    part, given = scores[some], labels[some, None]

    def loss(log_temperature: float) -> float:
        likely = log_softmax(part / np.float32(np.exp(log_temperature)), axis=1)
        return -float(np.take_along_axis(likely, given, axis=1).mean())

    found = minimize_scalar(loss, bounds=(-3, 6), method="bounded", options={"maxiter": 20})
    for rows in in_chunks(slice(0, reviews), classes):
        scores[rows] = log_softmax(scores[rows] / np.float32(np.exp(found.x)), axis=1)
    return scores


def in_chunks(rows: slice, classes: int) -> Iterator[slice]:
    """Yields parts of the rows of <number>[reviews, classes], of which copies take 10 MB or so."""
    step = max(1, _CHUNK_NUMBERS // classes)
    for start in range(rows.start, rows.stop, step):
        yield slice(start, min(start + step, rows.stop))
