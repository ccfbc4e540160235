"""The page of a comparison: who is best, how surely, and at what cost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from components.storage.place import Place
from pipeline.program import as_typed
from pipeline.report import charts
from pipeline.report.pages import drawn, percent, render, save
from pipeline.report.svg import drawing, label
from pipeline.results.figures import deviation, interval, megabytes, seconds
from pipeline.results.leaderboard import Leaderboard, Row, explanations, quality

HTML_FILE = "leaderboard.html"
# Of more contenders, the best are drawn; the table has all.
MOST_DRAWN = 30


def comparison_page(board: Leaderboard) -> str:
    """Returns the page."""
    rows = board.rows
    name, cells = quality(rows, decimals=4)
    return render(
        "comparison.html.j2",
        board=board,
        rows=[_cells(row, cell) for row, cell in zip(rows, cells, strict=True)],
        quality_name="macro F1" if name == "F1" else name,
        title=_title(rows),
        findings=_findings(board, rows),
        charts=_charts(rows),
        differences=[_difference(rows[0], row) for row in rows[1:]],
        explanations=explanations(rows),
        failures=[(each.label, each.seed, as_typed(each.reason)) for each in board.failures],
        runs=sorted(board.runs, key=lambda run: (run.label, run.seed)),
    )


def write_comparison(board: Leaderboard, folder: Place) -> Place:
    """Writes the page into the comparison's folder and returns its path."""
    path = folder / HTML_FILE
    save(comparison_page(board), path)
    return path


def _cells(row: Row, quality_cell: str) -> dict[str, str]:
    return {
        "label": row.label,
        "seeds": str(row.seeds),
        "accuracy": percent(row.accuracy.mean),
        "deviation": deviation(row.accuracy),
        "interval": interval(row.accuracy),
        "quality": quality_cell,
        "log_loss": f"{row.log_loss:.3f}",
        "fit": seconds(row.training_seconds),
        "parameters": f"{row.parameters:,}",
        "megabytes": megabytes(row.bytes),
        "latency": f"{row.latency_ms:.1f}",
        "is_tied": "yes" if row.is_tied else "",
    }


def _title(rows: Sequence[Row]) -> str:
    """Says who is best, and whether that is sure."""
    if not rows:
        return "Nothing was trained to its end"
    if len(rows) == 1:
        return f"{rows[0].label} alone was compared"
    tied = [row.label for row in rows[1:] if row.is_tied]
    if not tied:
        return f"{rows[0].label} is the most accurate, and the difference holds"
    others = tied[0] if len(tied) == 1 else f"{len(tied)} others"
    return f"{rows[0].label} is ahead, but not told apart from {others}"


def _findings(board: Leaderboard, rows: Sequence[Row]) -> list[str]:
    """Returns what a reader should know first, a sentence each."""
    if not rows:
        return []
    best = rows[0]
    found = [
        f"{best.label} is right about {percent(best.accuracy.mean)} of {board.runs[0].examples:,} "
        f"test reviews, the mean of {best.seeds} seed{'s' if best.seeds > 1 else ''}."
    ]
    if min(row.seeds for row in rows) < 2 <= len(rows):
        found.append(
            "With one seed there is no interval, and no difference can be told: --seeds 3 trains "
            "each with three."
        )
    tied = [best, *(row for row in rows[1:] if row.is_tied)]
    if len(tied) > 1:
        fastest = min(tied, key=lambda row: row.training_seconds)
        quickest = min(tied, key=lambda row: row.latency_ms)
        found.append(
            f"Of those that are not told apart, {fastest.label} trains fastest "
            f"({seconds(fastest.training_seconds)} s), and {quickest.label} answers fastest "
            f"({quickest.latency_ms:.1f} ms a review)."
        )
    return found


def _difference(best: Row, row: Row) -> dict[str, str]:
    """Returns how far one is behind the best, and whether that holds."""
    behind = row.behind_best
    assert behind is not None  # only the best has none
    ends = "-"
    if behind.low is not None and behind.high is not None:
        ends = f"{100 * behind.low:+.2f} to {100 * behind.high:+.2f}"
    return {
        "label": row.label,
        "behind": f"{100 * behind.mean:.2f}",
        "interval": ends,
        "holds": "not told apart" if row.is_tied else f"{best.label} is better",
    }


def _charts(rows: Sequence[Row]) -> dict[str, Any]:
    if not rows:
        return {}
    drawn_rows = rows[:MOST_DRAWN]
    bars = [
        charts.Bar(
            row.label,
            row.accuracy.mean,
            math.nan if row.accuracy.low is None else row.accuracy.low,
            math.nan if row.accuracy.high is None else row.accuracy.high,
            percent(row.accuracy.mean),
            is_main=number == 0 or row.is_tied,
        )
        for number, row in enumerate(drawn_rows)
    ]
    words = "; ".join(f"{label(row.label)}: {percent(row.accuracy.mean)}" for row in drawn_rows)
    with drawing():
        return {
            "intervals": drawn(lambda: charts.shares(bars, "intervals", "Mean accuracies", words)),
            "cost": drawn(
                lambda: charts.scatter(
                    [(r.label, r.training_seconds, r.accuracy.mean) for r in drawn_rows],
                    "cost",
                    "Accuracy by the time of the fit",
                    ("seconds of the fit", "accuracy"),
                )
            ),
            "latency": drawn(
                lambda: charts.scatter(
                    [(r.label, r.latency_ms, r.accuracy.mean) for r in drawn_rows],
                    "latency",
                    "Accuracy by the time that a review takes",
                    ("milliseconds a review", "accuracy"),
                )
            ),
        }
