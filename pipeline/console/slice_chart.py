"""Accuracy by parts of the test split, as small bar charts side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from rich.cells import cell_len, set_cell_size

from pipeline.results.summary import SliceRow

FEW_REVIEWS = 30
"""Below this, chance moves a slice by some ten points: it has no bar and is never the lowest."""

MOST_ROWS = 10
"""Of a chart; of more slices, the least accurate are shown."""

_LONGEST_VALUE = 30
_TITLES = {"rating": "stars", "length": "length in {}", "unknown_words": "unknown {}"}
_LEGEND = " (< lowest)"
_BAR_WIDTH = 6
_EIGHTHS = " ▏▎▍▌▋▊▉█"
# Three charts, the second with the name `truncated`, stand side by side in 76 columns.
_GAP = 2


def slice_chart(
    rows: Sequence[SliceRow], *, width: int, is_plain: bool = False, tokens: str = "words"
) -> Iterator[str]:
    """Yields the lines of a chart for each feature, as many side by side as fit `width`.

    `tokens` names what the model reads.
    """
    features = list(dict.fromkeys(row.feature for row in rows))
    titles = {
        feature: _TITLES[feature].format(tokens) if feature in _TITLES else feature
        for feature in features
    }
    for feature in features[:1]:
        titles[feature] = f"accuracy by {titles[feature]}"
    for feature in features[-1:]:
        titles[feature] += _LEGEND
    charts = [
        _chart(title, [row for row in rows if row.feature == feature], is_plain)
        for feature, title in titles.items()
    ]
    while charts:
        band = [charts.pop(0)]
        while charts and _width([*band, charts[0]]) <= width:
            band.append(charts.pop(0))
        for cells in zip_longest(*band, fillvalue=""):
            padded = (
                set_cell_size(cell, cell_len(chart[0]))
                for cell, chart in zip(cells, band, strict=True)
            )
            yield (" " * _GAP).join(padded).rstrip()


def _width(charts: Sequence[list[str]]) -> int:
    return sum(cell_len(chart[0]) for chart in charts) + _GAP * (len(charts) - 1)


def _chart(title: str, rows: list[SliceRow], is_plain: bool) -> list[str]:
    """Returns a title and a line for each row, all of one length."""
    counted = [row for row in rows if row.examples >= FEW_REVIEWS and not math.isnan(row.accuracy)]
    lowest = min(counted, key=lambda row: row.accuracy) if len(counted) > 1 else None
    shown = rows
    if len(rows) > MOST_ROWS:
        least_accurate = sorted(counted, key=lambda row: row.accuracy)[:MOST_ROWS]
        shown = [row for row in rows if row in least_accurate] or rows[:MOST_ROWS]
    labels = [_shortened(row.value) for row in shown]
    label_width = max(map(cell_len, labels))
    lines = [
        f"{' ' * (label_width - cell_len(label))}{label} "
        + (_bar(row.accuracy, is_plain) if row in counted else f"{'few':<{_BAR_WIDTH}}")
        + f" {_percent(row.accuracy):>6}"
        + (" <" if row is lowest else "  ")
        for label, row in zip(labels, shown, strict=True)
    ]
    if len(shown) < len(rows):
        lines.append(f"{len(rows) - len(shown):,} more are left out")
    length = max(map(cell_len, [title, *lines]))
    return [set_cell_size(line, length) for line in (title, *lines)]


def _shortened(value: str) -> str:
    if cell_len(value) <= _LONGEST_VALUE:
        return value
    return f"{set_cell_size(value, _LONGEST_VALUE - 3).rstrip()}..."


def _bar(accuracy: float, is_plain: bool) -> str:
    if is_plain:
        return f"{'#' * round(accuracy * _BAR_WIDTH):<{_BAR_WIDTH}}"
    whole, eighths = divmod(round(accuracy * _BAR_WIDTH * 8), 8)
    return f"{'█' * whole + _EIGHTHS[eighths].strip():<{_BAR_WIDTH}}"


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{share:.1%}"
