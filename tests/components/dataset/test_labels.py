"""How labels are spelt: by habit, by name, and by elimination."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from components.dataset.label_settings import LabelSettings, two_sides
from components.dataset.labels import (
    expected_labels,
    is_left_out,
    key_of,
    label_of,
    labels_named,
    setting_of,
    spelling_of,
)
from components.dataset.records import printable
from components.dataset.source import ReviewSource, SourceKind


def source(positive: str = "", negative: str = "") -> ReviewSource:
    """A source of which the labels of two sides are named, or none."""
    plain = ReviewSource(SourceKind.CSV, "r", (), "digest")
    if not (positive or negative):
        return plain
    named = LabelSettings(positive_label=positive, negative_label=negative)
    classes, pairs = two_sides(named.named("positive_label"), named.named("negative_label"))
    return replace(plain, classes=classes, label_classes=pairs, leaves_out=True)


@pytest.mark.parametrize(
    ("label", "spellings"),
    [
        (1, ["1", "positive", "POS", " Pos ", "True", "yes", "1.0", "+1", "1.00", "1e0", "Y", "t"]),
        (0, ["0", "negative", "Neg", "\tneg", "FALSE", "no", "0.0", "-0", "N", "f"]),
        (None, ["", " ", "2", "-1", "good", "1.5", "11", "1_0", "1 0"]),
    ],
)
def test_the_usual_spellings_are_understood_in_any_case(label, spellings):
    """Whatever way a number is written in; all others are neither."""
    assert [label_of(spelling, source()) for spelling in spellings] == [label] * len(spellings)


ONES = [
    1,
    1.0,
    "1",
    "1.0",
    Decimal("1.0"),
    True,
    "True",
    b"1.0",
    " 1 ",
    "1 ",
    "+1",
    "1.00",
    "1e0",
    "1,0",
]


@pytest.mark.parametrize("flag", ["1", "1.0", "true", " 1 ", "+1"])
def test_a_number_is_one_label_in_data_and_flags_however_it_is_written(flag):
    """Whole number, decimal, truth or text; a flag finds each."""
    named = source(positive=flag, negative="0")
    assert [label_of(spelling_of(value), named) for value in ONES] == [1] * len(ONES)
    assert [label_of(spelling_of(value), named) for value in (0.0, False, "0.00")] == [0, 0, 0]


@pytest.mark.parametrize("value", [None, float("nan"), Decimal("nan"), "", "  ", "NaN", "<NA>"])
def test_what_is_missing_is_no_label(value):
    """As pandas, JSON and Parquet have it; whatever is named."""
    assert spelling_of(value) == ""
    assert label_of(spelling_of(value), source(positive="5")) is None
    assert not is_left_out(spelling_of(value), source("5", "1"))


def test_labels_stay_as_they_are_written():
    """Typed values are written plainly, and a whole review by its beginning."""
    values = [" Sí ", "1.0", 1.0, 0.5, Decimal("1.0"), True, -1, b"caf\xe9"]
    assert [spelling_of(value) for value in values] == [
        "Sí", "1.0", "1", "0.5", "1.0", "true", "-1", printable("caf\udce9"),
    ]  # fmt: skip
    assert spelling_of("x" * 1_000) == "x" * 87 + "... #44f83544"


def test_long_labels_that_begin_alike_are_two():
    """They are named as they are shown, or in full."""
    bad, good = (f"{'a very long class name ' * 9}{end}" for end in ("bad", "good"))
    assert spelling_of(bad) != spelling_of(good)
    for name in (good, spelling_of(good)):
        named = source(positive=name, negative=bad)
        assert [label_of(spelling_of(each), named) for each in (bad, good)] == [0, 1]


def test_labels_that_are_no_numbers_keep_apart():
    """Only numbers of up to 18 digits on each side of the point are compared as such."""
    assert len(set(map(key_of, ["10", "1", "100", "0.1", "01a", "1_0", "x", "é"]))) == 8
    assert key_of("10") == key_of("1e1") == key_of("10.0") == key_of("10,00")
    assert key_of("1,000") == "1,000"
    assert key_of("9" * 40) != key_of("9" * 39 + "8")
    assert key_of("e\u0301") == key_of("É")


def test_labels_that_are_named_replace_the_usual_ones():
    """What is on neither side is left out; case and blanks make no difference."""
    stars = source(positive="5", negative="1")
    assert [label_of(label, stars) for label in ("5", " 1 ", "3", "pos", "")] == [
        1,
        0,
        None,
        None,
        None,
    ]
    assert [is_left_out(label, stars) for label in ("5", "3", "pos", "")] == [
        False, True, True, False,
    ]  # fmt: skip
    assert label_of("GOOD", source(positive="good", negative="bad")) == 1
    assert label_of("nein", source(positive="Ja", negative="NEIN")) == 0
    assert label_of("SÍ", source(positive="sí", negative="no")) == 1


def test_a_side_may_have_several_labels():
    """By commas; a label that holds one stands in quotes."""
    stars = source(positive="4, 5", negative='1,2,"so, so"')
    assert [label_of(label, stars) for label in ("4.0", "5", "1", "2.0", "so, so", "3")] == [
        1, 1, 0, 0, 0, None,
    ]  # fmt: skip


def test_labels_that_differ_in_their_case_alone_are_taken_to_the_letter():
    """Where both are named."""
    named = source(positive="A", negative="a")
    assert [label_of(label, named) for label in ("A", "a")] == [1, 0]


@pytest.mark.parametrize(
    ("setting", "labels"),
    [
        ("", ()),
        (" ", ()),
        ("5", ("5",)),
        ("4,5, 4", ("4", "5")),
        ('"so, so",bad', ("so, so", "bad")),
        ('a "quoted" word', ('a "quoted" word',)),
        ('"never closed', ('"never closed',)),
        (",", (",",)),
        ("two\nlines", ("two\nlines",)),
    ],
)
def test_a_setting_names_labels_as_a_row_of_csv_does(setting, labels):
    """What is no such row is one label."""
    assert labels_named(setting) == labels
    assert labels_named(setting_of(labels)) == labels


def test_what_is_expected_is_said_in_full():
    """By the names in force."""
    assert expected_labels(source("5", "1")) == "'5' or '1'"
    assert expected_labels(source("4,5", "1,2")) == "'4', '5' or '1', '2'"
    stars = replace(source(), label_classes=tuple((each, each) for each in "12345"))
    assert expected_labels(stars) == "one of '1', '2', '3', '4', '5'"
    many = replace(source(), label_classes=tuple((f"c{n}", f"c{n}") for n in range(1_000)))
    assert expected_labels(many).endswith("'c8', 'c9' and 990 more")
    assert expected_labels(source()).startswith("one of 1, positive, pos, true, yes or 0, neg")
