"""Label errors: the reviews whose label a model that did not see them doubts most.

By confident learning (Northcutt, Jiang & Chuang, Confident Learning: Estimating Uncertainty in
Dataset Labels, 2021): a review counts as one of another class if its probability there is at least
what reviews that are labelled so have on average.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from components.transform.token_settings import WORDS
from pipeline.results.insight.out_of_fold import (
    FOLDS,
    OutOfFold,
    TooFewReviewsError,
    in_chunks,
    predict_out_of_fold,
)
from pipeline.results.insight.reviews import LabelledText, cut

MOST_DOUBTED = 1_000
# Of a text that is told.
MOST_TEXT_BYTES = 20_000


@dataclass(frozen=True)
class DoubtedLabel:
    """A review whose label may be wrong.

    Attributes:
      review_id: Its name.
      split: train, eval or test.
      label: The class that it has.
      suggested: The class that the model gives it.
      probability: Of the suggested class, 0 to 1.
      is_confident: Whether confident learning counts it as a label error.
      text: As it was written, cut at MOST_TEXT_BYTES.
    """

    review_id: str
    split: str
    label: int
    suggested: int
    probability: float
    is_confident: bool
    text: str


@dataclass(frozen=True)
class LabelErrors:
    """What the labels of some reviews look like to models that did not see them.

    Attributes:
      reviews: How many there are.
      doubted: Those whose label the model doubts, the most doubted first; at most MOST_DOUBTED.
        None where labels cannot be doubted.
      confident: How many label errors confident learning counts; it takes the model's own mistakes
        for some.
      accuracy: The share of reviews to which the model gives their label: the less it is, the less
        the list says. NaN where labels cannot be doubted.
      folds: How many models there were.
      notes: What a reader must know, a sentence each; why there is no list.
    """

    reviews: int
    doubted: tuple[DoubtedLabel, ...] | None
    confident: int
    accuracy: float
    folds: int
    notes: tuple[str, ...]


def label_errors(
    reviews: Callable[[], Iterable[LabelledText]],
    classes: int,
    tokens: str = WORDS,
    most: int = MOST_DOUBTED,
) -> LabelErrors:
    """Ranks reviews by how much a linear model that did not see them doubts their label.

    Args:
      reviews: Gives all of them, always in the same order; it is called twice.
      classes: How many classes there are.
      tokens: What a token of the model is.
      most: How many reviews are told.
    """
    try:
        found = predict_out_of_fold(reviews(), classes, tokens)
    except TooFewReviewsError as error:
        return LabelErrors(0, None, 0, float("nan"), 0, (str(error),))
    suggested, margins = _suggestions(found)
    is_confident = confident_errors(found.log_probabilities, found.labels)
    doubted = np.flatnonzero(suggested != found.labels)
    order = doubted[np.argsort(margins[doubted], kind="stable")][:most]
    probabilities = np.exp(found.log_probabilities[order, suggested[order]])
    texts = _texts(reviews(), order)
    told = tuple(
        DoubtedLabel(
            review_id=texts[place].review_id,
            split=texts[place].split,
            label=texts[place].label,
            suggested=int(suggested[place]),
            probability=float(probability),
            is_confident=bool(is_confident[place]),
            text=cut(texts[place].text, MOST_TEXT_BYTES),
        )
        for place, probability in zip(order.tolist(), probabilities.tolist(), strict=True)
    )
    notes: tuple[str, ...] = ()
    if found.folds < FOLDS:
        notes = (
            f"There are {found.folds} folds instead of {FOLDS}: the rarest class has too few "
            "different texts for more.",
        )
    return LabelErrors(
        reviews=len(found.labels),
        doubted=told,
        confident=int(is_confident.sum()),
        accuracy=1 - len(doubted) / len(found.labels),
        folds=found.folds,
        notes=notes,
    )


def confident_errors(log_probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns which labels confident learning counts as errors, <bool>[reviews].

    Args:
      log_probabilities: Out of fold, <float32>[reviews, classes].
      labels: The given ones, <int64>[reviews].
    """
    classes = log_probabilities.shape[1]
    counts = np.bincount(labels, minlength=classes)
    given = np.exp(log_probabilities[np.arange(len(labels)), labels])
    sums = np.bincount(labels, given, minlength=classes)
    # No review is confidently of a class that none has.
    thresholds = np.divide(sums, counts, out=np.full(classes, np.inf), where=counts > 0)
    is_error = np.zeros(len(labels), bool)
    for rows in in_chunks(slice(0, len(labels)), classes):
        probabilities = np.exp(log_probabilities[rows])
        probabilities[probabilities < thresholds] = -1.0
        best = probabilities.argmax(axis=1)
        is_error[rows] = (probabilities.max(axis=1) >= 0) & (best != labels[rows])
    return is_error


def _suggestions(found: OutOfFold) -> tuple[np.ndarray, np.ndarray]:
    """Returns the likeliest classes, and by how much the given ones are likelier than others."""
    reviews, classes = found.log_probabilities.shape
    suggested, margins = np.empty(reviews, np.int64), np.empty(reviews, np.float32)
    for rows in in_chunks(slice(0, reviews), classes):
        others, labels = found.log_probabilities[rows].copy(), found.labels[rows]
        suggested[rows] = others.argmax(axis=1)
        places = np.arange(len(labels)), labels
        given = others[places]
        others[places] = -np.inf
        margins[rows] = given - others.max(axis=1)
    return suggested, margins


def _texts(reviews: Iterable[LabelledText], places: np.ndarray) -> dict[int, LabelledText]:
    wanted = {*places.tolist()}
    last = max(wanted, default=-1)
    found = {}
    for place, review in enumerate(reviews):
        if place > last:
            break
        if place in wanted:
            found[place] = review
    return found
