"""Accuracy by parts of the test reviews: a chart for each feature, and what there is to say."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from markupsafe import Markup

from components.dataset.slice_values import OTHER
from components.evaluator.significance import wilson_interval
from pipeline.report import charts
from pipeline.report.contents import Contents, Missing
from pipeline.report.pages import drawn, percent
from pipeline.report.svg import label
from pipeline.results.summary import SliceRow

# Of more parts, the largest are drawn, and the others counted.
MOST_PARTS = 20
_TITLES = {"rating": "Stars", "length": "Length in {}", "unknown_words": "Unknown {}"}


def slice_charts(page: Contents) -> list[tuple[str, Markup | Missing]]:
    """Returns (title, chart) of each feature that tells reviews apart."""
    if isinstance(page.slices, Missing):
        return []
    return [
        (title_of(feature, page), drawn(_chart(page, feature, rows, f"slice-{number}")))
        for number, (feature, rows) in enumerate(_by_feature(page.slices).items())
        if len(rows) > 1
    ]


def slice_notes(page: Contents) -> list[str]:
    """Returns what charts do not show, a sentence each."""
    if isinstance(page.slices, Missing):
        return []
    by_feature = _by_feature(page.slices)
    notes = [
        f"{title_of(feature, page)}: all are {label(rows[0].value)}."
        for feature, rows in by_feature.items()
        if len(rows) == 1
    ]
    notes += [
        f"{len(rows) - MOST_PARTS:,} more parts by {label(feature)}, none of them larger, are not "
        "drawn."
        for feature, rows in by_feature.items()
        if len(rows) > MOST_PARTS
    ]
    notes += [
        f"{count:,} test reviews have a value of {label(column)} that is too rare for a part of "
        f"its own; {OTHER} is all of them."
        for column, count in sorted(page.other_slices.items())
    ]
    return notes


def slice_gate(page: Contents) -> str:
    """Says what the gate asks of slices; "" if it asks nothing, or of others than these."""
    verdict = page.verdict
    if isinstance(verdict, Missing) or verdict.min_slice_accuracy is None or not page.gated_slices:
        return ""
    asked = (
        f"The gate asks for {percent(verdict.min_slice_accuracy)} on each part by "
        f"{', '.join(map(label, sorted(page.gated_slices)))} of at least "
        f"{verdict.min_slice_size:,} reviews"
    )
    if verdict.by_fold:
        return f"{asked}; it counts the reviews of all folds, and these charts test reviews alone."
    return f"{asked}."


def title_of(feature: str, page: Contents) -> str:
    """Returns what parts by a feature are called."""
    if feature in _TITLES:
        return _TITLES[feature].format(page.tokens.replace("_", " "))
    return label(feature)


def _by_feature(rows: Sequence[SliceRow]) -> dict[str, list[SliceRow]]:
    by_feature: dict[str, list[SliceRow]] = {}
    for row in rows:
        by_feature.setdefault(row.feature, []).append(row)
    return by_feature


def _chart(
    page: Contents, feature: str, rows: Sequence[SliceRow], name: str
) -> Callable[[], Markup]:
    whole = None if isinstance(page.metrics, Missing) else page.metrics.get("accuracy")
    lines = [charts.Line(whole, "all")] if whole is not None and not math.isnan(whole) else []
    verdict = page.verdict
    in_folds = isinstance(verdict, Missing) or bool(verdict.by_fold)
    gate = None if isinstance(verdict, Missing) else verdict.min_slice_accuracy
    if gate is not None and feature in page.gated_slices and not in_folds:
        lines.append(charts.Line(gate, "gate", is_bound=True))
    bars = [
        charts.Bar(
            row.value,
            row.accuracy,
            *wilson_interval(row.accuracy * row.examples, row.examples),
            note=f"{row.examples:,}",
            is_main=True,
        )
        for row in _largest(rows)
    ]
    words = "; ".join(
        f"{label(bar.name)}: {percent(bar.share)} of {bar.note} reviews" for bar in bars
    )
    title = f"Accuracy by {title_of(feature, page)}"
    return lambda: charts.shares(bars, name, title, words, lines)


def _largest(rows: Sequence[SliceRow]) -> list[SliceRow]:
    """Returns those with the most reviews, in their own order."""
    by_size = sorted(range(len(rows)), key=lambda place: (-rows[place].examples, place))
    return [rows[place] for place in sorted(by_size[:MOST_PARTS])]
