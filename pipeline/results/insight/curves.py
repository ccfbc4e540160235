"""How well probabilities tell one class from the others: ROC, precision-recall, calibration.

All take the scores of one class, `one_class` picks them. The numbers are scikit-learn's; what is
drawn has a bounded number of points.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from components.evaluator.wilson import wilson_interval

# Of a thinned curve. On a picture of 400 pixels, what is left out lies on the line.
MOST_POINTS = 400
MOST_THRESHOLDS = 201
BINS = 10


@dataclass(frozen=True)
class Curve:
    """A curve over all thresholds, thinned to at most `MOST_POINTS` points.

    Attributes:
      x: False positive rate, or recall, of each point: 0 to 1, ascending.
      y: True positive rate, or precision.
      thresholds: A review is taken for the class from this score on; infinity where none is.
      area: Under the ROC curve, or the average precision, from all points.
    """

    x: tuple[float, ...]
    y: tuple[float, ...]
    thresholds: tuple[float, ...]
    area: float


@dataclass(frozen=True)
class CalibrationBin:
    """Reviews with scores in a range.

    Attributes:
      low: Where the range begins.
      high: Where the next one does; the last range includes 1.
      count: How many reviews there are.
      mean_score: Of them; NaN without any.
      share: How many of them are of the class; NaN without any.
      share_low: Lower end of the 95 % interval of the share; NaN without any.
      share_high: Its upper end.
    """

    low: float
    high: float
    count: int
    mean_score: float
    share: float
    share_low: float
    share_high: float


@dataclass(frozen=True)
class Calibration:
    """Whether of all reviews with a score of 0.8, 80 % are of the class.

    Attributes:
      bins: Of equal width, from 0 to 1.
      error: The expected calibration error, the mean of |share - mean_score| over all reviews
        (Naeini, Cooper & Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian
        Binning, 2015); NaN without reviews.
    """

    bins: tuple[CalibrationBin, ...]
    error: float


@dataclass(frozen=True)
class ThresholdTable:
    """The confusion matrix at each of many thresholds: what a slider shows.

    Attributes:
      thresholds: 0 to 1, ascending; 0.5 is among them.
      true_positives: Reviews of the class with a score of at least the threshold.
      false_positives: Other reviews with such a score.
      true_negatives: Other reviews with a lower score.
      false_negatives: Reviews of the class with a lower score.
    """

    thresholds: tuple[float, ...]
    true_positives: tuple[int, ...]
    false_positives: tuple[int, ...]
    true_negatives: tuple[int, ...]
    false_negatives: tuple[int, ...]


def one_class(labels: np.ndarray, scores: np.ndarray, label: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns which reviews are of a class, and its scores: that class against all others.

    Args:
      labels: <int64>[reviews].
      scores: <float32>[reviews, classes], the probability of each class.
      label: The class; with two classes usually 1.

    Returns:
      <bool>[reviews] and <float32>[reviews].

    Raises:
      ValueError: There is no such class, or a score is not a number from 0 to 1.
    """
    if not 0 <= label < scores.shape[1]:
        raise ValueError(f"label is {label}; expected one from 0 to {scores.shape[1] - 1}.")
    chosen = scores[:, label]
    strange = ~((chosen >= 0) & (chosen <= 1))
    if strange.any():
        raise ValueError(
            f"{strange.sum():,} of {len(chosen):,} scores are no probabilities, the first is "
            f"{chosen[strange][0]}; expected numbers from 0 to 1. Train the model again."
        )
    return labels == label, chosen


