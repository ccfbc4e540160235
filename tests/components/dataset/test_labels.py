"""How labels are spelt: by habit, by name, and by elimination."""

from __future__ import annotations

import pytest

from components.dataset.labels import expected_labels, label_of, other_label_is_implied
from components.dataset.source import ReviewSource, SourceKind


def source(positive: str = "", negative: str = "") -> ReviewSource:
    """A source whose labels are named, or not."""
    return ReviewSource(
        SourceKind.CSV, "r", (), "digest", positive_label=positive, negative_label=negative
    )


@pytest.mark.parametrize(
    ("label", "spellings"),
    [
        (1, ["1", "positive", "POS", " Pos ", "True", "yes"]),
        (0, ["0", "negative", "Neg", "\tneg", "FALSE", "no"]),
        (None, ["", " ", "2", "-1", "good", "1.5"]),
    ],
)
def test_the_usual_spellings_are_understood_in_any_case(label, spellings):
    """All others are neither."""
    assert [label_of(spelling, source()) for spelling in spellings] == [label] * len(spellings)


def test_labels_that_are_named_replace_the_usual_ones():
    """They are taken to the letter."""
    stars = source(positive="5", negative="1")
    assert [label_of(label, stars) for label in ("5", " 1 ", "3", "pos", "")] == [
        1,
        0,
        None,
        None,
        None,
    ]
    assert label_of("GOOD", source(positive="good", negative="bad")) is None


def test_the_other_label_is_implied_whichever_is_named():
    """A blank is no label."""
    assert [label_of(label, source(positive="5")) for label in ("5", "1", "x", " ")] == [
        1,
        0,
        0,
        None,
    ]
    assert [label_of(label, source(negative="1")) for label in ("1", "5", "")] == [0, 1, None]


def test_only_a_single_named_label_implies_another():
    """With both or none, there is nothing to imply."""
    assert other_label_is_implied(source(positive="5"))
    assert other_label_is_implied(source(negative="1"))
    assert not other_label_is_implied(source("5", "1"))
    assert not other_label_is_implied(source())


def test_what_is_expected_is_said_in_full():
    """By the names in force."""
    assert expected_labels(source("5", "1")) == "'5' or '1'"
    assert expected_labels(source(positive="5")) == "'5' or one other"
    assert expected_labels(source(negative="1")) == "'1' or one other"
    assert expected_labels(source()).startswith("one of 1, positive, pos, true, yes or 0, neg")
