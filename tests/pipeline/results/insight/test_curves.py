"""ROC, precision-recall, calibration and thresholds, against scikit-learn's numbers."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics
from sklearn.calibration import calibration_curve

from pipeline.results.insight import curves


@pytest.fixture(scope="module")
def judged() -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores of 20,000 reviews of which 30 % are positive; many scores are equal."""
    generator = np.random.default_rng(5)
    labels = (generator.random(20_000) < 0.3).astype(np.int64)
    logits = generator.normal(3 * labels - 1.5, 1.5)
    positive = (np.round(1 / (1 + np.exp(-logits)), 3)).astype(np.float32)
    return labels, np.stack([1 - positive, positive], axis=1)


def test_the_areas_are_scikit_learns(judged):
    """Of all points, not of the thinned curve."""
    labels, scores = judged
    chosen = curves.one_class(labels, scores, 1)
    assert curves.roc(*chosen).area == pytest.approx(metrics.roc_auc_score(labels, scores[:, 1]))
    expected = metrics.average_precision_score(labels, scores[:, 1])
    assert curves.precision_recall(*chosen).area == pytest.approx(expected)


def test_thinned_curves_stay_on_the_whole_ones(judged):
    """Points are the whole curve's own; what lies between is nowhere far from the line."""
    labels, scores = judged
    chosen = curves.one_class(labels, scores, 1)
    whole = metrics.roc_curve(*chosen, drop_intermediate=False)
    thin = curves.roc(*chosen)
    assert len(thin.x) <= curves.MOST_POINTS < len(whole[0])
    assert set(zip(thin.x, thin.y, strict=True)) <= set(
        zip(*map(np.ndarray.tolist, whole[:2]), strict=True)
    )
    # Both rates grow: of points so far along, the thin curve's is hardly elsewhere.
    way, thin_way = whole[0] + whole[1], np.add(thin.x, thin.y)
    assert np.abs(np.interp(way, thin_way, thin.x) - whole[0]).max() < 0.005
    assert (thin.x[0], thin.y[0], thin.x[-1], thin.y[-1]) == (0, 0, 1, 1)
    precision, recall, _ = metrics.precision_recall_curve(*chosen)
    thin = curves.precision_recall(*chosen)
    assert len(thin.x) <= curves.MOST_POINTS < len(recall)
    assert set(zip(thin.x, thin.y, strict=True)) <= set(
        zip(recall.tolist(), precision.tolist(), strict=True)
    )
    assert (min(thin.y), max(thin.y)) == (precision.min(), precision.max())
    assert list(thin.x) == sorted(thin.x)


def test_a_point_has_the_threshold_that_gives_it(judged):
    """On both curves."""
    labels, scores = judged
    is_positive, positive = curves.one_class(labels, scores, 1)
    for x, y, threshold in zip(*_columns(curves.roc(is_positive, positive)), strict=True):
        taken = positive >= threshold
        assert y == pytest.approx(taken[is_positive].mean())
        assert x == pytest.approx(taken[~is_positive].mean())
    recalled = curves.precision_recall(is_positive, positive)
    for x, y, threshold in list(zip(*_columns(recalled), strict=True))[1:]:
        taken = positive >= threshold
        assert x == pytest.approx(taken[is_positive].mean())
        assert y == pytest.approx(is_positive[taken].mean())


def _columns(curve: curves.Curve) -> tuple[tuple[float, ...], ...]:
    return curve.x, curve.y, curve.thresholds