def roc(is_of_class: np.ndarray, scores: np.ndarray) -> Curve | None:
    """Returns the ROC curve; None where all reviews, or none, are of the class.

    Of what is left out, each point lies within 1 / (MOST_POINTS / 2 - 1) of one that stays,
    in both directions together.
    """
    from sklearn import metrics

    if is_of_class.all() or not is_of_class.any():
        return None
    false_positive_rate, true_positive_rate, thresholds = metrics.roc_curve(is_of_class, scores)
    # Both only grow: so does the way along the curve.
    way = false_positive_rate + true_positive_rate
    kept = _first_of_each(np.floor(way * (MOST_POINTS // 2 - 1)))
    return Curve(
        x=_floats(false_positive_rate[kept]),
        y=_floats(true_positive_rate[kept]),
        thresholds=_floats(thresholds[kept]),
        area=float(metrics.auc(false_positive_rate, true_positive_rate)),
    )


def precision_recall(is_of_class: np.ndarray, scores: np.ndarray) -> Curve | None:
    """Returns precision by recall; None where no review is of the class.

    Of each narrow range of recall the first, the last, the least and the greatest precision stay.
    """
    from sklearn import metrics

    if not is_of_class.any():
        return None
    precision, recall, thresholds = metrics.precision_recall_curve(is_of_class, scores)
    # From the greatest threshold, where no review is taken for the class, downwards.
    precision, recall = precision[::-1], recall[::-1]
    thresholds = np.append(np.inf, thresholds[::-1])
    kept = _extremes_of_each(np.floor(recall * (MOST_POINTS // 4 - 1)), precision)
    return Curve(
        x=_floats(recall[kept]),
        y=_floats(precision[kept]),
        thresholds=_floats(thresholds[kept]),
        area=float(metrics.average_precision_score(is_of_class, scores)),
    )


def calibration(is_of_class: np.ndarray, scores: np.ndarray, bins: int = BINS) -> Calibration:
    """Compares scores with shares, in bins of equal width; intervals are Wilson's (1927)."""
    scores = scores.astype(np.float64)
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.searchsorted(edges[1:-1], scores, side="right")
    counts = np.bincount(place, minlength=bins)
    of_class = np.bincount(place, is_of_class, minlength=bins)
    sums = np.bincount(place, scores, minlength=bins)
    found = tuple(
        _bin(edges[at], edges[at + 1], int(counts[at]), float(sums[at]), round(of_class[at]))
        for at in range(bins)
    )
    total = counts.sum()
    error = np.abs(of_class - sums).sum() / total if total else np.nan
    return Calibration(found, float(error))


def threshold_table(
    is_of_class: np.ndarray,
    scores: np.ndarray,
    steps: int = MOST_THRESHOLDS,
    own: float | None = None,
) -> ThresholdTable:
    """Counts right and wrong decisions at thresholds.

    Args:
      is_of_class: <bool>[reviews].
      scores: <float32>[reviews].
      steps: How many thresholds there are from 0 to 1, an odd number.
      own: The model's, which is one more if it is none of them.
    """
    thresholds = np.linspace(0.0, 1.0, steps)
    if own is not None and np.abs(thresholds - own).min() > 1e-9:
        thresholds = np.sort(np.append(thresholds, own))
    # The model compares in its own precision: its 0.7 is not below 0.7.
    limits = thresholds.astype(scores.dtype)
    missed, refused = (
        np.searchsorted(np.sort(scores[chosen]), limits, side="left")
        for chosen in (is_of_class, ~is_of_class)
    )
    positives = int(is_of_class.sum())
    negatives = len(is_of_class) - positives
    return ThresholdTable(
        thresholds=_floats(thresholds),
        true_positives=tuple((positives - missed).tolist()),
        false_positives=tuple((negatives - refused).tolist()),
        true_negatives=tuple(refused.tolist()),
        false_negatives=tuple(missed.tolist()),
    )


def _bin(low: float, high: float, count: int, total: float, of_class: int) -> CalibrationBin:
    if not count:
        nan = float("nan")
        return CalibrationBin(float(low), float(high), 0, nan, nan, nan, nan)
    return CalibrationBin(
        float(low),
        float(high),
        count,
        total / count,
        of_class / count,
        *wilson_interval(of_class, count),
    )


def _first_of_each(cells: np.ndarray) -> np.ndarray:
    """Returns the places of the first point of each cell, and of the last of all; cells grow."""
    begins = np.append(True, cells[1:] != cells[:-1])
    begins[-1] = True
    return np.flatnonzero(begins)


def _extremes_of_each(cells: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Returns the places of the first, last, least and greatest of each cell; cells only grow."""
    starts = np.flatnonzero(np.append(True, cells[1:] != cells[:-1]))
    cell = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(cells))))
    # By value in each cell: the least stands first, the greatest last.
    order = np.lexsort((values, cell))
    ends = np.append(starts[1:], len(cells)) - 1
    return np.unique(np.concatenate([starts, ends, order[starts], order[ends]]))


def _floats(values: np.ndarray) -> tuple[float, ...]:
    return tuple(values.astype(np.float64).tolist())
