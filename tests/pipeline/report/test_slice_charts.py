"""Charts of the parts of the test reviews: which are drawn, and what is said of the others."""

from __future__ import annotations

from pipeline.report.slice_charts import slice_charts, slice_gate, slice_notes
from pipeline.report.svg import drawing
from pipeline.results.summary import SliceRow

from .made_up import contents, verdict


def test_the_largest_parts_are_drawn_wherever_they_stand():
    """Of many small ones of one size, none takes the place of a large one behind them."""
    rows = [SliceRow("shop", f"shop {number:02}", 5, 0.8) for number in range(24)]
    page = contents(slices=(*rows, SliceRow("shop", "the largest", 900, 0.7)))
    with drawing():
        ((title, chart),) = slice_charts(page)
    assert title == "shop"
    assert "the largest" in chart
    assert "shop 18" in chart
    assert "shop 19" not in chart
    assert slice_notes(page) == ["5 more parts by shop, none of them larger, are not drawn."]


def test_a_feature_with_one_part_has_a_sentence_and_no_chart():
    """It would draw the accuracy on all once more."""
    page = contents(slices=(SliceRow("length", "1-100", 300, 0.8), SliceRow("a", "b", 300, 0.8)))
    assert slice_charts(page) == []
    assert slice_notes(page) == ["Length in words: all are 1-100.", "a: all are b."]


def test_values_that_are_too_rare_are_counted():
    """A column of identifiers says how many reviews it tells nothing of."""
    rows = (SliceRow("customer", "7", 2, 0.5), SliceRow("customer", "(other)", 998, 0.8))
    page = contents(slices=rows, other_slices={"customer": 998})
    assert slice_notes(page) == [
        "998 test reviews have a value of customer that is too rare for a part of its own; (other) "
        "is all of them."
    ]


def test_a_gate_of_folds_is_no_line_among_test_reviews():
    """It counts other reviews; the words say so."""
    asked = {"min_slice_accuracy": 0.75, "min_slice_size": 100}
    judged = verdict(**asked), verdict(**asked, by_fold=((0.8, 100), (0.9, 100)))
    whole, in_folds = (
        contents(verdict=each, gated_slices=frozenset({"rating"})) for each in judged
    )
    with drawing():
        lines = ["gate 75.00 %" in slice_charts(page)[0][1] for page in (whole, in_folds)]
    assert lines == [True, False]
    assert slice_gate(whole).endswith("on each part by rating of at least 100 reviews.")
    assert slice_gate(in_folds).endswith("of all folds, and these charts test reviews alone.")