def test_calibration_is_scikit_learns_with_counts_and_intervals(judged):
    """Scores on an edge belong to the bin that begins there; a bin without reviews says so."""
    labels, scores = judged
    chosen = curves.one_class(labels, scores.astype(np.float64), 1)
    found = curves.calibration(*chosen)
    shares, means = calibration_curve(labels, scores[:, 1].astype(np.float64), n_bins=10)
    np.testing.assert_allclose([each.share for each in found.bins], shares, atol=0.002)
    np.testing.assert_allclose([each.mean_score for each in found.bins], means, atol=0.002)
    assert sum(each.count for each in found.bins) == 20_000
    assert all(each.share_low < each.share < each.share_high for each in found.bins)
    gaps = [each.count * abs(each.share - each.mean_score) for each in found.bins]
    assert found.error == pytest.approx(sum(gaps) / 20_000)
    few = curves.calibration(np.array([True, False]), np.array([1.0, 0.5]))
    assert [each.count for each in few.bins] == [0, 0, 0, 0, 0, 1, 0, 0, 0, 1]
    assert few.error == pytest.approx(0.25)
    # Wilson's interval of 1 of 1: from n / (n + z²) on.
    assert few.bins[9].share_low == pytest.approx(1 / (1 + 1.959964**2))
    assert np.isnan(few.bins[0].share)


def test_the_table_has_the_confusion_matrix_of_each_threshold(judged):
    """As scikit-learn counts it."""
    labels, scores = judged
    table = curves.threshold_table(*curves.one_class(labels, scores, 1))
    assert len(table.thresholds) == 201
    assert 0.5 in table.thresholds
    for at in (0, 1, 57, 100, 140, 199, 200):
        taken = scores[:, 1] >= np.float32(table.thresholds[at])
        (tn, fp), (fn, tp) = metrics.confusion_matrix(labels, taken)
        assert (tn, fp) == (table.true_negatives[at], table.false_positives[at])
        assert (fn, tp) == (table.false_negatives[at], table.true_positives[at])


def test_a_score_of_the_threshold_is_taken_for_the_class():
    """Float32's 0.7 is a little below float64's."""
    table = curves.threshold_table(np.array([True]), np.array([0.7], np.float32))
    assert table.true_positives[140] == 1
    assert table.true_positives[141] == 0


def test_of_many_classes_one_stands_against_all_others():
    """The second of three."""
    labels = np.array([0, 1, 2, 1])
    scores = np.array([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.1, 0.2, 0.7], [0.5, 0.4, 0.1]])
    is_second, second = curves.one_class(labels, scores, 1)
    assert is_second.tolist() == [False, True, False, True]
    assert curves.roc(is_second, second).area == 1.0
    with pytest.raises(ValueError, match="label is 3; expected one from 0 to 2"):
        curves.one_class(labels, scores, 3)


@pytest.mark.parametrize("is_of_class", [[True, True], [False, False], []])
def test_where_one_class_is_missing_there_is_no_roc(is_of_class):
    """Nor precision without a review of the class; the counts are there."""
    is_of_class, scores = np.array(is_of_class, bool), np.array([0.2, 0.9][: len(is_of_class)])
    assert curves.roc(is_of_class, scores) is None
    assert (curves.precision_recall(is_of_class, scores) is None) != is_of_class.any()
    table = curves.threshold_table(is_of_class, scores)
    assert table.true_positives[0] + table.false_positives[0] == len(is_of_class)
    assert np.isnan(curves.calibration(is_of_class, scores).error) == (len(is_of_class) == 0)


def test_scores_that_are_no_probabilities_are_told():
    """How many there are, and the first."""
    scores = np.array([[0.5, 0.5], [np.nan, np.nan]])
    with pytest.raises(ValueError, match="1 of 2 scores are no probabilities, the first is nan"):
        curves.one_class(np.array([0, 1]), scores, 1)


def test_the_models_own_threshold_is_one_of_the_table():
    """Its counts are those of the confusion matrix, though a review lies just below it."""
    scores = np.array([0.2, 0.5551, 0.5569, 0.9], np.float32)
    is_of_class = np.array([False, True, True, True])
    own = float(np.float32(0.557))
    table = curves.threshold_table(is_of_class, scores, own=own)
    at = table.thresholds.index(own)
    assert len(table.thresholds) == curves.MOST_THRESHOLDS + 1
    assert list(table.thresholds) == sorted(table.thresholds)
    assert (table.true_positives[at], table.false_negatives[at]) == (1, 2)
    assert table.true_positives[at - 1] == 3
    usual = curves.threshold_table(is_of_class, scores, own=0.5)
    assert len(usual.thresholds) == curves.MOST_THRESHOLDS
