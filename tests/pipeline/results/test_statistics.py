"""Intervals by hand, and from tables of Student's t."""

from __future__ import annotations

import pytest

from pipeline.results.statistics import difference, estimate


def test_the_interval_of_a_mean_is_students():
    """t(0.975; 2) = 4.303."""
    found = estimate([86.0, 87.0, 88.0])
    assert (found.mean, found.deviation) == (87.0, 1.0)
    assert found.high - found.mean == pytest.approx(4.3027 / 3**0.5, rel=1e-4)
    assert found.mean - found.low == pytest.approx(found.high - found.mean)


def test_one_value_has_no_interval():
    """Nor has a difference to it."""
    assert estimate([0.5]).low is None
    assert difference([0.5], [0.1, 0.2]).low is None


def test_the_interval_of_a_difference_is_welchs():
    """Against scipy's own test: the interval just touches 0 where p is 0.05."""
    from scipy import stats

    first, second = [3.0, 4.0, 5.5, 4.2], [1.0, 1.5, 1.2]
    found = difference(first, second)
    shifted = [value - found.low for value in first]
    assert stats.ttest_ind(shifted, second, equal_var=False).pvalue == pytest.approx(0.05)
    assert found.mean == pytest.approx(4.175 - 3.7 / 3)


def test_values_without_spread_differ_or_do_not():
    """A fit without chance gives the same value for each seed."""
    apart, same = difference([0.9, 0.9], [0.8, 0.8]), difference([0.9, 0.9], [0.9, 0.9])
    assert apart.low == apart.high == pytest.approx(0.1)
    assert same.low == same.high == 0.0
